# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Changing a store: the locks that a change needs, in the order of all tools, and the records under them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from .._host.locks import exclusive
from .layout import Layout
from .prepare import prepare_store
from .records import ContainerRecord, ImageRecord, LayerRecord, MountRecord
from .tables import MountTable, RecordFile, RecordTable


class Tables:
    """The records that one change may touch. Those whose lock was not asked for cannot be reached.

    Nothing is written before a ``save_...`` call; each writes one kind of records, so that a change can put its steps
    in the order that survives a kill.
    """

    def __init__(
        self,
        layers: RecordTable[LayerRecord] | None,
        mounts: MountTable | None,
        images: RecordTable[ImageRecord] | None,
        containers: RecordTable[ContainerRecord] | None,
    ) -> None:
        self._layers = layers
        self._mounts = mounts
        self._images = images
        self._containers = containers

    @property
    def layers(self) -> RecordTable[LayerRecord]:
        """The layer records."""
        if self._layers is None:
            raise RuntimeError("the lock of the layers is not held")
        return self._layers

    @property
    def mounts(self) -> MountTable:
        """The mount counts."""
        if self._mounts is None:
            raise RuntimeError("the lock of the mount counts is not held")
        return self._mounts

    @property
    def images(self) -> RecordTable[ImageRecord]:
        """The image records."""
        if self._images is None:
            raise RuntimeError("the lock of the images is not held")
        return self._images

    @property
    def containers(self) -> RecordTable[ContainerRecord]:
        """The container records."""
        if self._containers is None:
            raise RuntimeError("the lock of the containers is not held")
        return self._containers

    def save_layers(self) -> None:
        """Writes the layer records if they changed."""
        self.layers.save()

    def save_mounts(self) -> None:
        """Writes the mount counts if they changed."""
        self.mounts.save()

    def save_images(self) -> None:
        """Writes the image records if they changed."""
        self.images.save()

    def save_containers(self) -> None:
        """Writes the container records if they changed."""
        self.containers.save()


@contextmanager
def open_for_change(
    layout: Layout,
    *,
    storage: bool = False,
    layers: bool = False,
    mounts: bool = False,
    images: bool = False,
    containers: bool = False,
) -> Iterator[Tables]:
    """Holds the exclusive locks that are asked for and gives the records under them, as they are now.

    ``storage`` is the lock that keeps others from shutting the driver down; it has no records. All podman commands on
    the store wait meanwhile: no download, and no unpacking, belongs in the block. Leaving it saves nothing. Directories
    that the locks need are made, since the run root is empty after a reboot. Raises StoreDamaged and HostError.
    """
    prepare_store(layout)
    with ExitStack() as held:
        if storage:
            held.enter_context(exclusive(layout.storage_lock))
        yield Tables(
            _layers(held, layout) if layers else None,
            _mounts(held, layout) if mounts else None,
            _images(held, layout) if images else None,
            _containers(held, layout) if containers else None,
        )


def _layers(held: ExitStack, layout: Layout) -> RecordTable[LayerRecord]:
    descriptor = held.enter_context(exclusive(layout.layers_lock))
    files = (RecordFile(layout.layers_json), RecordFile(layout.volatile_layers_json, sync=False))
    return RecordTable(LayerRecord, layout.layers_lock, descriptor, files)


def _mounts(held: ExitStack, layout: Layout) -> MountTable:
    descriptor = held.enter_context(exclusive(layout.mountpoints_lock))
    return MountTable(MountRecord, layout.mountpoints_lock, descriptor, (RecordFile(layout.mountpoints_json),))


def _images(held: ExitStack, layout: Layout) -> RecordTable[ImageRecord]:
    descriptor = held.enter_context(exclusive(layout.images_lock))
    return RecordTable(ImageRecord, layout.images_lock, descriptor, (RecordFile(layout.images_json),))


def _containers(held: ExitStack, layout: Layout) -> RecordTable[ContainerRecord]:
    descriptor = held.enter_context(exclusive(layout.containers_lock))
    files = (RecordFile(layout.containers_json), RecordFile(layout.volatile_containers_json, sync=False))
    return RecordTable(ContainerRecord, layout.containers_lock, descriptor, files)
