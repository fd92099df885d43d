# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_remove beside ``podman rmi`` on a copy of the same store."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lab.commands import CommandFailed, run
from lab.fixtures import scratch_stores
from lab.modules import ModuleResult, run_module
from lab.stores import Store, mounts_below
from lab.trees import snapshot
from lab.twins import build, fill, picture, twin_of

APP, OTHER, BUILT = "example.com/app:1", "example.com/other:1", "localhost/built:1"
STEPS = ("COPY content /a", "LABEL one=1", "COPY content /b", "LABEL two=2")


@pytest.fixture(scope="module")
def model(judges: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with two images that share a layer, and one that podman built in four steps."""
    directory = tmp_path_factory.mktemp("model")
    with scratch_stores() as make_store:
        store = make_store("model")
        fill(store, directory / "layout", [(APP, ("one", "two"), {}), (OTHER, ("one", "three"), {})])
        build(store, directory / "build", BUILT, STEPS)
        yield store


@pytest.fixture
def ours(make_store: Callable[[str], Store], model: Store) -> Store:
    """A copy of the model."""
    return twin_of(model, make_store("ours"))


@pytest.fixture
def twin(make_store: Callable[[str], Store], ours: Store) -> Callable[[], Store]:
    """Copies the store as it is, for podman."""
    return lambda: twin_of(ours, make_store("theirs"))


def _remove(store: Store, *names: str, force: bool = False, check: bool = False) -> ModuleResult:
    arguments = {**store.module_options(), "name": list(names), "force": force}
    return run_module("image_remove", arguments, check=check)


def _id(store: Store, name: str) -> str:
    return store.podman("image", "inspect", "--format", "{{.Id}}", name)


def _digest(store: Store, name: str) -> str:
    return store.podman("image", "inspect", "--format", "{{.Digest}}", name)


def _reported(text: str, word: str) -> set[str]:
    """What ``podman rmi`` printed behind ``Untagged:`` or ``Deleted:``."""
    return set(re.findall(rf"^{word}: (.*)$", text, re.MULTILINE))


def _both(ours: Store, theirs: Store, *names: str, force: bool = False) -> ModuleResult:
    """Our result of removing ``names``, predicted first; podman did the same on its copy, and the stores are equal."""
    before = snapshot(ours.root)
    predicted = _remove(ours, *names, force=force, check=True)
    assert snapshot(ours.root) == before
    done = _remove(ours, *names, force=force)
    assert not done.failed, done.text
    for key in ("changed", "deleted", "untagged", "containers", "diff"):
        assert predicted[key] == done[key], key
    printed = theirs.podman("rmi", *(["--force"] if force else []), *names)
    assert picture(ours) == picture(theirs)
    assert set(done["untagged"]) == _reported(printed, "Untagged")
    assert set(done["deleted"]) == _reported(printed, "Deleted")
    return done


class TestNames:
    def test_the_last_name_takes_the_image_with_it_and_shared_layers_stay(
        self, ours: Store, twin: Callable[[], Store]
    ) -> None:
        done = _both(ours, twin(), APP)
        assert done["untagged"] == [APP] and len(done["deleted"]) == 1
        assert _id(ours, OTHER)

    def test_one_of_several_names_goes_alone(self, ours: Store, twin: Callable[[], Store]) -> None:
        ours.podman("tag", APP, "mine", "example.com/mine:2")
        done = _both(ours, twin(), "mine")
        assert done["untagged"] == ["localhost/mine:latest"] and done["deleted"] == []
        assert done["diff"]["after"]["images"] == {_id(ours, APP): [APP, "example.com/mine:2"]}

    def test_all_names_at_once_delete_the_image(self, ours: Store, twin: Callable[[], Store]) -> None:
        ours.podman("tag", APP, "mine")
        assert len(_both(ours, twin(), "mine", APP)["deleted"]) == 1

    def test_two_images_that_share_a_layer_take_it_with_them(self, ours: Store, twin: Callable[[], Store]) -> None:
        assert len(_both(ours, twin(), APP, OTHER, BUILT)["deleted"]) == 2 + len(STEPS)
        assert picture(ours)["layers"] == [] and picture(ours)["links"] == []

    def test_a_name_that_is_given_twice_does_not_cost_the_last_one(self, ours: Store) -> None:
        ours.podman("tag", APP, "mine")
        done = _remove(ours, "mine", "mine", "localhost/mine:latest")
        assert done["deleted"] == [] and _id(ours, APP)

    def test_what_is_absent_changes_nothing(self, ours: Store) -> None:
        before = snapshot(ours.root)
        for name in ("absent", "0" * 64, "sha256:" + "0" * 64, "example.com/app@sha256:" + "0" * 64, "Not A Name"):
            done = _remove(ours, name)
            assert not done.failed and not done.changed, done.text
            assert (done["deleted"], done["untagged"]) == ([], [])
        assert snapshot(ours.root) == before


class TestIds:
    @pytest.mark.parametrize("length", [64, 12])
    def test_an_id_deletes_an_image_of_one_name(self, length: int, ours: Store, twin: Callable[[], Store]) -> None:
        assert _both(ours, twin(), _id(ours, APP)[:length])["untagged"] == [APP]

    def test_a_digest_with_repository_deletes_an_image_of_one_name(
        self, ours: Store, twin: Callable[[], Store]
    ) -> None:
        assert _both(ours, twin(), f"example.com/app@{_digest(ours, APP)}")["untagged"] == [APP]

    def test_the_digest_of_another_repository_is_absent(self, ours: Store) -> None:
        assert not _remove(ours, f"example.com/elsewhere@{_digest(ours, APP)}").changed

    def test_a_name_with_a_digest_is_a_name_like_others(
        self, ours: Store, twin: Callable[[], Store], tmp_path: Path
    ) -> None:
        by_digest = f"example.com/app@{_digest(ours, APP)}"
        ours.containers_storage("add-names", "--name", by_digest, _id(ours, APP))
        theirs = twin()
        done = _both(ours, theirs, by_digest)
        assert done["untagged"] == [by_digest] and done["deleted"] == []
        # The image still has that digest, and a name in that repository.
        assert _both(ours, theirs, by_digest)["untagged"] == [APP]

    def test_several_names_need_force(self, ours: Store, twin: Callable[[], Store]) -> None:
        ours.podman("tag", APP, "mine", "mine:2")
        theirs, image_id = twin(), _id(ours, APP)
        for text in (image_id, image_id[:8], f"sha256:{image_id}", f"example.com/app@{_digest(ours, APP)}"):
            before = snapshot(ours.root)
            refused = _remove(ours, BUILT, text)
            assert refused.code == "several_names" and "localhost/mine:2" in refused["msg"], refused.text
            assert snapshot(ours.root) == before
            with pytest.raises(CommandFailed):
                theirs.podman("rmi", text)
        assert len(_both(ours, theirs, image_id, force=True)["untagged"]) == 3

    def test_an_image_without_a_name_goes_by_its_id(self, ours: Store, twin: Callable[[], Store]) -> None:
        image_id = _id(ours, APP)
        ours.podman("untag", APP)
        assert _both(ours, twin(), image_id)["deleted"] == [image_id]


class TestRelatives:
    def test_the_steps_of_a_build_go_with_it(self, ours: Store, twin: Callable[[], Store]) -> None:
        assert len(_both(ours, twin(), BUILT)["deleted"]) == len(STEPS)

    def test_steps_that_another_build_shares_stay(self, ours: Store, twin: Callable[[], Store], tmp_path: Path) -> None:
        build(ours, tmp_path / "again", BUILT.replace("built", "again"), (*STEPS[:1], "LABEL one=1", "LABEL three=3"))
        (tmp_path / "again" / "content").write_text(BUILT, encoding="utf-8")
        ours.podman("build", "--layers", "--quiet", "--tag", "again", str(tmp_path / "again"))
        assert len(_both(ours, twin(), BUILT)["deleted"]) == 2

    def test_a_parent_with_a_name_stays(self, ours: Store, twin: Callable[[], Store]) -> None:
        steps = [image["id"] for image in picture(ours)["images"]][-len(STEPS) :]
        ours.podman("tag", steps[1], "step")
        assert len(_both(ours, twin(), BUILT)["deleted"]) == 2
        assert _id(ours, "step") == steps[1]

    def test_a_parent_is_removed_from_under_its_child_and_its_layers_stay(
        self, ours: Store, make_store: Callable[[str], Store]
    ) -> None:
        step = picture(ours)["images"][-2]["id"]
        theirs = twin_of(ours, make_store("theirs"))
        assert _remove(ours, step).changed
        theirs.podman("rmi", step)
        assert picture(ours) == picture(theirs)
        assert os.path.isdir(ours.podman("image", "mount", BUILT))


class TestContainers:
    @pytest.fixture
    def used(self, ours: Store) -> Store:
        """The store with a container of podman and one of buildah, made from the one image."""
        ours.podman("create", "--name", "pod", APP, "true")
        ours.buildah("from", "--pull-never", "--name", "build", APP)
        return ours

    def test_an_image_in_use_is_an_error_that_names_the_containers(self, used: Store) -> None:
        asked = ((APP,), (OTHER, APP), (_id(used, APP),))
        before = snapshot(used.root)
        for names in asked:
            refused = _remove(used, *names)
            assert refused.code == "image_in_use" and not refused.changed
            assert "pod" in refused["msg"] and "build" in refused["msg"]
            assert snapshot(used.root) == before
        with pytest.raises(CommandFailed, match="in use"):
            used.podman("rmi", APP)

    def test_one_of_its_names_may_go(self, used: Store, twin: Callable[[], Store]) -> None:
        used.podman("tag", APP, "mine")
        assert _both(used, twin(), "mine")["deleted"] == []

    def test_force_deletes_the_containers(self, used: Store, twin: Callable[[], Store]) -> None:
        done = _both(used, twin(), APP, force=True)
        assert len(done["containers"]) == 2 and done["diff"]["before"]["containers"] == ["pod", "build"]
        assert picture(used)["containers"] == []
        used.podman("rm", "pod")
        assert used.podman("ps", "--all", "--external", "--quiet") == ""

    def test_force_does_not_take_a_mounted_container(self, used: Store) -> None:
        point = used.buildah("mount", "build")
        before = picture(used)
        refused = _remove(used, APP, force=True)
        assert refused.code == "container_mounted" and point in refused["msg"] and "build" in refused["msg"]
        assert picture(used) == before and os.path.ismount(point)

    def test_a_container_of_ours_keeps_its_image_from_podman_and_from_us(self, ours: Store) -> None:
        run_module("container_create", {**ours.module_options(), "image": APP, "name": "mine"})
        assert _remove(ours, APP).code == "image_in_use"
        assert run_module("container_create", {**ours.module_options(), "name": "mine", "state": "absent"}).changed
        assert _remove(ours, APP).changed


class TestMounts:
    def test_a_mounted_image_stays_unless_forced_and_leaves_no_mount(
        self, ours: Store, twin: Callable[[], Store]
    ) -> None:
        theirs = twin()
        point = ours.podman("image", "mount", APP)
        before = picture(ours)
        refused = _remove(ours, APP)
        assert refused.code == "image_mounted" and point in refused["msg"]
        assert picture(ours) == before and os.path.ismount(point)
        assert _remove(ours, APP, force=True).changed
        theirs.podman("rmi", APP)
        assert picture(ours) == picture(theirs)
        assert mounts_below(ours.base) == []

    def test_a_mount_of_the_shared_layer_keeps_nobody(self, ours: Store, make_store: Callable[[str], Store]) -> None:
        ours.podman("tag", APP, "mine")
        point = ours.podman("image", "mount", APP)
        assert _remove(ours, "mine").changed
        assert os.path.ismount(point)

    def test_a_count_that_outlived_its_mount_does_not_keep_the_image(self, ours: Store) -> None:
        ours.podman("image", "mount", APP)
        for point in mounts_below(ours.base):
            run(["umount", "-l", point])
        assert _remove(ours, APP).changed
        with open(os.path.join(ours.run_root, "overlay-layers", "mountpoints.json"), encoding="utf-8") as stream:
            assert stream.read() == "[]"


def test_unreadable_configs_do_not_keep_an_image(ours: Store) -> None:
    image_id = _id(ours, BUILT)
    for name in os.listdir(os.path.join(ours.root, "overlay-images", image_id)):
        os.unlink(os.path.join(ours.root, "overlay-images", image_id, name))
    assert _remove(ours, BUILT)["deleted"] == [image_id]


def test_a_manifest_list_is_removed_and_its_image_stays(ours: Store, twin: Callable[[], Store]) -> None:
    ours.podman("manifest", "create", "list:1")
    assert len(_both(ours, twin(), "list:1")["deleted"]) == 1


def test_the_new_tools_find_nothing_left(ours: Store) -> None:
    everything: list[Any] = [entry["Id"] for entry in ours.podman_json("images", "--all", "--format", "json")]
    assert _remove(ours, *everything, force=True).changed
    after = picture(ours)
    assert not any(after.values()), after
