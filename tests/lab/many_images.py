# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A store with as many images as one likes, three layers for each, written in one go by the engine's own parts.

Every image is whole: podman lists, mounts and saves it. A twentieth of the images' number are base layers, some more lie on
these and are shared too, and each image has two or three of its own; so the chains are four or five layers long.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from dataclasses import dataclass
from typing import Any

from ansible_collections.strata.containers.plugins.module_utils._host.atomic_files import replace_file
from ansible_collections.strata.containers.plugins.module_utils._layer.crc64 import Crc64
from ansible_collections.strata.containers.plugins.module_utils._layer.tar_split import GzipWriter, TarSplitWriter
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._model.layer_ids import layer_id
from ansible_collections.strata.containers.plugins.module_utils._storage.commit import (
    NewImage,
    empty_record,
    with_data,
)
from ansible_collections.strata.containers.plugins.module_utils._storage.edit import open_for_change
from ansible_collections.strata.containers.plugins.module_utils._storage.image_signatures import ManifestSignatures
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.overlay import OverlayDriver
from ansible_collections.strata.containers.plugins.module_utils._storage.prepare import make_directory, prepare_store
from ansible_collections.strata.containers.plugins.module_utils._storage.records import LayerRecord
from ansible_collections.strata.containers.plugins.module_utils._storage.staging import open_staging

from .stores import Store

_CREATED = "2026-11-03T10:31:07.5Z"
_BLOCK = 512
_GZIP = 2


@dataclass(frozen=True)
class _Layer:
    """A layer of one file. ``key`` is its name among the others, ``parent`` that of the layer below."""

    key: str
    parent: str
    record: LayerRecord
    content: bytes
    blob: dict[str, Any]
    tar_split: bytes


def image_name(number: int) -> str:
    """The name of the image with this number, counted from 0."""
    return f"registry.example.com/team-{number % 7}/service-{number:04d}:1.{number}"


def fill_with_images(store: Store, count: int) -> None:
    """Puts ``count`` images over three times as many layers into the store, which is empty; ``count`` is a multiple of 2."""
    layout = Layout(store.root, store.run_root)
    prepare_store(layout)
    chains = [_keys(number, count) for number in range(count)]
    layers: dict[str, _Layer] = {}
    for chain in chains:
        for position, key in enumerate(chain):
            if key not in layers:
                layers[key] = _layer(key, layers[chain[position - 1]] if position else None)
    images = [_image(number, [layers[key] for key in chain]) for number, chain in enumerate(chains)]
    _write_layers(layout, layers)
    _write_images(layout, images)


def _keys(number: int, count: int) -> list[str]:
    """The layers of an image, base first, so that there are three times as many layers as images."""
    bases = max(count // 20, 1)
    # A multiple of the bases, so that what is built on one is always built on the same.
    shared = (count // 2 - bases) // bases * bases
    own = [f"own-{number}-{position}" for position in range(2 + number % 2)]
    # Layers that no image shares make up for what the rounding took.
    missing = count // 2 - bases - shared
    own += [f"own-{number}-more"] * (number < missing)
    return [f"base-{number % bases}", f"shared-{number % shared}", *own]


def _layer(key: str, below: _Layer | None) -> _Layer:
    content = (f"the only file of layer {key}\n" * 3).encode()
    data = _tar(key, content)
    compressed = gzip.compress(data, mtime=0)
    diff_id, blob = Digest.of(data), Digest.of(compressed)
    parent = below.record.id if below else None
    record = LayerRecord.of(
        id=layer_id(parent, diff_id),
        parent=parent,
        created=_CREATED,
        compressed_diff_digest=str(blob),
        compressed_size=len(compressed),
        diff_digest=str(diff_id),
        diff_size=len(data),
        compression=_GZIP,
        uidset=[0],
        gidset=[0],
    )
    media_type = "application/vnd.oci.image.layer.v1.tar+gzip"
    descriptor = {"mediaType": media_type, "digest": str(blob), "size": len(compressed)}
    return _Layer(key, below.key if below else "", record, content, descriptor, _tar_split(key, data, content))


def _tar(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _tar_split(name: str, data: bytes, content: bytes) -> bytes:
    crc = Crc64()
    crc.update(content)
    parts: list[bytes] = []
    packed = GzipWriter(parts.append)
    writer = TarSplitWriter(packed.write)
    writer.segment(data[:_BLOCK])
    writer.file(name.encode(), len(content), crc.digest())
    writer.segment(data[_BLOCK + len(content) :])
    packed.close()
    return b"".join(parts)


def _image(number: int, chain: list[_Layer]) -> NewImage:
    config = json.dumps(
        {
            "created": _CREATED,
            "architecture": "amd64",
            "os": "linux",
            "config": {
                "Cmd": ["/bin/sh"],
                "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
                "Labels": {"number": str(number)},
            },
            "rootfs": {"type": "layers", "diff_ids": [layer.record.diff_digest for layer in chain]},
            "history": [{"created": _CREATED, "created_by": f"COPY {layer.key} /"} for layer in chain],
        }
    ).encode()
    media_type = "application/vnd.oci.image.config.v1+json"
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": media_type, "digest": str(Digest.of(config)), "size": len(config)},
            "layers": [layer.blob for layer in chain],
        }
    ).encode()
    digest = Digest.of(manifest)
    return NewImage(
        image_id=Digest.of(config).hex,
        names=(image_name(number),),
        digest=digest,
        top_layer=chain[-1].record.id,
        created=_CREATED,
        big_data=((str(Digest.of(config)), config), (f"manifest-{digest}", manifest), ("manifest", manifest)),
        signatures=ManifestSignatures(digest),
        chain=tuple(layer.record.id for layer in chain),
    )


def _write_layers(layout: Layout, layers: dict[str, _Layer]) -> None:
    driver = OverlayDriver(layout)
    with open_staging(layout) as staging, open_for_change(layout, layers=True) as tables:
        for layer in layers.values():
            tree = os.path.join(staging.tree, layer.key)
            os.mkdir(tree)
            with open(os.path.join(tree, layer.key), "wb") as file:
                file.write(layer.content)
            os.utime(file.name, (0, 0))
            os.chmod(file.name, 0o644)
            driver.adopt_layer(layer.record.id, layer.record.parent, tree, False)
            replace_file(layout.tar_split(layer.record.id), layer.tar_split, sync=False)
            tables.layers.add(layer.record)
        tables.save_layers()


def _write_images(layout: Layout, images: list[NewImage]) -> None:
    with open_for_change(layout, images=True) as tables:
        for image in images:
            make_directory(layout.image_dir(image.image_id))
            for key, data in image.big_data:
                replace_file(layout.image_item(image.image_id, key), data, sync=False)
            tables.images.add(
                with_data(empty_record(image), image).changed(names=list(image.names), names_history=list(image.names))
            )
        tables.save_images()
