# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._host.locks import try_exclusive
from ansible_collections.strata.containers.plugins.module_utils._storage import temp_dirs
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.prepare import prepare_store
from ansible_collections.strata.containers.plugins.module_utils._storage.staging import open_staging, recover_leftovers
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


def lock_of(directory: str) -> str:
    return directory.replace("temp-dir-", "lock-")


def test_staging_area_is_private_guarded_and_where_the_other_tools_look(layout: Layout) -> None:
    with open_staging(layout) as staging:
        assert os.path.dirname(staging.tree) == layout.tempdirs
        assert os.path.dirname(staging.records) == layout.layers_tmp
        for directory in (staging.tree, staging.records):
            assert os.path.basename(directory).startswith("temp-dir-")
            assert stat.S_IMODE(os.stat(directory).st_mode) == 0o700
            assert try_exclusive(lock_of(directory)) is None
    assert not os.path.exists(layout.tempdirs)
    assert not os.path.exists(layout.layers_tmp)


def test_what_is_left_is_removed_after_an_error_too(layout: Layout) -> None:
    with pytest.raises(KeyboardInterrupt), open_staging(layout) as staging:
        os.makedirs(f"{staging.tree}/0/a/b")
        os.chmod(f"{staging.tree}/0/a", 0o555)
        Path(staging.records, "0").touch()
        raise KeyboardInterrupt
    assert not os.path.exists(layout.tempdirs)
    assert not os.path.exists(layout.layers_tmp)


def test_two_staging_areas_do_not_touch_each_other(layout: Layout) -> None:
    with open_staging(layout) as first:
        with open_staging(layout) as second:
            assert first.tree != second.tree
            recover_leftovers(layout)
            assert os.path.isdir(first.tree)
            assert os.path.isdir(second.records)
        assert os.path.isdir(first.tree)
        assert os.path.isdir(first.records)
    assert not os.path.exists(layout.tempdirs)


def test_lock_that_another_process_took_away_is_made_again(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    real = temp_dirs.try_exclusive
    attempts = []

    def taken_twice(path: str, *, create: bool = False) -> object:
        attempts.append(path)
        return None if len(attempts) <= 2 else real(path, create=create)

    monkeypatch.setattr(temp_dirs, "try_exclusive", taken_twice)
    with open_staging(layout) as staging:
        assert os.path.isdir(staging.tree)
    assert len(set(attempts)) == len(attempts) == 4


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
