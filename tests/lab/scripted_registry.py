# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry that plays a script for whole pulls: images made by code, and faults laid over any of their requests.

    with ScriptedRegistry() as registry:
        registry.expect("GET", registry.manifest_path(), status=503, times=2)
        registry.serve(make_image([layer]))

A fault is laid before the image is served: of the steps that fit a request, the first that is not used up answers.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Optional
from urllib.parse import urlencode

from ansible_collections.strata.containers.plugins.module_utils._host.machine import cpuinfo, machine
from ansible_collections.strata.containers.plugins.module_utils._model.platform import host_platform
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.scripted_server import (
    ScriptedServer,
)

from .decompress import decompress
from .odd_images import GZIP, Entry, make_tar

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"

REPOSITORY = "team/app"
TAG = "1"

Json = dict[str, Any]


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def small_layer(text: str = "content") -> bytes:
    """A gzip layer with one file."""
    return gzip.compress(make_tar([Entry("file", content=text.encode())]), mtime=0)


def error_body(code: str, message: str = "") -> bytes:
    """The body by which a registry explains a refusal (OCI distribution-spec, "Error Codes")."""
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode()


@dataclass(frozen=True)
class ScriptedImage:
    """The bytes of an image; ``layers`` in the order of the manifest."""

    manifest: bytes
    media_type: str
    config: bytes
    layers: tuple[bytes, ...]


def make_image(
    layers: Sequence[bytes],
    *,
    layer_type: str = GZIP,
    diff_ids: Optional[Sequence[str]] = None,
    config: Optional[bytes] = None,
    docker: bool = False,
    spoil: Callable[[Json], object] = lambda manifest: None,
) -> ScriptedImage:
    """An image of ``layers`` for this machine.

    ``config`` and ``diff_ids`` are computed unless given; ``spoil`` may change the manifest before it becomes bytes.
    """
    config = image_config(layers, diff_ids) if config is None else config
    media_type = DOCKER_MANIFEST if docker else OCI_MANIFEST
    manifest: Json = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": descriptor(config, DOCKER_CONFIG if docker else OCI_CONFIG),
        "layers": [descriptor(layer, layer_type) for layer in layers],
    }
    spoil(manifest)
    return ScriptedImage(json.dumps(manifest).encode(), media_type, config, tuple(layers))


def image_config(layers: Sequence[bytes], diff_ids: Optional[Sequence[str]] = None) -> bytes:
    """The config of an image of ``layers``."""
    ids = [digest_of(decompress(layer)) for layer in layers] if diff_ids is None else list(diff_ids)
    return json.dumps({**_platform(), "rootfs": {"type": "layers", "diff_ids": ids}}).encode()


def make_index(
    *manifests: bytes, media_type: str = OCI_MANIFEST, platform: Optional[Json] = None, kind: str = OCI_INDEX
) -> bytes:
    """An index, or with ``kind`` Docker's list, whose entries are all for ``platform`` (this machine's)."""
    entries = [{**descriptor(raw, media_type), "platform": platform or _platform()} for raw in manifests]
    return json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": entries}).encode()


def descriptor(data: bytes, media_type: str) -> Json:
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}


def _platform() -> Json:
    here = host_platform(machine(), cpuinfo())
    return {"os": here.os, "architecture": here.architecture, **({"variant": here.variant} if here.variant else {})}


class ScriptedRegistry(ScriptedServer):
    """A scripted server with one repository."""

    def reference(self, name: str = TAG) -> str:
        """The name of the image of that tag or digest, as a task writes it."""
        return f"{self.host}/{REPOSITORY}{'@' if name.startswith('sha256:') else ':'}{name}"

    @staticmethod
    def manifest_path(tag: str = TAG) -> str:
        return f"/v2/{REPOSITORY}/manifests/{tag}"

    @staticmethod
    def blob_path(data: bytes) -> str:
        return f"/v2/{REPOSITORY}/blobs/{digest_of(data)}"

    def ask_for_basic(self) -> None:
        """From now on the ping wants a password."""
        self.challenge('Basic realm="tests"')

    def ask_for_token(self, account: str = "") -> str:
        """From now on the ping wants a token of this server; returns the path by which ``account`` asks for it."""
        self.challenge(f'Bearer realm="{self.url}/token",service="tests"')
        user = [("account", account)] if account else []
        return "/token?" + urlencode([*user, ("service", "tests"), ("scope", f"repository:{REPOSITORY}:pull")])

    def challenge(self, text: str) -> None:
        """From now on the ping is answered by 401 with this challenge."""
        self.expect("GET", "/v2/", status=401, headers={"WWW-Authenticate": text}, times=None)

    def serve(self, image: ScriptedImage, tag: str = TAG) -> None:
        """Answers every request that a pull of ``image`` makes, any number of times, where no step before does."""
        self.ping()
        self.serve_manifest(image.manifest, image.media_type, tag)
        self.serve_manifest(image.manifest, image.media_type, digest_of(image.manifest))
        for blob in {image.config, *image.layers}:
            self.expect("GET", self.blob_path(blob), body=blob, times=None)

    def ping(self) -> None:
        self.expect("GET", "/v2/", times=None)

    def serve_manifest(self, raw: bytes, media_type: str, tag: str) -> None:
        self.expect("GET", self.manifest_path(tag), body=raw, headers={"Content-Type": media_type}, times=None)

    def asked(self, path: str) -> int:
        """How often ``path`` was asked for, by GET."""
        return self.paths().count(f"GET {path}")

    def blobs_asked(self) -> list[str]:
        """Every request for a blob."""
        return [path for path in self.paths() if "/blobs/" in path]
