# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What mounting and unmounting would do, for check mode, and how a mount looks in results."""

from __future__ import annotations

from typing import Any

from .._storage.layout import Layout
from .._storage.mounting import MountState, can_unmount, ensure_same_mode

# A thing that is not there, or that has no layer, has no mount.
NOT_MOUNTED = MountState(None, 0, False, None)


def predict_mount(
    layout: Layout, owner_id: str, layer_id: str, before: MountState, *, read_only: bool
) -> tuple[MountState, bool]:
    """How the layer would be mounted, and whether anything had to be done for it. Raises ReadOnlyConflict."""
    ensure_same_mode(owner_id, before, read_only)
    if before.mounted_here and before.mount_point:
        return before, False
    # A count of ours that outlived its mount is taken over.
    count = before.mount_count if before.mounted_here else before.mount_count + 1
    return MountState(layout.merged(layer_id), count, True, read_only), True


def predict_unmount(
    layout: Layout, owner_id: str, layer_id: str, before: MountState, *, force: bool
) -> tuple[MountState, bool]:
    """What would be left of the layer's mount, and whether anything would be taken away. Raises HostError."""
    if not can_unmount(layout, owner_id, layer_id, before, force):
        return before, False
    left = 0 if force else max(before.mount_count - 1, 0)
    if left == 0:
        return NOT_MOUNTED, True
    return MountState(before.mount_point, left, False, before.read_only), True


def mount_facts(state: MountState) -> dict[str, Any]:
    """The mount as results and both sides of a diff show it."""
    return {
        "mount_point": state.mount_point,
        "mount_count": state.mount_count,
        "mounted_here": state.mounted_here,
    }
