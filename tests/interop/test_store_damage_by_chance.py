# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Damage that strikes records and files anywhere: what containers hold stays, and podman reads the store after a repair."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from lab.check_bench import APP, BUILT, OTHER, app, check_here, files, model, repair, store, tools_accept, wrong
from lab.commands import CommandFailed
from lab.damage import (
    change_layer,
    image_of,
    item_path,
    layer_of,
    lose_record,
    records,
    records_path,
    rewrite,
    tar_split,
    tree,
)
from lab.long_run import sample
from lab.stores import Store

__all__ = ["model", "store"]

Damage = Callable[[Store], object]
KINDS = ("layers", "images", "containers")
NEEDED = {
    "the layer of the container": lambda store: lose_record(store, records(store, "containers")[0]["layer"]),
    "the layer below": lambda store: lose_record(store, layer_of(store, OTHER)["id"]),
    "the base": lambda store: lose_record(store, layer_of(store, OTHER)["parent"]),
}


def _write(path: str, content: bytes) -> None:
    Path(path).write_bytes(content)


class TestLayersThatContainersNeed:
    @pytest.mark.parametrize("name", sample(NEEDED, 2))
    def test_stay_without_their_record_until_containers_may_go(self, name: str, store: Store) -> None:
        damage = NEEDED[name]
        layer = records(store, "containers")[0]["layer"]
        _write(tree(store, layer, "diff", "mine"), b"written")
        whole = Path(records_path(store, "layers")).read_bytes()
        damage(store)
        predicted = check_here(store, check=True, deep=True, repair=True)
        done = check_here(store, deep=True, repair=True)
        assert predicted["diff"] == done["diff"] and not done["healthy"]
        kept = [item for item in done["problems"] if item["kind"].startswith("orphan_layer")]
        assert kept and all(item["repair"] is None and "remove_containers" in item["message"] for item in kept)
        assert not check_here(store, deep=True, repair=True)["changed"]
        found = records(store, "layers")
        restored = [
            layer for layer in json.loads(whole) if layer["id"] in (*(item["id"] for item in found), *_lost(kept))
        ]
        _write(records_path(store, "layers"), json.dumps(restored).encode())
        assert Path(store.buildah("mount", "box"), "mine").read_bytes() == b"written"
        assert Path(store.buildah("mount", "box"), "three").exists()
        store.buildah("umount", "--all")
        damage(store)
        repair(store, remove_containers=True)
        assert records(store, "containers") == []
        store.podman("images")

    def test_may_be_mounted_when_they_go(self, store: Store) -> None:
        point = store.buildah("mount", "box")
        lose_record(store, records(store, "containers")[0]["layer"])
        repair(store, remove_containers=True)
        assert not os.path.ismount(point)
        assert tools_accept(store, APP, OTHER, BUILT)


def _lost(orphans: Sequence[dict[str, Any]]) -> list[str]:
    return [os.path.basename(item["object"]) for item in orphans if item["kind"] == "orphan_layer_directory"]


def _empty(path: str) -> None:
    os.truncate(path, 0)


LOST = [*((kind, _empty) for kind in KINDS), ("layers", os.unlink), ("images", os.unlink)]


class TestRecordFilesThatWereLost:
    @pytest.mark.parametrize(("kind", "damage"), sample(LOST, 2))
    def test_keep_a_repair_from_all_else(self, kind: str, damage: Callable[[str], None], store: Store) -> None:
        path = records_path(store, kind)
        whole = Path(path).read_bytes()
        damage(path)
        before = files(store)
        found = check_here(store, deep=True, repair=True, remove_containers=True)
        assert wrong(found) == [("records_missing", path)] and not found["changed"] and not found["healthy"]
        assert files(store) == before
        _write(path, whole)
        assert check_here(store, deep=True)["healthy"]
        assert tools_accept(store, APP, OTHER, BUILT)

    def test_can_be_done_without(self, store: Store) -> None:
        _write(records_path(store, "layers"), b"[]")
        repair(store, remove_containers=True)
        assert [records(store, kind) for kind in KINDS] == [[], [], []]
        assert store.podman_json("images", "--all", "--format", "json") == []


def _set(kind: str, position: int, **values: Any) -> Damage:
    fields = {key.replace("_", "-"): value for key, value in values.items()}
    return lambda store: rewrite(store, kind, lambda found: found[position].update(fields))


def _without(kind: str, position: int, key: str) -> Damage:
    return lambda store: rewrite(store, kind, lambda found: found[position].pop(key))


_NO_ID = [{"container_id": 0, "host_id": 2**64, "size": 1}]
_LIST = ("images",), ("ps", "--all", "--external")
_ALL = (APP, OTHER, BUILT)
# What is damaged, the kind of problem, the command of podman that fails, and the images that are left after a repair.
UNREADABLE: dict[str, tuple[Damage, str, Sequence[str], Sequence[str]]] = {
    "time of an image": (_set("images", 0, created="2026-02-30T10:00:00Z"), "image_record_invalid", _LIST[0], _ALL),
    "time of a layer": (_set("layers", 1, created="2O26-02-03T10:00:00Z"), "layer_record_invalid", _LIST[0], _ALL),
    "time of a container": (_set("containers", 0, created=""), "container_record_invalid", _LIST[1], _ALL),
    "owner of a layer": (_set("layers", 1, uidset=[2**32]), "layer_record_invalid", _LIST[0], (OTHER, BUILT)),
    "ID map of a container": (_set("containers", 0, uidmap=_NO_ID), "container_record_invalid", _LIST[1], _ALL),
    "name of an image": (
        lambda store: rewrite(store, "images", lambda found: found[0]["names"].append("localhost/App:1")),
        "image_name_invalid",
        _LIST[0],
        _ALL,
    ),
    "metadata of an image": (_set("images", 0, metadata="{signatures"), "image_record_invalid", _LIST[0], _ALL),
    "digest of a layer": (_without("layers", 1, "diff-digest"), "image_layers_wrong", _LIST[0], (OTHER, BUILT)),
    "parent of a layer": (
        _without("layers", 1, "parent"),
        "layer_parent_missing",
        ("image", "save", "--output", os.devnull, APP),
        (OTHER, BUILT),
    ),
}


class TestValuesThatPodmanCannotRead:
    @pytest.mark.parametrize("name", sample(UNREADABLE, 3))
    def test_are_found_and_put_right(self, name: str, store: Store) -> None:
        damage, kind, command, left = UNREADABLE[name]
        damage(store)
        with pytest.raises(CommandFailed):
            store.podman(*command)
        assert kind in {found for found, _object in wrong(check_here(store))}
        repair(store, remove_containers=True)
        assert tools_accept(store, *left)

    def test_cost_an_image_that_lost_its_layer_no_layer(self, store: Store) -> None:
        top = image_of(store, APP)["layer"]
        rewrite(store, "images", lambda found: found[0].pop("layer"))
        with pytest.raises(CommandFailed):
            store.podman("image", "mount", APP)
        assert [kind for kind, _object in wrong(check_here(store))] == ["image_layers_wrong"]
        repair(store)
        assert top in [layer["id"] for layer in records(store, "layers")]
        store.containers_storage("delete-layer", top)
        assert tools_accept(store, OTHER, BUILT)

    def test_leave_a_container_what_it_lies_on(self, store: Store) -> None:
        layer = records(store, "containers")[0]["layer"]
        lowers = Path(tree(store, layer, "lower")).read_bytes()
        rewrite(store, "layers", lambda found: next(item for item in found if item["id"] == layer).pop("parent"))
        refused = check_here(store, deep=True, repair=True)
        assert wrong(refused) == [("layer_parent_missing", layer)] and not refused["changed"]
        assert Path(tree(store, layer, "lower")).read_bytes() == lowers
        repair(store, remove_containers=True)
        assert tools_accept(store, APP, OTHER, BUILT)

    def test_do_not_hide_what_is_wrong_with_a_layer(self, store: Store) -> None:
        base = layer_of(store, OTHER)["parent"]
        _write(tree(store, base, "diff", "planted"), b"too many")
        change_layer(store, base, created="never", diff_size=7)
        done = check_here(store, deep=True, repair=True)
        left = [item["kind"] for item in done["problems"] if not item["repaired"] and not item["information"]]
        assert left == ["layer_tree_changed"] and not done["healthy"]


def test_of_several_records_with_an_id_the_first_stays(store: Store) -> None:
    whole = {kind: records(store, kind) for kind in KINDS}
    for kind in KINDS:
        rewrite(store, kind, lambda found: found.append({**found[0], "names": ["localhost/second:1"], "parent": ""}))
    assert {kind for kind, _object in wrong(check_here(store))} == {"record_repeated"}
    repair(store)
    assert {kind: records(store, kind) for kind in KINDS} == whole
    assert tools_accept(store, APP, OTHER, BUILT)


def _directory(path: str) -> None:
    os.unlink(path)
    os.makedirs(os.path.join(path, "inner"))


def _pipe(path: str) -> None:
    os.unlink(path)
    os.mkfifo(path)


def _loop(path: str) -> None:
    os.unlink(path)
    os.symlink(os.path.basename(path), path)


def _file(path: str) -> None:
    shutil.rmtree(path)
    _write(path, b"")


def _manifest(store: Store) -> str:
    return item_path(store, image_of(store, APP), "manifest")


def _config(store: Store) -> str:
    image = image_of(store, APP)
    return item_path(store, image, f"sha256:{image['id']}")


# What stands where, and the kind of problem that it is.
OTHER_KINDS: dict[str, tuple[Callable[[str], None], Callable[[Store], str], str]] = {
    "a directory for a tar-split": (_directory, lambda store: tar_split(store, app(store)), "tar_split_missing"),
    "a pipe for a tar-split": (_pipe, lambda store: tar_split(store, app(store)), "tar_split_missing"),
    "a directory for a link": (_directory, lambda store: tree(store, app(store), "link"), "layer_link_lost"),
    "a pipe for a link": (_pipe, lambda store: tree(store, app(store), "link"), "layer_link_lost"),
    "a directory for a list": (_directory, lambda store: tree(store, app(store), "lower"), "layer_lower_wrong"),
    "a loop for a list": (_loop, lambda store: tree(store, app(store), "lower"), "layer_lower_wrong"),
    "a file for a directory": (_file, lambda store: tree(store, app(store), "work"), "layer_directory_missing"),
    "a directory for a manifest": (_directory, _manifest, "image_data_missing"),
    "a pipe for a manifest": (_pipe, _manifest, "image_data_missing"),
    "a pipe for a config": (_pipe, _config, "image_data_missing"),
}


class TestAnotherKindOfFile:
    @pytest.mark.parametrize("name", sample(OTHER_KINDS, 3))
    def test_in_the_place_of_one_is_no_obstacle(self, name: str, store: Store) -> None:
        damage, place, kind = OTHER_KINDS[name]
        damage(place(store))
        assert [found for found, _object in wrong(check_here(store, deep=True))] == [kind]
        repair(store)
        lost = kind == "tar_split_missing" or place is _config
        assert tools_accept(store, *((OTHER, BUILT) if lost else (APP, OTHER, BUILT)))
