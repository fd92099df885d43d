# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""A container of the store as plain data, the shape that every module returns."""

from __future__ import annotations

from typing import Any

from .._storage.catalog import Catalog, UnknownContainer
from .._storage.layout import Layout
from .._storage.mounting import MountState, mount_state
from .._storage.records import ContainerRecord

# How many digits of an ID other tools print.
_SHORT_ID = 12


def describe_container(layout: Layout, catalog: Catalog, record: ContainerRecord) -> dict[str, Any]:
    """The facts of a container record, with its mount as it is now."""
    return container_facts(layout, record, mount_state(layout, catalog, record.id, record.layer))


def container_facts(layout: Layout, record: ContainerRecord, state: MountState) -> dict[str, Any]:
    """The facts of a container record with the given mount.

    ``path`` is where the container's own files lie, ``mount_point`` its root file system (None when not mounted).
    """
    return {
        "id": record.id,
        "names": list(record.names),
        "image_id": record.image or None,
        "layer_id": record.layer,
        "metadata": record.metadata,
        "big_data": list(record.big_data_names),
        "created": record.created,
        "uid_map": [dict(entry) for entry in record.uidmap],
        "gid_map": [dict(entry) for entry in record.gidmap],
        "flags": dict(record.flags),
        "path": layout.diff(record.layer),
        "mount_point": state.mount_point,
        "mount_count": state.mount_count,
    }


def container_called(catalog: Catalog, name: str) -> ContainerRecord | None:
    """The container called ``name``, or with that ID, of which twelve digits will do; None where there is none.

    Fewer digits could be a name that no container has yet, such as db: every 256th ID begins so. Raises AmbiguousName.
    """
    record = knows_container(catalog, name) if len(name) >= _SHORT_ID else None
    return record or next((one for one in catalog.containers if name in one.names), None)


def knows_container(catalog: Catalog, name: str) -> ContainerRecord | None:
    """The container called ``name`` (or with that ID, or a unique prefix of it), None where there is none."""
    try:
        return catalog.container(name)
    except UnknownContainer:
        return None
