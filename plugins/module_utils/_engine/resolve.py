# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""From a source to one image: manifest, platform choice and config, every byte checked against its digest."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Union

from .._errors import DataError
from .._layer.verify import verified_bytes
from .._model.descriptor import Descriptor
from .._model.digest import Digest
from .._model.image_config import ImageConfig, parse_image_config
from .._model.index import Index
from .._model.manifest import Manifest
from .._model.manifest_errors import UnsupportedManifest
from .._model.manifest_parser import parse_manifest
from .._model.platform import Platform
from .._model.schema1 import Schema1Manifest
from .._transport.source import ImageSource
from .choose import Chosen, Parsed, choose_instance
from .platform_choice import PlatformChoice, fits
from .schema1 import BlobFacts, convert

# containers/image reads no larger config (iolimits.MaxConfigBodySize).
_CONFIG_LIMIT = 4 * 1024 * 1024


class OtherPlatform(DataError):
    """The only image that is there was made for another platform."""

    code = "no_such_platform"


class LayerCountMismatch(DataError):
    """The config lists another number of diff IDs than the manifest lists layers."""

    code = "invalid_manifest"


@dataclass(frozen=True)
class RemoteImage:
    """An image as its source has it: the chosen manifest and the indexes it was chosen from, its layers and its config.

    ``indexes`` has the outermost first. ``stand_ins`` are those of the config's diff IDs that no one can know before the
    layers are unpacked; only an image of schema 1 has some, and what follows from them (its ID) is not known either.
    """

    indexes: tuple[Index, ...]
    manifest: Union[Manifest, Schema1Manifest]
    layers: tuple[Descriptor, ...]
    config: ImageConfig
    stand_ins: frozenset[Digest] = frozenset()

    @property
    def digest(self) -> Digest:
        """The digest that names the image at its source: that of the outermost index where there is one."""
        return self.indexes[0].digest if self.indexes else self.manifest.digest

    @property
    def digests(self) -> tuple[str, ...]:
        """Every digest that leads to the image, the outermost first."""
        return tuple(dict.fromkeys(str(part.digest) for part in (*self.indexes, self.manifest)))

    @property
    def image_id(self) -> str:
        """The image ID in a store: the hash of the config (containers/storage)."""
        return self.manifest.image_id if isinstance(self.manifest, Manifest) else Digest.of(self.config.raw).hex

    def informed(self, known: Mapping[Digest, BlobFacts]) -> RemoteImage:
        """The image with what is ``known`` of its blobs; only one of schema 1 leaves anything to be known."""
        if isinstance(self.manifest, Manifest):
            return self
        return _converted(self.indexes, self.manifest, known)


def resolve_image(
    source: ImageSource,
    chosen: Chosen,
    choice: PlatformChoice,
    name: str,
    configs: MutableMapping[Digest, bytes] | None = None,
) -> RemoteImage:
    """The image of the manifest that was ``chosen`` of ``source``, and accepted by whoever judges it.

    ``configs`` are those that the task has fetched already, for it to add to.

    Raises OtherPlatform, LayerCountMismatch, and what the source and the parsers raise.
    """
    manifest = chosen.manifest
    if isinstance(manifest, Schema1Manifest):
        image = _converted(chosen.indexes, manifest, {})
    else:
        config = parse_image_config(read_config(source, manifest.config, configs))
        check_layer_count(manifest, config, name)
        image = RemoteImage(chosen.indexes, manifest, manifest.layers, config)
    if not choice.allow_other:
        _check_platform(image.config.platform, choice, name)
    return image


def choose_manifest(source: ImageSource, platform: Platform) -> Chosen:
    """The manifest for ``platform``, and the indexes it was chosen from, if any; no blob is asked for.

    Raises NoSuchPlatform, NestedIndex, and what the source and the parsers raise.
    """

    def fetch(digest: Digest | None = None) -> Parsed:
        return parse_manifest(*source.manifest(digest))

    parsed = fetch()
    if isinstance(parsed, Index):
        return choose_instance(parsed, platform, fetch)
    return Chosen(parsed)


def read_config(
    source: ImageSource, descriptor: Descriptor, known: MutableMapping[Digest, bytes] | None = None
) -> bytes:
    """The config blob, its size and digest verified, from ``known`` where it is there.

    Raises SizeMismatch, DigestMismatch, DataError above 4 MiB, and UnsupportedManifest for a digest other than sha256: it is
    the image ID, and podman takes no other. Of a store with one it lists nothing at all, nor does it remove it.
    """
    if descriptor.digest.algorithm != "sha256":
        raise UnsupportedManifest(
            "the digest of the config cannot be an image ID",
            subject=str(descriptor.digest),
            wanted="sha256",
            found=descriptor.digest.algorithm,
        )
    if descriptor.size > _CONFIG_LIMIT:
        raise DataError(
            f"the config exceeds the maximum allowed size of {_CONFIG_LIMIT} bytes",
            subject=str(descriptor.digest),
            found=str(descriptor.size),
            code="too_large",
        )
    known = {} if known is None else known
    if descriptor.digest not in known or len(known[descriptor.digest]) != descriptor.size:
        known[descriptor.digest] = verified_bytes(source.blob(descriptor), descriptor)
    return known[descriptor.digest]


def check_layer_count(manifest: Manifest, config: ImageConfig, name: str) -> None:
    """Raises LayerCountMismatch where ``config`` has not one diff ID for each layer of ``manifest``."""
    if len(manifest.layers) != len(config.diff_ids):
        raise LayerCountMismatch(
            "the config does not describe the layers of the manifest",
            subject=name,
            wanted=f"{len(manifest.layers)} diff IDs",
            found=f"{len(config.diff_ids)}",
        )


def _converted(indexes: tuple[Index, ...], manifest: Schema1Manifest, known: Mapping[Digest, BlobFacts]) -> RemoteImage:
    conversion = convert(manifest, known)
    return RemoteImage(indexes, manifest, conversion.layers, conversion.config, conversion.stand_ins)


def _check_platform(platform: Platform, choice: PlatformChoice, name: str) -> None:
    if not fits(platform, choice):
        raise OtherPlatform(
            "the image is made for another platform (allow_other_platform takes it all the same)",
            subject=name,
            wanted=str(choice.platform),
            found=str(platform),
        )
