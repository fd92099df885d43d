# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images by chance, and a docker-registry that has them as they are: layers of :mod:`lab.random_layers`, packed in every way."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
import random
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from .image_forms import DOCKER, DOCKER_CONFIG, OCI, OCI_CONFIG, OCI_LAYER
from .layer_blobs import gzip_members, members_of, skippable, zstd, zstd_chunked
from .random_layers import random_layer

_DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
Packing = tuple[Callable[[bytes], bytes], str]


def _gzip(tar: bytes) -> bytes:
    return gzip.compress(tar, mtime=0)


def _chunked(tar: bytes) -> bytes:
    """zstd:chunked, but for archives with more behind their end than Python's tarfile sees."""
    return zstd_chunked(tar) if b"".join(members_of(tar)) == tar else zstd(tar)


_PACKINGS: tuple[Packing, ...] = (
    (_gzip, OCI_LAYER + "+gzip"),
    (lambda tar: gzip.compress(tar, 1, mtime=1_700_000_000), OCI_LAYER + "+gzip"),
    (lambda tar: gzip_members(tar, (0, 1, 1000, len(tar) // 2)), OCI_LAYER + "+gzip"),
    (bytes, OCI_LAYER),
    (zstd, OCI_LAYER + "+zstd"),
    (lambda tar: zstd(tar[:700]) + skippable(b"between") + zstd(tar[700:]), OCI_LAYER + "+zstd"),
    (_chunked, OCI_LAYER + "+zstd"),
    # What a layer is packed with is told by its first bytes, whatever its type says.
    (bz2.compress, OCI_LAYER + "+gzip"),
    (lzma.compress, OCI_LAYER),
    (bytes, OCI_LAYER + "+gzip"),
    (_gzip, OCI_LAYER),
)
_DOCKER_PACKINGS: tuple[Packing, ...] = (
    (_gzip, _DOCKER_LAYER),
    (lambda tar: gzip_members(tar, (10,)), _DOCKER_LAYER),
    (bz2.compress, _DOCKER_LAYER),
    (bytes, "application/vnd.docker.image.rootfs.diff.tar"),
)


def push_random_image(host: str, repository: str, seed: int) -> str:
    """Has the registry serve the image of ``seed`` and returns its reference."""
    chance = random.Random(seed)
    docker = chance.random() < 0.3
    tars: list[bytes] = []
    below: dict[bytes, bytes] = {}
    for _number in range(chance.choice((1, 2, 3, 3, 4, 6))):
        if tars and chance.random() < 0.1:
            tars.append(chance.choice(tars))
        else:
            tar, below = random_layer(chance, below, chance.choice((0, 3, 20, 40)))
            tars.append(tar)
    packed = []
    for tar in tars:
        pack, media_type = chance.choice(_DOCKER_PACKINGS if docker else _PACKINGS)
        packed.append((pack(tar), media_type))
    config = _config(chance, [hashlib.sha256(tar).hexdigest() for tar in tars])
    manifest = {
        "schemaVersion": 2,
        **({"mediaType": DOCKER if docker else OCI} if docker or chance.random() < 0.8 else {}),
        "config": push_blob(host, repository, config, DOCKER_CONFIG if docker else OCI_CONFIG),
        "layers": [push_blob(host, repository, data, media_type) for data, media_type in packed],
    }
    if not docker and chance.random() < 0.5:
        manifest["annotations"] = {"org.example.note": "<&>\u2028 ü", "empty": ""}
    raw = json.dumps(manifest, indent=chance.choice((None, 3))).encode()
    push_manifest(host, repository, raw, DOCKER if docker else OCI)
    return f"{host}/{repository}:1"


def _config(chance: random.Random, diff_ids: list[str]) -> bytes:
    document: dict[str, Any] = {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff_id}" for diff_id in diff_ids]},
    }
    if chance.random() < 0.8:
        document["created"] = chance.choice(
            (
                "2026-11-03T10:31:07.5Z",
                "1970-01-01T00:00:00Z",
                "0001-01-01T00:00:00Z",
                "2031-02-03T04:05:06.123456789+05:30",
            )
        )
    if chance.random() < 0.8:
        document["config"] = {
            "Env": ["A=<&>", "B=ü"],
            "Labels": {"k": "\u2028", "seed": str(chance.random())},
            "User": "7:8",
        }
    if chance.random() < 0.7:
        document["history"] = [{"created_by": f"layer {number}"} for number in range(len(diff_ids))]
        document["history"].insert(chance.randint(0, len(diff_ids)), {"created_by": "ENV", "empty_layer": True})
    return json.dumps(document, ensure_ascii=chance.random() < 0.5).encode()


def push_blob(host: str, repository: str, data: bytes, media_type: str) -> dict[str, Any]:
    """Uploads a blob, as it is, and returns its descriptor."""
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    place = urlsplit(_ask(host, "POST", f"/v2/{repository}/blobs/uploads/", b"", {}, 202))
    _ask(
        host,
        "PUT",
        f"{place.path}?{place.query}&digest={digest}",
        data,
        {"Content-Type": "application/octet-stream"},
        201,
    )
    return {"mediaType": media_type, "digest": digest, "size": len(data)}


def push_manifest(host: str, repository: str, raw: bytes, media_type: str, tag: str = "1") -> None:
    """Uploads a manifest, as it is."""
    _ask(host, "PUT", f"/v2/{repository}/manifests/{tag}", raw, {"Content-Type": media_type}, 201)


def _ask(host: str, method: str, path: str, body: bytes, headers: dict[str, str], wanted: int) -> str:
    """What the registry says of the next place to ask."""
    connection = HTTPConnection(host, timeout=30)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == wanted, f"{method} {path}: {answer.status} {text!r}"
        return answer.headers.get("Location", "")
    finally:
        connection.close()
