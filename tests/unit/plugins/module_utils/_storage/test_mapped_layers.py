# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What containers with ID maps are built on; the driver only notes what it would do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._model.id_map import UNMAPPED, IdMap, IdMaps
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter
from ansible_collections.strata.containers.plugins.module_utils._storage.catalog import Catalog, read_catalog
from ansible_collections.strata.containers.plugins.module_utils._storage.commit import commit_image
from ansible_collections.strata.containers.plugins.module_utils._storage.container_base import Base
from ansible_collections.strata.containers.plugins.module_utils._storage.containers import (
    NewContainer,
    create_container,
)
from ansible_collections.strata.containers.plugins.module_utils._storage.edit import Tables, open_for_change
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.mapped_layers import MappedLayers
from ansible_collections.strata.containers.plugins.module_utils._storage.owners import Owners
from ansible_collections.strata.containers.plugins.module_utils._storage.prepare import prepare_store
from ansible_collections.strata.containers.plugins.module_utils._storage.records import ContainerRecord, LayerRecord
from ansible_collections.strata.containers.plugins.module_utils._storage.remains import FOR_CONTAINER, remove_remains
from ansible_collections.strata.containers.plugins.module_utils._storage.staging import open_staging
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._storage.store_fakes import (
    FakeDriver,
    hex_id,
    layout_in,
    new_image,
    stage_layer,
)

MAPS = IdMaps((IdMap(0, 100000, 65536),), (IdMap(0, 200000, 65536),))
OTHER = IdMaps((IdMap(0, 300000, 65536),), (IdMap(0, 300000, 65536),))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A store with the image "one" of the layers "base" and "top"."""
    layout = layout_in(tmp_path)
    prepare_store(layout)
    with open_staging(layout) as staging:
        staged = [stage_layer(staging, "base"), stage_layer(staging, "top", "base")]
        commit_image(layout, FakeDriver(layout), staged, new_image("one", ("base", "top"), ("a/b:1",)), Reporter())
    return layout


class FakeOwners(Owners):
    """Notes what it would do; mounts can show other owners where ``shifts`` says so."""

    shifts = False

    def __init__(self, layout: Layout, before: Callable[[str], None] = lambda _call: None) -> None:
        super().__init__(layout, FakeDriver(layout, before))  # type: ignore[arg-type]
        self.__dict__["changes"] = []

    def can_shift(self, maps: IdMaps) -> bool:
        del maps
        return self.shifts

    def change(self, layer_id: str, before: IdMaps, after: IdMaps) -> None:
        self.driver._called("change", layer_id)  # type: ignore[attr-defined]
        self.__dict__["changes"].append((before, after))

    @property
    def changed(self) -> list[tuple[IdMaps, IdMaps]]:
        found: list[tuple[IdMaps, IdMaps]] = self.__dict__["changes"]
        return found


@pytest.fixture
def owners(layout: Layout) -> FakeOwners:
    return FakeOwners(layout)


def create(layout: Layout, owners: FakeOwners, maps: IdMaps) -> LayerRecord:
    """The layer of a new container with the maps."""

    def base_for(tables: Tables, others: Catalog, maps: IdMaps, container_id: str) -> Base:
        return MappedLayers(tables, others, owners).base_for(hex_id("one"), maps, container_id)

    new = NewContainer(hex_id("one"), hex_id("top"), None, lambda _container_id: "", maps=maps, base_for=base_for)
    record = create_container(layout, owners.driver, new)
    layer = read_catalog(layout).layer(record.layer)
    assert layer is not None
    return layer


def mapped(layout: Layout) -> tuple[str, ...]:
    (image,) = read_catalog(layout).images
    return image.mapped_layers


def test_where_mounts_show_other_owners_the_layers_are_those_of_any_container(layout: Layout) -> None:
    owners = FakeOwners(layout)
    owners.__dict__["shifts"] = True
    layer = create(layout, owners, MAPS)
    assert (layer.parent, layer.uidmap, layer.gidmap) == (hex_id("top"), (), ())
    assert mapped(layout) == () and owners.changed == []
    assert read_catalog(layout).containers[0].uidmap == ({"container_id": 0, "host_id": 100000, "size": 65536},)


def test_else_the_top_layer_is_copied_once_for_each_pair_of_maps(layout: Layout, owners: FakeOwners) -> None:
    layer = create(layout, owners, MAPS)
    (copy_id,) = mapped(layout)
    assert layer.parent == copy_id and IdMaps.from_json(layer.uidmap, layer.gidmap) == MAPS
    copy, top = read_catalog(layout).layer(copy_id), read_catalog(layout).layer(hex_id("top"))
    assert copy is not None and top is not None
    # All that containers/storage takes over from the template.
    for key in ("parent", "compressed-diff-digest", "compressed-size", "diff-digest", "diff-size", "compression"):
        assert copy.fields[key] == top.fields[key]
    assert (copy.uids, copy.gids) == (top.uids, top.gids) and not copy.has_flags
    assert Path(layout.tar_split(copy_id)).read_bytes() == Path(layout.tar_split(hex_id("top"))).read_bytes()
    assert owners.changed == [(UNMAPPED, MAPS)]
    assert create(layout, owners, MAPS).parent == copy_id
    assert create(layout, owners, OTHER).parent != copy_id
    assert len(mapped(layout)) == 2 and owners.changed == [(UNMAPPED, MAPS), (UNMAPPED, OTHER)]


def test_a_failure_leaves_nothing_of_the_copy(layout: Layout, owners: FakeOwners) -> None:
    def fail(call: str) -> None:
        if call == "change":
            raise HostError("no room", subject="here")

    before = read_catalog(layout)
    broken = FakeOwners(layout, fail)
    with pytest.raises(HostError, match="no room"):
        create(layout, broken, MAPS)
    after = read_catalog(layout)
    assert (after.layers, after.images, after.containers) == (before.layers, before.images, before.containers)
    assert broken.driver.calls[-1][0] == "remove"  # type: ignore[attr-defined]


@pytest.mark.parametrize("known", [False, True])
def test_a_copy_for_a_container_that_never_came_stays_only_where_the_image_knows_it(
    layout: Layout, owners: FakeOwners, known: bool
) -> None:
    create(layout, owners, MAPS)
    (copy_id,) = mapped(layout)
    with open_for_change(layout, layers=True, mounts=True, images=True, containers=True) as tables:
        for container in tables.containers:
            tables.layers.remove(container.layer)
            tables.containers.remove(container.id)
        copy = tables.layers.get(copy_id)
        assert copy is not None
        tables.layers.replace(copy.changed(flags={FOR_CONTAINER: hex_id("never")}))
        if not known:
            (image,) = tables.images
            tables.images.replace(image.changed(mapped_layers=[]))
        tables.save_layers()
        tables.save_images()
        tables.save_containers()
        remove_remains(tables, layout, owners.driver)
    left = read_catalog(layout).layer(copy_id)
    assert (left is not None) == known
    assert left is None or not left.has_flags


def test_chosen_maps_are_chosen_when_nobody_else_makes_a_container(layout: Layout) -> None:
    seen: list[int] = []

    def choose(containers: Iterable[ContainerRecord]) -> IdMaps:
        seen.append(len(list(containers)))
        return MAPS

    new = NewContainer(hex_id("one"), hex_id("top"), None, lambda _container_id: "", choose_maps=choose)
    for count in (0, 1):
        record = create_container(layout, FakeDriver(layout), new)
        assert IdMaps.from_json(record.uidmap, record.gidmap) == MAPS and seen[-1] == count
