# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images of one layer in a given form, for a registry that serves anything: how the layer is packed, and what types are named."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .odd_images import Entry, make_tar
from .static_registry import StaticRegistry

OCI = "application/vnd.oci.image.manifest.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
OCI_FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar"


def tar_of(case: str) -> bytes:
    """A tar of its own for each image, so that no layer is in the store before it is pulled."""
    return make_tar(
        [
            Entry("./", b"5", mode=0o755),
            Entry("file", content=case.encode() * 5000, mode=0o640, uid=3),
            Entry("directory/", b"5", mode=0o750),
            Entry("directory/link", b"2", target="../file", mode=0o777),
            Entry("long-" + "n" * 120, content=b"pax"),
        ]
    )


def plain(tar: bytes) -> bytes:
    """The tar as it is."""
    return tar


def gzipped(tar: bytes) -> bytes:
    """The tar in gzip, the same bytes each time."""
    return gzip.compress(tar, mtime=0)


@dataclass(frozen=True)
class Form:
    """One way to serve an image: how its layer is packed, and the types of everything."""

    pack: Callable[[bytes], bytes]
    layer: str
    manifest: str = OCI
    config: str = OCI_CONFIG
    # The header where it is not the type of the manifest, and whether the body states that type.
    header: str = ""
    stated: bool = True
    more: Mapping[str, Any] = field(default_factory=dict)
    # What the packed layer unpacks to, where that is not the tar that was packed.
    unpacked: Callable[[bytes], bytes] = plain


def docker_form(pack: Callable[[bytes], bytes], layer: str, config: str = DOCKER_CONFIG) -> Form:
    """A form with Docker's manifest of schema 2."""
    return Form(pack, layer, DOCKER, config)


def serve(registry: StaticRegistry, form: Form, repository: str, tag: str = "1") -> dict[str, Any]:
    """Serves the image in ``form`` and returns the descriptor of its manifest."""
    tar = tar_of(repository)
    diff_id = hashlib.sha256(form.unpacked(tar)).hexdigest()
    config = {
        "created": "2026-11-03T10:31:07.5Z",
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["/bin/sh"], "Labels": {"repository": repository}},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff_id}"]},
        "history": [{"created_by": "tests"}],
    }
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "config": registry.add_blob(repository, json.dumps(config).encode(), form.config),
        "layers": [{**registry.add_blob(repository, form.pack(tar), form.layer), **form.more}],
    }
    if form.stated:
        manifest["mediaType"] = form.manifest
    raw = json.dumps(manifest).encode()
    descriptor = registry.add_manifest(repository, raw, form.header or form.manifest, tag)
    return {**descriptor, "mediaType": form.manifest}
