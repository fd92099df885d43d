# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Where the store is: the layout that the settings of the target give."""

from __future__ import annotations

from .._config.storage_conf import StoreSettings
from .._errors import HostError
from .._storage.layout import Layout
from .._storage.other_drivers import other_drivers
from .._storage.overlay_options import parse_options


class DriverUnsupported(HostError):
    """The store belongs to a storage driver that this engine does not have."""

    code = "driver_unsupported"


def layout_of(settings: StoreSettings) -> Layout:
    """The layout of the store that ``settings`` names, with its additional image stores.

    An unset driver means overlay, the first choice of containers/storage, unless another has written there. Raises
    DriverUnsupported for any other, and InvalidDriverOption.
    """
    driver = settings.driver or next(iter(other_drivers(settings.graph_root)), "overlay")
    if driver != "overlay":
        raise DriverUnsupported(
            "this storage driver is not supported", subject=settings.graph_root, wanted="overlay", found=driver
        )
    others = dict.fromkeys(parse_options(settings.options).image_stores)
    # What lies in the store itself can be changed.
    others.pop(settings.graph_root, None)
    return Layout(settings.graph_root, settings.run_root, driver, tuple(others))
