# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Where the store is: the layout that the settings of the target give."""

from __future__ import annotations

from .._config.storage_conf import StoreSettings
from .._storage.driver import DriverUnsupported
from .._storage.layout import LAYOUTS, Layout
from .._storage.overlay_options import parse_options


def layout_of(settings: StoreSettings) -> Layout:
    """The layout of the store that ``settings`` names, with its additional image stores.

    They name a driver: ``driver_choice`` sees to that. Raises DriverUnsupported for one that this engine does not have, and
    InvalidDriverOption.
    """
    driver = settings.driver
    kind = LAYOUTS.get(driver)
    if kind is None:
        raise DriverUnsupported(
            "this storage driver is not supported",
            subject=settings.graph_root,
            wanted=f"one of {', '.join(LAYOUTS)}",
            found=driver,
        )
    # What lies in the store itself can be changed.
    stores = _image_stores(driver, settings.options)
    others = tuple(store for store in dict.fromkeys(stores) if store != settings.graph_root)
    return kind(settings.graph_root, settings.run_root, driver, others)


def _image_stores(driver: str, options: tuple[str, ...]) -> tuple[str, ...]:
    """The graph roots of additional stores in the options, which all must be of the driver."""
    if driver == "overlay":
        return parse_options(options).image_stores
    if driver == "vfs":
        from .._storage.vfs_options import parse_vfs_options

        return parse_vfs_options(options).image_stores
    from .._storage.btrfs_options import first_limit

    first_limit(options)
    # The driver knows no other stores, and no option for them.
    return ()
