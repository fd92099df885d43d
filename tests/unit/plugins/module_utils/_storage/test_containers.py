# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import math
import os
import re
import stat
from contextlib import suppress
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._host.remove_tree import InUse
from ansible_collections.strata.containers.plugins.module_utils._model.id_map import IdMap, IdMaps
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter
from ansible_collections.strata.containers.plugins.module_utils._storage import containers as containers_file
from ansible_collections.strata.containers.plugins.module_utils._storage import tables as tables_file
from ansible_collections.strata.containers.plugins.module_utils._storage.catalog import UnknownImage, read_catalog
from ansible_collections.strata.containers.plugins.module_utils._storage.commit import commit_image
from ansible_collections.strata.containers.plugins.module_utils._storage.containers import (
    LayerInUse,
    NameInUse,
    NewContainer,
    create_container,
    delete_container,
    random_id,
)
from ansible_collections.strata.containers.plugins.module_utils._storage.edit import open_for_change
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.prepare import prepare_store
from ansible_collections.strata.containers.plugins.module_utils._storage.records import LayerRecord
from ansible_collections.strata.containers.plugins.module_utils._storage.staging import open_staging
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._storage.store_fakes import (
    FakeDriver,
    files_of,
    hex_id,
    layout_in,
    new_image,
    stage_layer,
)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A store with the image "one" of the layer "base"."""
    layout = layout_in(tmp_path)
    prepare_store(layout)
    with open_staging(layout) as staging:
        staged = [stage_layer(staging, "base")]
        commit_image(layout, FakeDriver(layout), staged, new_image("one", ("base",), ("a/b:1",)), Reporter())
    return layout


def request(name: str | None = "box", **values: object) -> NewContainer:
    options: dict[str, object] = {
        "image_id": hex_id("one"),
        "top_layer": hex_id("base"),
        "name": name,
        "metadata": lambda container_id: json.dumps({"id": container_id}),
        **values,
    }
    return NewContainer(**options)  # type: ignore[arg-type]


def raw(path: str) -> list[dict[str, object]]:
    records: list[dict[str, object]] = json.loads(Path(path).read_bytes())
    return records


def test_new_container_has_the_records_of_the_format(layout: Layout) -> None:
    record = create_container(layout, FakeDriver(layout), request())
    (written,) = raw(layout.containers_json)
    assert written == record.fields
    assert list(written) == ["id", "names", "image", "layer", "metadata", "created", "flags"]
    assert written["flags"] == {"MountLabel": "", "ProcessLabel": ""}
    assert json.loads(record.metadata) == {"id": record.id}
    layer = raw(layout.layers_json)[-1]
    assert layer == {
        "id": record.layer,
        "names": ["box-layer"],
        "parent": hex_id("base"),
        "created": layer["created"],
    }
    assert stat.S_IMODE(os.stat(layout.container_userdata(record.id)).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(layout.container_dir(record.id)).st_mode) == 0o700


def test_options_of_the_request_are_recorded(layout: Layout) -> None:
    maps = IdMaps((IdMap(0, 100000, 65536),), (IdMap(0, 100000, 65536),))
    record = create_container(
        layout,
        FakeDriver(layout),
        request(None, mount_label="m", process_label="p", mount_opts=("nodev",), maps=maps),
    )
    (written,) = raw(layout.containers_json)
    assert "names" not in written
    assert list(record.flags.items()) == [("MountLabel", "m"), ("MountOpts", ["nodev"]), ("ProcessLabel", "p")]
    assert written["uidmap"] == written["gidmap"] == [{"container_id": 0, "host_id": 100000, "size": 65536}]
    assert read_catalog(layout).layers[-1].mount_label == "m"
    assert read_catalog(layout).layers[-1].names == ()


def test_container_without_an_image_layer_stands_on_nothing(layout: Layout) -> None:
    commit_image(layout, FakeDriver(layout), [], new_image("scratch", (), ()), Reporter())
    record = create_container(layout, FakeDriver(layout), request(image_id=hex_id("scratch"), top_layer=None))
    layer = read_catalog(layout).layer(record.layer)
    assert layer is not None
    assert layer.parent is None


def test_layer_name_that_is_taken_is_left_out(layout: Layout) -> None:
    with open_for_change(layout, layers=True) as tables:
        tables.layers.add(LayerRecord.of(id="other", names=["box-layer"]))
        tables.save_layers()
    create_container(layout, FakeDriver(layout), request())
    assert read_catalog(layout).layers[-1].names == ()


def test_name_of_another_container_is_refused(layout: Layout) -> None:
    create_container(layout, FakeDriver(layout), request())
    before = raw(layout.layers_json)
    with pytest.raises(NameInUse) as caught:
        create_container(layout, FakeDriver(layout), request())
    assert caught.value.code == "name_in_use"
    assert raw(layout.layers_json) == before


@pytest.mark.parametrize(
    "values", [{"image_id": hex_id("absent")}, {"top_layer": None}, {"top_layer": hex_id("another")}]
)
def test_image_that_is_no_longer_what_the_caller_saw_is_refused(layout: Layout, values: dict[str, str]) -> None:
    with pytest.raises(UnknownImage):
        create_container(layout, FakeDriver(layout), request(**values))
    assert not os.path.exists(layout.containers_json)


def test_image_whose_top_layer_is_missing_is_refused(layout: Layout) -> None:
    with open_for_change(layout, layers=True) as tables:
        tables.layers.remove(hex_id("base"))
        tables.save_layers()
    with pytest.raises(UnknownImage, match="top layer"):
        create_container(layout, FakeDriver(layout), request())


@pytest.mark.parametrize("failing", range(1, 4))
def test_failed_creation_leaves_nothing(layout: Layout, monkeypatch: pytest.MonkeyPatch, failing: int) -> None:
    before = (raw(layout.layers_json), sorted(os.listdir(layout.driver_home)))
    saves, room = 0, math.inf
    real = tables_file.replace_file

    def replace(path: str, data: bytes, **options: bool) -> None:
        nonlocal saves, room
        saves += 1
        entries = sum(len(directories) + len(files) for _path, directories, files in os.walk(layout.graph_root))
        # A full disk stays full until something is taken away.
        room = entries if saves == failing else room
        if entries >= room:
            raise HostError("full", code="no_space")
        real(path, data, **options)

    monkeypatch.setattr(tables_file, "replace_file", replace)
    with pytest.raises(HostError, match="full"):
        create_container(layout, FakeDriver(layout), request())
    monkeypatch.undo()
    assert (raw(layout.layers_json), sorted(os.listdir(layout.driver_home))) == before
    assert [name for name in os.listdir(layout.containers_dir) if len(name) == 64] == []
    assert read_catalog(layout).containers == ()


def test_failure_after_the_container_is_there_is_no_failure(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    saves = 0
    real = tables_file.replace_file

    def replace(path: str, data: bytes, **options: bool) -> None:
        nonlocal saves
        saves += 1
        if saves == 4:
            raise HostError("full", code="no_space")
        real(path, data, **options)

    monkeypatch.setattr(tables_file, "replace_file", replace)
    record = create_container(layout, FakeDriver(layout), request())
    monkeypatch.undo()
    assert read_catalog(layout).layers[-1].flags == {"strata-container": record.id}
    create_container(layout, FakeDriver(layout), request("other"))
    assert [layer.flags for layer in read_catalog(layout).layers] == [{}, {}, {}]


class Killed(BaseException):
    """The process ends here: nothing of it runs any more."""


def kill_at(monkeypatch: pytest.MonkeyPatch, last: int) -> None:
    """Makes the step number ``last`` of what follows the end of the process."""
    done = 0

    def step(*_arguments: object) -> None:
        nonlocal done
        if done == last:
            raise Killed
        done += 1

    for place, name in (
        (tables_file, "replace_file"),
        (tables_file, "stamp"),
        (containers_file, "make_directory"),
        (containers_file, "remove_tree"),
        (FakeDriver, "_called"),
    ):
        real = getattr(place, name)

        def stepped(*arguments: object, real: object = real, **options: object) -> object:
            step()
            return real(*arguments, **options)  # type: ignore[operator]

        monkeypatch.setattr(place, name, stepped)


@pytest.mark.parametrize("last", range(12))
def test_second_run_converges_after_a_kill_of_a_creation(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, last: int
) -> None:
    kill_at(monkeypatch, last)
    with suppress(Killed):
        create_container(layout, FakeDriver(layout), request())
    monkeypatch.undo()
    catalog = read_catalog(layout)
    for record in catalog.containers:
        layer = catalog.layer(record.layer)
        assert layer is not None
        assert not layer.incomplete
    try:
        create_container(layout, FakeDriver(layout), request())
    except NameInUse:
        assert len(catalog.containers) == 1
    catalog = read_catalog(layout)
    (record,) = catalog.containers
    assert [layer.id for layer in catalog.layers] == [hex_id("base"), record.layer]
    trees = set(os.listdir(layout.driver_home)) - {"l"}
    assert trees == {hex_id("base"), record.layer}


@pytest.mark.parametrize("last", range(14))
def test_second_run_converges_after_a_kill_of_a_deletion(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, last: int
) -> None:
    record = create_container(layout, FakeDriver(layout), request())
    kill_at(monkeypatch, last)
    with suppress(Killed):
        delete_container(layout, FakeDriver(layout), record)
    monkeypatch.undo()
    delete_container(layout, FakeDriver(layout), record)
    catalog = read_catalog(layout)
    assert catalog.containers == ()
    assert [layer.id for layer in catalog.layers] == [hex_id("base")]
    assert not os.path.exists(layout.driver_layer(record.layer))
    assert not os.path.exists(layout.container_dir(record.id))


def test_deleted_container_leaves_image_and_other_containers_alone(layout: Layout) -> None:
    image_files = files_of(layout.images_dir)
    kept = create_container(layout, FakeDriver(layout), request("kept"))
    record = create_container(layout, FakeDriver(layout), request())
    os.makedirs(f"{layout.container_run_dir(record.id)}/userdata")
    os.makedirs(layout.mount_markers)
    Path(layout.mount_marker(record.id)).touch()
    delete_container(layout, FakeDriver(layout), record)
    assert [found.id for found in read_catalog(layout).containers] == [kept.id]
    for path in (
        layout.container_dir(record.id),
        layout.container_run_dir(record.id),
        layout.mount_marker(record.id),
        layout.driver_layer(record.layer),
    ):
        assert not os.path.exists(path)
    assert os.path.isdir(layout.diff(kept.layer))
    assert files_of(layout.images_dir) == image_files


def test_deleting_a_container_that_is_gone_does_nothing(layout: Layout) -> None:
    record = create_container(layout, FakeDriver(layout), request())
    delete_container(layout, FakeDriver(layout), record)
    before = files_of(layout.graph_root)
    delete_container(layout, FakeDriver(layout), record)
    assert files_of(layout.graph_root) == before


def test_container_whose_layer_is_lost_can_be_deleted(layout: Layout) -> None:
    record = create_container(layout, FakeDriver(layout), request())
    with open_for_change(layout, layers=True) as tables:
        tables.layers.remove(record.layer)
        tables.save_layers()
    delete_container(layout, FakeDriver(layout), record)
    assert read_catalog(layout).containers == ()


@pytest.mark.parametrize("mounted", [True, False])
def test_mounted_container_stays_and_a_stale_count_does_not_matter(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, mounted: bool
) -> None:
    record = create_container(layout, FakeDriver(layout), request())
    with open_for_change(layout, mounts=True) as tables:
        tables.mounts.put(record.layer, layout.merged(record.layer), 1)
        tables.save_mounts()
    monkeypatch.setattr(containers_file, "mounted", lambda *_facts: object() if mounted else None)
    if mounted:
        with pytest.raises(InUse):
            delete_container(layout, FakeDriver(layout), record)
        assert os.path.isdir(layout.diff(record.layer))
    else:
        delete_container(layout, FakeDriver(layout), record)
        assert Path(layout.mountpoints_json).read_text() == "[]"


def test_container_under_another_layer_stays(layout: Layout) -> None:
    record = create_container(layout, FakeDriver(layout), request())
    with open_for_change(layout, layers=True) as tables:
        tables.layers.add(LayerRecord.of(id="child", parent=record.layer))
        tables.save_layers()
    with pytest.raises(LayerInUse) as caught:
        delete_container(layout, FakeDriver(layout), record)
    assert caught.value.found == "child"
    assert os.path.isdir(layout.diff(record.layer))


def test_random_ids_are_never_short_decimal_numbers_or_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    number = bytes.fromhex("123456789012" + "a" * 52)
    taken = bytes.fromhex("b" * 64)
    answers = iter([number, taken, bytes.fromhex("c" * 64)])
    monkeypatch.setattr(os, "urandom", lambda _count: next(answers))
    assert random_id(["b" * 64]) == "c" * 64


def test_random_id_has_64_digits() -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", random_id([]))
