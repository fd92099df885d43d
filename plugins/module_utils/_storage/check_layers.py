# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Layers as they should be: a finished record, a parent, a tree with its links, and the headers of its archive."""

from __future__ import annotations

import os
from collections.abc import Iterator

from .._host.os_errors import reporting
from .._host.remove_tree import remove_tree
from .big_data import InvalidKey
from .catalog import Catalog
from .driver import StoreDriver
from .edit import Tables
from .layout import BtrfsLayout, Layout
from .mounted import mounted
from .overlay_links import link_of, lowers_of, read_lowers, relink, write_lowers
from .prepare import make_directory
from .problem import LAYER, Doing, Evidence, Mend, Problem
from .records import LayerRecord
from .remains import is_abandoned
from .remove_layer import remove_layers

_GZIP_MAGIC = b"\x1f\x8b"


def layer_problems(evidence: Evidence) -> Iterator[Problem]:
    """What is wrong with the layers that have a record. Their contents are not read. Raises HostError."""
    for layer in evidence.catalog.layers:
        if layer.incomplete:
            yield _damaged("layer_incomplete", layer, "somebody was making or deleting the layer and did not finish")
            continue
        yield from _record_problems(evidence, layer)
        if not os.path.isdir(evidence.layout.diff(layer.id)):
            yield _damaged("layer_tree_missing", layer, "the layer has a record, but no tree")
            continue
        if evidence.layout.stacked:
            yield from _tree_problems(evidence, layer)
        elif isinstance(evidence.layout, BtrfsLayout):
            yield from _subvolume_problems(evidence.layout, layer)
        yield from _tar_split_problems(evidence.layout, layer)
    yield from _without_users(evidence)


def _record_problems(evidence: Evidence, layer: LayerRecord) -> Iterator[Problem]:
    below = evidence.lineage(layer.id)
    parent = layer.parent
    if parent and not evidence.knows_layer(parent):
        yield _damaged("layer_parent_missing", layer, f"the layer below it, {parent}, has no record")
    elif parent and below[-1].parent and evidence.catalog.layer(below[-1].parent or "") is not None:
        yield _damaged("layer_parent_missing", layer, "the layers below it run in a circle")
    elif _lost_parent(evidence.layout, layer):
        yield _damaged("layer_parent_missing", layer, "the record names no layer below it, and its tree lies on others")
    for key in layer.big_data_names:
        try:
            path = evidence.layout.layer_item(layer.id, key)
        except InvalidKey:
            continue
        if not os.path.isfile(path):
            yield _damaged("layer_data_missing", layer, f"the data item {key} of the layer is missing")


def _lost_parent(layout: Layout, layer: LayerRecord) -> bool:
    """Whether the record of a layer lost the parent; a copy with shifted owners has none where its model has none."""
    mapped = layer.uidmap or layer.gidmap
    return layout.stacked and not layer.parent and not mapped and bool(read_lowers(layout, layer.id))


def _tree_problems(evidence: Evidence, layer: LayerRecord) -> Iterator[Problem]:
    """Whether the driver could mount the layer."""
    layout = evidence.layout
    if link_of(layout, layer.id) is None:
        children = [child.id for child in evidence.catalog.layers if child.parent == layer.id]
        mend = Mend("make the link again", lambda _tables, layout, _driver: relink(layout, layer.id, children))
        yield Problem(
            "layer_link_lost", layer.id, "the short link to the layer or the file with its name is lost", mend
        )
    yield from _lower_problems(evidence, layer)
    # A copy with shifted owners has no parent where its model has none, and lies on that.
    lowest = not layer.parent and not read_lowers(layout, layer.id)
    needed = (layout.work(layer.id), layout.empty(layer.id)) if lowest else (layout.work(layer.id),)
    for path in needed:
        if not os.path.isdir(path):
            mend = Mend("make the directory", _maker(path))
            yield Problem("layer_directory_missing", path, "a directory that mounting the layer needs is missing", mend)


def _subvolume_problems(layout: Layout, layer: LayerRecord) -> Iterator[Problem]:
    """Whether something can be built on the layer. Its files are all there if not, and only who uses them knows where else."""
    from .._host.btrfs import is_subvolume

    if not is_subvolume(layout.diff(layer.id)):
        message = "the tree of the layer is a plain directory and no subvolume, as a copy of a store has it"
        yield Problem("layer_not_subvolume", layer.id, f"{message}: nothing can be built on it")


def _lower_problems(evidence: Evidence, layer: LayerRecord) -> Iterator[Problem]:
    layout = evidence.layout
    below = evidence.lineage(layer.id)[1:]
    last = below[-1] if below else layer
    # Lower layers in additional stores have links there, and a copy with shifted owners lies on its model.
    if last.parent or _lost_parent(layout, last) or any(record.uidmap or record.gidmap for record in (layer, *below)):
        return
    wanted = lowers_of(layout, [record.id for record in below])
    if wanted is None or read_lowers(layout, layer.id) == wanted:
        return
    mend = Mend("write the list of lower layers again", _lower_writer(layer.id, [record.id for record in below]))
    yield Problem("layer_lower_wrong", layer.id, "the list of lower layers is missing or not that of the records", mend)


def _tar_split_problems(layout: Layout, layer: LayerRecord) -> Iterator[Problem]:
    if not layer.diff_digest:
        return
    path = layout.tar_split(layer.id)
    if not os.path.isfile(path):
        yield _damaged(
            "tar_split_missing", layer, "the headers of the layer's archive are missing: it cannot be pushed"
        )
    elif _beginning(path) != _GZIP_MAGIC:
        yield _damaged("tar_split_damaged", layer, "the headers of the layer's archive cannot be read")


def _beginning(path: str) -> bytes:
    with reporting("read", path), open(path, "rb") as file:
        return file.read(len(_GZIP_MAGIC))


def _without_users(evidence: Evidence) -> Iterator[Problem]:
    """Complete layers that nothing is made from; nobody can tell those of a pull that is under way from forgotten ones."""
    catalog = evidence.catalog
    tops = [layer_id for image in catalog.images for layer_id in (image.layer, *image.mapped_layers)]
    tops += [container.layer for container in catalog.containers]
    used = {layer.id for top in tops for layer in evidence.lineage(top)}
    containers, images = {record.id for record in catalog.containers}, {record.id for record in catalog.images}
    for layer in catalog.layers:
        if layer.id in used or layer.incomplete:
            continue
        if (
            is_abandoned(layer, containers, images)
            and mounted(evidence.layout, layer.id, _count(catalog, layer)) is None
        ):
            mend = Mend("delete the layer", _remover(layer.id))
            message = "the layer was made for a container that never came to be, or should have gone with its image"
            yield Problem("layer_abandoned", layer.id, message, mend)
        else:
            yield Problem(
                "unused_layer", layer.id, "no image, container or other layer in use needs the layer", information=True
            )


def _count(catalog: Catalog, layer: LayerRecord) -> int:
    recorded = catalog.mount_counts.get(layer.id)
    return recorded.count if recorded else 0


def _damaged(kind: str, layer: LayerRecord, message: str) -> Problem:
    return Problem(kind, layer.id, message, damaged=(LAYER, layer.id))


def _maker(path: str) -> Doing:
    def make(_tables: Tables, _layout: Layout, _driver: StoreDriver) -> None:
        # Nothing that is no directory is of use there.
        remove_tree(path)
        make_directory(path)

    return make


def _lower_writer(layer_id: str, below: list[str]) -> Doing:
    def write(_tables: Tables, layout: Layout, _driver: StoreDriver) -> None:
        lowers = lowers_of(layout, below)
        if lowers is not None:
            write_lowers(layout, layer_id, lowers)

    return write


def _remover(layer_id: str) -> Doing:
    def remove(tables: Tables, layout: Layout, driver: StoreDriver) -> None:
        remove_layers(tables, layout, driver, [layer_id])

    return remove
