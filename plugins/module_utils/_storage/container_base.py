# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What the layer of a container with ID maps is built on; others have no use for this file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Optional

from .._model.id_map import UNMAPPED, IdMaps


@dataclass(frozen=True)
class Base:
    """The layer ``parent`` on which a container's is built, and the maps by which the files then have their owners on the disk.

    ``change`` gives the container's own new layer these owners: its files too, where the parent's have others.
    """

    parent: Optional[str]
    maps: IdMaps = UNMAPPED
    change: Optional[Callable[[str], None]] = None
