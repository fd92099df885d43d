# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which owners a mount shows, by the maps of the container and of its layer; mounts themselves are for the interop tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.id_map import UNMAPPED, IdMap, IdMaps
from ansible_collections.strata.containers.plugins.module_utils._storage.driver import StoreDriver
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout, VfsLayout
from ansible_collections.strata.containers.plugins.module_utils._storage.mount_owners import MountOwners
from ansible_collections.strata.containers.plugins.module_utils._storage.owners import Owners, OwnersUnsupported
from ansible_collections.strata.containers.plugins.module_utils._storage.records import LayerRecord
from ansible_collections.strata.containers.plugins.module_utils._storage.unpack_tasks import KEEP, UNPACK

MAPS = IdMaps((IdMap(0, 100000, 65536),), (IdMap(0, 200000, 65536),))


@dataclass(frozen=True)
class Driver:
    """Of a driver only this is asked: whether it keeps whiteouts as a mount program wants them."""

    unpack_task: str


@pytest.fixture
def overlay(tmp_path: Path) -> Layout:
    layout = Layout(str(tmp_path / "root"), str(tmp_path / "run"))
    Path(layout.driver_run_dir).mkdir(parents=True)
    return layout


def can_shift(layout: Layout, possible: bool) -> None:
    """As another tool notes it."""
    Path(layout.feature_note("idmapped-lower-dir", possible)).touch()


def at_mount(layout: Layout, maps: IdMaps, of_layer: IdMaps, task: str = UNPACK) -> MountOwners:
    values: dict[str, Any] = {
        "uidmap": [entry.to_json() for entry in of_layer.uids],
        "gidmap": [entry.to_json() for entry in of_layer.gids],
    }
    layer = LayerRecord.of(id="layer", **values)
    return Owners(layout, cast(StoreDriver, Driver(task))).at_mount("box", maps, layer)


def test_other_owners_are_shown_where_the_files_have_those_of_the_host(overlay: Layout) -> None:
    can_shift(overlay, True)
    found = at_mount(overlay, MAPS, UNMAPPED)
    assert found.root == (100000, 200000) and found.show is not None


def test_files_that_have_the_owners_are_shown_as_they_are(overlay: Layout) -> None:
    can_shift(overlay, True)
    assert at_mount(overlay, MAPS, MAPS) == MountOwners((100000, 200000))


def test_maps_of_users_alone_are_passed_over_as_upstream_does(overlay: Layout) -> None:
    can_shift(overlay, True)
    assert at_mount(overlay, IdMaps(MAPS.uids), UNMAPPED) == MountOwners((100000, 0))


@pytest.mark.parametrize("case", ["kernel", "driver", "other maps"])
def test_owners_that_cannot_be_shown_are_an_error(overlay: Layout, case: str) -> None:
    can_shift(overlay, case != "kernel")
    layout = VfsLayout(overlay.graph_root, overlay.run_root) if case == "driver" else overlay
    with pytest.raises(OwnersUnsupported) as caught:
        at_mount(layout, MAPS, IdMaps(MAPS.gids, MAPS.uids) if case == "other maps" else UNMAPPED)
    assert caught.value.code == "id_maps_unsupported" and caught.value.subject == "box"


@pytest.mark.parametrize(
    ("uids", "word"),
    [
        (((0, 100000, 65536),), "uidmapping=0:100000:65536"),
        (((10, 110, 5), (0, 100, 10)), "uidmapping=10:110:5:0:100:10"),
        (((7, 1000, 1),), "squash_to_uid=1000"),
    ],
)
def test_a_mount_program_is_told_the_map_as_upstream_does(
    overlay: Layout, uids: tuple[tuple[int, int, int], ...], word: str
) -> None:
    """``optsAppendMappings`` in overlay.go; the kernel's own abilities do not matter."""
    can_shift(overlay, False)
    maps = IdMaps(tuple(IdMap(*entry) for entry in uids), MAPS.gids)
    found = at_mount(overlay, maps, UNMAPPED, KEEP)
    assert found == MountOwners((0, 0), words=(word, "gidmapping=0:200000:65536"))


@pytest.mark.parametrize("uids", [((0, 100, 10), (10, 200, 10)), ((0, 100, 10), (11, 110, 10))])
def test_a_map_with_gaps_is_more_than_a_mount_program_can(
    overlay: Layout, uids: tuple[tuple[int, int, int], ...]
) -> None:
    can_shift(overlay, True)
    with pytest.raises(OwnersUnsupported):
        at_mount(overlay, IdMaps(tuple(IdMap(*entry) for entry in uids), MAPS.gids), UNMAPPED, KEEP)
