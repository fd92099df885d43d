# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images that share layers fetch only what is new, and the result says so; the registry's own log is the judge."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab.fixtures import push
from lab.modules import run_module
from lab.odd_images import GZIP, Entry, ImageLayout, make_tar
from lab.registry import Registry
from lab.stores import Store
from lab.trees import snapshot


def _layer(name: str) -> tuple[bytes, str]:
    return gzip.compress(make_tar([Entry(name, content=name.encode() * 1000)]), mtime=0), GZIP


@pytest.fixture
def layout(tmp_path: Path) -> ImageLayout:
    return ImageLayout(str(tmp_path / "layout"))


@pytest.fixture
def store(make_store: Callable[[str], Store]) -> Store:
    return make_store("store")


def _blob_requests(registry: Registry, since: int) -> list[str]:
    return [line for line in registry.requests()[since:] if "/blobs/" in line]


def test_a_second_image_fetches_only_what_is_new(
    registry: Registry, layout: ImageLayout, store: Store, pull_options: dict[str, Any]
) -> None:
    layout.add_image("first", [_layer("a"), _layer("b")])
    second = layout.add_image("second", [_layer("a"), _layer("b"), _layer("c")])
    assert second
    for name in ("first", "second"):
        push(layout, name, registry.reference(f"shared/{name}:1"))
    options = {**store.module_options(), **pull_options}
    first = run_module("image_pull", {**options, "name": registry.reference("shared/first:1")})
    assert first["image"]["plan"]["fetch"] == 2, first.text
    before = len(registry.requests())
    result = run_module("image_pull", {**options, "name": registry.reference("shared/second:1")})
    assert [layer["action"] for layer in result["image"]["layers"]] == ["keep", "keep", "fetch"]
    # The config and one layer.
    assert len(_blob_requests(registry, before)) == 2
    assert store.podman("image", "inspect", "--format", "{{len .RootFS.Layers}}", result["image"]["id"]) == "3"


def test_the_same_content_on_another_base_is_copied_and_not_fetched(
    registry: Registry, layout: ImageLayout, store: Store, pull_options: dict[str, Any]
) -> None:
    layout.add_image("one", [_layer("a"), _layer("shared")])
    layout.add_image("two", [_layer("b"), _layer("shared")])
    for name in ("one", "two"):
        push(layout, name, registry.reference(f"rebased/{name}:1"))
    options = {**store.module_options(), **pull_options}
    assert not run_module("image_pull", {**options, "name": registry.reference("rebased/one:1")}).failed
    before = len(registry.requests())
    result = run_module("image_pull", {**options, "name": registry.reference("rebased/two:1")})
    assert [layer["action"] for layer in result["image"]["layers"]] == ["fetch", "reuse"], result.text
    assert len(_blob_requests(registry, before)) == 2
    mount = store.podman("image", "mount", registry.reference("rebased/two:1"))
    assert (Path(mount) / "shared").read_bytes() == b"shared" * 1000
    store.podman("image", "umount", registry.reference("rebased/two:1"))


def test_a_layer_that_stands_twice_in_one_image(
    registry: Registry, layout: ImageLayout, store: Store, pull_options: dict[str, Any]
) -> None:
    layout.add_image("twice", [_layer("a"), _layer("a")])
    push(layout, "twice", registry.reference("twice:1"))
    result = run_module("image_pull", {**store.module_options(), **pull_options, "name": registry.reference("twice:1")})
    assert not result.failed, result.text
    assert store.podman("image", "inspect", "--format", "{{len .RootFS.Layers}}", result["image"]["id"]) == "2"


def test_a_tag_that_moves_and_moves_back(
    registry: Registry, layout: ImageLayout, store: Store, pull_options: dict[str, Any]
) -> None:
    layout.add_image("old", [_layer("a")])
    layout.add_image("new", [_layer("b")])
    name = registry.reference("moving:1")
    arguments = {**store.module_options(), **pull_options, "name": name}
    push(layout, "old", name)
    old = run_module("image_pull", arguments)["image"]["id"]
    push(layout, "new", name)
    predicted = run_module("image_pull", arguments, check=True)
    moved = run_module("image_pull", arguments)
    assert predicted.changed and moved.changed
    assert predicted["diff"] == moved["diff"]
    assert predicted["diff"]["before"] == {name: old}
    images = {image["id"]: image["names"] for image in run_module("image_info", store.module_options())["images"]}
    assert images == {old: [], moved["image"]["id"]: [name]}
    push(layout, "old", name)
    back = run_module("image_pull", arguments)
    assert back.changed and back["image"]["id"] == old
    assert [layer["action"] for layer in back["image"]["layers"]] == ["keep"]
    assert store.podman("image", "inspect", "--format", "{{.Id}}", name) == old


def test_check_mode_predicts_and_leaves_no_trace(
    registry: Registry, store: Store, pull_options: dict[str, Any]
) -> None:
    arguments = {**store.module_options(), **pull_options, "name": registry.reference("odd:1")}
    predicted = run_module("image_pull", arguments, check=True)
    assert predicted.changed
    assert snapshot(store.root) == {} and snapshot(store.run_root) == {}
    done = run_module("image_pull", arguments)
    for key in ("id", "names", "digest", "digests", "top_layer", "created", "platform", "plan"):
        assert predicted["image"][key] == done["image"][key], key
    assert done["image"]["plan"]["bytes"] == done["bytes_downloaded"] > 0
    before = snapshot(store.root), snapshot(store.run_root)
    for check in (True, False):
        again = run_module("image_pull", arguments, check=check)
        assert not again.changed, again.text
        assert again["bytes_downloaded"] == 0
        assert (snapshot(store.root), snapshot(store.run_root)) == before
