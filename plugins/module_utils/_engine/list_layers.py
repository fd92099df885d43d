# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The verb list layers: layers of the store as data, with all that uses them, read without a trace."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

from .._errors import UsageError
from .._storage.catalog import AmbiguousName, Catalog, read_catalog
from .._storage.layout import Layout
from .._storage.mounting import mount_state
from .._storage.records import LayerRecord
from .outcome import Outcome

# What the numbers of the records stand for.
COMPRESSIONS = ("none", "bzip2", "gzip", "xz", "zstd")


class UnknownLayer(UsageError):
    """No layer of the store is what was asked for."""

    code = "unknown_layer"


def list_layers(layout: Layout, names: Sequence[str] | None) -> Outcome:
    """The layers that ``names`` ask for, in that order, and the names that are unknown; all when ``names`` is None.

    A store that does not exist is an empty one. Raises AmbiguousName for an ID prefix that several layers share.
    """
    catalog = read_catalog(layout).own()
    missing: list[str] = []
    records: list[LayerRecord] = []
    for name in names or ():
        try:
            records.append(find_layer(catalog, name))
        except UnknownLayer:
            missing.append(name)
    if names is None:
        records = list(catalog.layers)
    users = layer_users(catalog, [record.id for record in records])
    layers = [_describe(layout, catalog, record, users[record.id]) for record in records]
    return Outcome(False, {"layers": layers, "missing": missing})


def find_layer(catalog: Catalog, wanted: str) -> LayerRecord:
    """The layer with this ID, name or unique prefix of an ID, tried in that order.

    Raises UnknownLayer, and AmbiguousName with the candidates.
    """
    found = catalog.layer(wanted)
    if found is not None:
        return found
    named = [layer for layer in catalog.layers if wanted in layer.names]
    if named:
        # Of records that share a name the later one has it, as for images.
        return named[-1]
    matching = [layer for layer in catalog.layers if wanted and layer.id.startswith(wanted)]
    if not matching:
        raise UnknownLayer("no such layer in the store", subject=wanted)
    if len(matching) > 1:
        listed = ", ".join(layer.id[:12] for layer in matching)
        raise AmbiguousName("several layers match", subject=wanted, found=listed)
    return matching[0]


def layer_users(catalog: Catalog, layer_ids: Iterable[str]) -> dict[str, dict[str, list[str]]]:
    """For each layer ID the ``images`` and ``containers`` it is the top layer of, and the ``children`` built on it."""
    users: dict[str, dict[str, list[str]]] = {
        layer_id: {"images": [], "containers": [], "children": []} for layer_id in layer_ids
    }
    for image in catalog.images:
        for layer_id in dict.fromkeys((image.layer, *image.mapped_layers)):
            if layer_id in users:
                users[layer_id]["images"].append(image.id)
    for container in catalog.containers:
        if container.layer in users:
            users[container.layer]["containers"].append(container.id)
    for layer in catalog.layers:
        if layer.parent and layer.parent in users:
            users[layer.parent]["children"].append(layer.id)
    return users


def _describe(layout: Layout, catalog: Catalog, layer: LayerRecord, users: dict[str, list[str]]) -> dict[str, Any]:
    state = mount_state(layout, catalog, layer.id, layer.id)
    return {
        "id": layer.id,
        "parent": layer.parent,
        "names": list(layer.names),
        "created": layer.created,
        "compressed_digest": layer.compressed_digest or None,
        "compressed_size": layer.compressed_size,
        "diff_id": layer.diff_digest or None,
        "size": layer.diff_size,
        "toc_digest": layer.toc_digest or None,
        "compression": _compression(layer),
        "uids": list(layer.uids),
        "gids": list(layer.gids),
        "uid_map": [dict(entry) for entry in layer.uidmap],
        "gid_map": [dict(entry) for entry in layer.gidmap],
        "mount_label": layer.mount_label,
        "big_data": list(layer.big_data_names),
        "flags": layer.flags,
        "incomplete": layer.incomplete,
        "mount_point": state.mount_point,
        "mount_count": state.mount_count,
        "read_only": state.read_only,
        "paths": _paths(layout, layer.id),
        "used_by": users,
    }


def _compression(layer: LayerRecord) -> str | None:
    """How the blob came: a word; None for a layer that came from no blob, or in a way that we do not know."""
    if not layer.compressed_digest or not 0 <= layer.compression < len(COMPRESSIONS):
        return None
    return COMPRESSIONS[layer.compression]


def _paths(layout: Layout, layer_id: str) -> dict[str, str | None]:
    """Where the parts of a layer lie, None for those that it does not have."""
    places = {
        "diff": layout.diff(layer_id),
        "merged": layout.merged(layer_id),
        "tar_split": layout.tar_split(layer_id),
    }
    return {part: path if os.path.lexists(path) else None for part, path in places.items()}
