# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import stat
import struct
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._host.locks import exclusive, try_exclusive
from ansible_collections.strata.containers.plugins.module_utils._storage import edit
from ansible_collections.strata.containers.plugins.module_utils._storage import tables as tables_file
from ansible_collections.strata.containers.plugins.module_utils._storage.catalog import read_catalog
from ansible_collections.strata.containers.plugins.module_utils._storage.edit import open_for_change
from ansible_collections.strata.containers.plugins.module_utils._storage.json_record import StoreDamaged
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.prepare import prepare_store
from ansible_collections.strata.containers.plugins.module_utils._storage.records import ContainerRecord, LayerRecord
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._storage.store_fakes import (
    FIXTURES,
    files_of,
    layout_in,
)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = layout_in(tmp_path)
    prepare_store(layout)
    return layout


def ids(path: str) -> list[str]:
    return [record["id"] for record in json.loads(Path(path).read_bytes())]


def test_locks_are_taken_in_the_order_of_all_tools(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []
    real = edit.exclusive

    def exclusive(path: str) -> object:
        taken.append(path)
        return real(path)

    monkeypatch.setattr(edit, "exclusive", exclusive)
    with open_for_change(layout, containers=True, images=True, mounts=True, layers=True, storage=True):
        pass
    assert taken == [
        layout.storage_lock,
        layout.layers_lock,
        layout.mountpoints_lock,
        layout.images_lock,
        layout.containers_lock,
    ]


def test_only_what_was_asked_for_is_locked_and_reachable(layout: Layout) -> None:
    with open_for_change(layout, images=True) as tables:
        assert try_exclusive(layout.images_lock) is None
        assert not os.path.exists(layout.layers_lock)
        assert list(tables.images) == []
        for name in ("layers", "mounts", "containers"):
            with pytest.raises(RuntimeError, match="not held"):
                getattr(tables, name)
    held = try_exclusive(layout.images_lock)
    assert held is not None
    held.release()


def test_nothing_is_written_without_a_change(layout: Layout) -> None:
    shutil.copy(FIXTURES / "layers.json", layout.layers_json)
    Path(layout.layers_lock).touch()
    before = files_of(layout.graph_root)
    with open_for_change(layout, layers=True) as tables:
        tables.save_layers()
    assert files_of(layout.graph_root) == before


def test_change_is_visible_only_after_it_was_saved(layout: Layout) -> None:
    with open_for_change(layout, layers=True) as tables:
        tables.layers.add(LayerRecord.of(id="ab", created="t"))
        assert not os.path.exists(layout.layers_json)
        tables.save_layers()
        assert ids(layout.layers_json) == ["ab"]
        tables.layers.add(LayerRecord.of(id="cd", created="t"))
    assert ids(layout.layers_json) == ["ab"]
    assert stat.S_IMODE(os.stat(layout.layers_json).st_mode) == 0o600


def test_records_stay_in_the_file_they_came_from(layout: Layout) -> None:
    Path(layout.containers_json).write_text('[{"id":"a"},{"id":"b"}]')
    Path(layout.volatile_containers_json).write_text('[{"id":"c","future":1},{"id":"d"}]')
    with open_for_change(layout, containers=True) as tables:
        assert [record.id for record in tables.containers] == ["a", "b", "c", "d"]
        found = tables.containers.get("c")
        assert found is not None
        tables.containers.replace(found.changed(metadata="new"))
        tables.containers.remove("d")
        tables.containers.remove("absent")
        tables.save_containers()
        assert Path(layout.containers_json).read_text() == '[{"id":"a"},{"id":"b"}]'
        tables.containers.add(ContainerRecord.of(id="e"))
        tables.containers.remove("b")
        tables.save_containers()
    assert ids(layout.containers_json) == ["a", "e"]
    (volatile,) = json.loads(Path(layout.volatile_containers_json).read_bytes())
    assert (volatile["id"], volatile["metadata"], volatile["future"]) == ("c", "new", 1)


def test_untouched_files_are_not_written(layout: Layout) -> None:
    with open_for_change(layout, layers=True) as tables:
        tables.layers.add(LayerRecord.of(id="ab"))
        tables.save_layers()
    assert not os.path.exists(layout.volatile_layers_json)


def test_replacing_a_record_that_is_not_there_is_refused(layout: Layout) -> None:
    with open_for_change(layout, layers=True) as tables, pytest.raises(KeyError):
        tables.layers.replace(LayerRecord.of(id="ab"))


def test_each_save_leaves_another_record_of_64_bytes_in_the_lock_file(layout: Layout) -> None:
    seen = set()
    with open_for_change(layout, layers=True) as tables:
        for number in range(5):
            tables.layers.add(LayerRecord.of(id=f"{number}"))
            tables.save_layers()
            data = Path(layout.layers_lock).read_bytes()
            assert len(data) == 64
            seen.add(data)
            _time, _count, process, _random = struct.unpack("<QQI44s", data)
            assert process == os.getpid()
    assert len(seen) == 5


def test_sign_of_change_is_written_before_the_data(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise HostError("no space")

    monkeypatch.setattr(tables_file, "replace_file", fail)
    with open_for_change(layout, images=True, layers=True) as tables:
        tables.layers.add(LayerRecord.of(id="ab"))
        with pytest.raises(HostError):
            tables.save_layers()
        assert os.path.getsize(layout.layers_lock) == 64
        assert os.path.getsize(layout.images_lock) == 0


def test_volatile_files_are_written_without_a_sync(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(layout.volatile_layers_json).write_text('[{"id":"v"}]')
    synced: dict[str, bool] = {}

    def write(path: str, _data: bytes, sync: bool = True, **_options: bool) -> None:
        synced[path] = sync

    monkeypatch.setattr(tables_file, "replace_file", write)
    with open_for_change(layout, layers=True) as tables:
        tables.layers.add(LayerRecord.of(id="ab"))
        tables.layers.remove("v")
        tables.save_layers()
    assert synced == {layout.layers_json: True, layout.volatile_layers_json: False}


def test_mount_counts_are_kept_while_there_are_users(layout: Layout) -> None:
    with open_for_change(layout, mounts=True) as tables:
        tables.mounts.put("ab", "/m", 1)
        tables.mounts.put("cd", "/n", 1)
        tables.mounts.put("ab", "/m", 2)
        tables.save_mounts()
        assert Path(layout.mountpoints_json).read_text() == (
            '[{"id":"ab","path":"/m","count":2},{"id":"cd","path":"/n","count":1}]'
        )
        tables.mounts.put("ab", "/m", 0)
        tables.mounts.put("cd", "/n", 0)
        tables.save_mounts()
    assert Path(layout.mountpoints_json).read_text() == "[]"


def test_run_root_that_a_reboot_emptied_is_made_again(layout: Layout) -> None:
    shutil.rmtree(layout.run_root)
    with open_for_change(layout, mounts=True) as tables:
        tables.mounts.put("ab", "/m", 1)
        tables.save_mounts()
    assert ids(layout.mountpoints_json) == ["ab"]


def test_damaged_file_is_not_overwritten_and_no_lock_stays(layout: Layout) -> None:
    Path(layout.images_json).write_text("[{")
    with pytest.raises(StoreDamaged), open_for_change(layout, layers=True, images=True):
        pass
    assert Path(layout.images_json).read_text() == "[{"
    for lock in (layout.layers_lock, layout.images_lock):
        held = try_exclusive(lock)
        assert held is not None
        held.release()


def _take_many_locks(layout: Layout, seed: int) -> None:
    """Changes with any locks, reads, and what podman does when it adds a layer: the mount counts after the containers."""
    chance = random.Random(seed)
    for _round in range(200):
        what = chance.randrange(4)
        if what == 0:
            read_catalog(layout)
        elif what == 1:
            with exclusive(layout.layers_lock), exclusive(layout.containers_lock), exclusive(layout.mountpoints_lock):
                pass
        else:
            layers = chance.random() < 0.7
            with open_for_change(
                layout,
                storage=chance.random() < 0.3,
                layers=layers,
                mounts=layers and chance.random() < 0.7,
                images=chance.random() < 0.7,
                containers=chance.random() < 0.7,
            ):
                pass


def test_processes_that_need_several_locks_never_wait_for_each_other_for_ever(layout: Layout) -> None:
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=_take_many_locks, args=(layout, seed)) for seed in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    stuck = [process.pid for process in processes if process.is_alive()]
    for process in processes:
        process.kill()
    assert stuck == []
    assert [process.exitcode for process in processes] == [0] * len(processes)
