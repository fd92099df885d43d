# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._host.atomic_files import temporary_of
from ansible_collections.strata.containers.plugins.module_utils._storage.catalog import read_catalog
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.leftovers import recover_leftovers
from ansible_collections.strata.containers.plugins.module_utils._storage.mount_marker import (
    began_mount,
    holds_count,
    write_marker,
)
from ansible_collections.strata.containers.plugins.module_utils._storage.prepare import prepare_store
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._storage.store_fakes import (
    files_of,
    hex_id,
    layout_in,
)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = layout_in(tmp_path)
    prepare_store(layout)
    return layout


def test_areas_of_dead_processes_are_removed(layout: Layout) -> None:
    for root in (layout.tempdirs, layout.layers_tmp):
        os.makedirs(f"{root}/temp-dir-1/tree")
        Path(f"{root}/lock-1").touch()
        # Made, and killed before the directory; removed, and killed before the lock file.
        Path(f"{root}/lock-2").touch()
        os.makedirs(f"{root}/temp-dir-3/tree")
    recover_leftovers(layout)
    assert not os.path.exists(layout.tempdirs)
    assert not os.path.exists(layout.layers_tmp)


def test_what_is_not_of_the_protocol_stays(layout: Layout) -> None:
    os.makedirs(f"{layout.tempdirs}/other")
    Path(f"{layout.tempdirs}/file").touch()
    recover_leftovers(layout)
    assert sorted(os.listdir(layout.tempdirs)) == ["file", "other"]


def test_interrupted_writes_are_removed_from_every_directory_of_records(layout: Layout) -> None:
    image = hex_id("image")
    os.mkdir(layout.image_dir(image))
    Path(layout.images_json).write_text(json.dumps([{"id": image}]))
    directories = [
        layout.layers_dir,
        layout.images_dir,
        layout.containers_dir,
        layout.run_layers_dir,
        layout.image_dir(image),
    ]
    for directory in directories:
        Path(directory, ".tmp-some.json123").write_text("half")
    Path(layout.image_item(image, "manifest")).touch()
    recover_leftovers(layout)
    assert [name for directory in directories for name in os.listdir(directory) if name.startswith(".tmp")] == []
    assert os.path.exists(layout.image_item(image, "manifest"))


def test_image_directories_without_a_record_are_removed(layout: Layout) -> None:
    known, unknown = hex_id("known"), hex_id("unknown")
    for image in (known, unknown, "other"):
        os.mkdir(layout.image_dir(image))
        Path(layout.image_item(image, "manifest")).touch()
    Path(layout.images_json).write_text(json.dumps([{"id": known}]))
    recover_leftovers(layout)
    assert os.listdir(layout.image_dir(known)) == ["manifest"]
    assert os.path.isdir(layout.image_dir("other"))
    assert not os.path.exists(layout.image_dir(unknown))


def test_clean_store_is_neither_locked_nor_written(layout: Layout) -> None:
    os.mkdir(layout.image_dir(hex_id("known")))
    Path(layout.images_json).write_text(json.dumps([{"id": hex_id("known")}]))
    before = files_of(layout.graph_root)
    recover_leftovers(layout)
    assert files_of(layout.graph_root) == before


def test_store_that_does_not_exist_stays_away(tmp_path: Path) -> None:
    recover_leftovers(layout_in(tmp_path / "new"))
    assert os.listdir(tmp_path) == []


def test_images_that_the_caller_knows_are_not_looked_into(layout: Layout) -> None:
    known, unknown = hex_id("known"), hex_id("unknown")
    for image in (known, unknown):
        os.mkdir(layout.image_dir(image))
        Path(layout.image_dir(image), ".tmp-manifest1").touch()
    Path(layout.images_json).write_text(json.dumps([{"id": known}]))
    catalog = read_catalog(layout)
    recover_leftovers(layout, catalog)
    assert not os.path.exists(layout.image_dir(unknown))
    Path(layout.image_dir(known), ".tmp-manifest1").touch()
    recover_leftovers(layout, catalog)
    assert os.listdir(layout.image_dir(known)) == [".tmp-manifest1"]


def test_record_files_that_we_were_writing_are_found_at_a_quick_look_too(layout: Layout) -> None:
    written = [
        layout.layers_json,
        layout.volatile_layers_json,
        layout.has_mount_program,
        layout.mountpoints_json,
        layout.containers_json,
        layout.volatile_containers_json,
    ]
    for path in written:
        Path(temporary_of(path)).write_text("half")
        recover_leftovers(layout, read_catalog(layout))
        assert not os.path.exists(temporary_of(path)), path


class TestMarkers:
    BOX, LAYER = hex_id("box"), hex_id("layer")

    @pytest.fixture
    def mounted(self, layout: Layout) -> Layout:
        """A store with a container whose layer we mounted, by the marker."""
        os.makedirs(layout.diff(self.LAYER))
        os.makedirs(layout.merged(self.LAYER))
        Path(layout.containers_json).write_text(json.dumps([{"id": self.BOX, "layer": self.LAYER}]))
        write_marker(layout, self.BOX, self.LAYER)
        return layout

    def test_one_that_holds_stays(self, mounted: Layout) -> None:
        before = files_of(mounted.run_root)
        recover_leftovers(mounted)
        assert files_of(mounted.run_root) == before
        assert holds_count(mounted, self.BOX, self.LAYER, 1)

    def test_one_of_an_earlier_mount_goes_and_a_lost_mount_point_comes_back(self, mounted: Layout) -> None:
        os.rmdir(mounted.merged(self.LAYER))
        os.utime(mounted.driver_layer(self.LAYER), ns=(1, 1))
        recover_leftovers(mounted)
        assert os.listdir(mounted.mount_markers) == []
        assert os.stat(mounted.merged(self.LAYER)).st_mode & 0o777 == 0o700

    def test_one_of_a_container_that_is_gone_goes(self, mounted: Layout) -> None:
        Path(mounted.containers_json).write_text("[]")
        recover_leftovers(mounted)
        assert os.listdir(mounted.mount_markers) == []

    @pytest.mark.parametrize(("needed", "recorded", "ours"), [(1, 1, True), (2, 2, True), (2, 1, False), (3, 5, True)])
    def test_one_that_a_kill_left_halfway_is_settled(
        self, mounted: Layout, needed: int, recorded: int, ours: bool
    ) -> None:
        """Ours is ours however many others give theirs back, and what is not ours does not become it when others come."""
        write_marker(mounted, self.BOX, self.LAYER, needed)
        count = {"id": self.LAYER, "path": mounted.merged(self.LAYER), "count": recorded}
        Path(mounted.mountpoints_json).write_text(json.dumps([count]))
        recover_leftovers(mounted)
        assert [holds_count(mounted, self.BOX, self.LAYER, number) for number in (1, 9)] == [ours, ours]

    def test_one_of_a_mount_that_was_begun_stays(self, mounted: Layout) -> None:
        """By it the next one knows that the driver's home may be mounted."""
        recover_leftovers(mounted)
        assert began_mount(mounted, self.BOX, self.LAYER)

    def test_half_of_one_goes_even_where_the_lock_has_no_directory(self, mounted: Layout) -> None:
        os.rmdir(mounted.run_layers_dir)
        Path(mounted.mount_markers, f".tmp-{self.BOX}1").write_text("{")
        recover_leftovers(mounted)
        assert os.listdir(mounted.mount_markers) == [self.BOX]
