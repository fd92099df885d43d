# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What uses each layer of a store, counted once and kept while images and containers go.

To ask for each of a thousand images anew what all others use would take a million steps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from .records import ContainerRecord, ImageRecord, LayerRecord


class LayerUse:
    """The layers that are left, and how many images, containers and layers use each."""

    def __init__(
        self, layers: Iterable[LayerRecord], images: Iterable[ImageRecord], containers: Iterable[ContainerRecord]
    ) -> None:
        self._layers = {layer.id: layer for layer in layers}
        self._users: Counter[str] = Counter()
        self._children: dict[str, dict[str, None]] = {}
        for image in images:
            self._users.update(_tops(image))
        for container in containers:
            self._users[container.layer] += 1
        for layer in self._layers.values():
            self._children.setdefault(layer.parent or "", {})[layer.id] = None

    @property
    def layers(self) -> Mapping[str, LayerRecord]:
        """The layers that are left, by their IDs."""
        return self._layers

    def children(self, layer_id: str) -> Iterable[str]:
        """The IDs of the layers that lie directly on this one; those without a parent for an empty ID."""
        return self._children.get(layer_id, {}).keys()

    def freed_by(self, image: ImageRecord) -> list[str]:
        """The layers that nobody uses once ``image``, which counted until now, is gone; in the order in which they can be removed.

        These are its copies with shifted owners, and from its top layer downwards all until one that another image, a
        container or a further layer is built on.
        """
        own = _tops(image)
        freed: dict[str, None] = {}

        def free(layer_id: str) -> bool:
            if layer_id not in self._layers or self._users[layer_id] > (layer_id in own):
                return False
            return all(child in freed for child in self.children(layer_id))

        for layer_id in dict.fromkeys(image.mapped_layers):
            if free(layer_id):
                freed[layer_id] = None
        layer_id = image.layer
        while layer_id not in freed and free(layer_id):
            freed[layer_id] = None
            layer_id = self._layers[layer_id].parent or ""
        return list(freed)

    def take_image(self, image: ImageRecord) -> list[LayerRecord]:
        """Takes the image away with the layers that it frees, and returns these."""
        taken = [self._layers[layer_id] for layer_id in self.freed_by(image)]
        self._users.subtract(_tops(image))
        for layer in taken:
            self._drop(layer)
        return taken

    def take_container(self, container: ContainerRecord) -> None:
        """Takes the container away with its layer."""
        self._users[container.layer] -= 1
        layer = self._layers.get(container.layer)
        if layer is not None:
            self._drop(layer)

    def _drop(self, layer: LayerRecord) -> None:
        del self._layers[layer.id]
        self._children[layer.parent or ""].pop(layer.id, None)


def _tops(image: ImageRecord) -> set[str]:
    return {image.layer, *image.mapped_layers}
