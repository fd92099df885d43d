# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What has to go when something in the store is damaged beyond mending, and its going.

As upstream's ``Repair`` (``check.go``): a damaged layer takes along what lies on it and the images that need it, an image
the layers that it alone uses; containers, and what is mounted, only go when the caller says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .._host.mountinfo import mounts_below
from .._host.mounts import unmount
from .catalog import Catalog
from .containers import remove_container
from .driver import StoreDriver
from .edit import Tables
from .layout import Layout
from .problem import CONTAINER, IMAGE, lineage
from .remove_image import delete_image, freed_layers
from .remove_layer import remove_layers


@dataclass(frozen=True)
class Doom:
    """IDs of what goes together: layers, those on top first, images and containers."""

    layers: tuple[str, ...]
    images: tuple[str, ...]
    containers: tuple[str, ...]

    def together_with(self, other: Doom) -> Doom:
        """What goes when both go."""
        return Doom(
            tuple(dict.fromkeys(self.layers + other.layers)),
            tuple(dict.fromkeys(self.images + other.images)),
            tuple(dict.fromkeys(self.containers + other.containers)),
        )

    def text(self) -> str:
        """What goes, as the order of a repair."""
        parts = [
            f"{word}{'s' * (len(ids) > 1)} {', '.join(name[:12] for name in ids)}"
            for word, ids in (("container", self.containers), ("image", self.images), ("layer", self.layers))
            if ids
        ]
        return "delete the " + ", the ".join(parts)


def doom_of(catalog: Catalog, kind: str, object_id: str) -> Doom:
    """What has to go with the damaged layer, image or container ``object_id``."""
    if kind == CONTAINER:
        layers = [record.layer for record in catalog.containers if record.id == object_id]
        on_top = [layer for top in layers for layer in _with_all_above(catalog, top)]
        return Doom(tuple(dict.fromkeys(on_top)), (), (object_id,))
    if kind == IMAGE:
        return _with_images(catalog, (), [object_id])
    layers = _with_all_above(catalog, object_id)
    images = [
        image.id
        for image in catalog.images
        if any(below.id in layers for top in (image.layer, *image.mapped_layers) for below in lineage(catalog, top))
    ]
    return _with_images(catalog, layers, images)


def carry_out_doom(tables: Tables, layout: Layout, driver: StoreDriver, doom: Doom) -> None:
    """Deletes all of it. All locks are held; mounts of it are taken away. Raises HostError."""
    for layer_id in doom.layers:
        driver.unmount(layer_id)
        tables.mounts.remove(layer_id)
    tables.save_mounts()
    for container_id in doom.containers:
        container = tables.containers.get(container_id)
        if container is not None:
            # What a tool mounted for a container that runs, such as its shared memory.
            for entry in reversed(mounts_below(layout.container_dir(container_id))):
                unmount(entry.mount_point, detach=True)
            remove_container(tables, layout, driver, container)
    for image_id in doom.images:
        delete_image(tables, layout, driver, image_id)
    remove_layers(tables, layout, driver, [layer_id for layer_id in doom.layers if tables.layers.get(layer_id)])


def _with_images(catalog: Catalog, layers: Iterable[str], images: list[str]) -> Doom:
    """The layers and images, the containers made from either, and what the images alone use."""
    going = list(layers)
    containers = [
        container for container in catalog.containers if container.image in images or container.layer in going
    ]
    going = [above for container in containers for above in _with_all_above(catalog, container.layer)] + going
    gone_containers = {container.id for container in containers}
    others = [image for image in catalog.images if image.id not in images]
    kept = [container for container in catalog.containers if container.id not in gone_containers]
    left = {layer.id: layer for layer in catalog.layers if layer.id not in going}
    for image in catalog.images:
        if image.id in images:
            freed = freed_layers(image, others, left, kept)
            going += freed
            for layer_id in freed:
                del left[layer_id]
    known = [layer_id for layer_id in dict.fromkeys(going) if catalog.layer(layer_id)]
    depth = {layer_id: len(lineage(catalog, layer_id)) for layer_id in known}
    known.sort(key=lambda layer_id: -depth[layer_id])
    return Doom(tuple(known), tuple(images), tuple(container.id for container in containers))


def _with_all_above(catalog: Catalog, layer_id: str) -> list[str]:
    """The layer and every layer that lies on it, those on top first."""
    found = [layer_id] if catalog.layer(layer_id) else []
    for position in range(len(catalog.layers)):
        if position >= len(found):
            break
        found += [layer.id for layer in catalog.layers if layer.parent == found[position] and layer.id not in found]
    return found[::-1]
