# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Docker's image manifest of schema 1 from its JSON.

Rules: docker/distribution's manifest-v2-1.md, and the checks and corrections of containers/image (docker_schema1.go).
"""

from __future__ import annotations

import re

from .digest import Digest, InvalidDigest
from .json_object import JsonObject, shown
from .json_text import parse_json
from .manifest_digest import is_signed, signed_payload
from .manifest_errors import AmbiguousManifest, InvalidManifest
from .media_types import DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED
from .schema1 import Schema1Layer, Schema1Manifest
from .times import valid_time

_ID = re.compile(r"[0-9a-f]{64}", re.ASCII)
_KEYS = ("name", "tag", "architecture", "fsLayers", "history", "schemaVersion", "signatures")
# Of an entry of the history, those keys that decide what the image is.
_COMPATIBILITY_KEYS = (
    *("id", "parent", "parent_id", "layer_id", "throwaway", "comment", "created", "author", "container_config"),
    *("config", "docker_version", "architecture", "variant", "os", "rootfs", "history"),
)


def parse_schema1(raw: bytes, body: JsonObject, most_layers: int) -> Schema1Manifest:
    """The manifest in ``raw``, whose JSON is ``body``, with at most ``most_layers`` entries.

    Raises InvalidManifest, AmbiguousManifest and BadJson.
    """
    body.refuse_look_alikes(_KEYS, AmbiguousManifest)
    signed = is_signed(body.value)
    layers = _layers(body, most_layers)
    _require_known_ids(body, layers)
    layers = _without_repeats(layers)
    _require_chain(body, layers)
    return Schema1Manifest(
        raw=raw,
        media_type=DOCKER_SCHEMA1_SIGNED if signed else DOCKER_SCHEMA1,
        digest=Digest.of(signed_payload(raw, body.value) if signed else raw),
        name=body.optional_text("name"),
        tag=body.optional_text("tag"),
        architecture=body.optional_text("architecture"),
        history=tuple(reversed(layers)),
    )


def _layers(body: JsonObject, most: int) -> list[Schema1Layer]:
    """The entries in the order of the manifest, which has the newest first."""
    blobs, entries = body.array("fsLayers"), body.array("history")
    if len(blobs) != len(entries) or not blobs:
        raise InvalidManifest(
            "every layer must have its entry in the history",
            subject=body.where,
            wanted=f"{len(blobs) or 'some'} entries",
            found=f"{len(entries)}",
        )
    if len(blobs) > most:
        raise InvalidManifest("too many layers", subject=body.where, wanted=f"at most {most}", found=str(len(blobs)))
    return [
        _layer(
            JsonObject(blob, body.place(f"fsLayers[{number}]"), InvalidManifest),
            JsonObject(entry, body.place(f"history[{number}]"), InvalidManifest),
        )
        for number, (blob, entry) in enumerate(zip(blobs, entries))
    ]


def _layer(blob: JsonObject, entry: JsonObject) -> Schema1Layer:
    blob.refuse_look_alikes(("blobSum",), AmbiguousManifest)
    entry.refuse_look_alikes(("v1Compatibility",), AmbiguousManifest)
    text = entry.text("v1Compatibility")
    place = entry.place("v1Compatibility")
    facts = JsonObject(parse_json(text.encode("utf-8"), place), place, InvalidManifest)
    facts.refuse_look_alikes(_COMPATIBILITY_KEYS, AmbiguousManifest)
    _require_types(facts)
    return Schema1Layer(_blob_digest(blob), text, facts.value, facts.value.get("throwaway") is True)


def _blob_digest(blob: JsonObject) -> Digest:
    text = blob.text("blobSum")
    try:
        return Digest.parse(text)
    except InvalidDigest as error:
        raise InvalidManifest(error.message, subject=blob.place("blobSum"), found=shown(text)) from error  # pylint: disable=bad-exception-cause


def _require_types(facts: JsonObject) -> None:
    """Raises InvalidManifest unless Go could read the fields that a history needs."""
    if not _ID.fullmatch(facts.text("id")):
        raise InvalidManifest("this is no layer ID", subject=facts.place("id"), found=repr(shown(facts.text("id"))))
    for key in ("parent", "comment", "author", "docker_version"):
        facts.optional_text(key)
    created = facts.optional_text("created")
    if facts.value.get("created") is not None and not valid_time(created):
        raise InvalidManifest("this is no RFC 3339 time", subject=facts.place("created"), found=repr(shown(created)))
    command = JsonObject(facts.mapping("container_config"), facts.place("container_config"), InvalidManifest)
    command.refuse_look_alikes(("Cmd",), AmbiguousManifest)
    command.texts("Cmd")
    if not isinstance(facts.value.get("throwaway"), (bool, type(None))):
        raise InvalidManifest("wrong type of value", subject=facts.place("throwaway"), wanted="a boolean")


def _require_known_ids(body: JsonObject, layers: list[Schema1Layer]) -> None:
    """Raises InvalidManifest where an ID comes again after another one: the chain would be a ring."""
    seen: set[str] = set()
    last = ""
    for layer in layers:
        if layer.id != last and layer.id in seen:
            raise InvalidManifest(f"layer ID {layer.id} appears multiple times", subject=body.place("history"))
        last = layer.id
        seen.add(last)


def _without_repeats(layers: list[Schema1Layer]) -> list[Schema1Layer]:
    """Of neighbours with the same ID the older one, as containers/image keeps it."""
    return [layer for layer, below in zip(layers, [*layers[1:], None]) if below is None or layer.id != below.id]


def _require_chain(body: JsonObject, layers: list[Schema1Layer]) -> None:
    for layer, below in zip(layers, [*(below.id for below in layers[1:]), ""]):
        if layer.parent != below:
            raise InvalidManifest(
                "invalid parent ID",
                subject=f"{body.place('history')}: {layer.id}",
                wanted=below or "none",
                found=shown(layer.parent) or "none",
            )
