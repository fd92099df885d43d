# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""From bytes and a media type to a manifest or an index, refusing whatever could be read in two ways.

Rules: OCI distribution-spec 1.1 (media type of header and body must agree), containers/image's check for unexpected
essential keys (CVE-2021-41190), and the order in which it guesses the media type where no header helps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import media_types
from .descriptor import Descriptor
from .digest import Digest
from .index import Index
from .json_object import JsonObject, shown
from .json_text import parse_json
from .manifest import Manifest
from .manifest_errors import AmbiguousManifest, InvalidManifest, NotAnImage, UnsupportedManifest

if TYPE_CHECKING:
    from .schema1 import Schema1Manifest

# Far above any real image, far below what storage libraries and kernels bear.
_MOST_LAYERS = 1000

# The keys that tell the kinds of manifest apart, and those that each kind may have.
_ESSENTIAL = ("config", "fsLayers", "history", "layers", "manifests")
_OF_IMAGE = frozenset({"config", "layers"})
_OF_SCHEMA1 = frozenset({"fsLayers", "history"})
_OF_INDEX = frozenset({"manifests"})
_KEYS = (*_ESSENTIAL, "schemaVersion", "mediaType", "annotations")

_KNOWN_TYPES = media_types.MANIFEST_TYPES | media_types.INDEX_TYPES | media_types.SCHEMA1_TYPES
# Headers that say nothing about the body.
_USELESS_TYPES = frozenset({"", "application/json", "application/octet-stream", "text/plain"})


def parse_manifest(raw: bytes, media_type: str) -> Manifest | Index | Schema1Manifest:
    """The manifest, index or manifest of schema 1 in ``raw``; ``media_type`` is the server's word for it, or empty to look at the content.

    Parameters of the media type are ignored. Whether an index may stand here is for the caller, as is the digest of the
    bytes. Raises InvalidManifest, AmbiguousManifest, UnsupportedManifest, NotAnImage, InvalidDescriptor and BadJson.
    """
    where = f"manifest {Digest.of(raw)}"
    header = _header_type(media_type, where)
    body = JsonObject(parse_json(raw, where), where, InvalidManifest)
    body.refuse_look_alikes(_KEYS, AmbiguousManifest)
    kind = _kind(body, header)
    if kind in media_types.SCHEMA1_TYPES:
        _require_version(body, 1)
        _require_unambiguous(body, _OF_SCHEMA1, kind)
        from .schema1_parser import parse_schema1

        return parse_schema1(raw, body, _MOST_LAYERS)
    _require_version(body, 2)
    _require_stated_type(body, kind)
    if kind in media_types.INDEX_TYPES:
        _require_unambiguous(body, _OF_INDEX, kind)
        return Index(raw, kind, _descriptors(body, "manifests"))
    _require_unambiguous(body, _OF_IMAGE, kind)
    return _image(raw, body, kind)


def _header_type(media_type: str, where: str) -> str:
    """The known type that the server named, or empty where its word says nothing about the body."""
    header = media_type.partition(";")[0].strip().lower()
    if header in _USELESS_TYPES:
        return ""
    if header == media_types.OCI_ARTIFACT:
        raise _artifact(where, header)
    if header not in _KNOWN_TYPES:
        raise UnsupportedManifest(
            "the server sent something else than a manifest",
            subject=where,
            wanted="an image manifest",
            found=shown(header),
        )
    return header


def _kind(body: JsonObject, header: str) -> str:
    stated = body.optional_text("mediaType")
    if header:
        if stated and stated != header:
            raise AmbiguousManifest(
                "the server and the manifest disagree on its type",
                subject=body.where,
                wanted=header,
                found=shown(stated),
            )
        return header
    if stated == media_types.OCI_ARTIFACT:
        raise _artifact(body.where, stated)
    return stated if stated in _KNOWN_TYPES else _guess(body)


def _guess(body: JsonObject) -> str:
    if body.value.get("schemaVersion") == 1:
        return media_types.DOCKER_SCHEMA1
    config = body.value.get("config")
    config_type = config.get("mediaType") if isinstance(config, dict) else None
    if config_type == media_types.DOCKER_CONFIG:
        return media_types.DOCKER_MANIFEST
    if not config_type and body.value.get("manifests"):
        return media_types.OCI_INDEX
    return media_types.OCI_MANIFEST


def _require_version(body: JsonObject, wanted: int) -> None:
    version = body.value.get("schemaVersion")
    if not isinstance(version, int) or isinstance(version, bool) or version != wanted:
        raise InvalidManifest(
            "unsupported schema version", subject=body.where, wanted=str(wanted), found=repr(version)[:40]
        )


def _require_stated_type(body: JsonObject, kind: str) -> None:
    # Docker's schema 2 makes the key mandatory, OCI optional; of Docker's lists containers/image does not ask it.
    if kind == media_types.DOCKER_MANIFEST and not body.optional_text("mediaType"):
        raise InvalidManifest("a field is missing", subject=body.place("mediaType"), wanted=kind, found="no type")


def _require_unambiguous(body: JsonObject, allowed: frozenset[str], kind: str) -> None:
    unexpected = [key for key in _ESSENTIAL if key not in allowed and body.value.get(key) is not None]
    if unexpected:
        raise AmbiguousManifest(
            f"rejecting ambiguous manifest, unexpected fields {', '.join(unexpected)} in supposedly {kind}",
            subject=body.where,
        )


def _image(raw: bytes, body: JsonObject, kind: str) -> Manifest:
    config = Descriptor.from_json(body.value.get("config"), body.place("config"))
    _require_image_config(body, config, kind)
    layers = _descriptors(body, "layers")
    if len(layers) > _MOST_LAYERS:
        raise InvalidManifest(
            "too many layers", subject=body.where, wanted=f"at most {_MOST_LAYERS}", found=str(len(layers))
        )
    for layer in layers:
        _require_layer_type(body, layer, kind)
    return Manifest(raw, kind, config, layers, body.text_map("annotations"))


def _descriptors(body: JsonObject, key: str) -> tuple[Descriptor, ...]:
    # Go writes an empty list as null, so the key may hold that, but it must be there.
    if key not in body.value:
        raise InvalidManifest("a field is missing", subject=body.place(key))
    entries = body.array(key)
    return tuple(Descriptor.from_json(entry, body.place(f"{key}[{number}]")) for number, entry in enumerate(entries))


def _require_image_config(body: JsonObject, config: Descriptor, kind: str) -> None:
    if kind == media_types.DOCKER_MANIFEST:
        # Docker wrote other types here in its early days, so only an OCI manifest is held to the type of its config.
        return
    if config.media_type == media_types.DOCKER_CONFIG:
        raise InvalidManifest(
            f"invalid mixed OCI image with Docker v2s2 config ({config.media_type})", subject=body.place("config")
        )
    if config.media_type != media_types.OCI_CONFIG:
        raise _artifact(body.where, config.media_type, media_types.OCI_CONFIG)


def _artifact(where: str, found: str, wanted: str = media_types.OCI_MANIFEST) -> NotAnImage:
    return NotAnImage(
        "this is an artifact and no container image", subject=where, wanted=wanted, found=shown(found) or "no type"
    )


def _require_layer_type(body: JsonObject, layer: Descriptor, kind: str) -> None:
    if layer.media_type.endswith(media_types.ENCRYPTED):
        raise UnsupportedManifest(
            f"layer {layer.digest} is encrypted, which is not supported",
            subject=body.where,
            found=shown(layer.media_type),
        )
    if kind == media_types.DOCKER_MANIFEST and layer.media_type not in media_types.DOCKER_LAYER_TYPES:
        raise InvalidManifest(
            f'unsupported docker v2s2 media type: "{shown(layer.media_type)}" of layer {layer.digest}',
            subject=body.where,
        )
