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
    from .mount_program import uses_mount_program
    from .overlay import OverlayDriver
    from .overlay_options import parse_options

    if not (parse_options(options).mount_program or uses_mount_program(layout)):
        return OverlayDriver(layout, options)
    from .fuse_overlay import FuseOverlayDriver

    return FuseOverlayDriver(layout, options)
