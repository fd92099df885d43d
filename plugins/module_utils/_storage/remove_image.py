# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Deleting images, with the layers that nobody uses afterwards.

The steps and their order are those of ``DeleteImage`` in containers/storage: the record goes first, so that nobody starts
to use what is about to vanish. A kill after that would leave complete layers that nobody needs, and that upstream never
removes: so ours say first for which image they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .._host.mountinfo import mount_at
from .._host.remove_tree import InUse, remove_tree
from .driver import TreeDriver
from .edit import Tables
from .layout import Layout
from .records import ContainerRecord, ImageRecord, LayerRecord
from .remains import FOR_IMAGE
from .remove_layer import remove_layers


def delete_image(tables: Tables, layout: Layout, driver: TreeDriver, image_id: str) -> list[str]:
    """Deletes the image, its data and the layers that it alone used, and returns the IDs of these layers.

    The locks of layers, mounts, images and containers are held, and no container is made from the image. Nothing to do
    for an image that is not there. Raises InUse where one of the layers is mounted, before anything was done, and
    HostError.
    """
    image = tables.images.get(image_id)
    if image is None:
        return []
    others = [other for other in tables.images if other.id != image_id]
    layers = {layer.id: layer for layer in tables.layers}
    freed = freed_layers(image, others, layers, tables.containers)
    for layer_id in freed:
        _check_unmounted(tables, layer_id)
    for layer_id in freed:
        tables.layers.replace(layers[layer_id].changed(flags={**layers[layer_id].flags, FOR_IMAGE: image_id}))
    tables.save_layers()
    tables.images.remove(image_id)
    tables.save_images()
    remove_tree(layout.image_dir(image_id))
    for layer_id in freed:
        # Counts that outlived their mounts.
        tables.mounts.remove(layer_id)
    tables.save_mounts()
    remove_tree(layout.mount_marker(image_id))
    remove_layers(tables, layout, driver, freed)
    return freed


def freed_layers(
    image: ImageRecord,
    others: Iterable[ImageRecord],
    layers: Mapping[str, LayerRecord],
    containers: Iterable[ContainerRecord],
) -> list[str]:
    """The layers that nobody uses once ``image`` is gone, in the order in which they can be removed.

    These are its copies with shifted owners, and from its top layer downwards all until one that another image, a
    container or a further layer is built on.
    """
    used = {layer_id for other in others for layer_id in (other.layer, *other.mapped_layers)}
    used.update(container.layer for container in containers)
    children: dict[str, set[str]] = {}
    for layer in layers.values():
        children.setdefault(layer.parent or "", set()).add(layer.id)

    def free(layer_id: str) -> bool:
        return layer_id in layers and layer_id not in used and children.get(layer_id, set()) <= set(freed)

    freed: list[str] = []
    for layer_id in dict.fromkeys(image.mapped_layers):
        if free(layer_id):
            freed.append(layer_id)
    layer_id = image.layer
    while layer_id not in freed and free(layer_id):
        freed.append(layer_id)
        layer_id = layers[layer_id].parent or ""
    return freed


def _check_unmounted(tables: Tables, layer_id: str) -> None:
    recorded = tables.mounts.get(layer_id)
    # A count may be left over from a crash; only a mount that is there keeps the layer.
    if recorded is not None and mount_at(recorded.path) is not None:
        raise InUse("a layer of the image is mounted", subject=layer_id, found=recorded.path)
