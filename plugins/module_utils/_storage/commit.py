# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The moment in which a pulled image enters the store: its layers, its big data, its record and its names.

All of it happens under one hold of the locks of layers and images, in an order that survives a kill at any point: a
layer is flagged ``incomplete`` from before its tree is there until after its last file is, and the image record comes
last.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from .._errors import HostError, StrataError
from .._host.os_errors import reporting
from .._host.remove_tree import remove_tree
from .._model.digest import Digest
from .._model.times import now_text, valid_time
from .._report import Reporter
from .catalog import Catalog, read_additional
from .driver import TreeDriver
from .edit import Tables, open_for_change
from .image_data import discard_items, with_items, write_items
from .image_names import assign_names
from .image_signatures import ManifestSignatures
from .layout import Layout
from .records import UNKNOWN_TIME, ImageRecord, LayerRecord
from .remove_layer import INCOMPLETE, remove_incomplete, remove_layers
from .signature_edit import with_signatures


class LayerVanished(HostError):
    """A layer that the image builds on was in the store when the pull was planned, and is no longer."""

    code = "layer_vanished"


class ImageConflict(HostError):
    """The store has an image of this ID with other layers."""

    code = "image_conflict"


@dataclass(frozen=True)
class StagedLayer:
    """A layer that was unpacked and verified outside of the store.

    ``tree`` is its directory in the staging area and ``tar_split`` the gzip file with its headers. Sizes are in bytes;
    ``compression`` is the number of the record. ``root_attributes`` tells that the archive had an entry for the root.
    """

    layer_id: str
    parent: str | None
    blob_digest: Digest
    blob_size: int
    diff_id: Digest
    diff_size: int
    compression: int
    uids: tuple[int, ...]
    gids: tuple[int, ...]
    tree: str
    tar_split: str
    root_attributes: bool


@dataclass(frozen=True)
class NewImage:
    """An image to be recorded.

    ``digest`` is that of the index where the image came from one, else of the manifest. ``created`` is the text of the
    config, empty where the time of the commit shall stand. ``big_data`` are keys and bytes in the order of containers/image, those of
    ``signatures`` apart. ``chain`` lists all layers, base first.
    """

    image_id: str
    names: tuple[str, ...]
    digest: Digest
    top_layer: str | None
    created: str
    big_data: tuple[tuple[str, bytes], ...]
    signatures: ManifestSignatures
    chain: tuple[str, ...]

    @property
    def items(self) -> tuple[tuple[str, bytes], ...]:
        """All big data, that of the signatures too."""
        return (*self.big_data, *self.signatures.items(default=True))


def commit_image(
    layout: Layout, driver: TreeDriver, staged: Sequence[StagedLayer], image: NewImage, reporter: Reporter
) -> ImageRecord:
    """Puts the staged layers and the image into the store, and returns the image's record.

    A staged layer that another process added meanwhile is left in the staging area and the present one is used. An
    image record of the same ID gets the data and, in front of its own, the names. After an error the store holds
    nothing of the layers and the image. Raises LayerVanished when a layer of ``image.chain`` is neither staged nor in
    the store, ImageConflict, and HostError.
    """
    image = image if image.created else replace(image, created=now_text(time.time_ns()))
    # Before our own locks: those of additional stores come before that of the images.
    others = read_additional(layout)
    with open_for_change(layout, layers=True, images=True) as tables:
        remove_incomplete(tables, layout, driver)
        present = tables.images.get(image.image_id)
        _check_top_layer(present, image)
        new = _not_there(tables, others, staged, image, reporter)
        try:
            _add_layers(tables, layout, driver, new)
            write_items(layout, image.image_id, image.items)
            record = with_data(present or empty_record(image), image)
            _save_image(tables, record, image.names)
        except Exception:
            _undo(tables, layout, driver, new, None if present else image)
            raise
        if present is not None:
            discard_items(layout, present, record)
        # Not before here are the new names of the record files on the disk.
        driver.flush()
        for layer in new:
            reporter.step("stored", layer.layer_id, parent=layer.parent, diff_id=str(layer.diff_id))
        reporter.step("recorded", image.image_id, names=", ".join(image.names), digest=str(image.digest))
        return tables.images.get(image.image_id) or record


def _check_top_layer(present: ImageRecord | None, image: NewImage) -> None:
    if present is not None and present.layer != (image.top_layer or ""):
        raise ImageConflict(
            "an image of this ID with another top layer is in the store",
            subject=image.image_id,
            wanted=image.top_layer or "no layer",
            found=present.layer or "no layer",
        )


def _not_there(
    tables: Tables, others: Catalog, staged: Sequence[StagedLayer], image: NewImage, reporter: Reporter
) -> list[StagedLayer]:
    """The staged layers that the store and its additional stores, which are ``others``, lack; base first."""
    present = {record.id for record in (*tables.layers, *others.layers)}
    by_id = {layer.layer_id: layer for layer in staged}
    for layer_id in image.chain:
        if layer_id not in present and layer_id not in by_id:
            raise LayerVanished("a layer of the image was deleted meanwhile", subject=layer_id)
    for layer_id in by_id:
        if layer_id in present:
            reporter.step("found", layer_id, added_by="another process")
    # In the order of the chain, for each layer's tree is placed on that of its parent.
    return [by_id[layer_id] for layer_id in dict.fromkeys(image.chain) if layer_id in by_id and layer_id not in present]


def _add_layers(tables: Tables, layout: Layout, driver: TreeDriver, new: Sequence[StagedLayer]) -> None:
    if not new:
        return
    created = now_text(time.time_ns())
    begun = [
        LayerRecord.of(id=layer.layer_id, parent=layer.parent, created=created, flags={INCOMPLETE: True})
        for layer in new
    ]
    for record in begun:
        tables.layers.add(record)
    tables.save_layers()
    for layer in new:
        driver.adopt_layer(layer.layer_id, layer.parent, layer.tree, layer.root_attributes)
        with reporting("move the tar-split file into place", layout.tar_split(layer.layer_id)):
            os.rename(layer.tar_split, layout.tar_split(layer.layer_id))
    # Whatever a record calls complete is on the disk before the record is.
    driver.flush()
    try:
        for layer, record in zip(new, begun):
            tables.layers.replace(_finished(record, layer))
        tables.save_layers()
    except HostError:
        # What is in memory has to be what is on the disk: that decides how the layers are removed again.
        for record in begun:
            tables.layers.replace(record)
        raise


def _finished(record: LayerRecord, layer: StagedLayer) -> LayerRecord:
    return record.changed(
        compressed_diff_digest=str(layer.blob_digest),
        compressed_size=layer.blob_size,
        diff_digest=str(layer.diff_id),
        diff_size=layer.diff_size,
        compression=layer.compression,
        uidset=sorted(set(layer.uids)),
        gidset=sorted(set(layer.gids)),
        flags={},
    )


def empty_record(image: NewImage) -> ImageRecord:
    """The record of ``image`` before it has data and names."""
    # A time that Go cannot parse would make the whole file unreadable for the other tools.
    created = image.created if valid_time(image.created) else UNKNOWN_TIME
    return ImageRecord.of(id=image.image_id, digest=str(image.digest), layer=image.top_layer, created=created)


def with_data(record: ImageRecord, image: NewImage) -> ImageRecord:
    """The record with the big data and the signatures of ``image``."""
    return with_signatures(with_items(record, image.big_data), image.signatures)


def _save_image(tables: Tables, record: ImageRecord, names: Iterable[str]) -> None:
    if tables.images.get(record.id) is None:
        tables.images.add(record)
    else:
        tables.images.replace(record)
    assign_names(tables.images, record, (*names, *record.names))
    tables.save_images()


def _undo(
    tables: Tables, layout: Layout, driver: TreeDriver, new: Sequence[StagedLayer], image: NewImage | None
) -> None:
    """Takes back what a failed commit did, as far as that works; what is left says ``incomplete``, or has no record."""
    if image is not None:
        with suppress(StrataError):
            remove_tree(layout.image_dir(image.image_id))
    with suppress(StrataError):
        remove_layers(tables, layout, driver, [layer.layer_id for layer in new])
