# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Who owns what a mount shows, for containers with ID maps; others have no use for this file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Optional


@dataclass(frozen=True)
class MountOwners:
    """Who owns what a container with ID maps shows: ``root`` is the user and group of the host who are its root.

    ``show`` mounts the stack of a layer, which is the driver's own affair, such that the files below have other owners than on
    the disk; it gets what mounts a stack. What that needs in the layer's directory ``prepare`` makes before. A mount program
    gets ``words`` instead. There is none of them where the files have the owners of the container already.
    """

    root: tuple[int, int]
    show: Optional[Callable[[str, Any, Callable[[Any], None]], None]] = None
    prepare: Optional[Callable[[str], None]] = None
    words: tuple[str, ...] = ()
