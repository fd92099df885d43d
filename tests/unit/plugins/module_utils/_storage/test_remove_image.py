# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter
from ansible_collections.strata.containers.plugins.module_utils._storage import tables as tables_file
from ansible_collections.strata.containers.plugins.module_utils._storage.catalog import read_catalog
from ansible_collections.strata.containers.plugins.module_utils._storage.commit import commit_image
from ansible_collections.strata.containers.plugins.module_utils._storage.edit import Tables, open_for_change
from ansible_collections.strata.containers.plugins.module_utils._storage.json_record import decode_records
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.prepare import prepare_store
from ansible_collections.strata.containers.plugins.module_utils._storage.records import (
    ContainerRecord,
    ImageRecord,
    LayerRecord,
)
from ansible_collections.strata.containers.plugins.module_utils._storage.remove_image import (
    delete_image,
    delete_images,
    freed_layers,
)
from ansible_collections.strata.containers.plugins.module_utils._storage.staging import open_staging

from .store_fakes import FakeDriver, hex_id, layout_in, new_image, stage_layer

# base <- middle <- top, base <- other; "copy" is the top layer with shifted owners.
LAYERS = {
    record.id: record
    for record in (
        LayerRecord.of(id="base"),
        LayerRecord.of(id="middle", parent="base"),
        LayerRecord.of(id="top", parent="middle"),
        LayerRecord.of(id="copy", parent="middle"),
        LayerRecord.of(id="other", parent="base"),
        LayerRecord.of(id="writable", parent="top"),
        LayerRecord.of(id="writable copy", parent="copy"),
    )
}
IMAGE = ImageRecord.of(id="image", layer="top", mapped_layers=["copy"])


def _layers(*absent: str) -> dict[str, LayerRecord]:
    return {layer_id: record for layer_id, record in LAYERS.items() if layer_id not in absent}


@pytest.mark.parametrize(
    ("layers", "others", "containers", "expected"),
    [
        (_layers("other", "writable", "writable copy"), [], [], ["copy", "top", "middle", "base"]),
        (_layers("writable", "writable copy"), [], [], ["copy", "top", "middle"]),
        (_layers("writable", "writable copy"), [{"layer": "middle"}], [], ["copy", "top"]),
        (_layers("writable", "writable copy"), [{"layer": "top"}], [], ["copy"]),
        (_layers("writable", "writable copy"), [{"layer": "other", "mapped_layers": ["top"]}], [], ["copy"]),
        (_layers("writable", "writable copy"), [{"layer": "copy"}], [], ["top"]),
        (_layers("writable copy"), [], [], ["copy"]),
        (_layers("writable"), [], [], ["top"]),
        (_layers("writable", "writable copy"), [], [{"layer": "middle"}], ["copy", "top"]),
        (_layers("top", "writable", "writable copy"), [], [], ["copy"]),
        ({}, [], [], []),
    ],
)
def test_layers_are_freed_down_to_the_first_that_something_else_needs(
    layers: dict[str, LayerRecord],
    others: list[dict[str, object]],
    containers: list[dict[str, str]],
    expected: list[str],
) -> None:
    images = [ImageRecord.of(id=f"other {number}", **fields) for number, fields in enumerate(others)]
    records = [ContainerRecord.of(id=f"container {number}", **fields) for number, fields in enumerate(containers)]
    assert freed_layers(IMAGE, images, layers, records) == expected


def test_an_image_without_layers_frees_none() -> None:
    assert freed_layers(ImageRecord.of(id="empty"), [], LAYERS, []) == []


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A store with the images ``one`` (layers a, b) and ``two`` (layers a, c)."""
    layout = layout_in(tmp_path)
    prepare_store(layout)
    for name, top in (("one", "b"), ("two", "c")):
        with open_staging(layout) as staging:
            staged = [stage_layer(staging, layer, parent) for layer, parent in (("a", None), (top, "a"))]
            image = new_image(name, ("a", top), (f"localhost/{name}:1",))
            commit_image(layout, FakeDriver(layout), staged, image, Reporter())
    return layout


def read_layers(layout: Layout) -> tuple[LayerRecord, ...]:
    """The layer records by themselves: their lock is held."""
    return decode_records(Path(layout.layers_json).read_bytes(), LayerRecord, layout.layers_json)


def _delete(layout: Layout, driver: FakeDriver, name: str) -> list[str]:
    with open_for_change(layout, layers=True, mounts=True, images=True, containers=True) as tables:
        return delete_image(tables, layout, driver, hex_id(name))


def test_an_image_goes_with_its_own_layers_and_files(layout: Layout) -> None:
    assert _delete(layout, FakeDriver(layout), "one") == [hex_id("b")]
    catalog = read_catalog(layout)
    assert [image.id for image in catalog.images] == [hex_id("two")]
    assert [layer.id for layer in catalog.layers] == [hex_id("a"), hex_id("c")]
    for path in (layout.image_dir(hex_id("one")), layout.driver_layer(hex_id("b")), layout.tar_split(hex_id("b"))):
        assert not os.path.lexists(path)
    assert _delete(layout, FakeDriver(layout), "two") == [hex_id("c"), hex_id("a")]
    assert read_catalog(layout).layers == ()


def test_its_layers_say_so_before_its_record_goes(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is killed in between leaves layers of which the next one knows that they are there for nobody."""
    flags = []

    def save_images(tables: Tables) -> None:
        flags.append({record.id: record.flags for record in read_layers(layout)})
        tables.images.save()

    monkeypatch.setattr(Tables, "save_images", save_images)
    _delete(layout, FakeDriver(layout), "one")
    assert flags == [{hex_id("a"): {}, hex_id("b"): {"strata-image": hex_id("one")}, hex_id("c"): {}}]


def test_an_image_that_is_gone_already_is_no_error(layout: Layout) -> None:
    assert _delete(layout, FakeDriver(layout), "nobody") == []


def _writes(layout: Layout, names: list[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Deletes the images and returns the record files that were written, in order."""
    written: list[str] = []
    real = tables_file.replace_file

    def write(path: str, data: bytes, **options: bool) -> None:
        written.append(os.path.basename(path))
        real(path, data, **options)

    with (
        monkeypatch.context() as patch,
        open_for_change(layout, layers=True, mounts=True, images=True, containers=True) as tables,
    ):
        patch.setattr(tables_file, "replace_file", write)
        freed = delete_images(tables, layout, FakeDriver(layout), [*map(hex_id, names), "nobody"])
        assert list(freed) == [hex_id(name) for name in names]
    return written


def test_of_several_images_the_layers_that_only_they_share_go_and_nothing_is_written_more_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def store(number: int) -> Layout:
        layout = layout_in(tmp_path / str(number))
        prepare_store(layout)
        for name in map(str, range(number + 1)):
            with open_staging(layout) as staging:
                staged = [stage_layer(staging, layer, parent) for layer, parent in (("a", None), (f"top{name}", "a"))]
                image = new_image(name, ("a", f"top{name}"), (f"localhost/{name}:1",))
                commit_image(layout, FakeDriver(layout), staged, image, Reporter())
        return layout

    one, many = store(1), store(5)
    assert _writes(many, ["0", "1", "2", "3", "4"], monkeypatch) == _writes(one, ["0"], monkeypatch)
    assert [layer.id for layer in read_catalog(many).layers] == [hex_id("a"), hex_id("top5")]
    _writes(many, ["5"], monkeypatch)
    assert read_catalog(many).layers == () and not os.listdir(many.driver_home + "/l")


def test_the_record_of_the_image_is_gone_before_a_layer_is_touched(layout: Layout) -> None:
    seen: list[tuple[list[str], list[bool]]] = []

    def look(_call: str) -> None:
        images = Path(layout.images_json).read_text(encoding="utf-8")
        layers = Path(layout.layers_json).read_text(encoding="utf-8")
        seen.append(([name for name in ("one", "two") if hex_id(name) in images], ["incomplete" in layers]))

    _delete(layout, FakeDriver(layout, look), "one")
    assert seen == [(["two"], [True])]


class Killed(Exception):
    """Stands for a process that ends at this call."""


def test_a_kill_while_the_tree_is_removed_leaves_a_layer_that_the_next_change_removes(layout: Layout) -> None:
    def die(_call: str) -> None:
        raise Killed

    with pytest.raises(Killed):
        _delete(layout, FakeDriver(layout, die), "one")
    broken = [layer.id for layer in read_catalog(layout).layers if layer.incomplete]
    assert broken == [hex_id("b")]
    assert [image.id for image in read_catalog(layout).images] == [hex_id("two")]
