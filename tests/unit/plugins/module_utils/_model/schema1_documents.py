# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manifests of schema 1 for tests, made from entries of a history."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any, Union

# The layers of the images that podman 4.3.1 named: blob and diff ID of each, and Docker's blob for a layer without content.
BASE = (
    "sha256:87d4e2ba620fcfbebcab4565aedf29f09166464d7a370547c4aba3f98bee7fa6",
    "sha256:9380ed8dc63f494ba3aa387417aec3edce2d287b49acbbd0736594624e0573a2",
)
TOP = (
    "sha256:73ba80f814044eb3bbd23e234872422e7b7b7cf7fb7df28c66ec29944ab4132e",
    "sha256:16d93c6abe0bae743f6ab9604df4e29bc91f35c00943e95761397f3d70234fba",
)
EMPTY = "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4"


# As skopeo 1.9.3 wrote it; docker-registry 2.8.2 and podman 4.3.1 both named it by this digest.
SKOPEO = (
    b'{"name":"s1","tag":"1","architecture":"amd64","fsLayers":[{"blobSum":"sha256:73ba80f814044eb3bbd23e234872422e7b7b7cf7'
    b'fb7df28c66ec29944ab4132e"},{"blobSum":"sha256:87d4e2ba620fcfbebcab4565aedf29f09166464d7a370547c4aba3f98bee7fa6"}],"hi'
    b'story":[{"v1Compatibility":"{\\"architecture\\":\\"amd64\\",\\"config\\":{\\"Cmd\\":[\\"/bin/sh\\"],\\"Labels\\":{\\"'
    b'org.example.purpose\\":\\"tests\\"}},\\"created\\":\\"2026-11-03T10:31:07.5Z\\",\\"id\\":\\"e620d9dee1641fdf3b1eafe80'
    b'9c9dc4e889febd621aea3bfe0c687d2f5e70650\\",\\"os\\":\\"linux\\",\\"parent\\":\\"ac7fa6fdd082d895e58008dc0dd2dfd71cd55'
    b'800953d67473aaa9e3bdda2b279\\"}"},{"v1Compatibility":"{\\"id\\":\\"ac7fa6fdd082d895e58008dc0dd2dfd71cd55800953d67473a'
    b'aa9e3bdda2b279\\",\\"created\\":\\"0001-01-01T00:00:00Z\\",\\"container_config\\":{\\"Cmd\\":[\\"layer 0\\"]}}"}],"sc'
    b'hemaVersion":1,"signatures":[{"header":{"jwk":{"crv":"P-256","kid":"U3ML:CYOL:3V6Y:4TTQ:ISIT:HWCM:VACO:BHS2:SA6C:WCU'
    b'R:ULXB:IYS7","kty":"EC","x":"eiGAdfER7EZ10hsdZAXlbnxOZNlcyxwFikr5uwKyaC0","y":"WDXKwQetBKMexklLhjV_Vj25GjBydFhC87XPw'
    b'QM3X_U"},"alg":"ES256"},"signature":"0qMr0xIaFBaxvFKzZ0MiSjH7fzkRgiw8V7NOTPdUE3NsaMhU8qL6_Ba3rCArDzGeyOtKwmwuphwELFp'
    b'L06MfqQ","protected":"eyJmb3JtYXRMZW5ndGgiOjc4NywiZm9ybWF0VGFpbCI6ImZRIiwidGltZSI6IjIwMjYtMTEtMjhUMDI6MTY6NDlaIn0"}]'
    b"}"
)

Entry = Union[dict[str, Any], str]


def layer_id(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def entry(number: int, parent: int | None = None, /, **facts: Any) -> dict[str, Any]:
    """A history entry with the ID of ``number`` on that of ``parent``."""
    below = {} if parent is None else {"parent": layer_id(parent)}
    return {"id": layer_id(number), **below, **facts}


def document(entries: Sequence[tuple[str, Entry]], **more: Any) -> dict[str, Any]:
    """The manifest of ``entries``, newest first: the digest of a blob, and what its history says."""
    texts = [value if isinstance(value, str) else json.dumps(value) for _blob, value in entries]
    return {
        "schemaVersion": 1,
        "name": "library/x",
        "tag": "old",
        "architecture": "amd64",
        "fsLayers": [{"blobSum": blob} for blob, _value in entries],
        "history": [{"v1Compatibility": text} for text in texts],
        **more,
    }


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signature(length: Any, tail: Any) -> dict[str, Any]:
    """A signature that claims to cover ``length`` bytes and ``tail`` (bytes, or text that is put in as it is)."""
    encoded = base64url(tail) if isinstance(tail, bytes) else tail
    protected = {"formatLength": length, "formatTail": encoded, "time": "2015-01-01T00:00:00Z"}
    return {"header": {"alg": "ES256"}, "signature": "AA", "protected": base64url(json.dumps(protected).encode())}


def sign(payload: bytes, *signatures: dict[str, Any]) -> bytes:
    """``payload`` with signatures in it as docker/libtrust puts them there; without any given, with a good one."""
    brace = len(payload.rstrip()) - 1
    end = len(payload[:brace].rstrip())
    listed = list(signatures) or [signature(end, payload[end:])]
    return payload[:end] + b',\n   "signatures": ' + json.dumps(listed).encode() + payload[end:]
