# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Images and containers as they should be: their layers and images are there, and so are their big data items."""

from __future__ import annotations

import os
from collections.abc import Iterator

from .._errors import DataError, HostError
from .._host.atomic_files import read_file, replace_file
from .._host.os_errors import PermissionDenied
from .._host.remove_tree import remove_tree
from .._model.digest import Digest
from .._model.json_text import BadJson, parse_json
from .._model.manifest_digest import digested_bytes
from .big_data import InvalidKey
from .driver import StoreDriver
from .edit import Tables
from .layout import Layout
from .prepare import make_directory
from .problem import CONTAINER, IMAGE, Doing, Evidence, Mend, Problem
from .records import ContainerRecord, ImageRecord

_MANIFEST = "manifest"


def image_problems(evidence: Evidence, *, deep: bool) -> Iterator[Problem]:
    """What is wrong with the images that have a record; ``deep`` compares the digests of their data. Raises HostError."""
    for image in evidence.catalog.images:
        if image.layer and not evidence.knows_layer(image.layer):
            yield _damaged("image_layer_missing", image, f"the top layer of the image, {image.layer}, has no record")
        for layer_id in image.mapped_layers:
            if not evidence.knows_layer(layer_id):
                mend = Mend("take the layer out of the image's record", _without_mapped(image.id, layer_id))
                message = f"a copy of its top layer with other owners, {layer_id}, has no record"
                yield Problem("image_mapped_layer_missing", image.id, message, mend)
        yield from _chain_problems(evidence, image)
        for text in image.manifest_digests:
            if not _is_digest(text):
                yield _damaged("image_digest_invalid", image, f"no tool can read the digest {text!r} of the image")
        for key in image.big_data_names:
            yield from _item_problems(evidence.layout, image, key, deep)


def _chain_problems(evidence: Evidence, image: ImageRecord) -> Iterator[Problem]:
    """Whether the layers are those that the config lists: one may have lost its digest, its parent or its place in the image."""
    wanted = _diff_ids(image, _item(evidence.layout, image, f"sha256:{image.id}"))
    chain = evidence.lineage(image.layer)
    lowest = chain[-1].parent if chain else image.layer
    # What lies in another store, or has no record, is told of elsewhere; a layer may be known by its contents alone.
    if wanted is None or lowest or any(layer.incomplete or layer.toc_digest for layer in chain):
        return
    if wanted != [layer.diff_digest for layer in reversed(chain)]:
        yield _damaged("image_layers_wrong", image, "the layers of the image are not those that its config lists")


def _diff_ids(image: ImageRecord, config: bytes | None) -> list[str] | None:
    """The digests of the layers by the config of an image; None where there is none, or not the one by which it has its ID."""
    if config is None or Digest.of(config).hex != image.id:
        return None
    try:
        value = parse_json(config, "config", mark_repeated_keys=True)
    except BadJson:
        return None
    root = value.get("rootfs") if isinstance(value, dict) else None
    found = root.get("diff_ids") if isinstance(root, dict) else None
    return found if isinstance(found, list) and all(isinstance(text, str) for text in found) else None


def container_problems(evidence: Evidence, *, deep: bool) -> Iterator[Problem]:
    """What is wrong with the containers that have a record. Raises HostError."""
    images = {image.id for image in evidence.catalog.images} | evidence.elsewhere.images
    for container in evidence.catalog.containers:
        if not evidence.knows_layer(container.layer):
            message = f"the layer of the container, {container.layer or 'unnamed'}, has no record"
            yield _damaged("container_layer_missing", container, message)
        if container.image and container.image not in images:
            message = f"the image of the container, {container.image}, has no record"
            yield _damaged("container_image_missing", container, message)
        for key in container.big_data_names:
            yield from _item_problems(evidence.layout, container, key, deep)


def _item_problems(layout: Layout, owner: ImageRecord | ContainerRecord, key: str, deep: bool) -> Iterator[Problem]:
    data = _item(layout, owner, key)
    recorded_size = owner.big_data_sizes.get(key, 0)
    recorded_digest = owner.big_data_digests.get(key, "")
    word = IMAGE if isinstance(owner, ImageRecord) else CONTAINER
    if data is None:
        yield _item_problem(layout, owner, f"{word}_data_missing", f"the data item {key} is missing or unreadable", key)
        return
    same = not _is_digest(recorded_digest) or _digest(key, data) == recorded_digest
    if len(data) != recorded_size and same and recorded_digest:
        mend = Mend(f"write the true size of {key} into the record", _size_writer(owner, key, len(data)))
        message = f"the data item {key} is right, but has {len(data)} bytes and not {recorded_size} as recorded"
        yield Problem(f"{word}_data_size_wrong", owner.id, message, mend)
    elif len(data) != recorded_size:
        message = f"the data item {key} has {len(data)} bytes and not {recorded_size}"
        yield _item_problem(layout, owner, f"{word}_data_changed", message, key)
    elif deep and not same:
        message = f"the data item {key} does not have the digest {recorded_digest}"
        yield _item_problem(layout, owner, f"{word}_data_changed", message, key)


def _item_problem(layout: Layout, owner: ImageRecord | ContainerRecord, kind: str, message: str, key: str) -> Problem:
    """The problem of an item whose bytes are lost; an image has its manifest twice, and one can stand for the other."""
    wanted = owner.big_data_digests.get(key, "")
    for other in owner.big_data_names:
        if other == key or not isinstance(owner, ImageRecord) or owner.big_data_digests.get(other) != wanted:
            continue
        data = _item(layout, owner, other)
        if data is not None and _digest(other, data) == wanted:
            mend = Mend(f"write {key} again from {other}, which is the same", _item_writer(owner.id, key, data))
            return Problem(kind, owner.id, message, mend)
    return _damaged(kind, owner, message)


def _item(layout: Layout, owner: ImageRecord | ContainerRecord, key: str) -> bytes | None:
    """The bytes of an item; None where there is no file that can have them, and where the disk does not give them."""
    place = layout.image_item if isinstance(owner, ImageRecord) else layout.container_item
    try:
        return read_file(place(owner.id, key))
    except PermissionDenied:
        # That says something of this process, and nothing of the item.
        raise
    except (InvalidKey, HostError):
        return None


def _digest(key: str, data: bytes) -> str:
    return str(Digest.of(digested_bytes(data) if key.startswith(_MANIFEST) else data))


def _is_digest(text: str) -> bool:
    try:
        Digest.parse(text)
    except DataError:
        return False
    return True


def _damaged(kind: str, owner: ImageRecord | ContainerRecord, message: str) -> Problem:
    word = IMAGE if isinstance(owner, ImageRecord) else CONTAINER
    return Problem(kind, owner.id, message, damaged=(word, owner.id))


def _without_mapped(image_id: str, layer_id: str) -> Doing:
    def take_out(tables: Tables, _layout: Layout, _driver: StoreDriver) -> None:
        image = tables.images.get(image_id)
        if image is not None:
            left = [mapped for mapped in image.mapped_layers if mapped != layer_id]
            tables.images.replace(image.changed(mapped_layers=left))
            tables.save_images()

    return take_out


def _size_writer(owner: ImageRecord | ContainerRecord, key: str, size: int) -> Doing:
    def write(tables: Tables, _layout: Layout, _driver: StoreDriver) -> None:
        # As the record is now: several of its sizes may be wrong.
        if isinstance(owner, ImageRecord):
            image = tables.images.get(owner.id) or owner
            tables.images.replace(image.changed(big_data_sizes=_with(image.big_data_sizes, key, size)))
            tables.save_images()
        else:
            container = tables.containers.get(owner.id) or owner
            tables.containers.replace(container.changed(big_data_sizes=_with(container.big_data_sizes, key, size)))
            tables.save_containers()

    return write


def _with(sizes: dict[str, int], key: str, size: int) -> dict[str, int]:
    return dict(sorted({**sizes, key: size}.items()))


def _item_writer(image_id: str, key: str, data: bytes) -> Doing:
    def write(_tables: Tables, layout: Layout, _driver: StoreDriver) -> None:
        make_directory(layout.image_dir(image_id))
        if not os.path.isfile(layout.image_item(image_id, key)):
            # No file can take the place of a directory.
            remove_tree(layout.image_item(image_id, key))
        replace_file(layout.image_item(image_id, key), data)

    return write
