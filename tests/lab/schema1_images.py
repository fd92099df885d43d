# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images of Docker's schema 1 for a registry that serves anything, made by hand: no tool of today makes odd ones."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .odd_images import Entry, make_tar
from .static_registry import StaticRegistry

SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+json"
SCHEMA1_SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"
# What Docker pushed for a layer without content: an empty tar in gzip.
NOTHING = gzip.compress(bytes(1024), mtime=0)


def sha256(data: bytes) -> str:
    """The digest of ``data``."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def tar_of(name: str) -> bytes:
    """The layer ``name``: two files and a directory."""
    entries = [
        Entry("./", b"5", mode=0o755),
        Entry(f"{name}.d/", b"5", mode=0o750, uid=3),
        Entry(f"{name}.d/file", content=name.encode() * 3000, mode=0o640, uid=3, gid=4),
        Entry("last", content=name.encode()),
    ]
    return make_tar(entries)


def blob_of(name: str) -> bytes:
    """The layer ``name`` in gzip."""
    return gzip.compress(tar_of(name), mtime=0)


@dataclass(frozen=True)
class OldImage:
    """An image of schema 1: names of its layers, base first (empty for one without content), and how it is written."""

    layers: Sequence[str]
    signed: bool = True
    created: str = "2015-07-01T10:00:00.120Z"
    architecture: str = "amd64"

    def manifest(self) -> bytes:
        """The manifest, signed as docker/libtrust does; who signed is of no interest to anybody."""
        entries = [self._entry(number) for number in range(len(self.layers))][::-1]
        blobs = [blob_of(name) if name else NOTHING for name in self.layers][::-1]
        document = {
            "schemaVersion": 1,
            "name": "library/app",
            "tag": "old",
            "architecture": self.architecture,
            "fsLayers": [{"blobSum": sha256(blob)} for blob in blobs],
            "history": [{"v1Compatibility": json.dumps(entry)} for entry in entries],
        }
        payload = json.dumps(document, indent=3).encode()
        return _signed(payload) if self.signed else payload

    @property
    def has_content(self) -> bool:
        """Whether there are layers with content."""
        return any(self.layers)

    @property
    def payload_digest(self) -> str:
        """The digest that names the image: of the manifest without its signatures."""
        payload = OldImage(self.layers, False, self.created, self.architecture).manifest()
        return sha256(payload)

    def serve(self, registry: StaticRegistry, repository: str, tag: str = "1") -> dict[str, Any]:
        """Serves the image and its blobs, and returns the descriptor of its manifest."""
        registry.pages.update(self.pages(repository, tag))
        media_type, raw = registry.pages[f"/v2/{repository}/manifests/{tag}"]
        return {"mediaType": media_type, "digest": self.payload_digest, "size": len(raw)}

    def pages(self, repository: str, tag: str = "1") -> dict[str, tuple[str, bytes]]:
        """What a registry with the image as ``repository:tag`` serves: media type and bytes by path."""
        blobs = [blob_of(name) if name else NOTHING for name in self.layers]
        pages = {f"/v2/{repository}/blobs/{sha256(blob)}": ("application/octet-stream", blob) for blob in blobs}
        manifest = (SCHEMA1_SIGNED if self.signed else SCHEMA1, self.manifest())
        return pages | {f"/v2/{repository}/manifests/{name}": manifest for name in (tag, self.payload_digest)}

    def _entry(self, number: int) -> dict[str, Any]:
        entry: dict[str, Any] = {"id": _layer_id(self.layers[: number + 1])}
        if number:
            entry["parent"] = _layer_id(self.layers[:number])
        if self.created:
            entry["created"] = self.created
        entry["container_config"] = {"Cmd": [f"step {number} <&>"]}
        if not self.layers[number]:
            entry["throwaway"] = True
        if number == len(self.layers) - 1:
            entry |= {
                "os": "linux",
                "architecture": self.architecture,
                "docker_version": "1.9.1",
                "author": "somebody",
                "config": {"Cmd": ["/bin/sh"], "Env": ["A=b"], "Labels": {"age": "old"}, "Entrypoint": None},
            }
        return entry


def _layer_id(layers: Sequence[str]) -> str:
    return hashlib.sha256("/".join(layers).encode()).hexdigest()


def _signed(payload: bytes) -> bytes:
    length = len(payload) - len("\n}")
    protected = {"formatLength": length, "formatTail": _base64url(b"\n}"), "time": "2015-07-01T10:00:00Z"}
    signature = {
        "header": {"alg": "ES256"},
        "signature": _base64url(bytes(64)),
        "protected": _base64url(json.dumps(protected).encode()),
    }
    return payload[:length] + b',\n   "signatures": ' + json.dumps([signature]).encode() + b"\n}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
