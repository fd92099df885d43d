# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_mount beside ``podman image mount`` and containers-storage, in turns on one store."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._host.mounts import unmount
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from lab.commands import CommandFailed
from lab.modules import ModuleResult, run_module
from lab.mount_table import mounts_at
from lab.stores import Store, mounts_below
from lab.trees import snapshot
from lab.twins import fill

# The first two have the same layers and differ in their labels only.
APP, SAME, OTHER, BASE = "example.com/app:1", "example.com/same:1", "example.com/other:1", "example.com/base:1"
NOTHING = {"mount_point": None, "mount_count": 0, "mounted_here": False}


class Images:
    """A store with three images, and our hands on it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.layout = Layout(store.root, store.run_root)

    def module(self, name: str, state: str = "mounted", check: bool = False, **arguments: Any) -> ModuleResult:
        options = {**self.store.module_options(), "name": name, "state": state, **arguments}
        return run_module("image_mount", options, check=check)

    def mount(self, name: str = APP) -> dict[str, Any]:
        """What the module says when it mounts; it must have had something to do."""
        return self._do(name, "mounted")

    def unmount(self, name: str = APP, **arguments: Any) -> dict[str, Any]:
        return self._do(name, "unmounted", **arguments)

    def settled(self, name: str = APP, state: str = "mounted") -> dict[str, Any]:
        """What the module says when it has nothing to do."""
        before = self.files()
        result = self.module(name, state)
        assert not result.failed and not result.changed, result.text
        assert self.files() == before
        return _mount_of(result)

    def podman_mount(self, name: str = APP) -> str:
        return self.store.podman("image", "mount", name)

    def podman_unmount(self, *names: str) -> None:
        self.store.podman("image", "umount", *(names or (APP,)))

    def top(self, name: str = APP) -> str:
        with open(self.layout.images_json, encoding="utf-8") as stream:
            return str(next(image["layer"] for image in json.load(stream) if name in image.get("names", ())))

    def merged(self, name: str = APP) -> str:
        return self.layout.merged(self.top(name))

    def counts(self) -> list[int]:
        with open(self.layout.mountpoints_json, encoding="utf-8") as stream:
            return [entry["count"] for entry in json.load(stream)]

    def files(self) -> tuple[Any, Any]:
        return snapshot(self.store.root), snapshot(self.store.run_root)

    def points(self) -> list[str]:
        return mounts_below(self.store.base)

    def _do(self, name: str, state: str, **arguments: Any) -> dict[str, Any]:
        before = self.files(), self.points()
        predicted = self.module(name, state, check=True, **arguments)
        assert (self.files(), self.points()) == before
        done = self.module(name, state, **arguments)
        assert not done.failed and done.changed, done.text
        assert predicted.changed and predicted["diff"] == done["diff"]
        assert _mount_of(predicted) == _mount_of(done)
        assert predicted["image"] == done["image"]
        return _mount_of(done)


def _mount_of(result: ModuleResult) -> dict[str, Any]:
    return {key: result[key] for key in NOTHING}


@pytest.fixture
def images(make_store: Callable[[str], Store], tmp_path: Path) -> Images:
    store = make_store("store")
    fill(
        store,
        tmp_path / "layout",
        [
            (APP, ("one", "two"), {"is": "app"}),
            (SAME, ("one", "two"), {"is": "same"}),
            (OTHER, ("one", "three"), {}),
            (BASE, ("one",), {}),
        ],
    )
    return Images(store)


class TestTakingTurns:
    def test_podman_joins_our_mount_and_leaves_it(self, images: Images) -> None:
        assert images.mount() == {"mount_point": images.merged(), "mount_count": 1, "mounted_here": True}
        assert sorted(os.listdir(images.merged())) == ["one", "two"]
        with pytest.raises(OSError) as raised:
            Path(images.merged(), "written").write_bytes(b"")
        assert raised.value.errno == errno.EROFS
        assert images.podman_mount() == images.merged()
        assert images.counts() == [2]
        images.podman_unmount()
        assert images.settled()["mount_count"] == 1
        assert images.unmount() == NOTHING
        assert images.settled(state="unmounted") == NOTHING
        assert images.points() == [] and images.counts() == []

    def test_we_join_podmans_mount_and_leave_it(self, images: Images) -> None:
        point = images.podman_mount()
        assert images.settled(state="unmounted") == {"mount_point": point, "mount_count": 1, "mounted_here": False}
        assert images.mount() == {"mount_point": point, "mount_count": 2, "mounted_here": True}
        assert images.points().count(point) == 1
        listed = images.store.podman_json("image", "mount", "--format", "json")
        assert {entry["mountpoint"] for entry in listed} == {point}
        assert images.unmount() == {"mount_point": point, "mount_count": 1, "mounted_here": False}
        images.podman_unmount()
        assert images.points() == []

    def test_the_mount_is_made_as_podman_makes_it(self, images: Images) -> None:
        point = images.podman_mount()
        theirs = mounts_at(point)
        images.podman_unmount()
        images.mount()
        assert mounts_at(point) == theirs and len(theirs) == 1
        images.unmount()

    def test_containers_storage_takes_turns_too(self, images: Images) -> None:
        images.mount()
        # It mounts layers, and joins a mount that is there.
        assert images.store.containers_storage("mount", images.top()) == images.merged()
        assert images.unmount()["mount_count"] == 1
        assert images.mount()["mount_count"] == 2
        images.store.containers_storage("unmount", images.top())
        assert images.settled()["mount_count"] == 1
        images.unmount()
        assert images.points() == []

    def test_a_writable_mount_of_the_layer_is_in_the_way(self, images: Images) -> None:
        images.store.containers_storage("mount", images.top())
        for check in (True, False):
            refused = images.module(APP, check=check)
            assert refused.failed and refused.code == "read_only_conflict", refused.text
        assert images.counts() == [1]
        images.store.containers_storage("unmount", images.top())

    def test_force_takes_podmans_count_too(self, images: Images) -> None:
        images.podman_mount()
        images.podman_mount()
        images.mount()
        assert images.unmount(force=True) == NOTHING
        assert images.points() == [] and images.counts() == []
        assert images.podman_mount() == images.merged()
        images.podman_unmount()

    def test_everybody_at_once_ends_with_nothing_mounted(self, images: Images) -> None:
        def repeat(*actions: Callable[[], object]) -> None:
            for _round in range(4):
                for action in actions:
                    action()

        pairs: list[tuple[Callable[[], object], ...]] = [
            (lambda: images.module(APP), lambda: images.module(APP, "unmounted")),
            (lambda: images.module(SAME), lambda: images.module(SAME, "unmounted")),
            (lambda: images.podman_mount(APP), lambda: images.podman_unmount(APP)),
        ]
        with ThreadPoolExecutor(len(pairs)) as hands:
            for done in [hands.submit(repeat, *pair) for pair in pairs]:
                done.result()
        assert images.counts() == []
        images.store.podman("info")  # the last to leave takes its own bind away
        assert images.points() == []


class TestSharedLayers:
    def test_images_with_one_top_layer_hold_a_count_each(self, images: Images) -> None:
        assert images.top(APP) == images.top(SAME)
        images.mount(APP)
        assert images.settled(SAME, "unmounted")["mounted_here"] is False
        assert images.mount(SAME)["mount_count"] == 2
        assert images.podman_mount(SAME) == images.merged()
        assert images.unmount(APP) == {"mount_point": images.merged(), "mount_count": 2, "mounted_here": False}
        assert images.settled(SAME)["mounted_here"] is True
        images.podman_unmount(SAME)
        assert images.unmount(SAME) == NOTHING
        assert images.points() == []

    def test_other_images_are_mounted_beside(self, images: Images) -> None:
        images.mount(APP)
        images.mount(OTHER)
        assert images.unmount(APP) == NOTHING
        assert sorted(os.listdir(images.merged(OTHER))) == ["one", "three"]
        assert images.layout.driver_home in images.points()
        images.unmount(OTHER)
        assert images.points() == []

    def test_the_image_that_we_mounted_stays_though_the_other_keeps_the_layer(self, images: Images) -> None:
        images.mount(SAME)
        store = images.store.module_options()
        pruned = run_module("image_prune", {**store, "all": True})
        assert pruned["untagged"] == [APP, OTHER, BASE], pruned.text
        assert images.settled(SAME)["mount_count"] == 1
        images.unmount(SAME)

    def test_without_force_no_image_is_removed_that_we_mounted(self, images: Images) -> None:
        images.mount(SAME)
        for check in (True, False):
            refused = run_module("image_remove", {**images.store.module_options(), "name": [SAME]}, check=check)
            assert refused.code == "image_mounted" and images.merged(SAME) in refused["msg"], refused.text
        assert images.settled(SAME)["mount_count"] == 1
        images.podman_mount(APP)
        removed = run_module("image_remove", {**images.store.module_options(), "name": [APP]})
        assert removed["untagged"] == [APP], removed.text
        assert images.settled(SAME)["mount_count"] == 2

    @pytest.mark.parametrize("holder", ["ours", "podman's"])
    def test_an_image_that_others_were_built_on_stays_while_it_is_mounted(self, images: Images, holder: str) -> None:
        store = images.store.module_options()
        if holder == "ours":
            images.mount(BASE)
        else:
            images.podman_mount(BASE)
        assert BASE not in run_module("image_prune", {**store, "all": True, "keep": [APP]})["untagged"]
        refused = run_module("image_remove", {**store, "name": [BASE]})
        assert refused.code == "image_mounted" and images.merged(BASE) in refused["msg"], refused.text
        assert os.listdir(images.merged(BASE)) == ["one"]
        assert run_module("image_remove", {**store, "name": [BASE], "force": True})["untagged"] == [BASE]
        assert (images.counts(), images.points()) == ([], [])

    def test_an_image_that_is_removed_leaves_no_count_on_a_layer_that_stays(self, images: Images) -> None:
        images.mount(APP)
        images.mount(SAME)
        removed = run_module("image_remove", {**images.store.module_options(), "name": [APP], "force": True})
        assert not removed.failed, removed.text
        assert images.settled(SAME)["mount_count"] == 1
        images.unmount(SAME)
        assert images.points() == []

    def test_the_layer_of_a_container_on_the_image_is_another(self, images: Images) -> None:
        images.store.podman("create", "--name", "box", APP, "true")
        images.mount()
        point = images.store.podman("mount", "box")
        Path(point, "written").write_text("here", encoding="utf-8")
        assert sorted(os.listdir(images.merged())) == ["one", "two"]
        images.unmount()
        assert os.path.exists(os.path.join(point, "written"))
        images.store.podman("umount", "box")
        assert images.points() == []


class TestLeftOvers:
    def test_counts_without_a_mount(self, images: Images) -> None:
        images.podman_mount()
        images.mount()
        for point in images.points():
            unmount(point)
        # Both tools keep a stale count of another; ours is taken over.
        assert images.mount() == {"mount_point": images.merged(), "mount_count": 2, "mounted_here": True}
        assert images.unmount()["mount_count"] == 1
        images.podman_unmount()
        assert images.points() == [] and images.counts() == []

    def test_counts_of_others_alone_without_a_mount(self, images: Images) -> None:
        images.podman_mount()
        for point in images.points():
            unmount(point)
        assert images.settled(state="unmounted") == {"mount_point": None, "mount_count": 1, "mounted_here": False}
        assert images.unmount(force=True) == NOTHING
        assert images.counts() == []

    def test_a_mount_without_counts(self, images: Images) -> None:
        images.mount()
        Path(images.layout.mountpoints_json).write_text("[]", encoding="utf-8")
        assert images.mount() == {"mount_point": images.merged(), "mount_count": 1, "mounted_here": True}
        assert images.points().count(images.merged()) == 1
        Path(images.layout.mountpoints_json).write_text("[]", encoding="utf-8")
        assert images.unmount() == NOTHING
        assert images.points() == []

    @pytest.mark.parametrize("holders", ["us", "both"])
    def test_a_reboot_takes_mounts_and_counts(self, images: Images, holders: str) -> None:
        if holders != "us":
            images.podman_mount()
        images.mount()
        for point in images.points():
            unmount(point)
        shutil.rmtree(images.store.run_root)
        untouched = _mount_of(images.module(APP, "unmounted", check=True))
        assert untouched == NOTHING and not os.path.exists(images.store.run_root)
        assert images.mount()["mount_count"] == 1
        assert images.podman_mount() == images.merged()
        images.podman_unmount()
        assert images.unmount() == NOTHING
        assert images.points() == []


class TestAnswers:
    def test_an_unknown_image_is_unmounted_and_cannot_be_mounted(self, images: Images) -> None:
        for check in (True, False):
            refused = images.module("example.com/absent:1", check=check)
            assert refused.failed and refused.code == "unknown_image", refused.text
            fine = images.module("example.com/absent:1", "unmounted", check=check)
            assert not fine.failed and not fine.changed and fine["image"] is None

    def test_an_image_is_named_by_id_prefix_or_digest(self, images: Images) -> None:
        (record,) = images.store.podman_json("image", "inspect", APP)
        assert images.mount(record["Id"][:12])["mount_count"] == 1
        for name in (APP, record["Id"], record["Digest"]):
            assert images.settled(name)["mount_count"] == 1
        images.unmount(record["Digest"])

    def test_a_manifest_list_has_nothing_to_mount(self, images: Images) -> None:
        images.store.podman("manifest", "create", "localhost/list:1")
        with pytest.raises(CommandFailed):
            images.podman_mount("localhost/list:1")
        for check in (True, False):
            refused = images.module("localhost/list:1", check=check)
            assert refused.failed and refused.code == "nothing_to_mount", refused.text
        assert images.settled("localhost/list:1", "unmounted") == NOTHING
