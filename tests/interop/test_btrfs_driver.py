# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stores of the btrfs driver on a disk of their own: podman, buildah, skopeo and btrfs(8) are the judges."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import StrataError
from ansible_collections.strata.containers.plugins.module_utils._storage.btrfs_options import first_limit
from ansible_collections.strata.containers.plugins.module_utils._storage.drivers import open_driver
from ansible_collections.strata.containers.plugins.module_utils._storage.prepare import prepare_store
from lab.btrfs import subvolumes
from lab.check_bench import check_here, layout_of
from lab.commands import CommandFailed, run
from lab.fixtures import scratch_stores
from lab.flaky_registry import FlakyRegistry, flaky_registry
from lab.modules import run_module
from lab.odd_images import PLAIN, Entry, ImageLayout, make_tar
from lab.registry import Registry
from lab.stores import Store, image_record
from lab.trees import describe_tree, differences
from lab.twins import twin_of
from lab.whole_trees import (
    DAMAGES,
    LONG,
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

NESTED = ("nested", "nested/deep", "nested/deep/plain/deeper")


@pytest.fixture(scope="module")
def layout(judges: None, tmp_path_factory: pytest.TempPathFactory) -> ImageLayout:
    return image_layout(str(tmp_path_factory.mktemp("images")))


@pytest.fixture(scope="module")
def local() -> Iterator[FlakyRegistry]:
    with flaky_registry() as registry:
        yield registry


@pytest.fixture(scope="module")
def disk(judges: None) -> Iterator[Callable[[str], Store]]:
    with scratch_stores("btrfs") as make:
        yield make


@pytest.fixture
def make(disk: Callable[[str], Store]) -> Iterator[Callable[[str], Store]]:
    """Makes stores on the disk, and takes them away after the test; no subvolume outlives its store."""
    made: list[Store] = []

    def make(name: str) -> Store:
        made.append(disk(name))
        return made[-1]

    yield make
    for store in made:
        store.destroy()
        assert not os.path.exists(store.base)


@pytest.fixture
def store(make: Callable[[str], Store]) -> Store:
    return make("store")


@pytest.fixture(scope="module")
def model(disk: Callable[[str], Store], layout: ImageLayout) -> Store:
    """A store that other tools wrote: an image of skopeo's, and one of buildah's on top."""
    store = disk("model")
    fill(store, layout)
    # skopeo leaves its bind of the driver's home, and podman takes it away.
    store.podman("images")
    return store


@pytest.fixture
def filled(model: Store, store: Store) -> Store:
    """A copy of it."""
    return twin_of(model, store)


def known(store: Store) -> list[str]:
    """The subvolumes of the store, by their path below its home, as btrfs(8) lists them."""
    point = os.path.dirname(store.base)
    inside = os.path.relpath(os.path.join(store.root, "btrfs"), point) + "/"
    return [path[len(inside) :] for path in subvolumes(point) if path.startswith(inside)]


def of_records(store: Store) -> list[str]:
    return sorted(f"subvolumes/{layer['id']}" for layer in records(store, "layers"))


def nest(tree: str) -> None:
    """Makes subvolumes in one another inside ``tree``, each with a file."""
    for name in NESTED:
        path = os.path.join(tree, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        run(["btrfs", "subvolume", "create", path])
        Path(path, "file").write_text(name, encoding="ascii")


class TestPull:
    def test_every_tree_and_record_is_podmans(
        self, layout: ImageLayout, make: Callable[[str], Store], local: FlakyRegistry, pull_options: dict[str, Any]
    ) -> None:
        ours, theirs = make("ours"), make("theirs")
        image = local.reference("odd:1")
        local.add(layout, "odd", "odd")
        began = os.stat(ours.base).st_mtime_ns
        done(ours, "image_pull", **pull_options, name=image)
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
        # Each layer is a subvolume of its own, and nothing else is: what was staged is what is there.
        assert known(ours) == of_records(ours) == known(theirs)
        assert os.listdir(os.path.join(ours.root, "btrfs")) == ["subvolumes"]
        # The archives that go out of the store are those that came.
        ours.podman("save", "--quiet", "--output", f"{ours.base}/saved", image)
        wanted = [layer["diff-digest"] for layer in records(theirs, "layers")]
        assert saved_layers(f"{ours.base}/saved") == wanted
        assert problems(ours, deep=True) == problems(theirs, deep=True) == []
        ours.podman("rmi", image)
        assert is_empty(ours) and known(ours) == []

    def test_a_layer_takes_no_more_room_than_what_it_changes(
        self, store: Store, layout: ImageLayout, local: FlakyRegistry, pull_options: dict[str, Any]
    ) -> None:
        base = (make_tar([Entry("large", content=random.Random(1).randbytes(4 << 20))]), PLAIN)
        layout.add_image("large", [base, *[(make_tar([Entry(name)]), PLAIN) for name in "abc"]])
        local.add(layout, "large", "large")
        module(store, "image_pull", **pull_options, name=local.reference("large:1"))
        os.sync()
        usage = run(["btrfs", "filesystem", "du", "--raw", "--summarize", *map(store_path(store), of_records(store))])
        exclusive = [int(line.split()[1]) for line in usage.splitlines()[1:]]
        assert len(exclusive) == 4 and sum(exclusive) < 1 << 20, usage

    def test_a_blob_that_is_not_what_it_should_be_leaves_nothing(
        self, store: Store, layout: ImageLayout, local: FlakyRegistry, pull_options: dict[str, Any]
    ) -> None:
        wrong = [(make_tar([Entry("one")]), PLAIN), (make_tar([Entry("a"), Entry("a/.wh.b/c")]), PLAIN)]
        layout.add_image("wrong", wrong)
        local.add(layout, "wrong", "wrong")
        options = {**store.module_options(), **pull_options, "name": local.reference("wrong:1"), "retries": 0}
        result = run_module("image_pull", options)
        assert result.failed and result.code == "unsafe_layer", result.text
        assert is_empty(store) and known(store) == []
        assert os.listdir(os.path.join(store.root, "btrfs")) == ["subvolumes"]

    @pytest.mark.skipif(not LONG, reason="a distribution is unpacked, and its shell run")
    def test_what_was_pulled_runs(self, store: Store, registry: Registry, pull_options: dict[str, Any]) -> None:
        module(store, "image_pull", **pull_options, name=registry.reference("base:1"))
        runs(store, registry.reference("base:1"))


def store_path(store: Store) -> Callable[[str], str]:
    return lambda name: os.path.join(store.root, "btrfs", name)


def test_the_roots_of_trees_are_as_the_library_makes_them(make: Callable[[str], Store]) -> None:
    ours, theirs = make("ours"), make("theirs")
    base = theirs.containers_storage("create-layer").split()[0]
    layout = layout_of(ours)
    prepare_store(layout)
    driver = open_driver(layout)
    driver.create_writable("a" * 64, None)
    tree = os.path.join(ours.base, "root", "staged")
    os.mkdir(tree, 0o700)
    driver.begin_tree(tree, None, None)
    assert os.stat(tree).st_mode & 0o777 == 0o700
    driver.adopt_layer("b" * 64, None, tree, False)
    driver.create_writable("c" * 64, "b" * 64)
    (wanted,) = {os.stat(os.path.join(trees(theirs), base)).st_mode}
    assert {os.stat(os.path.join(trees(ours), name * 64)).st_mode for name in "abc"} == {wanted}
    for path in ("btrfs", "btrfs/subvolumes"):
        assert os.stat(os.path.join(ours.root, path)).st_mode == os.stat(os.path.join(theirs.root, path)).st_mode
    assert known(ours) == [f"subvolumes/{name * 64}" for name in "abc"]
    driver.remove("b" * 64)
    driver.remove("b" * 64)
    assert known(ours) == [f"subvolumes/{name * 64}" for name in "ac"]


class TestContainers:
    def test_podman_and_we_share_one(self, filled: Store) -> None:
        created = done(filled, "container_create", image=RULES, name="box")["container"]
        tree = os.path.join(trees(filled), records(filled, "images")[0]["layer"])
        assert differences(describe_tree(tree), describe_tree(created["path"])) == []
        assert known(filled) == of_records(filled)
        (listed,) = filled.podman_json("ps", "--all", "--external", "--format", "json")
        assert (listed["Id"], listed["Names"]) == (created["id"], ["box"])
        mounted = done(filled, "container_mount", name="box")
        assert mounted["mount_point"] == created["path"]
        Path(mounted["mount_point"], "written").write_text("x", encoding="ascii")
        assert not module(filled, "container_mount", name="box").changed
        assert filled.containers_storage("mount", "box") == mounted["mount_point"]
        assert counts(filled) == [2]
        refused = run_module("container_create", {**filled.module_options(), "name": "box", "state": "absent"})
        assert refused.code == "container_mounted"
        assert done(filled, "container_mount", name="box", state="unmounted")["mount_point"] == mounted["mount_point"]
        filled.containers_storage("unmount", "box")
        assert counts(filled) == []
        nest(created["path"])
        assert len(known(filled)) == len(of_records(filled)) + len(NESTED)
        done(filled, "container_create", image=RULES, name="box", state="absent")
        assert known(filled) == of_records(filled) and records(filled, "containers") == []

    def test_theirs_are_ours_to_mount_and_to_delete(self, filled: Store) -> None:
        before = known(filled)
        filled.buildah("from", "--pull-never", "--name", "box", "localhost/built:1")
        point = filled.buildah("mount", "box")
        assert "built" in os.listdir(point) and "opaque" not in os.listdir(point)
        nest(point)
        assert done(filled, "container_mount", name="box")["mount_point"] == point
        assert counts(filled) == [2]
        done(filled, "container_create", image=RULES, name="box", state="absent", force=True)
        assert counts(filled) == [] and known(filled) == before
        assert filled.podman("ps", "--all", "--external", "--quiet") == ""

    def test_podman_deletes_ours_with_what_is_nested_in_it(self, filled: Store) -> None:
        before = known(filled)
        path = module(filled, "container_create", image=RULES, name="box")["container"]["path"]
        nest(path)
        filled.buildah("rm", "box")
        assert known(filled) == before

    def test_what_the_driver_cannot_do_is_refused(self, filled: Store) -> None:
        filled.buildah("from", "--pull-never", "--name", "box", RULES)
        before = files(filled)
        for check in (True, False) if LONG else (False,):
            for name, arguments in (
                ("container_mount", {"name": "box", "read_only": True}),
                ("container_create", {"name": "x", "image": RULES, "driver_options": ["btrfs.min_space=1G"]}),
            ):
                result = run_module(name, {**filled.module_options(), **arguments}, check=check)
                assert result.code in ("driver_unsupported", "quota_unsupported"), result.text
        assert files(filled) == before

    def test_a_size_that_a_container_was_given_goes_with_it(self, filled: Store) -> None:
        filled.buildah("from", "--pull-never", "--name", "box", RULES)
        (container,) = records(filled, "containers")
        # No tool of the distribution can be brought to write it, but all read it.
        quotas = Path(filled.root, "btrfs", "quotas")
        quotas.mkdir(mode=0o700)
        (quotas / container["layer"]).write_text(str(100 << 20), encoding="ascii")
        try:
            point = filled.buildah("mount", "box")
            assert str(100 << 20) in run(["btrfs", "qgroup", "show", "--raw", "-r", "-f", point])
            filled.buildah("umount", "box")
            module(filled, "container_create", image=RULES, name="box", state="absent")
        finally:
            run(["btrfs", "quota", "disable", filled.root])
        assert os.listdir(quotas) == [] and known(filled) == of_records(filled)


class TestImages:
    def test_they_are_mounted_tagged_removed_and_pruned(self, filled: Store) -> None:
        point = done(filled, "image_mount", name=RULES)["mount_point"]
        assert filled.podman("image", "mount", RULES) == point and counts(filled) == [2]
        filled.podman("image", "umount", RULES)
        done(filled, "image_mount", name=RULES, state="unmounted")
        assert counts(filled) == []
        done(filled, "image_tag", name=RULES, target_names=["localhost/other:1"])
        done(filled, "image_remove", name=["localhost/built:1"])
        assert filled.podman("images", "--noheading", "--format", "{{.Repository}}").split() == [
            "example.com/rules",
            "localhost/other",
        ]
        assert known(filled) == of_records(filled)
        done(filled, "image_prune", all=True)
        assert is_empty(filled) and known(filled) == [] and filled.podman("images", "--quiet") == ""


class TestCare:
    def _layers(self, store: Store) -> list[str]:
        return [layer["id"] for layer in records(store, "layers")]

    @pytest.mark.skipif(
        not LONG, reason="the short run looks for damage in stores of vfs, whose trees are compared alike"
    )
    @pytest.mark.parametrize("damage", sorted(DAMAGES))
    def test_a_deep_check_compares_what_was_copied_with_the_layer_below(self, filled: Store, damage: str) -> None:
        assert problems(filled, deep=True) == []
        top = self._layers(filled)[2]
        tree = os.path.join(trees(filled), top)
        pair = os.path.join(tree, "pair", "two")
        status = os.stat(pair)
        DAMAGES[damage](tree)
        if os.path.exists(pair):
            os.utime(pair, ns=(status.st_atime_ns, status.st_mtime_ns))
        # The layer on it was copied before.
        assert problems(filled, deep=True) == [("layer_tree_changed", top)] + [
            ("layer_tree_changed", layer) for layer in self._layers(filled)[3:]
        ]

    def test_a_lost_tree_and_left_overs_are_found_and_mended(self, filled: Store) -> None:
        built = self._layers(filled)[3]
        shutil.rmtree(os.path.join(trees(filled), built))
        orphan = os.path.join(trees(filled), "ab" * 32)
        staged = os.path.join(filled.root, "btrfs", "tempdirs", "temp-dir-1")
        os.makedirs(staged)
        for path in (orphan, os.path.join(staged, "0")):
            run(["btrfs", "subvolume", "create", path])
            nest(path)
        assert problems(filled) == [
            ("layer_tree_missing", built),
            ("orphan_layer_directory", orphan),
            ("leftover", staged),
        ]
        assert check_here(filled, repair=True)["changed"]
        assert problems(filled, deep=True) == [] and known(filled) == of_records(filled)
        assert filled.podman("images", "--noheading", "--format", "{{.Repository}}") == "example.com/rules"

    def test_a_copy_without_subvolumes_can_be_read_but_not_built_on(
        self, model: Store, make: Callable[[str], Store]
    ) -> None:
        copied = make("copied")
        run(["cp", "-a", model.root, copied.root])
        shutil.rmtree(os.path.join(copied.root, "libpod"))
        layers = [layer["id"] for layer in records(model, "layers")]
        assert known(copied) == []
        assert problems(copied, deep=True) == [("layer_not_subvolume", layer) for layer in layers]
        assert not check_here(copied, repair=True)["changed"]
        with pytest.raises(CommandFailed, match="failed to create btrfs snapshot: invalid argument"):
            copied.buildah("from", "--pull-never", "--name", "box", RULES)
        refused = run_module("container_create", {**copied.module_options(), "image": RULES, "name": "box"})
        assert refused.code == "store_damaged" and "a subvolume" in refused.text, refused.text
        assert records(copied, "containers") == [] and len(records(copied, "layers")) == len(layers)
        module(copied, "image_prune", all=True)
        assert is_empty(copied) and os.listdir(trees(copied)) == []

    def test_a_store_that_others_use_is_wiped_by_force_only(self, filled: Store) -> None:
        filled.buildah("from", "--pull-never", "--name", "box", RULES)
        nest(filled.buildah("mount", "box"))
        refused = run_module("store_wipe", {**filled.module_options(), "confirm": filled.root})
        assert refused.code == "store_in_use", refused.text
        done(filled, "store_wipe", confirm=filled.root, force=True)
        assert is_empty(filled) and known(filled) == []
        # Not even the bind is left that buildah made.
        shutil.rmtree(filled.root)


class TestChoice:
    def test_a_store_elsewhere_is_refused_as_podman_does(
        self, layout: ImageLayout, local: FlakyRegistry, pull_options: dict[str, Any]
    ) -> None:
        local.add(layout, "rules", "rules")
        with scratch_stores() as elsewhere:
            store = Store(elsewhere("plain").base, driver="btrfs")
            options = {**store.module_options(), **pull_options, "name": local.reference("rules:1")}
            for check in (True, False):
                result = run_module("image_pull", options, check=check)
                assert result.code == "driver_unsupported" and "not on a Btrfs file system" in result.text, result.text
            assert not os.path.exists(store.root)
            assert module(store, "store_info")["store"]["counts"]["images"] == 0
            with pytest.raises(CommandFailed, match="is not on a btrfs filesystem"):
                store.podman("images")

    @pytest.mark.parametrize("driver", ["", "btrfs", "overlay btrfs", "zfs"] if LONG else ["overlay btrfs"])
    def test_who_was_there_before_is_the_driver(self, driver: str, store: Store) -> None:
        for name in driver.split():
            os.makedirs(os.path.join(store.root, name))
        conf = Path(store.base, "storage.conf")
        conf.write_text(
            f'[storage]\ndriver = ""\ngraphroot = "{store.root}"\nrunroot = "{store.run_root}"\n', encoding="ascii"
        )
        ours = run_module("store_info", {"storage_conf": str(conf)})
        command = ["env", f"CONTAINERS_STORAGE_CONF={conf}", "podman", "--tmpdir", f"{store.base}/tmp"]
        try:
            theirs = run([*command, "info", "--format", "{{.Store.GraphDriverName}}"]).strip()
        except CommandFailed:
            theirs = ""
        assert (ours["store"]["driver"] if not ours.failed else "") == theirs
        if ours.failed:
            assert ours.code in ("several_drivers", "driver_unsupported")


OPTIONS = {
    "btrfs.min_space=1G": True,
    "BTRFS.Min_Space=10m": True,
    "btrfs.min_space=much": False,
    "btrfs.mountopt=nodev": False,
    "btrfs.imagestore=/nowhere": False,
    ".min_space=1G": False,
    "min_space=1G": False,
    "overlay.mountopt=nodev": False,
    "nonsense": False,
}


@pytest.mark.parametrize("option", OPTIONS if LONG else random.Random(1).sample(sorted(OPTIONS), 1))
def test_podman_takes_the_options_that_we_know(option: str, store: Store) -> None:
    def accepted(action: Callable[[], object]) -> bool:
        try:
            action()
        except (StrataError, CommandFailed):
            return False
        return True

    theirs = accepted(lambda: run(store.podman_command("--storage-opt", option, "images")))
    assert accepted(lambda: first_limit([option])) == theirs == OPTIONS[option]
