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

from .._host.remove_tree import InUse, remove_tree
from .driver import TreeDriver
from .edit import Tables
from .layer_use import LayerUse
from .layout import Layout
from .mounted import mounted
from .records import ContainerRecord, ImageRecord, LayerRecord
from .remains import FOR_IMAGE
from .remove_layer import remove_layers


def delete_image(tables: Tables, layout: Layout, driver: TreeDriver, image_id: str) -> list[str]:
    """Deletes one image, and returns the IDs of the layers that went with it; as delete_images()."""
    return delete_images(tables, layout, driver, [image_id]).get(image_id, [])


def delete_images(tables: Tables, layout: Layout, driver: TreeDriver, image_ids: Iterable[str]) -> dict[str, list[str]]:
    """Deletes the images, their data and the layers that they alone used, and returns the IDs of these layers by image.

    The locks of layers, mounts, images and containers are held, and no container is made from any of the images. An image
    that is not there is left out. However many images go, each file of records is written as often as for one. Raises
    InUse where one of the layers is mounted, before anything was done, and HostError.
    """
    use = LayerUse(tables.layers, tables.images, tables.containers)
    going = [image for image in map(tables.images.get, dict.fromkeys(image_ids)) if image is not None]
    freed = {image.id: [layer.id for layer in use.take_image(image)] for image in going}
    layers = [layer_id for layer_ids in freed.values() for layer_id in layer_ids]
    for layer_id in layers:
        _check_unmounted(tables, layout, layer_id)
    for image_id, layer_ids in freed.items():
        for layer_id in layer_ids:
            _note_image(tables, layer_id, image_id)
    tables.save_layers()
    for image_id in freed:
        tables.images.remove(image_id)
    tables.save_images()
    for image_id in freed:
        remove_tree(layout.image_dir(image_id))
    for layer_id in layers:
        # Counts that outlived their mounts.
        tables.mounts.remove(layer_id)
    tables.save_mounts()
    for image_id in freed:
        remove_tree(layout.mount_marker(image_id))
    remove_layers(tables, layout, driver, layers)
    return freed


def freed_layers(
    image: ImageRecord,
    others: Iterable[ImageRecord],
    layers: Mapping[str, LayerRecord],
    containers: Iterable[ContainerRecord],
) -> list[str]:
    """The layers that nobody uses once ``image`` is gone and ``others`` are left, in the order in which they can be removed."""
    return LayerUse(layers.values(), [*others, image], containers).freed_by(image)


def _note_image(tables: Tables, layer_id: str, image_id: str) -> None:
    """Says on the layer which image it goes with."""
    layer = tables.layers.get(layer_id)
    if layer is not None:
        tables.layers.replace(layer.changed(flags={**layer.flags, FOR_IMAGE: image_id}))


def _check_unmounted(tables: Tables, layout: Layout, layer_id: str) -> None:
    recorded = tables.mounts.get(layer_id)
    # A count may be left over from a crash; only a mount that is there keeps the layer.
    if recorded is not None and mounted(layout, layer_id, recorded.count, recorded.path) is not None:
        raise InUse("a layer of the image is mounted", subject=layer_id, found=recorded.path)
