# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The storage drivers that this engine has."""

from __future__ import annotations

from .driver import StoreDriver
from .layout import BtrfsLayout, Layout


def open_driver(layout: Layout, options: tuple[str, ...] = ()) -> StoreDriver:
    """The driver of the store at ``layout``, with options such as ``overlay.mountopt=nodev``. Raises InvalidDriverOption."""
    if layout.stacked:
        from .overlay import OverlayDriver

        return OverlayDriver(layout, options)
    if isinstance(layout, BtrfsLayout):
        from .btrfs import BtrfsDriver

        return BtrfsDriver(layout, options)
    from .vfs import VfsDriver

    return VfsDriver(layout, options)
