# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""An image of the store as plain data, the shape that every module returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional, Union

from .._errors import DataError
from .._host.atomic_files import read_file
from .._model.descriptor import Descriptor
from .._model.digest import Digest
from .._model.image_config import ImageConfig, parse_image_config
from .._model.index import Index
from .._model.manifest import Manifest
from .._model.manifest_parser import parse_manifest
from .._model.schema1 import Schema1Manifest
from .._storage.catalog import Catalog
from .._storage.json_record import StoreDamaged
from .._storage.layout import Layout
from .._storage.records import UNKNOWN_TIME, ImageRecord, LayerRecord


@dataclass(frozen=True)
class StoredImage:
    """An image record with its manifest, the layers as that lists them, and its config; None where none can be read."""

    record: ImageRecord
    manifest: Optional[Union[Manifest, Schema1Manifest]]
    layers: Optional[tuple[Descriptor, ...]]
    config: Optional[ImageConfig]


def read_image(layout: Layout, catalog: Catalog, record: ImageRecord) -> StoredImage:
    """The record with the manifest and config that the store keeps for it; the config of schema 1 is made from its layers."""
    manifest = _manifest(layout, record)
    if isinstance(manifest, Schema1Manifest):
        return _schema1_image(catalog, record, manifest)
    return StoredImage(record, manifest, manifest.layers if manifest else None, _config(layout, record, manifest))


def describe_image(
    layout: Layout, catalog: Catalog, image: StoredImage, actions: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The facts of a stored image: ``id``, ``names``, ``digest``, ``digests``, ``top_layer``, ``read_only``, ``size``, ``created``, ``platform``, ``layers``.

    ``size`` counts bytes as podman does: the unpacked layers and every item of big data. ``actions`` gives the word for
    each layer ID (what a pull did with it); a layer without one was kept.
    """
    record = image.record
    chain = catalog.layer_chain(record.layer) if record.layer else []
    return {
        "id": record.id,
        "names": list(record.names),
        "digest": record.digest or None,
        "digests": list(record.manifest_digests),
        "top_layer": record.layer or None,
        "read_only": bool(record.store),
        "size": image_size(record, chain),
        "created": None if record.created == UNKNOWN_TIME else record.created,
        "platform": str(image.config.platform) if image.config else None,
        "layers": _layers(layout, image.layers, chain, actions or {}),
    }


def image_size(record: ImageRecord, chain: list[LayerRecord]) -> int:
    """Bytes of the unpacked layers and of every big data item, the figure of ``podman image inspect``."""
    return sum(max(layer.diff_size or 0, 0) for layer in chain) + sum(record.big_data_sizes.values())


def _layers(
    layout: Layout, blobs: Sequence[Descriptor] | None, chain: list[LayerRecord], actions: Mapping[str, str]
) -> list[dict[str, Any]]:
    # The manifest in a damaged store may list another number of layers than the chain has: then the records tell.
    blobs = blobs if blobs and len(blobs) == len(chain) else None
    return [
        {
            "digest": str(blobs[position].digest) if blobs else (layer.compressed_digest or None),
            "diff_id": layer.diff_digest or None,
            "id": layer.id,
            "compressed_size": blobs[position].known_size if blobs else layer.compressed_size,
            "size": layer.diff_size,
            "path": layout.of(layer.store).diff(layer.id),
            "action": actions.get(layer.id, "keep"),
        }
        for position, layer in enumerate(chain)
    ]


def _schema1_image(catalog: Catalog, record: ImageRecord, manifest: Schema1Manifest) -> StoredImage:
    from .schema1_stored import stored_config, stored_layers

    try:
        chain = catalog.layer_chain(record.layer) if record.layer else []
        return StoredImage(record, manifest, stored_layers(manifest, chain), stored_config(manifest, chain))
    except (DataError, StoreDamaged):
        return StoredImage(record, manifest, None, None)


def _manifest(layout: Layout, record: ImageRecord) -> Manifest | Schema1Manifest | None:
    raw = _item(layout, record, "manifest")
    if raw is None:
        return None
    try:
        parsed = parse_manifest(raw, "")
    except DataError:
        return None
    return None if isinstance(parsed, Index) else parsed


def _config(layout: Layout, record: ImageRecord, manifest: Manifest | None) -> ImageConfig | None:
    raw = _item(layout, record, str(manifest.config.digest)) if manifest else None
    if raw is None:
        raw = _item(layout, record, str(Digest("sha256", record.id)))
    if raw is None:
        return None
    try:
        return parse_image_config(raw)
    except DataError:
        return None


def _item(layout: Layout, record: ImageRecord, key: str) -> bytes | None:
    if key not in record.big_data_names:
        return None
    return read_file(layout.of(record.store).image_item(record.id, key))
