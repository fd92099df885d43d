# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""How a verb that changes the store begins: with a store in which nothing of a killed process is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .._storage.catalog import Catalog, read_catalog
from .._storage.layout import Layout
from .._storage.leftovers import recover_leftovers
from .._storage.remains import has_remains, remove_remains

if TYPE_CHECKING:
    from .._storage.driver import TreeDriver


def recovered_catalog(layout: Layout, driver: TreeDriver | None, *, check_mode: bool) -> Catalog:
    """The records of the store; unless in ``check_mode``, what killed processes left behind is removed before.

    So a verb that was killed has no traces once it is run again, even where nothing is left for it to do. Without a
    ``driver`` the layers are left alone. A clean store is only read. Raises StoreDamaged and HostError.
    """
    return recovered_by(layout, None if driver is None else lambda: driver, check_mode=check_mode)


def recovered_by(layout: Layout, open_driver: Callable[[], TreeDriver] | None, *, check_mode: bool) -> Catalog:
    """As recovered_catalog, for those who need a driver only where something is left."""
    catalog = read_catalog(layout)
    if check_mode:
        return catalog
    if open_driver is not None and has_remains(catalog.own()):
        from .._storage.edit import open_for_change

        with open_for_change(layout, layers=True, mounts=True, images=True, containers=True) as tables:
            remove_remains(tables, layout, open_driver())
        catalog = read_catalog(layout)
    recover_leftovers(layout, catalog)
    return catalog
