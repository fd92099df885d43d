# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Removing the layers of changes that a kill broke off, as far as their records tell.

A layer that a process was making or deleting says ``incomplete``; every tool removes it. Two flags of our own tell of
complete layers for whom they are there, while that cannot be told otherwise. The other tools keep flags they do not know.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .._host.remove_tree import remove_tree
from .catalog import Catalog
from .layout import Layout
from .records import LayerRecord

if TYPE_CHECKING:
    from .driver import TreeDriver
    from .edit import Tables

# On a layer from when it is complete until its container's record is saved: the ID of that container. A kill in between
# would leave a layer that looks as if somebody wanted it.
FOR_CONTAINER = "strata-container"
# On the layers that go with an image, from before its record goes until they say "incomplete": the ID of that image. A kill
# in between would leave them for ever, complete and used by nobody.
FOR_IMAGE = "strata-image"


def has_remains(catalog: Catalog) -> bool:
    """Whether there is a layer of a change that was broken off."""
    flagged = (layer for layer in catalog.layers if layer.has_flags)
    return any(layer.incomplete or _has_marks(layer) for layer in flagged)


def is_abandoned(layer: LayerRecord, containers: Iterable[str], images: Iterable[str]) -> bool:
    """Whether the layer is there only for a container that never came to be, or for an image that is gone.

    ``containers`` and ``images`` are the IDs of those that there are.
    """
    container_id, image_id = layer.flags.get(FOR_CONTAINER), layer.flags.get(FOR_IMAGE)
    return (container_id is not None and container_id not in containers) or (
        image_id is not None and image_id not in images
    )


def remove_remains(tables: Tables, layout: Layout, driver: TreeDriver) -> None:
    """Removes what a killed process left: incomplete layers, and those that nobody uses and that are there for nobody.

    All locks of records are held: whoever makes or deletes holds them all the while. Raises HostError.
    """
    from .remove_layer import remove_incomplete, remove_layers

    remove_incomplete(tables, layout, driver)
    flagged = [layer for layer in tables.layers if layer.has_flags and _has_marks(layer)]
    if not flagged:
        return
    containers, images = {record.id for record in tables.containers}, {record.id for record in tables.images}
    abandoned = _unused(tables, [layer.id for layer in flagged if is_abandoned(layer, containers, images)])
    for layer in flagged:
        if layer.id in abandoned:
            # Their counts, and the directory of a container that has no record yet.
            tables.mounts.remove(layer.id)
            if FOR_CONTAINER in layer.flags:
                remove_tree(layout.container_dir(layer.flags[FOR_CONTAINER]))
        else:
            tables.layers.replace(layer.changed(flags=without_marks(layer)))
    tables.save_mounts()
    tables.save_layers()
    remove_layers(tables, layout, driver, abandoned)


def _has_marks(layer: LayerRecord) -> bool:
    return not {FOR_CONTAINER, FOR_IMAGE}.isdisjoint(layer.flags)


def without_marks(layer: LayerRecord) -> dict[str, object]:
    """The flags of the layer without ours."""
    return {key: value for key, value in layer.flags.items() if key not in (FOR_CONTAINER, FOR_IMAGE)}


def _unused(tables: Tables, layer_ids: Iterable[str]) -> list[str]:
    """Those of the layers that no image, no container and no other layer needs; nothing needs them but one another."""
    needed = {layer_id for image in tables.images for layer_id in (image.layer, *image.mapped_layers)}
    needed |= {container.layer for container in tables.containers}
    going = [layer_id for layer_id in layer_ids if layer_id not in needed]
    while True:
        gone = set(going)
        parents = {layer.parent for layer in tables.layers if layer.id not in gone}
        left = [layer_id for layer_id in going if layer_id not in parents]
        if left == going:
            return going
        going = left
