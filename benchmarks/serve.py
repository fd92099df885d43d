# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images in the registry: pushed there, and read once more before they are pulled."""

from __future__ import annotations

import gzip
import json
import os
from typing import Any

from lab.commands import run
from lab.odd_images import GZIP, Entry, ImageLayout, make_tar
from lab.registry import Registry
from programs import Image

_BLOBS = "docker/registry/v2/blobs/sha256"
_CHUNK = 1 << 20


def serve(registry: Registry, layout: str, name: str) -> Image:
    """The image ``name`` of an OCI layout, pushed to the registry."""
    reference = registry.reference(f"{name}:1")
    copy = ["skopeo", "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"]
    run([*copy, f"oci:{layout}:{name}", f"docker://{reference}"])
    manifest = _inspected(reference)
    config = _inspected(reference, "--config")
    digests = [layer["digest"] for layer in manifest["layers"]]
    return Image(
        reference,
        name,
        registry.host,
        tuple(zip(digests, config["rootfs"]["diff_ids"])),
        sum(layer["size"] for layer in manifest["layers"]),
        {layer["mediaType"] for layer in manifest["layers"]} == {GZIP},
    )


def serve_with_wrong_diff_id(registry: Registry, directory: str) -> Image:
    """An image whose config promises another diff ID than its layer has; made in ``directory``."""
    layout = ImageLayout(os.path.join(directory, "layout"))
    layer = gzip.compress(make_tar([Entry("file", content=b"content")]), mtime=0)
    layout.add_image("wrong-diff-id", [(layer, GZIP)], diff_ids=["sha256:" + "0" * 64])
    return serve(registry, layout.directory, "wrong-diff-id")


def warm_blobs(image: Image, storage: str) -> None:
    """Reads every layer from the registry's files in ``storage``, so that they are in the page cache."""
    for digest, _diff_id in image.layers:
        name = digest.partition(":")[2]
        with open(os.path.join(storage, _BLOBS, name[:2], name, "data"), "rb", buffering=0) as stream:
            while stream.read(_CHUNK):
                pass


def _inspected(reference: str, *options: str) -> Any:
    return json.loads(run(["skopeo", "inspect", "--raw", "--tls-verify=false", *options, f"docker://{reference}"]))
