# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Images of Docker's schema 1 on their way into the store: as schema 2 would have them, as far as the blobs are known.

Such a manifest tells neither the diff IDs nor the sizes of its layers, and has no config; what the image's ID is shows
when its last blob is unpacked. Until then stand-ins take the place of unknown diff IDs, one for each blob, so that a plan
can be made and check mode can foretell what the next images of a task would find. A stand-in is never stored or shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Optional

from .._errors import DataError
from .._model.descriptor import UNKNOWN_SIZE, Descriptor
from .._model.digest import Digest
from .._model.image_config import ImageConfig, parse_image_config
from .._model.manifest_errors import InvalidManifest
from .._model.media_types import DOCKER_LAYER_GZIP
from .._model.schema1 import Schema1Manifest
from .._model.schema1_convert import schema2_config


@dataclass(frozen=True)
class BlobFacts:
    """What is known of a blob: the digest of what it unpacks to, and how many bytes it has; None where that is not known."""

    diff_id: Optional[Digest] = None
    size: Optional[int] = None


@dataclass(frozen=True)
class Conversion:
    """A schema 1 image as schema 2 has it. ``stand_ins`` are those of the config's diff IDs that are not known yet."""

    layers: tuple[Descriptor, ...]
    config: ImageConfig
    stand_ins: frozenset[Digest]


def convert(manifest: Schema1Manifest, known: Mapping[Digest, BlobFacts]) -> Conversion:
    """The image of ``manifest``, with what is ``known`` of its blobs.

    Raises InvalidManifest where the newest entry of its history is no config.
    """
    facts = [known.get(blob, BlobFacts()) for blob in manifest.layers]
    stand_ins = [_stand_in(blob) for blob in manifest.layers]
    diff_ids = [fact.diff_id or stand_in for fact, stand_in in zip(facts, stand_ins)]
    layers = tuple(layer_of(blob, fact.size) for blob, fact in zip(manifest.layers, facts))
    # What was foretold of an image before may be a stand-in too.
    unknown = frozenset(diff_ids).intersection(stand_ins)
    return Conversion(layers, config_of(manifest, diff_ids), unknown)


def config_of(manifest: Schema1Manifest, diff_ids: Sequence[Digest]) -> ImageConfig:
    """The config of the image whose layers unpack to ``diff_ids``, base first.

    Raises InvalidManifest where the newest entry of the history is no config, or the number of diff IDs is another.
    """
    raw = schema2_config(manifest, diff_ids)
    try:
        return parse_image_config(raw)
    except DataError as error:
        # Its digest would say nothing to anybody.
        where = f"config in the history of manifest {manifest.digest}"
        raise InvalidManifest(error.message, subject=where, wanted=error.wanted, found=error.found) from error


def layer_of(blob: Digest, size: int | None) -> Descriptor:
    """The layer of a schema 2 manifest with this blob, whose size may not be known."""
    return Descriptor(DOCKER_LAYER_GZIP, blob, UNKNOWN_SIZE if size is None else size)


def _stand_in(blob: Digest) -> Digest:
    return Digest.of(f"what {blob} unpacks to".encode("ascii"))
