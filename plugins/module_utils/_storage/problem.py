# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What a check of the store finds: problems, each with what can be done about it, and the records to look at."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Optional

from .._host.atomic_files import read_file
from .catalog import Catalog, MountCount, read_additional
from .driver import StoreDriver
from .edit import Tables
from .json_record import R, Record, StoreDamaged, decode_records
from .layout import Layout
from .records import ContainerRecord, ImageRecord, LayerRecord, MountRecord

LAYER, IMAGE, CONTAINER = "layer", "image", "container"

# What puts something right; all locks are held.
Doing = Callable[[Tables, Layout, StoreDriver], None]


@dataclass(frozen=True)
class Mend:
    """A repair that takes nothing away from anybody.

    ``text`` says what it does, as an order; ``do`` needs all locks. ``heals`` is false where the problem stays.
    """

    text: str
    do: Doing
    heals: bool = True


@dataclass(frozen=True)
class Problem:
    """One thing that is not as it should be.

    ``kind`` is a stable word, ``subject`` an ID or path. With ``mend`` it can be put right. With ``damaged`` (a kind of
    object and its ID) only the removal of that object helps, with all that needs it. With neither nothing can be done
    here. ``information`` marks what is no error.
    """

    kind: str
    subject: str
    message: str
    mend: Optional[Mend] = None
    damaged: Optional[tuple[str, str]] = None
    information: bool = False

    @property
    def identity(self) -> tuple[str, str]:
        """By what a later check knows the problem again."""
        return self.kind, self.subject


@dataclass(frozen=True)
class Elsewhere:
    """IDs of what additional stores have, which this store may build on."""

    layers: frozenset[str] = frozenset()
    images: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Evidence:
    """The records of a store as far as they can be read, and ``unreadable``: the errors of the files that cannot.

    ``counts_unreadable`` is the error of the file of mount counts, ``repeated`` are the IDs of records that a file has twice.
    """

    layout: Layout
    catalog: Catalog
    elsewhere: Elsewhere
    unreadable: tuple[StoreDamaged, ...] = ()
    counts_unreadable: Optional[StoreDamaged] = None
    repeated: tuple[tuple[type[Record], str], ...] = ()

    def knows_layer(self, layer_id: str) -> bool:
        """Whether a layer with this ID is in this store or another that it uses."""
        return self.catalog.layer(layer_id) is not None or layer_id in self.elsewhere.layers

    def lineage(self, layer_id: str) -> list[LayerRecord]:
        """The layer and those below it, nearest first, as far as there are records."""
        return lineage(self.catalog, layer_id)


def lineage(catalog: Catalog, layer_id: str) -> list[LayerRecord]:
    """The layer and those below it, nearest first, as far as there are records; also where they run in a circle."""
    found: list[LayerRecord] = []
    layer = catalog.layer(layer_id)
    while layer is not None and layer not in found:
        found.append(layer)
        layer = catalog.layer(layer.parent or "")
    return found


def look_elsewhere(layout: Layout) -> Elsewhere:
    """What the additional stores of ``layout`` have. Takes their locks, shared. Raises StoreDamaged and HostError."""
    catalog = read_additional(layout)
    return Elsewhere(frozenset(layer.id for layer in catalog.layers), frozenset(image.id for image in catalog.images))


def read_evidence(layout: Layout, elsewhere: Elsewhere) -> Evidence:
    """The records as they are; the caller holds their locks, shared or exclusive. Raises HostError."""
    unreadable: list[StoreDamaged] = []
    counts: list[StoreDamaged] = []
    repeated: list[tuple[type[Record], str]] = []
    catalog = Catalog(
        layers=_read(LayerRecord, (layout.layers_json, layout.volatile_layers_json), unreadable, repeated),
        images=_read(ImageRecord, (layout.images_json,), unreadable, repeated),
        containers=_read(
            ContainerRecord, (layout.containers_json, layout.volatile_containers_json), unreadable, repeated
        ),
        mount_counts={
            record.id: MountCount(record.path, record.count)
            for record in _read(MountRecord, (layout.mountpoints_json,), counts, [])
            if record.count > 0
        },
    )
    return Evidence(layout, catalog, elsewhere, tuple(unreadable), counts[0] if counts else None, tuple(repeated))


def listed(directory: str) -> Iterator[tuple[str, str]]:
    """Name and path of each entry of a directory, sorted; nothing where it is missing. Raises HostError."""
    if not os.path.isdir(directory):
        return
    for name in sorted(os.listdir(directory)):
        yield name, f"{directory}/{name}"


def _read(
    kind: type[R], paths: tuple[str, ...], unreadable: list[StoreDamaged], repeated: list[tuple[type[Record], str]]
) -> tuple[R, ...]:
    records: dict[str, R] = {}
    for path in paths:
        try:
            found = decode_records(read_file(path), kind, path)
            times = Counter(record.id for record in found)
            repeated += [(kind, record_id) for record_id, count in times.items() if count > 1]
            for record in found:
                records.setdefault(record.id, record)
        except StoreDamaged as error:
            unreadable.append(error)
    return tuple(records.values())
