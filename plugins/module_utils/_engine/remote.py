# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The verbs that look at images in registries, from the places that a pull would ask: what they are, and their digests.

Nothing is stored, no layer is asked for, and no policy is looked at: who signed an image matters when it is pulled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Optional, TypeVar, Union

from .._errors import StrataError
from .._model.descriptor import Descriptor
from .._model.digest import Digest
from .._model.image_config import ImageConfig, parse_image_config
from .._model.index import Index
from .._model.json_text import parse_json
from .._model.manifest import Manifest
from .._model.manifest_digest import digested_bytes
from .._model.platform import Platform
from .._model.reference import Reference
from .._model.schema1 import Schema1Manifest
from .._transport.source import ImageSource
from .outcome import Outcome, joint_failure
from .platform_choice import PlatformChoice, fits
from .resolve import OtherPlatform, check_layer_count, choose_manifest, read_config
from .retry import Retry
from .schema1 import convert
from .sources import RegistryAccess

T = TypeVar("T")

CONFIG = "config"
HISTORY = "history"
MANIFEST = "manifest"


@dataclass(frozen=True)
class _RemoteImage:
    """An image as a registry has it; ``config`` is None where it was not asked for.

    Of an image of schema 1 the config is at hand, but for the diff IDs, which nobody knows before the layers are unpacked.
    """

    index: Optional[Index]
    manifest: Union[Manifest, Schema1Manifest]
    layers: tuple[Descriptor, ...]
    config: Optional[ImageConfig]

    @property
    def top(self) -> Index | Manifest | Schema1Manifest:
        """What the name of the image stands for."""
        return self.index or self.manifest


def inspect_remote_images(
    access: RegistryAccess, references: Sequence[Reference], choice: PlatformChoice, gather: Sequence[str], retry: Retry
) -> Outcome:
    """The facts of the images, in the order asked; one that fails has an entry with its ``error``, and fails the outcome.

    ``gather`` adds ``config``, ``history`` and ``manifest``. The config blob is asked for when one of the first two is in
    it; without it, what only the config says is null. ``choice.allow_other`` is not looked at: an image that is no list is
    refused for its platform when one was asked for explicitly and its config was read.
    """
    entries, failures = [], []
    for reference in references:
        try:
            entries.append(_inspect(access, reference, choice, gather, retry))
        except StrataError as error:
            failures.append((str(reference), error))
            entries.append(_failed(reference, gather, error))
    facts: dict[str, Any] = {"images": entries}
    if len(entries) == 1:
        facts["image"] = entries[0]
    return Outcome(False, facts, failure=joint_failure(failures, len(references), "inspected"))


def remote_digest(access: RegistryAccess, reference: Reference, retry: Retry) -> Digest:
    """The digest of what ``reference`` names: of the index where there is one. One that stands in the name is not checked.

    The registry's word for it (HEAD) is taken where there is one, as podman does; what is pulled by that digest is
    verified then. Raises what the registry and registries.conf are the cause of.
    """
    if reference.digest:
        return reference.digest

    def ask(source: ImageSource) -> Digest:
        return source.current_digest() or Digest.of(digested_bytes(source.manifest()[0]))

    return _with_source(access, reference, ask, retry)


def _inspect(
    access: RegistryAccess, reference: Reference, choice: PlatformChoice, gather: Sequence[str], retry: Retry
) -> dict[str, Any]:
    def look(source: ImageSource) -> dict[str, Any]:
        image = _read(source, reference, choice, gather)
        where = {"source": source.endpoint, "credentials": source.credentials_origin or None, "error": None}
        return {"name": str(reference), **_facts(image), **_details(image, gather), **where}

    entry = _with_source(access, reference, look, retry)
    access.reporter.step("inspected", str(reference), digest=entry["digest"], source=entry["source"])
    return entry


def _with_source(access: RegistryAccess, reference: Reference, question: Callable[[ImageSource], T], retry: Retry) -> T:
    """What ``question`` finds out, asked again from the first mirror on while its failure may pass."""
    return retry.run(str(reference), lambda: question(access.open(reference)))


def _read(source: ImageSource, reference: Reference, choice: PlatformChoice, gather: Sequence[str]) -> _RemoteImage:
    name = str(reference)
    chosen = choose_manifest(source, choice.platform)
    index = chosen.indexes[0] if chosen.indexes else None
    manifest = chosen.manifest
    if isinstance(manifest, Schema1Manifest):
        conversion = convert(manifest, {})
        layers, config = conversion.layers, conversion.config
    elif CONFIG not in gather and HISTORY not in gather:
        return _RemoteImage(index, manifest, manifest.layers, None)
    else:
        layers, config = manifest.layers, parse_image_config(read_config(source, manifest.config))
        check_layer_count(manifest, config, name)
    if choice.explicit and not fits(config.platform, choice):
        raise OtherPlatform(
            "the image is made for another platform",
            subject=name,
            wanted=str(choice.platform),
            found=str(config.platform),
        )
    return _RemoteImage(index, manifest, layers, config)


def _facts(image: _RemoteImage) -> dict[str, Any]:
    manifest, config = image.manifest, image.config
    known = isinstance(manifest, Manifest)
    return {
        "digest": str(image.top.digest),
        "media_type": image.top.media_type,
        "manifest_digest": str(manifest.digest),
        "platform": _platform(image),
        "platforms": _platforms(image),
        "id": manifest.image_id if isinstance(manifest, Manifest) else None,
        "created": config.created or None if config else None,
        "labels": dict(config.labels) if config else None,
        "layers": [
            {
                "digest": str(layer.digest),
                "diff_id": str(config.diff_ids[position]) if config and known else None,
                "media_type": layer.media_type,
                "size": layer.known_size,
            }
            for position, layer in enumerate(image.layers)
        ],
        "size": sum(layer.size for layer in image.layers) if known else None,
    }


def _platform(image: _RemoteImage) -> str | None:
    """The platform of the chosen image: what its config says, else what the index says."""
    if image.config:
        return _platform_text(image.config.platform)
    entries = image.index.manifests if image.index else ()
    return next((_platform_text(entry.platform) for entry in entries if entry.digest == image.manifest.digest), None)


def _platforms(image: _RemoteImage) -> list[dict[str, Any]]:
    """What there is for each platform, in the order of the index; of an image that is no list, that image."""
    if image.index is None:
        manifest = image.manifest
        return [_variant(_platform(image), manifest.digest, manifest.media_type, len(manifest.raw))]
    return [
        _variant(_platform_text(entry.platform), entry.digest, entry.media_type, entry.size)
        for entry in image.index.manifests
    ]


def _variant(platform: str | None, digest: Digest, media_type: str, size: int) -> dict[str, Any]:
    return {"platform": platform, "digest": str(digest), "media_type": media_type, "size": size}


def _platform_text(platform: Platform | None) -> str | None:
    return str(platform) if platform and (platform.os or platform.architecture) else None


def _details(image: _RemoteImage, gather: Sequence[str]) -> dict[str, Any]:
    details: dict[str, Any] = {}
    if CONFIG in gather:
        details[CONFIG] = dict(image.config.config) if image.config else None
    if HISTORY in gather:
        details[HISTORY] = [dict(entry) for entry in image.config.history] if image.config else None
    if MANIFEST in gather:
        details[MANIFEST] = parse_json(image.manifest.raw, "manifest")
    return details


def _failed(reference: Reference, gather: Sequence[str], error: StrataError) -> dict[str, Any]:
    """The entry of an image that could not be looked at: the keys of one that could, empty but for name and error."""
    unknown = ("digest", "media_type", "manifest_digest", "platform", "id", "created", "labels", "size")
    entry: dict[str, Any] = dict.fromkeys((*unknown, *gather, "source", "credentials"))
    return {**entry, "name": str(reference), "platforms": [], "layers": [], "error": error.facts()}
