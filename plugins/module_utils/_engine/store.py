# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Where the store is: the layout that the settings of the target give."""

from __future__ import annotations

from .._config.storage_conf import StoreSettings
from .._storage.driver import DriverUnsupported
from .._storage.layout import Layout, VfsLayout
from .._storage.other_drivers import other_drivers
from .._storage.overlay_options import parse_options
from .._storage.vfs_options import parse_vfs_options

_OVERLAY, _VFS = "overlay", "vfs"


def layout_of(settings: StoreSettings) -> Layout:
    """The layout of the store that ``settings`` names, with its additional image stores.

    An unset driver means overlay, the first choice of containers/storage, unless another has written there. Raises
    DriverUnsupported for one that this engine does not have, and InvalidDriverOption.
    """
    driver = settings.driver or next(iter(other_drivers(settings.graph_root)), _OVERLAY)
    if driver == _VFS:
        kind: type[Layout] = VfsLayout
        stores = parse_vfs_options(settings.options).image_stores
    elif driver == _OVERLAY:
        kind, stores = Layout, parse_options(settings.options).image_stores
    else:
        raise DriverUnsupported(
            "this storage driver is not supported",
            subject=settings.graph_root,
            wanted=f"{_OVERLAY} or {_VFS}",
            found=driver,
        )
    # What lies in the store itself can be changed.
    others = tuple(store for store in dict.fromkeys(stores) if store != settings.graph_root)
    return kind(settings.graph_root, settings.run_root, driver, others)
