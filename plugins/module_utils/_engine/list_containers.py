# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The verb list containers: containers of the store as data, read under shared locks and without a trace."""

from __future__ import annotations

from collections.abc import Sequence

from .._storage.catalog import read_catalog
from .._storage.layout import Layout
from .._storage.records import ContainerRecord
from .containers import describe_container, knows_container
from .outcome import Outcome


def list_containers(layout: Layout, names: Sequence[str] | None) -> Outcome:
    """The containers that ``names`` ask for, in that order, and the names that are unknown; all when ``names`` is None.

    A store that does not exist is an empty one. Raises AmbiguousName for an ID prefix that several containers share.
    """
    catalog = read_catalog(layout)
    missing: list[str] = []
    records: list[ContainerRecord] = []
    for name in names or ():
        record = knows_container(catalog, name)
        if record is None:
            missing.append(name)
        else:
            records.append(record)
    if names is None:
        records = list(catalog.containers)
    containers = [describe_container(layout, catalog, record) for record in records]
    return Outcome(False, {"containers": containers, "missing": missing})
