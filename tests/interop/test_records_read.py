# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stores of other tools and of ours, read by container_info and layer_info; podman and containers-storage tell what is there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab.commands import run
from lab.modules import run_module
from lab.odd_images import ImageLayout, odd_layers
from lab.stores import Store
from lab.trees import snapshot

IMAGE = "localhost/odd:1"


@pytest.fixture
def store(make_store: Callable[[str], Store], tmp_path: Path) -> Store:
    """A store that the other tools filled: an image of six layers, a container of podman and one of buildah."""
    store = make_store("theirs")
    layout = ImageLayout(str(tmp_path / "layout"))
    layout.add_image("odd", odd_layers())
    run(["skopeo", "--insecure-policy", "copy", f"oci:{layout.directory}:odd", store.bracket + IMAGE])
    store.podman("create", "--name", "pod", IMAGE, "true")
    store.buildah("from", "--pull-never", "--name", "build", IMAGE)
    return store


def _state(store: Store) -> tuple[Any, Any]:
    return snapshot(store.root), snapshot(store.run_root)


def _ask(store: Store, module: str, **arguments: Any) -> Any:
    """The result of a reading module, which may leave no trace."""
    before = _state(store)
    result = run_module(module, {**store.module_options(), **arguments})
    assert not result.failed and not result.changed, result.text
    assert _state(store) == before
    return result


class TestContainerInfo:
    def test_the_containers_of_podman_and_buildah_are_told_as_podman_tells_them(self, store: Store) -> None:
        found = _ask(store, "container_info")
        listed = store.podman_json("ps", "--all", "--external", "--no-trunc", "--format", "json")
        told = {entry["id"]: (entry["names"], entry["image_id"]) for entry in found["containers"]}
        assert told == {entry["Id"]: (entry["Names"], entry["ImageID"]) for entry in listed}
        assert found["missing"] == []

    def test_the_mount_and_the_places_are_those_that_podman_inspects(self, store: Store) -> None:
        point = store.podman("mount", "pod")
        (container,) = _ask(store, "container_info", name=["pod"])["containers"]
        driver = store.podman_json("container", "inspect", "pod")[0]["GraphDriver"]["Data"]
        assert (container["mount_point"], container["mount_count"]) == (point, 1)
        assert container["path"] == driver["UpperDir"]
        store.podman("umount", "pod")
        (container,) = _ask(store, "container_info", name=["pod"])["containers"]
        assert (container["mount_point"], container["mount_count"]) == (None, 0)

    def test_they_come_in_the_order_asked_and_the_unknown_apart(self, store: Store) -> None:
        (record,) = [r for r in json.loads(store.containers_storage("containers", "--json")) if r["names"] == ["build"]]
        asked = ["build", "nobody", "pod", record["layer"], record["id"][:10], "neither"]
        found = _ask(store, "container_info", name=asked)
        assert [entry["names"] for entry in found["containers"]] == [["build"], ["pod"], ["build"], ["build"]]
        assert found["missing"] == ["nobody", "neither"]

    def test_a_container_is_told_as_container_create_told_it(self, store: Store) -> None:
        created = run_module("container_create", {**store.module_options(), "image": IMAGE, "name": "ours"})
        (told,) = _ask(store, "container_info", name=["ours"])["containers"]
        assert told == created["container"]

    def test_a_beginning_that_several_share_is_an_error_with_the_candidates(self, store: Store) -> None:
        ids: set[str] = set()
        while len({container_id[0] for container_id in ids}) == len(ids):
            ids.add(store.podman("create", IMAGE, "true"))
        first = [container_id[0] for container_id in ids]
        shared = next(letter for letter in first if first.count(letter) > 1)
        result = run_module("container_info", {**store.module_options(), "name": [shared]})
        assert result.code == "ambiguous_name"
        assert all(i[:12] in result["msg"] for i in ids if i.startswith(shared))


class TestLayerInfo:
    def test_every_layer_is_told_with_the_figures_of_containers_storage(self, store: Store) -> None:
        theirs = {record["id"]: record for record in json.loads(store.containers_storage("layers", "--json"))}
        ours = {layer["id"]: layer for layer in _ask(store, "layer_info")["layers"]}
        assert set(ours) == set(theirs)
        for layer_id, layer in ours.items():
            record = theirs[layer_id]
            for key, name in (
                ("parent", "parent"),
                ("compressed_digest", "compressed-diff-digest"),
                ("compressed_size", "compressed-size"),
                ("diff_id", "diff-digest"),
                ("size", "diff-size"),
            ):
                assert layer[key] == record.get(name), (layer_id, key)
            assert layer["names"] == record.get("names", [])

    def test_compression_and_owners_are_those_of_the_archives(self, store: Store) -> None:
        (image,) = _ask(store, "image_info", name=[IMAGE])["images"]
        layers = _ask(store, "layer_info", name=[layer["id"] for layer in image["layers"]])["layers"]
        # odd_layers() makes them so; its third has no compression, and files of users 0 and 3000000 alone.
        assert [layer["compression"] for layer in layers] == ["gzip", "gzip", "none", "gzip", "gzip", "gzip"]
        assert (layers[2]["uids"], layers[2]["gids"]) == ([0, 3_000_000], [0, 2_500_000])

    def test_the_top_layer_has_the_image_and_the_containers_layers_above_it(self, store: Store) -> None:
        (image,) = _ask(store, "image_info", name=[IMAGE])["images"]
        containers = _ask(store, "container_info")["containers"]
        (top,) = _ask(store, "layer_info", name=[image["top_layer"]])["layers"]
        assert top["used_by"]["images"] == [image["id"]]
        assert sorted(top["used_by"]["children"]) == sorted(entry["layer_id"] for entry in containers)
        for container in containers:
            (layer,) = _ask(store, "layer_info", name=[container["layer_id"]])["layers"]
            assert layer["used_by"] == {"images": [], "containers": [container["id"]], "children": []}
            assert layer["compression"] is None and layer["diff_id"] is None

    def test_a_mounted_image_shows_where_and_how_its_layer_is_mounted(self, store: Store) -> None:
        (image,) = _ask(store, "image_info", name=[IMAGE])["images"]
        point = store.podman("image", "mount", IMAGE)
        (layer,) = _ask(store, "layer_info", name=[image["top_layer"]])["layers"]
        assert (layer["mount_point"], layer["mount_count"], layer["read_only"]) == (point, 1, True)
        assert layer["paths"]["merged"] == point

    def test_the_paths_are_there_and_a_containers_layer_has_no_headers(self, store: Store) -> None:
        for layer in _ask(store, "layer_info")["layers"]:
            assert os.path.isdir(layer["paths"]["diff"])
            assert (layer["paths"]["tar_split"] is None) == (layer["diff_id"] is None)

    def test_they_come_in_the_order_asked_and_the_unknown_apart(self, store: Store) -> None:
        first, *_others, last = json.loads(store.containers_storage("layers", "--json"))
        found = _ask(store, "layer_info", name=[last["id"], "nobody", first["id"][:20], "pod-layer"])
        assert [layer["id"] for layer in found["layers"]][:2] == [last["id"], first["id"]]
        assert found["layers"][2]["names"] == ["pod-layer"]
        assert found["missing"] == ["nobody"]

    def test_an_incomplete_layer_is_told_as_such(self, store: Store) -> None:
        path = os.path.join(store.root, "overlay-layers", "layers.json")
        with open(path, encoding="utf-8") as stream:
            records = json.load(stream)
        with open(path, "w", encoding="utf-8") as stream:
            json.dump(
                [*records, {"id": "f" * 64, "created": "2026-11-23T16:51:47Z", "flags": {"incomplete": True}}], stream
            )
        *others, broken = _ask(store, "layer_info")["layers"]
        assert broken["incomplete"] and not any(layer["incomplete"] for layer in others)
        assert broken["paths"] == {"diff": None, "merged": None, "tar_split": None}


@pytest.mark.parametrize("module", ["container_info", "layer_info"])
def test_a_missing_store_is_an_empty_one_and_stays_missing(module: str, make_store: Callable[[str], Store]) -> None:
    store = make_store("absent")
    key = "containers" if module == "container_info" else "layers"
    for arguments, missing in (({}, []), ({"name": ["x"]}, ["x"])):
        found = _ask(store, module, **arguments)
        assert found[key] == [] and found["missing"] == missing
    assert not os.path.exists(store.root) and not os.path.exists(store.run_root)
