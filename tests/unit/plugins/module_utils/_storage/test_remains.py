# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._storage.catalog import read_catalog
from ansible_collections.strata.containers.plugins.module_utils._storage.edit import open_for_change
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.prepare import prepare_store
from ansible_collections.strata.containers.plugins.module_utils._storage.remains import has_remains, remove_remains
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._storage.store_fakes import (
    FakeDriver,
    hex_id,
    layout_in,
)

GONE = {"strata-image": hex_id("gone")}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = layout_in(tmp_path)
    prepare_store(layout)
    return layout


def write(path: str, *records: dict[str, Any]) -> None:
    Path(path).write_text(json.dumps(records), encoding="utf-8")


def layer(name: str, parent: str = "", **flags: object) -> dict[str, Any]:
    return {"id": hex_id(name), "parent": hex_id(parent) if parent else "", "flags": flags}


def left(layout: Layout) -> dict[str, dict[str, Any]]:
    """The layers that are left, with their flags; their trees are those of the records."""
    assert has_remains(read_catalog(layout))
    with open_for_change(layout, layers=True, mounts=True, images=True, containers=True) as tables:
        remove_remains(tables, layout, FakeDriver(layout))
    catalog = read_catalog(layout)
    assert not has_remains(catalog)
    return {record.id: dict(record.flags) for record in catalog.layers}


def test_the_layers_of_an_image_that_is_gone_go(layout: Layout) -> None:
    write(layout.layers_json, layer("base", other=1), layer("one", "base", **GONE), layer("two", "one", **GONE))
    os.makedirs(layout.diff(hex_id("two")))
    assert left(layout) == {hex_id("base"): {"other": 1}}
    assert not os.path.exists(layout.driver_layer(hex_id("two")))


@pytest.mark.parametrize("user", ["image", "mapped", "container", "layer"])
def test_those_that_somebody_needs_by_now_stay_without_the_mark(layout: Layout, user: str) -> None:
    layers = [layer("one", **GONE, kept=1), layer("two", "one", **GONE)]
    write(layout.images_json, {"id": hex_id("other"), "layer": hex_id("one") if user == "image" else ""})
    if user == "mapped":
        write(layout.images_json, {"id": hex_id("other"), "mapped-layers": [hex_id("one")]})
    if user == "container":
        write(layout.containers_json, {"id": hex_id("box"), "layer": hex_id("one")})
    if user == "layer":
        layers.append(layer("child", "one"))
    write(layout.layers_json, *layers)
    found = left(layout)
    assert found[hex_id("one")] == {"kept": 1}
    assert hex_id("two") not in found


def test_an_image_that_was_not_deleted_after_all_keeps_its_layers(layout: Layout) -> None:
    write(layout.layers_json, layer("one", **GONE))
    write(layout.images_json, {"id": hex_id("gone"), "layer": hex_id("one")})
    assert left(layout) == {hex_id("one"): {}}


def test_a_container_that_never_came_to_be_goes_with_its_directory_and_counts(layout: Layout) -> None:
    box = hex_id("box")
    write(layout.layers_json, layer("one"), layer("writable", "one", **{"strata-container": box}))
    write(layout.mountpoints_json, {"id": hex_id("writable"), "path": "/nowhere", "count": 1})
    os.makedirs(layout.container_userdata(box))
    assert left(layout) == {hex_id("one"): {}}
    assert not os.path.exists(layout.container_dir(box))
    assert read_catalog(layout).mount_counts == {}


def test_incomplete_layers_go(layout: Layout) -> None:
    write(layout.layers_json, layer("one"), layer("half", "one", incomplete=True))
    assert left(layout) == {hex_id("one"): {}}


def test_a_store_without_remains_has_none(layout: Layout) -> None:
    write(layout.layers_json, layer("one", other=True))
    assert not has_remains(read_catalog(layout))
