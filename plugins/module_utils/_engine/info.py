# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The verb info: what the store is, what its driver says, and how much is in it."""

from __future__ import annotations

from typing import Any

from .._config.storage_conf import StoreSettings
from .._storage.catalog import Catalog, read_catalog
from .._storage.driver import StoreDriver
from .._storage.layout import Layout
from .outcome import Outcome


def store_info(settings: StoreSettings, layout: Layout, driver: StoreDriver) -> Outcome:
    """The facts of the store: places, driver, options, the fields of the driver's status, counts and sizes in bytes.

    A store that does not exist yet has counts of zero and is not created.
    """
    catalog = read_catalog(layout).own()
    store: dict[str, Any] = {
        "root": layout.graph_root,
        "run_root": layout.run_root,
        "driver": layout.driver,
        "options": list(settings.options),
        "configuration": settings.origin,
        "rootless": settings.rootless,
        "status": driver.status(),
        "counts": _counts(catalog),
        "sizes": _sizes(catalog),
    }
    return Outcome(False, {"store": store})


def _counts(catalog: Catalog) -> dict[str, int]:
    return {
        "images": len(catalog.images),
        "layers": len(catalog.layers),
        "containers": len(catalog.containers),
        "mounted_layers": len(catalog.mount_counts),
    }


def _sizes(catalog: Catalog) -> dict[str, int]:
    """Bytes by the records: each layer counts once, however many images share it."""
    return {
        "layers": sum(max(layer.diff_size or 0, 0) for layer in catalog.layers),
        "compressed_layers": sum(max(layer.compressed_size or 0, 0) for layer in catalog.layers),
        "image_data": sum(sum(image.big_data_sizes.values()) for image in catalog.images),
    }
