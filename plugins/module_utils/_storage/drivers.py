# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The storage drivers that this engine has."""

from __future__ import annotations

from .driver import StoreDriver
from .layout import BtrfsLayout, Layout


def open_driver(layout: Layout, options: tuple[str, ...] = ()) -> StoreDriver:
    """The driver of the store at ``layout``, with options such as ``overlay.mountopt=nodev``. Raises InvalidDriverOption.

    It only reads. HostError where the store cannot be looked at.
    """
    if layout.stacked:
        return _overlay_driver(layout, options)
    if isinstance(layout, BtrfsLayout):
        from .btrfs import BtrfsDriver

        return BtrfsDriver(layout, options)
    from .vfs import VfsDriver

    return VfsDriver(layout, options)


def _overlay_driver(layout: Layout, options: tuple[str, ...]) -> StoreDriver:
    from .mount_program import noted, uses_mount_program
    from .overlay import OverlayDriver
    from .overlay_options import parse_options

    by_kernel = not parse_options(options).mount_program and not uses_mount_program(layout)
    if by_kernel and noted(layout) is not None:
        return OverlayDriver(layout, options)
    from .overlay_support import can_never_stack

    if by_kernel and not can_never_stack(layout):
        return OverlayDriver(layout, options)
    from .fuse_overlay import FuseOverlayDriver, usual_program

    # Without a program the kernel's driver is the one that says what is wrong.
    return OverlayDriver(layout, options) if by_kernel and not usual_program() else FuseOverlayDriver(layout, options)
