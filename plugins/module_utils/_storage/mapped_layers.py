# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What the layer of a container with ID maps is built on.

Where mounts show other owners that is the top layer of the image, as for any container. Else it is a copy of it in which the
files belong to the IDs of the host that the maps say. The copy is noted in the image's record, for further containers with
the same maps, and goes with the image. Upstream: ``imageTopLayerForMapping`` in ``store.go`` of containers/storage.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from .._errors import StrataError
from .._host.atomic_files import read_file
from .._host.os_errors import reporting
from .._host.pipes import write_all
from .._model.id_map import UNMAPPED, IdMaps
from .._model.times import now_text
from .catalog import Catalog
from .container_base import Base
from .containers import random_id
from .edit import Tables
from .owners import Owners, maps_of
from .records import ImageRecord, LayerRecord
from .remains import FOR_CONTAINER, without_marks
from .remove_layer import INCOMPLETE, remove_layers


@dataclass(frozen=True)
class MappedLayers:
    """The layers of a store whose locks are held, and those of the additional stores, ``others``."""

    tables: Tables
    others: Catalog
    owners: Owners

    def base_for(self, image_id: str, maps: IdMaps, container_id: str) -> Base:
        """What a container of the image with these maps is built on: a layer that is there, else one that is made.

        Images of additional stores get no copies; there the container's own layer has to become one. A copy is there for the
        container ``container_id`` until the image knows it. After an error nothing of it is left. Raises UnmappedOwner and
        HostError.
        """
        wanted = UNMAPPED if self.owners.can_shift(maps) else maps
        own = self.tables.images.get(image_id)
        image = own or next(image for image in self.others.images if image.id == image_id)
        tops = [self._layer(layer_id) for layer_id in dict.fromkeys((image.layer, *image.mapped_layers)) if layer_id]
        known = [layer for layer in tops if layer is not None and not layer.incomplete]
        fitting = next((layer for layer in known if maps_of(layer) == wanted), None)
        own_directory = partial(self.owners.own_directory, maps=wanted) if wanted else None
        if fitting is not None:
            return Base(fitting.id, wanted, own_directory)
        template = known[0] if known else None
        if own is not None and template is not None and self.tables.layers.get(template.id) is not None:
            return Base(self._copy_for(own, template, wanted, container_id), wanted, own_directory)
        before = maps_of(template) if template else UNMAPPED
        change = partial(self.owners.change, before=before, after=wanted) if wanted != before else None
        return Base(template.id if template else None, wanted, change)

    def _copy_for(self, image: ImageRecord, template: LayerRecord, maps: IdMaps, container_id: str) -> str:
        """The ID of a new mapped layer of the image."""
        new_id = random_id(record.id for record in self.tables.layers)
        try:
            self._copy(template, maps, container_id, new_id)
            self.tables.images.replace(image.changed(mapped_layers=[*image.mapped_layers, new_id]))
            self.tables.save_images()
        except Exception:
            with suppress(StrataError):
                remove_layers(self.tables, self.owners.layout, self.owners.driver, [new_id])
            raise
        # Now that the image knows it, it is like any other; written with the next change.
        copy = self.tables.layers.get(new_id)
        if copy is not None:
            self.tables.layers.replace(copy.changed(flags=without_marks(copy)))
        return new_id

    def _layer(self, layer_id: str) -> LayerRecord | None:
        return self.tables.layers.get(layer_id) or self.others.layer(layer_id)

    def _copy(self, template: LayerRecord, maps: IdMaps, container_id: str, new_id: str) -> None:
        """Makes the layer ``new_id``: what ``template`` is, with other owners. It lies on the template for the driver only."""
        copy = template.changed(
            id=new_id,
            names=[],
            created=now_text(time.time_ns()),
            flags={INCOMPLETE: True},
            uidmap=[entry.to_json() for entry in maps.uids],
            gidmap=[entry.to_json() for entry in maps.gids],
            big_data_names=[],
        )
        self.tables.layers.add(copy)
        self.tables.save_layers()
        layout, driver = self.owners.layout, self.owners.driver
        driver.create_writable(new_id, template.id)
        self.owners.change(new_id, maps_of(template), maps)
        _copy_headers(layout.tar_split(template.id), layout.tar_split(new_id))
        driver.flush()
        self.tables.layers.replace(copy.changed(flags={FOR_CONTAINER: container_id}))
        self.tables.save_layers()


def _copy_headers(source: str, target: str) -> None:
    """Copies the tar-split file, where there is one, straight to its name: with the layer that is not complete it goes, too."""
    headers = read_file(source)
    if headers is None:
        return
    with reporting("write", target):
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
            write_all(descriptor, headers)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
