# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What is left of a store when images go: played through on its records before anything is done.

Check mode prints what this says, and a removal in earnest is planned by it once more under the locks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Optional

from .._errors import HostError, UsageError
from .._storage.catalog import Catalog
from .._storage.layer_use import LayerUse
from .._storage.records import ContainerRecord, ImageRecord
from .lineage import Lineage
from .remove import ContainerMounted

# Where a layer is mounted, None where it is not; and where an image is, by a count of ours.
MountOf = Callable[[str], Optional[str]]
HeldAt = Callable[[ImageRecord], Optional[str]]


class ImageInUse(UsageError):
    """Containers are made from the image."""

    code = "image_in_use"


class ImageMounted(HostError):
    """The image is mounted, and the task did not say that this does not matter."""

    code = "image_mounted"


class Removal:
    """The records of a store from which images are taken, and what went so far.

    ``untagged`` are names with the ID of their image, ``deleted`` and ``layers`` IDs, ``mounts`` the layers that are mounted
    for an image that goes, with its ID, or go with it; all in the order of their going. ``size`` counts the bytes of layers
    and big data.
    """

    def __init__(self, catalog: Catalog, lineage: Lineage, mount_of: MountOf, held_at: HeldAt) -> None:
        self._before = {image.id: image for image in catalog.images}
        self._images = dict(self._before)
        # Any change to the store begins with the removal of the others.
        self._use = LayerUse(
            (layer for layer in catalog.layers if not layer.incomplete), catalog.images, catalog.containers
        )
        self._containers: dict[str, list[ContainerRecord]] = {}
        for container in catalog.containers:
            self._containers.setdefault(container.image, []).append(container)
        self._by_top: dict[str, dict[str, ImageRecord]] = {}
        for image in catalog.images:
            self._by_top.setdefault(image.layer, {})[image.id] = image
        self._lineage = lineage
        self._mount_of = mount_of
        self._held_at = held_at
        self.untagged: list[tuple[str, str]] = []
        self.deleted: list[str] = []
        self.containers: list[ContainerRecord] = []
        self.layers: list[str] = []
        self.mounts: list[tuple[str, str]] = []
        self.size = 0

    @property
    def images(self) -> tuple[ImageRecord, ...]:
        """The images that are left."""
        return tuple(self._images.values())

    def image(self, image_id: str) -> ImageRecord | None:
        """The image with the names that are left to it, None where it is gone."""
        return self._images.get(image_id)

    def labels(self, image: ImageRecord) -> Mapping[str, str]:
        """The labels of the image's config, none where there is no config."""
        config = self._lineage.config(image)
        return config.labels if config else {}

    def users(self, image: ImageRecord) -> list[ContainerRecord]:
        """The containers that are made from the image."""
        return list(self._containers.get(image.id, ()))

    def mount_point(self, image: ImageRecord) -> str | None:
        """Where the image is mounted, or a layer that would go with it; None where nothing is.

        Which of several images with one top layer others have mounted, nobody can tell: the last of them counts as mounted.
        """
        points = (self._mount_of(layer_id) for layer_id in self._to_unmount(image))
        return next((point for point in points if point), None) or self._held_at(image)

    def _to_unmount(self, image: ImageRecord) -> list[str]:
        """The layers that nobody could unmount any more once the image is gone."""
        freed = self._use.freed_by(image)
        others = len(self._by_top.get(image.layer, {})) > 1
        return freed if others or not image.layer or image.layer in freed else [*freed, image.layer]

    def dangling(self, image: ImageRecord) -> bool:
        """Whether the image has no name, and no image was built on it."""
        return not image.names and not self._lineage.has_children(image, self._near(image), self._use.layers)

    def untag(self, image: ImageRecord, name: str) -> None:
        """Takes ``name`` from the image."""
        left = image.changed(names=[other for other in image.names if other != name])
        self._images[image.id] = self._by_top[image.layer][image.id] = left
        self.untagged.append((name, image.id))

    def delete(self, image: ImageRecord, *, containers: bool, mounted: bool) -> None:
        """Takes the image away, and then the images that it was built on for as long as they are dangling and unused.

        With ``containers`` its containers go before it, with ``mounted`` a mount does not keep it. Raises ImageInUse,
        ImageMounted, and ContainerMounted for a container that is mounted, as each is that runs: it cannot be stopped here.
        """
        self._free_from_containers(image, containers)
        point = self.mount_point(image)
        if point and not mounted:
            raise ImageMounted(
                "the image is mounted: unmount it first, or set force", subject=_called(image), found=point
            )
        parent = self._take(image)
        while parent and self.dangling(parent) and not self.users(parent) and not self.mount_point(parent):
            parent = self._take(parent)

    def sides(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Before and after: the names of each image that was touched, and the containers that go."""
        touched = dict.fromkeys([image_id for _name, image_id in self.untagged] + self.deleted)
        sides = [
            {image_id: list(images[image_id].names) for image_id in touched if image_id in images}
            for images in (self._before, self._images)
        ]
        containers = [_called(container) for container in self.containers]
        return {"images": sides[0], "containers": containers}, {"images": sides[1], "containers": []}

    def _free_from_containers(self, image: ImageRecord, containers: bool) -> None:
        users = self.users(image)
        if users and not containers:
            raise ImageInUse("containers are made from the image", subject=_called(image), found=_listed(users))
        for container in users:
            point = self._mount_of(container.layer)
            if point:
                raise ContainerMounted(
                    "a container of the image is mounted and may be running: stop or unmount it first",
                    subject=_called(image),
                    found=f"{_listed([container])} at {point}",
                )
        for container in users:
            self._use.take_container(container)
        self.containers += self._containers.pop(image.id, [])

    def _take(self, image: ImageRecord) -> ImageRecord | None:
        """Takes the image with its names and layers, and returns the one that it was built on."""
        parent = self._lineage.parent(image, self._near(image), self._use.layers)
        self.mounts += [(image.id, layer_id) for layer_id in self._to_unmount(image) if self._mount_of(layer_id)]
        freed = self._use.take_image(image)
        self.untagged += [(name, image.id) for name in image.names]
        self.deleted.append(image.id)
        self.layers += [layer.id for layer in freed]
        self.size += sum(image.big_data_sizes.values()) + sum(max(layer.diff_size or 0, 0) for layer in freed)
        del self._images[image.id], self._by_top[image.layer][image.id]
        return parent

    def _near(self, image: ImageRecord) -> Iterator[ImageRecord]:
        """The images that may be built on this one, or it on them: their top layer is its own, or next to that."""
        layer = self._use.layers.get(image.layer)
        tops = [image.layer, *([layer.parent] if layer and layer.parent else []), *self._use.children(image.layer)]
        # Next to no layer at all are the base layers of others, which are no relatives.
        for top in tops if image.layer else [""]:
            yield from self._by_top.get(top, {}).values()


def _called(record: ImageRecord | ContainerRecord) -> str:
    return record.names[0] if record.names else record.id


def _listed(containers: Iterable[ContainerRecord]) -> str:
    return ", ".join(f"container {' '.join([*record.names, record.id[:12]])}" for record in containers)
