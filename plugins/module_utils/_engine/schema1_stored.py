# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Images of Docker's schema 1 in the store: what podman makes of their manifest and their layers each time it looks at them."""

from __future__ import annotations

from collections.abc import Sequence

from .._model.descriptor import Descriptor
from .._model.digest import Digest
from .._model.image_config import ImageConfig
from .._model.schema1 import Schema1Manifest
from .._storage.records import LayerRecord
from .schema1 import config_of, layer_of


def stored_config(manifest: Schema1Manifest, chain: Sequence[LayerRecord]) -> ImageConfig:
    """The config of a stored schema 1 image, which no tool stores: made from its manifest and its layers, base first.

    Raises InvalidManifest where they do not go together, and InvalidDigest.
    """
    return config_of(manifest, [Digest.parse(layer.diff_digest) for layer in chain])


def stored_layers(manifest: Schema1Manifest, chain: Sequence[LayerRecord]) -> tuple[Descriptor, ...]:
    """The blobs of a stored schema 1 image; the records of its layers tell their sizes."""
    sizes = [size_in_record(layer, blob) for blob, layer in zip(manifest.layers, chain)]
    return tuple(layer_of(blob, size) for blob, size in zip(manifest.layers, sizes))


def size_in_record(layer: LayerRecord, blob: Digest) -> int | None:
    """How many bytes ``blob`` has if it is the one that ``layer`` was unpacked from."""
    return layer.compressed_size if layer.compressed_digest == str(blob) else None
