# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""store_check on stores that podman, buildah, skopeo and this collection filled, whole and damaged by hand; podman judges."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._engine.check import CheckRequest, check_store
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.overlay import OverlayDriver
from lab.commands import run
from lab.damage import (
    ORPHAN,
    change_layer,
    cut,
    flag_incomplete,
    flip,
    image_of,
    item_path,
    layer_of,
    lose_both_links,
    lose_link,
    lose_link_file,
    lose_record,
    lose_tree,
    records,
    records_path,
    rewrite,
    tar_split,
    tree,
)
from lab.fixtures import scratch_stores
from lab.modules import ModuleResult, run_module
from lab.odd_images import ImageLayout, odd_layers
from lab.stores import Store
from lab.trees import snapshot
from lab.twins import build, fill, twin_of

APP, OTHER, BUILT, ODD = "example.com/app:1", "example.com/other:1", "localhost/built:1", "example.com/odd:1"
IMAGES: list[tuple[str, tuple[str, ...], dict[str, Any]]] = [
    (APP, ("one", "two"), {}),
    (OTHER, ("one", "three"), {}),
]


@pytest.fixture(scope="module")
def model(judges: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with two images that share their base layer, a built one, and a container of the second made by buildah."""
    directory = tmp_path_factory.mktemp("model")
    with scratch_stores() as make:
        store = make("model")
        fill(store, directory / "layout", IMAGES)
        build(store, directory / "build", BUILT, ("COPY content /a", "LABEL env=dev", "COPY content /b"))
        store.buildah("from", "--pull-never", "--name", "box", OTHER)
        yield store


@pytest.fixture
def store(model: Store, make_store: Callable[[str], Store]) -> Store:
    """A copy of it that may be damaged."""
    return twin_of(model, make_store("store"))


def _run(store: Store, *, check: bool = False, **arguments: Any) -> ModuleResult:
    """The module as Ansible runs it."""
    result = run_module("store_check", {**store.module_options(), **arguments}, check=check)
    assert not result.failed, result.text
    return result


def _check(store: Store, *, check: bool = False, **arguments: Any) -> dict[str, Any]:
    """The verb in this process, which is quicker; the same result."""
    layout = Layout(store.root, store.run_root)
    request = CheckRequest(**arguments)
    outcome = check_store(layout, OverlayDriver(layout), (), request, Reporter(), check_mode=check)
    return {"changed": outcome.changed, "diff": (outcome.before, outcome.after), **outcome.facts}


def _wrong(result: Any) -> list[tuple[str, str]]:
    return [(item["kind"], item["object"]) for item in result["problems"] if not item["information"]]


def _files(store: Store) -> tuple[Any, Any]:
    return snapshot(store.root), snapshot(store.run_root)


class TestNothingIsWrong:
    def test_with_what_podman_buildah_and_skopeo_made(self, store: Store, tmp_path: Path) -> None:
        layout = ImageLayout(str(tmp_path / "odd"))
        layout.add_image("odd", odd_layers())
        run(["skopeo", "--insecure-policy", "copy", f"oci:{layout.directory}:odd", store.bracket + ODD])
        for name in ("still", "mounted"):
            store.podman("create", "--name", name, APP, "true")
        store.podman("mount", "mounted")
        store.podman("image", "mount", BUILT)
        before = _files(store)
        found = _run(store, deep=True)
        assert found["problems"] == []
        assert _files(store) == before
        assert not _run(store, deep=True, repair=True, remove_containers=True).changed
        assert _files(store) == before

    def test_with_a_distribution_that_podman_pulled(self, registry: Any, make_store: Callable[[str], Store]) -> None:
        store = make_store("pulled")
        store.podman("pull", "--quiet", "--tls-verify=false", registry.reference("base:1"))
        assert _run(store, deep=True)["problems"] == []

    def test_with_what_this_collection_made(
        self, registry: Any, make_store: Callable[[str], Store], pull_options: dict[str, Any]
    ) -> None:
        store = make_store("ours")
        names = [registry.reference(name) for name in ("odd:1", "zstd:1")]
        pulled = run_module("image_pull", {**store.module_options(), **pull_options, "name": names})
        assert not pulled.failed, pulled.text
        for name in ("still", "mounted"):
            run_module("container_create", {**store.module_options(), "image": names[0], "name": name})
        run_module("container_mount", {**store.module_options(), "name": "mounted"})
        assert _run(store, deep=True)["problems"] == []

    def test_while_others_work_on_the_store(self, store: Store, tmp_path: Path) -> None:
        layout = ImageLayout(str(tmp_path / "odd"))
        layout.add_image("odd", odd_layers())
        copy = shlex.join(
            ["skopeo", "--insecure-policy", "copy", "-q", f"oci:{layout.directory}:odd", store.bracket + ODD]
        )
        remove = shlex.join(store.podman_command("image", "rm", ODD))
        others = subprocess.Popen(
            ["sh", "-ec", f"for n in 1 2 3; do {copy}; {remove}; done"], stdout=subprocess.DEVNULL
        )
        looks = 0
        while others.poll() is None:
            assert _wrong(_check(store, deep=True)) == []
            looks += 1
        assert others.returncode == 0 and looks

    def test_in_a_store_that_does_not_exist(self, make_store: Callable[[str], Store]) -> None:
        store = make_store("missing")
        assert _run(store, repair=True)["healthy"]
        assert not os.path.exists(store.root) and not os.path.exists(store.run_root)


# Each kind of damage: what it is done to, how it is done, which problems are found, and whether only deep.
Damage = Callable[[Store], object]


def _app(store: Store) -> str:
    layer: str = layer_of(store, APP)["id"]
    return layer


def _change_item(store: Store, key: str, change: Callable[[str], object]) -> None:
    change(item_path(store, image_of(store, APP), key))


def _config_key(store: Store) -> str:
    return f"sha256:{image_of(store, APP)['id']}"


def _change_size(store: Store) -> None:
    def change(images: list[dict[str, Any]]) -> None:
        for image in images:
            if APP in image.get("names", []):
                image["big-data-sizes"]["manifest"] += 1

    rewrite(store, "images", change)


def _make_orphan(store: Store, *parts: str) -> str:
    path = os.path.join(store.root, *parts)
    os.makedirs(path)
    Path(path, "file").write_text("lost", encoding="ascii")
    return path


def _stale_link(store: Store) -> None:
    os.symlink(f"../{ORPHAN}/diff", os.path.join(store.root, "overlay", "l", "A" * 26))


def _stale_count(store: Store) -> None:
    entry = {"id": _app(store), "path": tree(store, _app(store), "merged"), "count": 2}
    os.makedirs(os.path.join(store.run_root, "overlay-layers"))
    Path(store.run_root, "overlay-layers", "mountpoints.json").write_text(json.dumps([entry]), encoding="ascii")


def _leave_staging(store: Store) -> None:
    _make_orphan(store, "overlay", "tempdirs", "temp-dir-7")
    Path(store.root, "overlay", "tempdirs", "lock-7").touch()


def _touch_tree(store: Store) -> None:
    os.chmod(tree(store, _app(store), "diff", "two"), 0o4711)


def _add_file(store: Store) -> None:
    Path(tree(store, _app(store), "diff", "planted")).write_text("#!/bin/sh", encoding="ascii")


MENDED: list[tuple[str, Damage, str]] = [
    ("the link file", lambda store: lose_link_file(store, _app(store)), "layer_link_lost"),
    ("the link", lambda store: lose_link(store, _app(store)), "layer_link_lost"),
    (
        "both links of a base layer",
        lambda store: lose_both_links(store, layer_of(store, APP)["parent"]),
        "layer_link_lost",
    ),
    ("the list of lower layers", lambda store: os.unlink(tree(store, _app(store), "lower")), "layer_lower_wrong"),
    (
        "the empty directory of a base layer",
        lambda store: os.rmdir(tree(store, layer_of(store, APP)["parent"], "empty")),
        "layer_directory_missing",
    ),
    ("the size of a layer", lambda store: change_layer(store, _app(store), diff_size=7), "layer_size_wrong"),
    ("the manifest", lambda store: _change_item(store, "manifest", os.unlink), "image_data_missing"),
    ("half of the manifest", lambda store: _change_item(store, "manifest", cut), "image_data_changed"),
    ("a bit of the manifest", lambda store: _change_item(store, "manifest", flip), "image_data_changed"),
    ("the size of the manifest", _change_size, "image_data_size_wrong"),
    ("an orphan layer", lambda store: _make_orphan(store, "overlay", ORPHAN, "diff"), "orphan_layer_directory"),
    ("orphan layer data", lambda store: _make_orphan(store, "overlay-layers", ORPHAN), "orphan_layer_data"),
    ("an orphan tar-split", lambda store: Path(tar_split(store, ORPHAN)).touch(), "orphan_tar_split"),
    ("orphan image data", lambda store: _make_orphan(store, "overlay-images", ORPHAN), "orphan_image_directory"),
    (
        "orphan container data",
        lambda store: _make_orphan(store, "overlay-containers", ORPHAN, "userdata"),
        "orphan_container_directory",
    ),
    ("a link to nothing", _stale_link, "stale_link"),
    ("a mount count", _stale_count, "mount_count_stale"),
    ("a staging area", _leave_staging, "leftover"),
    ("half a file", lambda store: Path(store.root, "overlay-layers", ".tmp-layers.json12").touch(), "leftover"),
]
DELETED: list[tuple[str, Damage, str]] = [
    ("the tree", lambda store: lose_tree(store, _app(store)), "layer_tree_missing"),
    ("the tar-split file", lambda store: os.unlink(tar_split(store, _app(store))), "tar_split_missing"),
    ("all of the tar-split file", lambda store: os.truncate(tar_split(store, _app(store)), 0), "tar_split_damaged"),
    ("half of the tar-split file", lambda store: cut(tar_split(store, _app(store))), "tar_split_damaged"),
    ("a bit of a file", lambda store: flip(tree(store, _app(store), "diff", "two")), "layer_content_changed"),
    ("a file", lambda store: os.unlink(tree(store, _app(store), "diff", "two")), "layer_content_changed"),
    ("the mode of a file", _touch_tree, "layer_tree_changed"),
    ("a file too many", _add_file, "layer_tree_changed"),
    ("the layer unfinished", lambda store: flag_incomplete(store, _app(store)), "layer_incomplete"),
    ("the config", lambda store: _change_item(store, _config_key(store), os.unlink), "image_data_missing"),
    ("half of the config", lambda store: _change_item(store, _config_key(store), cut), "image_data_changed"),
    ("a bit of the config", lambda store: _change_item(store, _config_key(store), flip), "image_data_changed"),
]
NAMED_DEEP = ("a bit of a", "half of the tar", "a file", "the mode", "a bit of", "the size of a layer")


def _is_whole(store: Store, *images: str) -> None:
    """podman lists, mounts and removes what is left, and containers-storage finds no layer too many."""
    for name in images:
        point = store.podman("image", "mount", name)
        assert os.listdir(point)
        store.podman("image", "umount", name)
    store.buildah("rm", "--all")
    store.podman("image", "rm", *images)
    assert store.podman("images", "--all", "--quiet") == ""
    assert store.containers_storage("layers", "--json") == "[]"


def _repair(store: Store, **arguments: Any) -> dict[str, Any]:
    """The repair: predicted without a trace, done, and done again without a change; a check finds nothing more."""
    before = _files(store)
    predicted = _check(store, check=True, deep=True, repair=True, **arguments)
    assert predicted["changed"] and _files(store) == before
    done = _check(store, deep=True, repair=True, **arguments)
    assert done["changed"] and done["healthy"]
    for key in ("kind", "object", "repair"):
        assert [item[key] for item in predicted["problems"]] == [item[key] for item in done["problems"]], key
    assert predicted["diff"] == done["diff"]
    assert all(item["repaired"] for item in done["problems"] if not item["information"])
    settled = _files(store)
    assert not _check(store, deep=True, repair=True, **arguments)["changed"]
    assert _wrong(_check(store, deep=True)) == []
    assert _files(store) == settled
    return done


class TestDamage:
    @pytest.mark.parametrize(("name", "damage", "kind"), MENDED, ids=[case[0] for case in MENDED])
    def test_is_mended_and_nothing_is_lost(self, name: str, damage: Damage, kind: str, store: Store) -> None:
        damage(store)
        assert {kind for kind, _object in _wrong(_check(store, deep=True))} == {kind}
        if not name.startswith(NAMED_DEEP):
            assert not _check(store)["healthy"]
        _repair(store)
        assert _tools_accept(store, APP, OTHER, BUILT)

    @pytest.mark.parametrize(("name", "damage", "kind"), DELETED, ids=[case[0] for case in DELETED])
    def test_beyond_mending_takes_the_image_along(self, name: str, damage: Damage, kind: str, store: Store) -> None:
        kept = [layer["id"] for layer in records(store, "layers") if layer["id"] != _app(store)]
        damage(store)
        assert {kind for kind, _object in _wrong(_check(store, deep=True))} == {kind}
        if not name.startswith(NAMED_DEEP):
            assert not _check(store)["healthy"]
        _repair(store)
        assert [layer["id"] for layer in records(store, "layers")] == kept
        assert _tools_accept(store, OTHER, BUILT)


def _tools_accept(store: Store, *images: str) -> bool:
    names = store.podman_json("images", "--all", "--format", "json")
    assert sorted(name for image in names for name in image.get("Names") or []) == sorted(images)
    _is_whole(store, *images)
    return True


def _other(store: Store) -> str:
    layer: str = layer_of(store, OTHER)["id"]
    return layer


def _shared_base(store: Store) -> str:
    layer: str = layer_of(store, APP)["parent"]
    return layer


class TestContainers:
    @pytest.mark.parametrize(
        ("damage", "kind"),
        [
            (lambda store: flip(tree(store, _other(store), "diff", "three")), "layer_content_changed"),
            (lambda store: lose_record(store, _other(store)), "layer_parent_missing"),
            (lambda store: os.unlink(item_path(store, image_of(store, OTHER), _id_key(store))), "image_data_missing"),
            (lambda store: lose_record(store, records(store, "containers")[0]["layer"]), "container_layer_missing"),
            (lambda store: lose_tree(store, records(store, "containers")[0]["layer"]), "layer_tree_missing"),
            (lambda store: rewrite(store, "images", lambda images: images.pop(1)), "container_image_missing"),
        ],
        ids=["a file", "a layer's record", "a config", "the container's record of a layer", "its tree", "its image"],
    )
    def test_stay_with_what_is_damaged_unless_the_task_says_otherwise(
        self, damage: Damage, kind: str, store: Store
    ) -> None:
        damage(store)
        refused = _check(store, deep=True, repair=True)
        (found,) = (item for item in refused["problems"] if item["kind"] == kind)
        assert found["repair"] is None and "remove_containers" in found["message"] and not refused["healthy"]
        assert len(records(store, "containers")) == 1
        _repair(store, remove_containers=True)
        assert records(store, "containers") == []
        whole = kind in ("layer_tree_missing", "container_layer_missing")
        if kind == "container_image_missing":
            # The layers of the image that has no record are nobody's now, and are kept.
            assert any(item["kind"] == "unused_layer" for item in _check(store)["problems"])
        else:
            assert _tools_accept(store, *((APP, OTHER, BUILT) if whole else (APP, BUILT)))

    def test_that_are_mounted_are_unmounted_when_they_may_go(self, store: Store) -> None:
        point = store.buildah("mount", "box")
        flip(tree(store, _shared_base(store), "diff", "one"))
        refused = _check(store, deep=True, repair=True)
        assert not refused["healthy"] and not refused["changed"] and os.path.ismount(point)
        _repair(store, remove_containers=True)
        assert not os.path.ismount(point)
        assert _tools_accept(store, BUILT)

    def test_an_image_that_is_mounted_stays(self, store: Store) -> None:
        point = store.podman("image", "mount", APP)
        flip(tree(store, _app(store), "diff", "two"))
        refused = _check(store, deep=True, repair=True)
        assert not refused["changed"] and "mounted" in refused["problems"][0]["message"] and os.path.ismount(point)
        store.podman("image", "umount", APP)
        _repair(store)
        assert _tools_accept(store, OTHER, BUILT)


def _id_key(store: Store) -> str:
    return f"sha256:{image_of(store, OTHER)['id']}"


class TestUnreadableRecords:
    @pytest.mark.parametrize("kind", ["layers", "images", "containers"])
    def test_are_kept_aside_and_nothing_else_is_touched(self, kind: str, store: Store) -> None:
        path = records_path(store, kind)
        whole = Path(path).read_bytes()
        flip(tree(store, _app(store), "diff", "two"))
        cut(path)
        before = _files(store)
        (found,) = (item for item in _check(store, deep=True)["problems"] if item["kind"] == "records_unreadable")
        assert found["object"] == path and "cannot be rebuilt" in found["message"]
        assert _files(store) == before
        predicted = _check(store, check=True, repair=True, remove_containers=True)
        done = _check(store, repair=True, remove_containers=True)
        assert predicted["changed"] and done["changed"] and predicted["diff"] == done["diff"]
        assert not done["healthy"] and not done["problems"][0]["repaired"]
        (copy,) = (name for name in os.listdir(os.path.dirname(path)) if ".unreadable-" in name)
        kept = os.path.join(os.path.dirname(path), copy)
        assert Path(kept).read_bytes() == Path(path).read_bytes() == whole[: len(whole) // 2]
        trees = snapshot(os.path.join(store.root, "overlay"))
        again = _check(store, deep=True, repair=True, remove_containers=True)
        assert not again["changed"] and copy in again["problems"][0]["message"]
        assert snapshot(os.path.join(store.root, "overlay")) == trees
        assert set(_files(store)[0]) - set(before[0]) == {kept}
        Path(path).write_bytes(whole)
        _repair(store)
        assert _tools_accept(store, OTHER, BUILT)

    def test_of_mount_counts_are_written_again_from_the_mounts(self, store: Store) -> None:
        point = store.buildah("mount", "box")
        counts = Path(store.run_root, "overlay-layers", "mountpoints.json")
        before = json.loads(counts.read_bytes())
        cut(str(counts))
        assert _wrong(_check(store)) == [("mount_counts_unreadable", str(counts))]
        _repair(store)
        assert json.loads(counts.read_bytes()) == before
        store.buildah("umount", "box")
        assert not os.path.ismount(point)
        assert _tools_accept(store, APP, OTHER, BUILT)


class TestUnusedLayers:
    def test_are_told_and_kept(self, store: Store) -> None:
        top = _app(store)
        rewrite(store, "images", lambda images: images.remove(next(i for i in images if APP in i["names"])))
        found = _check(store, repair=True)
        told = [item for item in found["problems"] if item["information"]]
        assert [(item["kind"], item["object"], item["repair"]) for item in told] == [("unused_layer", top, None)]
        assert top in [layer["id"] for layer in records(store, "layers")]

    def test_that_we_made_for_a_container_that_never_came_to_be_go(self, store: Store) -> None:
        made = run_module("container_create", {**store.module_options(), "image": APP, "name": "gone"})
        container = made["container"]
        change_layer(store, container["layer_id"], flags={"strata-container": container["id"]})
        rewrite(store, "containers", lambda found: found.pop())
        kinds = {item["kind"] for item in _repair(store)["problems"]}
        assert kinds == {"layer_abandoned", "orphan_container_directory"}
        assert _tools_accept(store, APP, OTHER, BUILT)


def test_everything_at_once_is_repaired_through_the_module(
    registry: Any, make_store: Callable[[str], Store], pull_options: dict[str, Any]
) -> None:
    store = make_store("ours")
    names = [registry.reference(name) for name in ("odd:1", "zstd:1", "multi:1")]
    pulled = run_module("image_pull", {**store.module_options(), **pull_options, "name": names})
    odd, zstd, multi = (layer_of(store, name)["id"] for name in names)
    run_module("container_create", {**store.module_options(), "image": names[0], "name": "box"})
    lose_link(store, odd)
    lose_link_file(store, zstd)
    _make_orphan(store, "overlay", ORPHAN)
    flip(tree(store, multi, "diff", "architecture"))
    os.unlink(item_path(store, image_of(store, names[1]), "manifest"))
    done = _run(store, deep=True, repair=True)
    assert done.changed and done["healthy"] and not pulled.failed
    assert [step["action"] for step in done["steps"]].count("deleted") == 1
    assert not _run(store, deep=True, repair=True).changed
    run(["skopeo", "--insecure-policy", "copy", "-q", store.bracket + names[1], f"dir:{store.base}/out"])
    store.podman("rm", "box")
    assert _tools_accept(store, *names[:2])
