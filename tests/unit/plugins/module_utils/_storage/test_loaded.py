# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._storage import loaded
from ansible_collections.strata.containers.plugins.module_utils._storage.catalog import read_catalog
from ansible_collections.strata.containers.plugins.module_utils._storage.edit import open_for_change
from ansible_collections.strata.containers.plugins.module_utils._storage.json_record import StoreDamaged
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.loaded import load_records
from ansible_collections.strata.containers.plugins.module_utils._storage.prepare import prepare_store
from ansible_collections.strata.containers.plugins.module_utils._storage.records import ContainerRecord, LayerRecord
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._storage.store_fakes import layout_in

ONE, TWO = b"1" * 64, b"2" * 64


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the record files that were parsed, in order."""
    files: list[str] = []
    real = loaded.decode_records

    def decode(data: bytes | None, kind: type[LayerRecord], path: str) -> list[LayerRecord]:
        if data:
            files.append(os.path.basename(path))
        return real(data, kind, path)

    monkeypatch.setattr(loaded, "decode_records", decode)
    return files


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "layers.json"
    path.write_text('[{"id":"a"}]')
    return path


def ids(path: Path, stamp: bytes | None) -> list[str]:
    return [record.id for record in load_records(str(path), LayerRecord, stamp)]


def replaced(path: Path, text: str) -> os.stat_result:
    """What the file was before another took its place."""
    before = path.stat()
    other = path.with_name("other")
    other.write_text(text)
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.rename(path)
    return before


def test_an_unchanged_file_is_read_once(path: Path, parsed: list[str]) -> None:
    first = load_records(str(path), LayerRecord, ONE)
    assert load_records(str(path), LayerRecord, ONE) is first
    assert parsed == ["layers.json"]


def test_another_sign_in_the_lock_file_is_enough_to_read_again(path: Path, parsed: list[str]) -> None:
    assert ids(path, ONE) == ids(path, TWO) == ["a"]
    assert parsed == ["layers.json"] * 2


def test_a_file_of_the_same_size_and_time_is_read_again_though_nobody_gave_a_sign(path: Path) -> None:
    assert ids(path, ONE) == ["a"]
    before = replaced(path, '[{"id":"b"}]')
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert ids(path, ONE) == ["b"]


def test_without_a_sign_in_the_lock_file_nothing_is_trusted(path: Path, parsed: list[str]) -> None:
    assert ids(path, None) == ids(path, None) == ["a"]
    assert parsed == ["layers.json"] * 2
    # Not by what was known before the lock file lost its record either.
    ids(path, ONE)
    ids(path, None)
    ids(path, ONE)
    assert parsed == ["layers.json"] * 5


def test_a_file_that_comes_and_goes_is_seen(path: Path) -> None:
    assert ids(path, ONE) == ["a"]
    path.unlink()
    assert ids(path, ONE) == []
    path.write_text('[{"id":"c"}]')
    assert ids(path, ONE) == ["c"]


def test_a_damaged_file_is_an_error_each_time_and_forgotten_when_it_is_mended(path: Path) -> None:
    assert ids(path, ONE) == ["a"]
    path.write_text("[{")
    for _time in range(2):
        with pytest.raises(StoreDamaged):
            ids(path, ONE)
    path.write_text('[{"id":"a"}]')
    assert ids(path, ONE) == ["a"]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = layout_in(tmp_path)
    prepare_store(layout)
    with open_for_change(layout, layers=True, containers=True) as tables:
        tables.layers.add(LayerRecord.of(id="a"))
        tables.save_layers()
        tables.containers.add(ContainerRecord.of(id="box"))
        tables.save_containers()
    return layout


def test_what_we_wrote_ourselves_is_not_read(layout: Layout, parsed: list[str]) -> None:
    with open_for_change(layout, layers=True) as tables:
        tables.layers.add(LayerRecord.of(id="b"))
        tables.save_layers()
    with open_for_change(layout, layers=True, containers=True) as tables:
        assert [record.id for record in tables.layers] == ["a", "b"]
        assert tables.containers.get("box") is not None
    assert [record.id for record in read_catalog(layout).layers] == ["a", "b"]
    assert parsed == []


def test_a_change_that_was_not_saved_is_seen_by_nobody(layout: Layout) -> None:
    with open_for_change(layout, layers=True) as tables:
        tables.layers.add(LayerRecord.of(id="b"))
        tables.layers.remove("a")
    assert [record.id for record in read_catalog(layout).layers] == ["a"]


def test_a_catalog_is_the_same_object_until_something_changes(layout: Layout) -> None:
    first = read_catalog(layout)
    assert read_catalog(layout) is first
    with open_for_change(layout, mounts=True) as tables:
        tables.mounts.put("a", "/m", 1)
        tables.save_mounts()
    second = read_catalog(layout)
    assert second is not first and second.layers is first.layers
    assert second.mount_counts["a"].count == 1 and not first.mount_counts


def test_the_file_that_is_kept_apart_for_volatile_layers_is_not_lost_when_only_the_other_changes(
    layout: Layout, parsed: list[str]
) -> None:
    Path(layout.volatile_layers_json).write_text('[{"id":"v"}]')
    for number in range(2):
        with open_for_change(layout, layers=True) as tables:
            tables.layers.add(LayerRecord.of(id=f"new {number}"))
            tables.save_layers()
    assert [record.id for record in read_catalog(layout).layers] == ["a", "new 0", "new 1", "v"]
    assert parsed == ["volatile-layers.json"]


def test_records_can_be_removed_while_they_are_gone_through(layout: Layout) -> None:
    with open_for_change(layout, layers=True) as tables:
        tables.layers.add(LayerRecord.of(id="b"))
        for record in tables.layers:
            tables.layers.remove(record.id)
        assert list(tables.layers) == []
