# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stores of drivers whose trees are whole: what we write podman, buildah and containers-storage use, and the other way round."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import StrataError
from ansible_collections.strata.containers.plugins.module_utils._storage.btrfs_options import first_limit
from ansible_collections.strata.containers.plugins.module_utils._storage.drivers import open_driver
from ansible_collections.strata.containers.plugins.module_utils._storage.prepare import prepare_store
from ansible_collections.strata.containers.plugins.module_utils._storage.vfs_options import parse_vfs_options
from lab.applied_layers import APPLIED_LAYERS
from lab.check_bench import check_here, layout_of
from lab.commands import CommandFailed, run
from lab.flaky_registry import FlakyRegistry
from lab.long_run import LONG, sample
from lab.modules import run_module
from lab.odd_images import PLAIN, Entry, ImageLayout, make_tar
from lab.stores import Store, mounts_below
from lab.trees import describe_tree, differences, snapshot
from lab.whole_trees import (
    DAMAGES,
    DRIVERS,
    RULES,
    counts,
    done,
    files,
    home,
    is_empty,
    known,
    make_tree,
    module,
    named,
    nest,
    of_records,
    problems,
    records,
    trees,
)

only_vfs = pytest.mark.parametrize("driver", ["vfs"], indirect=True)
only_btrfs = pytest.mark.parametrize("driver", ["btrfs"], indirect=True)


def layers_of(store: Store) -> list[str]:
    return [layer["id"] for layer in records(store, "layers")]


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
    for path in (home, trees):
        assert os.stat(path(ours)).st_mode == os.stat(path(theirs)).st_mode
    assert known(ours) == named(ours, [name * 64 for name in "abc"])
    driver.remove("b" * 64)
    driver.remove("b" * 64)
    assert known(ours) == named(ours, [name * 64 for name in "ac"])
    assert sorted(os.listdir(trees(ours))) == ["a" * 64, "c" * 64]


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
        assert counts(filled) == []
        nested = nest(filled, created["path"])
        assert len(known(filled)) == len(of_records(filled)) + nested
        done(filled, "container_create", image=RULES, name="box", state="absent")
        assert not os.path.exists(created["path"]) and records(filled, "containers") == []
        assert known(filled) == of_records(filled)

    def test_theirs_are_ours_to_mount_and_to_delete(self, filled: Store) -> None:
        before = known(filled)
        filled.buildah("from", "--pull-never", "--name", "box", "localhost/built:1")
        point = filled.buildah("mount", "box")
        assert "built" in os.listdir(point) and "opaque" not in os.listdir(point)
        nest(filled, point)
        assert done(filled, "container_mount", name="box")["mount_point"] == point
        assert counts(filled) == [2]
        done(filled, "container_create", image=RULES, name="box", state="absent", force=True)
        assert counts(filled) == [] and known(filled) == before
        assert filled.podman("ps", "--all", "--external", "--quiet") == ""

    @only_btrfs
    def test_podman_deletes_ours_with_what_is_nested_in_it(self, filled: Store) -> None:
        before = known(filled)
        path = module(filled, "container_create", image=RULES, name="box")["container"]["path"]
        nest(filled, path)
        filled.buildah("rm", "box")
        assert known(filled) == before

    REFUSED: tuple[tuple[str, dict[str, Any], str], ...] = (
        ("container_mount", {"name": "box", "read_only": True}, "driver_unsupported"),
        (
            "container_create",
            {"name": "x", "image": RULES, "driver_options": ["btrfs.min_space=1G"]},
            "quota_unsupported",
        ),
    )

    def test_what_the_driver_cannot_do_is_refused(self, filled: Store) -> None:
        filled.buildah("from", "--pull-never", "--name", "box", RULES)
        before = files(filled)
        for check in (True, False) if LONG else (False,):
            # vfs knows nothing of sizes.
            for name, arguments, code in self.REFUSED if filled.driver == "btrfs" else self.REFUSED[:1]:
                result = run_module(name, {**filled.module_options(), **arguments}, check=check)
                assert result.code == code, result.text
        assert files(filled) == before

    @only_btrfs
    def test_a_size_that_a_container_was_given_goes_with_it(self, filled: Store) -> None:
        filled.buildah("from", "--pull-never", "--name", "box", RULES)
        (container,) = records(filled, "containers")
        # No tool of the distribution can be brought to write it, but all read it.
        quotas = Path(home(filled), "quotas")
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
        assert filled.podman("image", "exists", "localhost/other:1") == ""
        done(filled, "image_remove", name=["localhost/built:1"])
        assert filled.podman("images", "--noheading", "--format", "{{.Repository}}").split() == [
            "example.com/rules",
            "localhost/other",
        ]
        assert known(filled) == of_records(filled)
        done(filled, "image_prune", all=True)
        assert is_empty(filled) and known(filled) == [] and filled.podman("images", "--quiet") == ""

    @pytest.mark.parametrize("driver", DRIVERS if LONG else DRIVERS[:1], indirect=True)
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

    @only_vfs
    def test_layers_of_an_additional_store_are_built_on(self, filled: Store, make: Callable[[str], Store]) -> None:
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
    @pytest.mark.parametrize("damage", sample(sorted(DAMAGES), 1))
    def test_a_deep_check_compares_what_was_copied_with_the_layer_below(self, filled: Store, damage: str) -> None:
        # What they wrote is healthy.
        assert problems(filled, deep=True) == []
        top = layers_of(filled)[2]
        tree = os.path.join(trees(filled), top)
        pair = os.path.join(tree, "pair", "two")
        status = os.stat(pair)
        DAMAGES[damage](tree)
        if os.path.exists(pair):
            os.utime(pair, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert problems(filled) == []
        # The layer on it was copied before.
        assert problems(filled, deep=True) == [("layer_tree_changed", top)] + [
            ("layer_tree_changed", layer) for layer in layers_of(filled)[3:]
        ]

    def test_a_lost_tree_and_left_overs_are_found_and_mended(self, filled: Store) -> None:
        built = layers_of(filled)[3]
        shutil.rmtree(os.path.join(trees(filled), built))
        orphan = os.path.join(trees(filled), "ab" * 32)
        staged = os.path.join(home(filled), "tempdirs", "temp-dir-1")
        os.makedirs(staged)
        for path in (orphan, os.path.join(staged, "0")):
            make_tree(filled, path)
            nest(filled, path)
        assert problems(filled) == [
            ("layer_tree_missing", built),
            ("orphan_layer_directory", orphan),
            ("leftover", staged),
        ]
        assert check_here(filled, repair=True)["changed"]
        assert problems(filled, deep=True) == [] and known(filled) == of_records(filled)
        assert filled.podman("images", "--noheading", "--format", "{{.Repository}}") == "example.com/rules"

    @only_btrfs
    def test_a_copy_without_subvolumes_can_be_read_but_not_built_on(
        self, model: Store, make: Callable[[str], Store]
    ) -> None:
        copied = make("copied")
        run(["cp", "-a", model.root, copied.root])
        shutil.rmtree(os.path.join(copied.root, "libpod"))
        layers = layers_of(model)
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
        nest(filled, filled.buildah("mount", "box"))
        refused = run_module("store_wipe", {**filled.module_options(), "confirm": filled.root})
        assert refused.code == "store_in_use", refused.text
        done(filled, "store_wipe", confirm=filled.root, force=True)
        assert is_empty(filled) and known(filled) == []
        # Not even the bind is left that buildah made.
        assert mounts_below(filled.base) == []
        assert filled.podman("images", "--quiet") == ""
        told = filled.podman_json("info", "--format", "{{json .Store.GraphStatus}}")
        # Of btrfs podman tells what itself was built with.
        for key in ("Build Version", "Library Version") if filled.driver == "btrfs" else ():
            del told[key]
        assert open_driver(layout_of(filled)).status() == told == {}
        shutil.rmtree(filled.root)


READS: dict[str, Callable[[list[str]], object]] = {"vfs": parse_vfs_options, "btrfs": first_limit}
# Whether podman takes them, and so we.
OPTIONS: dict[str, dict[str, bool]] = {
    "vfs": {
        "overlay.mountopt=nodev": False,
        "vfs.mountopt=nodev": False,
        "vfs.size=1G": False,
        "ignore_chown_errors=true": False,
        ".ignore_chown_errors=true": True,
        "vfs.ignore_chown_errors=maybe": False,
        "vfs.imagestore=/nowhere": True,
        "VFS.Ignore_Chown_Errors=1": True,
        "nonsense": False,
    },
    "btrfs": {
        "btrfs.min_space=1G": True,
        "BTRFS.Min_Space=10m": True,
        "btrfs.min_space=much": False,
        "btrfs.mountopt=nodev": False,
        "btrfs.imagestore=/nowhere": False,
        ".min_space=1G": False,
        "min_space=1G": False,
        "overlay.mountopt=nodev": False,
        "nonsense": False,
    },
}
CASES = [
    (driver, option)
    for driver, number in (("vfs", 3), ("btrfs", 1))
    for option in sample(sorted(OPTIONS[driver]), number)
]


@pytest.mark.parametrize(("driver", "option"), CASES, indirect=["driver"])
def test_podman_takes_the_options_that_we_take(driver: str, option: str, store: Store) -> None:
    def accepted(action: Callable[[], object]) -> bool:
        try:
            action()
        except (StrataError, CommandFailed):
            return False
        return True

    theirs = accepted(lambda: run(store.podman_command("--storage-opt", option, "images")))
    assert accepted(lambda: READS[driver]([option])) == theirs == OPTIONS[driver][option]
