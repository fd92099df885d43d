# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""From Docker's schema 1 to schema 2: the config that names the image in a store, and the manifest that goes with it.

A schema 1 image has no config of its own, so the tools make one, and its hash is the image's ID: byte for byte as
containers/image writes it (docker_schema1.go, ToSchema2Config), which keeps the text of what it takes over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .digest import Digest
from .docker_v1_image import rewritten_v1_image
from .json_text import go_json
from .manifest_errors import InvalidManifest
from .media_types import DOCKER_CONFIG, DOCKER_LAYER_GZIP, DOCKER_MANIFEST
from .raw_json import compacted, raw_members
from .schema1 import Schema1Layer, Schema1Manifest
from .times import go_time

# What belongs to one layer, and not to the image.
_DROPPED = ("id", "parent", "parent_id", "layer_id", "throwaway", "Size")
# Before this version Docker left out fields that it writes in every config of today.
_COMPLETE_SINCE = "1.8.3"
_NUMBER = re.compile(r"[+-]?[0-9]+", re.ASCII)


def schema2_config(manifest: Schema1Manifest, diff_ids: Sequence[Digest]) -> bytes:
    """The schema 2 config of the image: the newest entry of its history with ``rootfs`` and ``history`` added.

    ``diff_ids`` are those of the layers that have content, base first. Raises InvalidManifest where their number is another,
    or where the config of an image from before Docker 1.8.3 has fields of other types than Docker's.
    """
    _require_count(manifest, "diff IDs", len(diff_ids))
    members = raw_members(_image_text(manifest.newest))
    kept = {key: value for key, value in members.items() if key not in _DROPPED}
    root = {"type": "layers", **({"diff_ids": [str(diff_id) for diff_id in diff_ids]} if diff_ids else {})}
    kept["rootfs"] = go_json(root)
    kept["history"] = go_json([_history_entry(layer.facts) for layer in manifest.history])
    # Go sorts the keys of a map.
    return ("{" + ",".join(f"{go_json(key)}:{compacted(kept[key])}" for key in sorted(kept)) + "}").encode("utf-8")


def schema2_manifest(manifest: Schema1Manifest, config: bytes, sizes: Sequence[int]) -> bytes:
    """The schema 2 manifest of the image with the config ``config``.

    ``sizes`` are the compressed bytes of the layers that have content, base first. Raises InvalidManifest where their number
    is another.
    """
    _require_count(manifest, "sizes", len(sizes))
    layers = [
        {"mediaType": DOCKER_LAYER_GZIP, "size": size, "digest": str(blob)}
        for blob, size in zip(manifest.layers, sizes)
    ]
    document = {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": {"mediaType": DOCKER_CONFIG, "size": len(config), "digest": str(Digest.of(config))},
        # Go writes a slice that nothing was put into as null.
        "layers": layers or None,
    }
    return go_json(document).encode("utf-8")


def _require_count(manifest: Schema1Manifest, what: str, found: int) -> None:
    wanted = len(manifest.layers)
    if found != wanted:
        raise InvalidManifest(
            "the layers of the manifest and what is known of them do not go together",
            subject=f"manifest {manifest.digest}",
            wanted=f"{wanted} {what}",
            found=str(found),
        )


def _image_text(newest: Schema1Layer) -> str:
    version = newest.facts.get("docker_version") or ""
    if version and _older(str(version), _COMPLETE_SINCE):
        return rewritten_v1_image(newest.facts, f"layer {newest.id}")
    return newest.compatibility


def _history_entry(facts: Mapping[str, Any]) -> dict[str, Any]:
    """One entry of a schema 2 history; Go leaves out what is empty, but for the time."""
    command = (facts.get("container_config") or {}).get("Cmd") or ()
    optional = {
        "author": facts.get("author"),
        "created_by": " ".join(command),
        "comment": facts.get("comment"),
        "empty_layer": facts.get("throwaway"),
    }
    return {"created": go_time(facts.get("created")), **{key: value for key, value in optional.items() if value}}


def _older(version: str, than: str) -> bool:
    """Whether ``version`` comes before ``than``: number by number, where what is no number counts as 0 (docker/docker)."""
    ours, theirs = _numbers(version), _numbers(than)
    length = max(len(ours), len(theirs))
    return ours + [0] * (length - len(ours)) < theirs + [0] * (length - len(theirs))


def _numbers(version: str) -> list[int]:
    parts = version.split(".")
    return [int(part) if _NUMBER.fullmatch(part) and len(part) < 10 else 0 for part in parts]
