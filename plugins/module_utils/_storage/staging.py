# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Where layers are made ready before they enter the store.

Trees are staged inside the driver's home: while a layer is mounted the home is a mount of its own, and a rename into it
from outside fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .layout import Layout
from .temp_dirs import temp_dir


@dataclass(frozen=True)
class Staging:
    """Two empty directories: ``tree`` for layer trees, ``records`` for files that go beside the layer records."""

    tree: str
    records: str


@contextmanager
def open_staging(layout: Layout) -> Iterator[Staging]:
    """Makes a staging area in a prepared store; at the end whatever is left in it is removed, whoever owns it.

    Raises HostError.
    """
    with temp_dir(layout.tempdirs) as tree, temp_dir(layout.layers_tmp) as records:
        yield Staging(tree, records)
