# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Whether a layer is mounted: as the kernel says where trees are stacked, and as the records say where they are whole.

A count of a stacked layer may outlive its mount, in a crash, and a mount the program that serves it. Of a whole tree
nothing but the count tells that somebody uses it, which is so for upstream's drivers too (``Mounted`` in ``layers.go``).
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from .._host.mountinfo import mount_at
from .layout import Layout


@dataclass(frozen=True)
class Mounted:
    """A mount that is there: its path, and whether nothing can be written through it."""

    path: str
    read_only: bool


def mounted(layout: Layout, layer_id: str, count: int, path: str = "") -> Mounted | None:
    """The mount of a layer that has ``count`` users by the records, None where it is not mounted. Only reads.

    A stacked layer is looked for at ``path``, by default where this engine mounts it. Raises HostError.
    """
    path = path or layout.merged(layer_id)
    if not layout.stacked:
        return Mounted(path, read_only=False) if count > 0 and os.path.isdir(path) else None
    entry = mount_at(path)
    if entry is None:
        return None
    if entry.fstype.partition(".")[0] == "fuse":
        from .fuse_state import is_dead, is_read_only

        return None if is_dead(path) else Mounted(path, entry.read_only or is_read_only(path))
    return Mounted(path, entry.read_only)
