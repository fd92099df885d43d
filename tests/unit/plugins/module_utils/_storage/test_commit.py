# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._model.times import now_text
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter
from ansible_collections.strata.containers.plugins.module_utils._storage import image_data as data_file
from ansible_collections.strata.containers.plugins.module_utils._storage import tables as tables_file
from ansible_collections.strata.containers.plugins.module_utils._storage.catalog import UnknownImage, read_catalog
from ansible_collections.strata.containers.plugins.module_utils._storage.commit import (
    ImageConflict,
    LayerVanished,
    NewImage,
    StagedLayer,
    commit_image,
)
from ansible_collections.strata.containers.plugins.module_utils._storage.image_names import add_names, change_names
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.prepare import prepare_store
from ansible_collections.strata.containers.plugins.module_utils._storage.records import ImageRecord
from ansible_collections.strata.containers.plugins.module_utils._storage.staging import Staging, open_staging
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._model.schema1_documents import SKOPEO
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._storage.store_fakes import (
    FakeDriver,
    files_of,
    hex_id,
    layout_in,
    new_image,
    stage_layer,
)

NAME = "example.com/strata/one:1"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = layout_in(tmp_path)
    prepare_store(layout)
    return layout


@pytest.fixture
def staging(layout: Layout) -> Iterator[Staging]:
    with open_staging(layout) as area:
        yield area


def commit(layout: Layout, staged: list[StagedLayer], image: NewImage, driver: FakeDriver | None = None) -> ImageRecord:
    return commit_image(layout, driver or FakeDriver(layout), staged, image, Reporter())


def commit_one(layout: Layout, staging: Staging, image: NewImage | None = None) -> ImageRecord:
    """The image "one" of the layers "base" and "top"."""
    staged = [stage_layer(staging, "base"), stage_layer(staging, "top", "base")]
    return commit(layout, staged, image or new_image("one", ("base", "top"), (NAME,)))


def raw(path: str) -> list[dict[str, object]]:
    records: list[dict[str, object]] = json.loads(Path(path).read_bytes())
    return records


def assert_nothing_is_there(layout: Layout) -> None:
    catalog = read_catalog(layout)
    assert (catalog.layers, catalog.images) == ((), ())
    assert [name for name in os.listdir(layout.driver_home) if name not in ("l", "tempdirs")] == []
    assert [name for name in os.listdir(layout.layers_dir) if name.endswith(".gz")] == []
    assert [name for name in os.listdir(layout.images_dir) if len(name) == 64] == []


def test_committed_layers_have_the_records_of_the_format(layout: Layout, staging: Staging) -> None:
    commit_one(layout, staging)
    base, top = raw(layout.layers_json)
    created = top.pop("created")
    assert str(created).endswith("Z")
    assert top == {
        "id": hex_id("top"),
        "parent": hex_id("base"),
        "compressed-diff-digest": "sha256:" + hex_id("blob of top"),
        "compressed-size": 100,
        "diff-digest": "sha256:" + hex_id("diff of top"),
        "diff-size": 2048,
        "compression": 2,
        "uidset": [0, 7],
        "gidset": [0, 8],
    }
    assert "parent" not in base


def test_committed_files_are_in_place(layout: Layout, staging: Staging) -> None:
    commit_one(layout, staging)
    for name in ("base", "top"):
        assert Path(layout.diff(hex_id(name)), name).read_text() == name
        assert Path(layout.tar_split(hex_id(name))).read_text() == f"tar-split of {name}"
    directory = layout.image_dir(hex_id("one"))
    assert stat.S_IMODE(os.stat(directory).st_mode) == 0o700
    assert {stat.S_IMODE(os.stat(f"{directory}/{name}").st_mode) for name in os.listdir(directory)} == {0o600}
    assert Path(layout.image_item(hex_id("one"), "manifest")).read_bytes() == b"{}"


def test_committed_image_has_the_record_of_the_format(layout: Layout, staging: Staging) -> None:
    names = (NAME, "example.com/strata/one:latest")
    image = new_image("one", ("base", "top"), names)
    record = commit_one(layout, staging, image)
    (written,) = raw(layout.images_json)
    assert written == record.fields
    config, listed, manifest = (key for key, _data in image.big_data)
    assert written == {
        "id": hex_id("one"),
        "digest": str(image.digest),
        "names": list(names),
        "names-history": list(reversed(names)),
        "layer": hex_id("top"),
        "metadata": "{}",
        "big-data-names": [config, listed, manifest],
        "big-data-sizes": {manifest: 2, listed: 2, config: len(image.big_data[0][1])},
        "big-data-digests": written["big-data-digests"],
        "created": "2026-11-23T21:28:40.1+02:00",
    }
    # sha256 of "{}", and keys in the order of their bytes.
    assert list(record.big_data_digests.items())[:2] == [
        ("manifest", "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
        (listed, "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
    ]
    assert list(record.fields) == [key for key in ImageRecord.KEYS if key in record.fields]


def test_image_without_layers_has_no_layer(layout: Layout) -> None:
    record = commit(layout, [], new_image("scratch", (), (NAME,)))
    assert record.layer == ""
    assert "layer" not in raw(layout.images_json)[0]


@pytest.mark.parametrize("created", ["yesterday", "2026-02-30T00:00:00Z"])
def test_time_that_go_cannot_read_becomes_the_unknown_time(layout: Layout, created: str) -> None:
    image = new_image("one", (), (NAME,))
    record = commit(layout, [], NewImage(**{**image.__dict__, "created": created}))
    assert record.created == "0001-01-01T00:00:00Z"


def test_an_image_without_a_time_has_that_of_its_commit(layout: Layout) -> None:
    image = new_image("one", (), (NAME,))
    before = now_text(time.time_ns())
    record = commit(layout, [], NewImage(**{**image.__dict__, "created": ""}))
    # Without their fractions, of which Go leaves out zeros at the end.
    assert before[:19] <= record.created[:19] <= now_text(time.time_ns())[:19]


def test_of_a_signed_manifest_of_schema_1_the_signed_text_is_digested(layout: Layout) -> None:
    """podman 4.3.1 knows this manifest by that digest, and its size is that of all its bytes."""
    digest = "sha256:bc24d960de02e7e79fd16fb224c423bf4d02a9e2ecf11a42df9be8617f60182d"
    image = new_image("one", (), (NAME,))
    record = commit(layout, [], NewImage(**{**image.__dict__, "big_data": (("manifest", SKOPEO), ("copy", SKOPEO))}))
    assert record.big_data_digests == {"copy": str(Digest.of(SKOPEO)), "manifest": digest}
    assert record.big_data_sizes == {"copy": len(SKOPEO), "manifest": len(SKOPEO)}


def test_layer_is_flagged_incomplete_until_all_its_files_are_there(layout: Layout, staging: Staging) -> None:
    states = []

    def look(_call: str) -> None:
        states.append([record.get("flags") for record in raw(layout.layers_json)])
        assert not os.path.exists(layout.images_json)

    staged = [stage_layer(staging, "base"), stage_layer(staging, "top", "base")]
    commit(layout, staged, new_image("one", ("base", "top"), (NAME,)), FakeDriver(layout, look))
    assert states == [[{"incomplete": True}, {"incomplete": True}]] * 2


def test_layers_are_placed_base_first_in_whatever_order_they_come(layout: Layout, staging: Staging) -> None:
    driver = FakeDriver(layout)
    staged = [stage_layer(staging, "top", "base"), stage_layer(staging, "base")]
    commit(layout, staged, new_image("one", ("base", "top"), (NAME,)), driver)
    assert driver.calls == [("adopt_layer", hex_id("base")), ("adopt_layer", hex_id("top"))]


def test_layer_that_appeared_meanwhile_is_used_and_ours_is_left(layout: Layout, staging: Staging) -> None:
    commit(layout, [stage_layer(staging, "base")], new_image("other", ("base",), ()))
    before = raw(layout.layers_json)
    staged = [stage_layer(staging, "base"), stage_layer(staging, "top", "base")]
    reporter = Reporter()
    commit_image(layout, FakeDriver(layout), staged, new_image("one", ("base", "top"), (NAME,)), reporter)
    assert raw(layout.layers_json)[:1] == before
    assert os.path.isdir(staged[0].tree)
    assert [(step["action"], step["object"]) for step in reporter.steps] == [
        ("found", hex_id("base")),
        ("stored", hex_id("top")),
        ("recorded", hex_id("one")),
    ]


def test_layer_that_vanished_stops_the_commit_before_anything_is_written(layout: Layout, staging: Staging) -> None:
    with pytest.raises(LayerVanished) as caught:
        commit(layout, [stage_layer(staging, "top", "base")], new_image("one", ("base", "top"), (NAME,)))
    assert caught.value.subject == hex_id("base")
    assert caught.value.code == "layer_vanished"
    assert not os.path.exists(layout.layers_json)


def test_incomplete_layers_of_dead_processes_are_removed_first(layout: Layout, staging: Staging) -> None:
    for layer_id in (hex_id("top"), hex_id("foreign")):
        os.makedirs(layout.diff(layer_id))
        Path(layout.tar_split(layer_id)).touch()
        os.mkdir(layout.layer_data(layer_id))
    Path(layout.layers_json).write_text(
        json.dumps([{"id": hex_id(name), "flags": {"incomplete": True}} for name in ("top", "foreign")])
    )
    commit_one(layout, staging)
    assert [record["id"] for record in raw(layout.layers_json)] == [hex_id("base"), hex_id("top")]
    assert not os.path.exists(layout.driver_layer(hex_id("foreign")))
    assert not os.path.exists(layout.tar_split(hex_id("foreign")))
    assert not os.path.exists(layout.layer_data(hex_id("foreign")))


def test_present_image_gets_data_and_names_and_keeps_the_rest(layout: Layout, staging: Staging) -> None:
    first = commit_one(layout, staging)
    again = new_image("one", ("base", "top"), ("example.com/strata/new:1",), manifest=b'{"a":1}')
    record = commit(layout, [], again)
    assert record.names == ("example.com/strata/new:1", NAME)
    assert record.names_history == (NAME, "example.com/strata/new:1")
    assert (record.digest, record.created) == (first.digest, first.created)
    assert record.big_data_names == (*first.big_data_names, f"manifest-{again.digest}")
    assert record.big_data_digests["manifest"] == str(again.digest)
    assert Path(layout.image_item(record.id, "manifest")).read_bytes() == b'{"a":1}'


def test_present_image_with_other_layers_is_a_conflict(layout: Layout, staging: Staging) -> None:
    commit_one(layout, staging)
    before = files_of(layout.images_dir)
    before.pop(layout.images_lock)
    with pytest.raises(ImageConflict, match=hex_id("top")):
        commit(layout, [], new_image("one", ("base",), ("example.com/strata/new:1",)))
    after = files_of(layout.images_dir)
    after.pop(layout.images_lock)
    assert after == before


def test_name_moves_from_the_image_that_had_it(layout: Layout) -> None:
    commit(layout, [], new_image("old", (), (NAME, "example.com/strata/kept:1")))
    commit(layout, [], new_image("one", (), (NAME,)))
    old, new = read_catalog(layout).images
    assert old.names == ("example.com/strata/kept:1",)
    assert old.names_history == ("example.com/strata/kept:1", NAME)
    assert new.names == (NAME,)


@pytest.mark.parametrize("call", ["adopt_layer", "replace_file", "rename"])
def test_failure_leaves_nothing_of_layers_and_image(
    layout: Layout, staging: Staging, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def fail(called: str) -> None:
        calls.append(called)
        if called == call and calls.count(call) == 2:
            raise HostError("full", code="no_space")

    calls: list[str] = []
    real_replace, real_rename = data_file.replace_file, os.rename

    def replace(path: str, data: bytes) -> None:
        fail("replace_file")
        real_replace(path, data)

    def rename(source: str, target: str) -> None:
        if target.endswith(".gz"):
            fail("rename")
        real_rename(source, target)

    monkeypatch.setattr(data_file, "replace_file", replace)
    monkeypatch.setattr(os, "rename", rename)
    staged = [stage_layer(staging, "base"), stage_layer(staging, "top", "base")]
    with pytest.raises(HostError, match="full"):
        commit(layout, staged, new_image("one", ("base", "top"), (NAME,)), FakeDriver(layout, fail))
    monkeypatch.undo()
    assert_nothing_is_there(layout)


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_failing_save_leaves_nothing_of_layers_and_image(
    layout: Layout, staging: Staging, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    saves = []
    real = tables_file.replace_file

    def replace(path: str, data: bytes, **options: bool) -> None:
        saves.append(path)
        if len(saves) == failing:
            raise HostError("full", code="no_space")
        real(path, data, **options)

    monkeypatch.setattr(tables_file, "replace_file", replace)
    with pytest.raises(HostError, match="full"):
        commit_one(layout, staging)
    monkeypatch.undo()
    # Begun, complete, image: the three saves of a commit, before those of the clean-up.
    assert saves[:failing] == [layout.layers_json, layout.layers_json, layout.images_json][:failing]
    assert_nothing_is_there(layout)


class Killed(BaseException):
    """The process ends here: nothing of it runs any more."""


@pytest.mark.parametrize("last", range(12))
def test_store_is_valid_after_a_kill_at_any_point_and_a_second_run_converges(
    layout: Layout, staging: Staging, monkeypatch: pytest.MonkeyPatch, last: int
) -> None:
    done = 0

    def step(*_arguments: object) -> None:
        nonlocal done
        if done == last:
            raise Killed
        done += 1

    for name, functions in (
        (data_file, ("replace_file", "make_directory")),
        (tables_file, ("replace_file", "stamp")),
    ):
        for function in functions:
            real = getattr(name, function)

            def stepped(*arguments: object, real: object = real, **options: object) -> object:
                step()
                return real(*arguments, **options)  # type: ignore[operator]

            monkeypatch.setattr(name, function, stepped)
    staged = [stage_layer(staging, "base"), stage_layer(staging, "top", "base")]
    image = new_image("one", ("base", "top"), (NAME,))
    killed = False
    try:
        commit(layout, staged, image, FakeDriver(layout, step))
    except Killed:
        killed = True
    monkeypatch.undo()
    catalog = read_catalog(layout)
    for layer in catalog.layers:
        assert layer.incomplete or os.path.exists(layout.tar_split(layer.id))
    for present in catalog.images:
        assert all(os.path.exists(layout.image_item(present.id, key)) for key in present.big_data_names)
        assert not any(layer.incomplete for layer in catalog.layer_chain(present.layer))
    complete = [layer.id for layer in catalog.layers if not layer.incomplete]
    with open_staging(layout) as second:
        parents = {"base": None, "top": "base"}
        again = [stage_layer(second, name, parents[name]) for name in parents if hex_id(name) not in complete]
        commit(layout, again, image)
    catalog = read_catalog(layout)
    assert [layer.id for layer in catalog.layers] == list(image.chain)
    assert not any(layer.incomplete for layer in catalog.layers)
    assert catalog.image(NAME).id == image.image_id
    assert killed or last >= 11


def test_names_and_history_are_put_as_upstream(layout: Layout) -> None:
    commit(layout, [], new_image("one", (), ("a/a:1",)))
    commit(layout, [], new_image("two", (), ("b/b:1", "b/b:2")))
    record = change_names(layout, hex_id("one"), lambda _images: ["b/b:1", "a/a:1", "b/b:1"])
    assert record.names == ("b/b:1", "a/a:1")
    assert record.names_history == ("a/a:1", "b/b:1")
    assert read_catalog(layout).image(hex_id("two")).names == ("b/b:2",)
    assert change_names(layout, hex_id("one"), lambda _images: []).names == ()
    assert read_catalog(layout).image(hex_id("one")).names_history == ("a/a:1", "b/b:1")


def test_added_names_come_before_those_that_the_image_has_by_then(layout: Layout) -> None:
    commit(layout, [], new_image("one", (), ("a/a:1", "a/a:2")))
    commit(layout, [], new_image("two", (), ("b/b:1",)))
    assert add_names(layout, hex_id("one"), ["b/b:1", "a/a:2"]).names == ("b/b:1", "a/a:2", "a/a:1")
    assert read_catalog(layout).image(hex_id("two")).names == ()


def test_names_that_are_there_already_are_not_written(layout: Layout) -> None:
    commit(layout, [], new_image("one", (), (NAME,)))
    before = files_of(layout.graph_root)
    add_names(layout, hex_id("one"), [NAME])
    assert files_of(layout.graph_root) == before


def test_names_for_an_unknown_image_are_refused(layout: Layout) -> None:
    with pytest.raises(UnknownImage):
        add_names(layout, hex_id("absent"), [NAME])
