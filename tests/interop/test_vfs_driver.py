# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stores of the vfs driver: what we write podman, buildah and containers-storage use, and what they write we use."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import StrataError
from ansible_collections.strata.containers.plugins.module_utils._host.copy_tree import copy_tree
from ansible_collections.strata.containers.plugins.module_utils._storage.drivers import open_driver
from ansible_collections.strata.containers.plugins.module_utils._storage.prepare import prepare_store
from ansible_collections.strata.containers.plugins.module_utils._storage.vfs_options import parse_vfs_options
from lab.applied_layers import APPLIED_LAYERS
from lab.btrfs import subvolumes
from lab.check_bench import check_here, layout_of
from lab.commands import CommandFailed, run
from lab.fixtures import scratch_stores
from lab.flaky_registry import FlakyRegistry, flaky_registry
from lab.kill_bench import Bench, kill_bench
from lab.kill_scenarios import FURTHER, VERBS, Scenario
from lab.modules import run_module
from lab.odd_images import PLAIN, Entry, ImageLayout, make_tar
from lab.registry import Registry
from lab.schema1_images import OldImage, tar_of
from lab.static_registry import StaticRegistry
from lab.stores import Store, image_record
from lab.traced_verb import MAIN
from lab.trees import describe_tree, differences, snapshot
from lab.whole_trees import (
    DAMAGES,
    LONG,
    ODD,
    RULES,
    counts,
    done,
    files,
    fill,
    image_layout,
    is_empty,
    module,
    problems,
    records,
    runs,
    saved_layers,
    trees,
    unnamed_times,
)


@pytest.fixture(scope="module")
def layout(judges: None, tmp_path_factory: pytest.TempPathFactory) -> ImageLayout:
    return image_layout(str(tmp_path_factory.mktemp("images")))


@pytest.fixture(scope="module")
def local() -> Iterator[FlakyRegistry]:
    with flaky_registry() as registry:
        yield registry


@pytest.fixture
def make() -> Iterator[Callable[[str], Store]]:
    with scratch_stores("vfs") as make:
        yield make


@pytest.fixture
def store(make: Callable[[str], Store]) -> Store:
    return make("store")


@pytest.fixture(scope="module")
def model(layout: ImageLayout) -> Iterator[Store]:
    """A store that other tools wrote: an image of skopeo's, and one of buildah's on top."""
    with scratch_stores("vfs") as make:
        store = make("model")
        fill(store, layout)
        yield store


@pytest.fixture
def filled(model: Store, store: Store) -> Store:
    """A copy of it."""
    run(["cp", "-a", model.root, store.root])
    # podman's database holds the paths of its store.
    shutil.rmtree(os.path.join(store.root, "libpod"), ignore_errors=True)
    return store


class TestPull:
    def test_every_tree_and_record_is_podmans(
        self, layout: ImageLayout, make: Callable[[str], Store], local: FlakyRegistry, pull_options: dict[str, Any]
    ) -> None:
        ours, theirs = make("ours"), make("theirs")
        image = local.reference("odd:1")
        local.add(layout, "odd", "odd")
        began = os.stat(ours.base).st_mtime_ns
        result = done(ours, "image_pull", **pull_options, name=image)
        theirs.podman("pull", "--quiet", "--tls-verify=false", image)
        for record in records(theirs, "layers"):
            trees_of_both = [describe_tree(os.path.join(trees(store), record["id"])) for store in (theirs, ours)]
            unnamed_times(*trees_of_both, began)
            for tree in trees_of_both:
                # podman changes its root into it, and so changes its time.
                tree["."]["mtime_ns"] = None
            assert "\n".join(differences(*trees_of_both)) == ""
        without_times = [[{**layer, "created": ""} for layer in records(store, "layers")] for store in (theirs, ours)]
        assert without_times[0] == without_times[1]
        assert image_record(ours, image) == image_record(theirs, image)
        assert sorted(os.listdir(trees(ours))) == sorted(os.listdir(trees(theirs)))
        assert [layer["path"] for layer in result["images"][0]["layers"]] == [
            os.path.join(trees(ours), layer["id"]) for layer in records(ours, "layers")
        ]
        # The archives that go out of the store are those that came, as podman puts them together and skopeo sees to.
        ours.podman("save", "--quiet", "--output", f"{ours.base}/archive", image)
        assert saved_layers(f"{ours.base}/archive") == [layer["diff-digest"] for layer in records(theirs, "layers")]
        run(["skopeo", "--insecure-policy", "copy", ours.bracket + image, f"dir:{ours.base}/saved"])
        assert problems(ours, deep=True) == problems(theirs, deep=True) == []
        ours.podman("rmi", image)
        assert is_empty(ours)

    def test_an_old_image_whose_layers_show_what_they_are_when_they_are_unpacked(
        self,
        make: Callable[[str], Store],
        layout: ImageLayout,
        static_registry: StaticRegistry,
        pull_options: dict[str, Any],
    ) -> None:
        ours, theirs = make("ours"), make("theirs")
        OldImage(["a", "b", "a", "a"]).serve(static_registry, "app")
        image = static_registry.reference("app:1")
        # The base is there from another blob, and is known only after all was staged.
        layout.add_image("base", [(tar_of("a"), PLAIN)])
        run(["skopeo", "--insecure-policy", "copy", f"oci:{layout.directory}:base", f"{ours.bracket}base:1"])
        # In the second image one that is known by then lies between two that are not.
        OldImage(["c", "a", "d"]).serve(static_registry, "mixed")
        for name in (image, static_registry.reference("mixed:1")):
            module(ours, "image_pull", **pull_options, name=name)
            theirs.podman("pull", "--quiet", "--tls-verify=false", name)
        for record in records(theirs, "layers"):
            ids = [os.path.join(trees(store), record["id"]) for store in (theirs, ours)]
            assert differences(*(describe_tree(path, frozenset({"."})) for path in ids)) == []
        assert problems(ours, deep=True) == []

    def test_only_what_is_above_is_fetched(
        self, filled: Store, layout: ImageLayout, local: FlakyRegistry, pull_options: dict[str, Any]
    ) -> None:
        more = [(make_tar(entries), PLAIN) for entries in (*APPLIED_LAYERS, [Entry("more", content=b"more")])]
        # The same content twice: the second time it is on the first.
        layout.add_image("more", [*more, more[-1]])
        image = local.reference("more:1")
        local.add(layout, "more", "more")
        result = done(filled, "image_pull", **pull_options, name=image)
        assert [layer["action"] for layer in result["images"][0]["layers"]] == ["keep"] * 3 + ["fetch", "reuse"]
        assert problems(filled, deep=True) == []
        point = filled.podman("image", "mount", image)
        assert "more" in os.listdir(point) and "pair" in os.listdir(point)

    def test_a_blob_that_is_not_what_it_should_be_leaves_nothing(
        self, store: Store, layout: ImageLayout, local: FlakyRegistry, pull_options: dict[str, Any]
    ) -> None:
        wrong = [(make_tar([Entry("one")]), PLAIN), (make_tar([Entry("a"), Entry("a/.wh.b/c")]), PLAIN)]
        layout.add_image("wrong", wrong)
        image = local.reference("wrong:1")
        local.add(layout, "wrong", "wrong")
        result = run_module("image_pull", {**store.module_options(), **pull_options, "name": image, "retries": 0})
        assert result.failed and result.code == "unsafe_layer", result.text
        assert is_empty(store) and os.listdir(os.path.join(store.root, "vfs")) == ["dir"]

    @pytest.mark.skipif(not LONG, reason="a distribution is unpacked, and its shell run")
    def test_what_was_pulled_runs(self, store: Store, registry: Registry, pull_options: dict[str, Any]) -> None:
        module(store, "image_pull", **pull_options, name=registry.reference("base:1"))
        runs(store, registry.reference("base:1"))


class TestOnBtrfs:
    def test_copies_share_blocks_and_go_with_the_subvolumes_inside(self, judges: None) -> None:
        with scratch_stores("btrfs") as on_disk:
            store = Store(on_disk("store").base, driver="vfs")
            layers = [(make_tar([Entry("large", content=random.Random(1).randbytes(4 << 20))]), PLAIN)]
            layout = ImageLayout(f"{store.base}/images")
            layout.add_image("large", layers)
            run(["skopeo", "--insecure-policy", "copy", f"oci:{layout.directory}:large", f"{store.bracket}large:1"])
            path = module(store, "container_create", image="large:1", name="box")["container"]["path"]
            os.sync()
            (usage,) = run(["btrfs", "filesystem", "du", "--raw", "--summarize", path]).splitlines()[1:]
            total, exclusive, shared, _path = usage.split()
            assert int(total) == int(shared) == 4 << 20 and int(exclusive) == 0, usage
            run(["btrfs", "subvolume", "create", f"{path}/nested"])
            module(store, "container_create", image="large:1", name="box", state="absent")
            assert subvolumes(os.path.dirname(store.base)) == [] and not os.path.exists(path)


def test_the_roots_of_trees_are_as_the_library_makes_them(make: Callable[[str], Store]) -> None:
    ours, theirs = make("ours"), make("theirs")
    base = theirs.containers_storage("create-layer").split()[0]
    layout = layout_of(ours)
    prepare_store(layout)
    driver = open_driver(layout)
    driver.create_writable("a" * 64, None)
    tree = os.path.join(ours.base, "root", "staged")
    os.mkdir(tree, 0o700)
    driver.adopt_layer("b" * 64, None, tree, False)
    driver.create_writable("c" * 64, "b" * 64)
    (wanted,) = {os.stat(os.path.join(trees(theirs), base)).st_mode}
    assert {os.stat(os.path.join(trees(ours), name * 64)).st_mode for name in "abc"} == {wanted}
    for path in ("vfs", "vfs/dir"):
        assert os.stat(os.path.join(ours.root, path)).st_mode == os.stat(os.path.join(theirs.root, path)).st_mode
    driver.remove("b" * 64)
    driver.remove("b" * 64)
    assert sorted(os.listdir(trees(ours))) == ["a" * 64, "c" * 64]


class TestContainers:
    def test_podman_and_we_share_one(self, filled: Store) -> None:
        created = done(filled, "container_create", image=RULES, name="box")["container"]
        tree = os.path.join(trees(filled), records(filled, "images")[0]["layer"])
        assert differences(describe_tree(tree), describe_tree(created["path"])) == []
        (listed,) = filled.podman_json("ps", "--all", "--external", "--format", "json")
        assert (listed["Id"], listed["Names"]) == (created["id"], ["box"])
        mounted = done(filled, "container_mount", name="box")
        assert mounted["mount_point"] == created["path"]
        # It is in use, and its files are written: the mount is still the same one.
        Path(mounted["mount_point"], "written").write_text("x", encoding="ascii")
        assert not module(filled, "container_mount", name="box").changed
        assert filled.containers_storage("mount", "box") == mounted["mount_point"]
        assert counts(filled) == [2]
        refused = run_module("container_create", {**filled.module_options(), "name": "box", "state": "absent"})
        assert refused.code == "container_mounted"
        assert done(filled, "container_mount", name="box", state="unmounted")["mount_point"] == mounted["mount_point"]
        assert counts(filled) == [1]
        filled.containers_storage("unmount", "box")
        done(filled, "container_create", image=RULES, name="box", state="absent")
        assert not os.path.exists(created["path"]) and records(filled, "containers") == []

    def test_theirs_are_ours_to_mount_and_to_delete(self, filled: Store) -> None:
        filled.buildah("from", "--pull-never", "--name", "box", "localhost/built:1")
        point = filled.buildah("mount", "box")
        assert "built" in os.listdir(point) and "opaque" not in os.listdir(point)
        assert done(filled, "container_mount", name="box")["mount_point"] == point
        assert counts(filled) == [2]
        done(filled, "container_create", image=RULES, name="box", state="absent", force=True)
        assert counts(filled) == []
        assert filled.podman("ps", "--all", "--external", "--quiet") == ""

    def test_what_the_driver_cannot_do_is_refused(self, filled: Store) -> None:
        filled.buildah("from", "--pull-never", "--name", "box", RULES)
        before = files(filled)
        for check in (True, False) if LONG else (False,):
            arguments = {**filled.module_options(), "name": "box", "read_only": True}
            result = run_module("container_mount", arguments, check=check)
            assert result.code == "driver_unsupported", result.text
        assert files(filled) == before


class TestImages:
    def test_they_are_mounted_tagged_removed_and_pruned(self, filled: Store) -> None:
        point = done(filled, "image_mount", name=RULES)["mount_point"]
        assert filled.podman("image", "mount", RULES) == point and counts(filled) == [2]
        filled.podman("image", "umount", RULES)
        done(filled, "image_mount", name=RULES, state="unmounted")
        assert counts(filled) == []
        done(filled, "image_tag", name=RULES, target_names=["localhost/other:1"])
        assert filled.podman("image", "exists", "localhost/other:1") == ""
        done(filled, "image_remove", name=["localhost/built:1"])
        assert filled.podman("images", "--noheading", "--format", "{{.Repository}}").split() == [
            "example.com/rules",
            "localhost/other",
        ]
        done(filled, "image_prune", all=True)
        assert is_empty(filled) and filled.podman("images", "--quiet") == ""

    def test_layers_of_an_additional_store_are_built_on(
        self, filled: Store, make: Callable[[str], Store], layout: ImageLayout
    ) -> None:
        mine = make("mine")
        options = {"driver_options": [f"vfs.imagestore={filled.root}"]}
        shelf = snapshot(filled.root)
        path = module(mine, "container_create", image=RULES, name="box", **options)["container"]["path"]
        assert sorted(os.listdir(path)) == sorted(os.listdir(filled.podman("image", "mount", RULES)))
        # podman does the same there.
        command = mine.podman_command("--storage-opt", f"vfs.imagestore={filled.root}", "ps", "-a", "--external", "-q")
        assert len(run(command).split()) == 1
        assert {name: facts for name, facts in snapshot(filled.root).items() if "/vfs/" in name} == {
            name: facts for name, facts in shelf.items() if "/vfs/" in name
        }


class TestCare:
    def _layers(self, store: Store) -> list[str]:
        return [layer["id"] for layer in records(store, "layers")]

    def test_what_they_wrote_is_healthy(self, filled: Store) -> None:
        assert problems(filled, deep=True) == []

    @pytest.mark.parametrize("damage", sorted(DAMAGES) if LONG else ["content"])
    def test_a_deep_check_compares_what_was_copied_with_the_layer_below(self, filled: Store, damage: str) -> None:
        top = self._layers(filled)[2]
        tree = os.path.join(trees(filled), top)
        pair = os.path.join(tree, "pair", "two")
        status = os.stat(pair)
        DAMAGES[damage](tree)
        if os.path.exists(pair):
            os.utime(pair, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert problems(filled) == []
        # The layer on it was copied before.
        assert problems(filled, deep=True) == [("layer_tree_changed", top)] + [
            ("layer_tree_changed", layer) for layer in self._layers(filled)[3:]
        ]

    def test_a_lost_tree_and_left_overs_are_found_and_mended(self, filled: Store) -> None:
        built = self._layers(filled)[3]
        shutil.rmtree(os.path.join(trees(filled), built))
        orphan = os.path.join(trees(filled), "ab" * 32)
        os.mkdir(orphan)
        assert problems(filled) == [("layer_tree_missing", built), ("orphan_layer_directory", orphan)]
        assert check_here(filled, repair=True)["changed"]
        assert problems(filled, deep=True) == []
        assert filled.podman("images", "--noheading", "--format", "{{.Repository}}") == "example.com/rules"

    def test_a_store_that_others_use_is_wiped_by_force_only(self, filled: Store) -> None:
        filled.buildah("from", "--pull-never", "--name", "box", RULES)
        filled.buildah("mount", "box")
        refused = run_module("store_wipe", {**filled.module_options(), "confirm": filled.root})
        assert refused.code == "store_in_use", refused.text
        done(filled, "store_wipe", confirm=filled.root, force=True)
        assert is_empty(filled) and filled.podman("images", "--quiet") == ""
        assert open_driver(layout_of(filled)).status() == {}


@pytest.fixture(scope="module")
def bench(judges: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with kill_bench(tmp_path_factory.mktemp("kills"), "vfs") as bench:
        yield bench


@pytest.mark.skipif(not LONG, reason="the short run kills in stores of the overlay driver alone, by the same records")
@pytest.mark.parametrize("scenario", [one for one in VERBS + FURTHER if MAIN in one.roles], ids=lambda one: one.name)
def test_kills_leave_a_valid_store_and_the_verb_converges(bench: Bench, scenario: Scenario) -> None:
    failed = []
    for number, point in enumerate(point for point in bench.clean(scenario).points if point.role == MAIN):
        try:
            bench.strike(point, podman_first=bool(number % 2))
        except (AssertionError, CommandFailed) as error:
            failed.append(f"{point}\n{error}")
    assert failed == []


OPTIONS = {
    "overlay.mountopt=nodev": False,
    "vfs.mountopt=nodev": False,
    "vfs.size=1G": False,
    "ignore_chown_errors=true": False,
    ".ignore_chown_errors=true": True,
    "vfs.ignore_chown_errors=maybe": False,
    "vfs.imagestore=/nowhere": True,
    "VFS.Ignore_Chown_Errors=1": True,
    "nonsense": False,
}


@pytest.mark.parametrize("option", OPTIONS if LONG else random.Random(1).sample(sorted(OPTIONS), 3))
def test_podman_takes_the_options_that_we_take(option: str, store: Store) -> None:
    def accepted(action: Callable[[], object]) -> bool:
        try:
            action()
        except (StrataError, CommandFailed):
            return False
        return True

    theirs = accepted(lambda: run(store.podman_command("--storage-opt", option, "images")))
    assert accepted(lambda: parse_vfs_options([option])) == theirs == OPTIONS[option]


def test_a_copy_is_what_cp_makes(judges: None, layout: ImageLayout, store: Store, tmp_path: Path) -> None:
    fill_odd = f"oci:{layout.directory}:odd"
    run(["skopeo", "--insecure-policy", "copy", fill_odd, store.bracket + ODD])
    source = store.podman("image", "mount", ODD)
    os.setxattr(os.path.join(source, "bin"), "trusted.strata", b"kept")
    sparse = os.path.join(source, "sparse")
    with open(sparse, "wb") as file:
        file.truncate(1 << 20)
    used = snapshot(source)
    target = tmp_path / "copy"
    target.mkdir()
    copy_tree(source, str(target))
    run(["cp", "-a", "--reflink=never", source, str(tmp_path / "cp")])
    assert differences(describe_tree(str(tmp_path / "cp")), describe_tree(str(target))) == []
    assert snapshot(source) == used
