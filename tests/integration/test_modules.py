# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every module through Ansible: check, do, check again, do again, with podman asserting the state.

What a module does beyond that is seen by the module alone.
"""

from __future__ import annotations

import os
from pathlib import Path

from lab.four_ways import Play, alone, four_ways, play, state, store
from lab.registry import Registry
from lab.stores import Store

__all__ = ["alone", "play", "store"]


def test_an_image_is_pulled_a_container_created_mounted_unmounted_and_deleted(
    play: Play, store: Store, registry: Registry
) -> None:
    image = registry.reference("odd:1")
    pulled = four_ways(play, store, "image_pull", name=image)
    assert store.podman("image", "inspect", "--format", "{{.Id}}", image) == pulled["image"]["id"]
    created = four_ways(play, store, "container_create", image=image, name="box")
    (seen,) = store.podman_json("ps", "-a", "--external", "--no-trunc", "--format", "json")
    assert seen["Id"] == created["container"]["id"]
    mounted = four_ways(play, store, "container_mount", name="box")
    with open(os.path.join(mounted["mount_point"], "written"), "w", encoding="utf-8") as stream:
        stream.write("here")
    four_ways(play, store, "container_mount", name="box", state="unmounted")
    assert not os.path.exists(os.path.join(mounted["mount_point"], "written"))
    again = play("container_mount", name="box").result("task")
    with open(os.path.join(again["mount_point"], "written"), encoding="utf-8") as stream:
        assert stream.read() == "here"
    play("container_mount", name="box", state="unmounted")
    four_ways(play, store, "container_create", name="box", state="absent")
    assert store.podman("ps", "-a", "--external", "--quiet") == ""
    assert store.podman("image", "inspect", "--format", "{{.Id}}", image) == pulled["image"]["id"]


class TestImagePull:
    def test_several_images_in_the_order_asked_and_a_missing_one_fails_the_task_only(
        self, play: Play, store: Store, registry: Registry
    ) -> None:
        names = [registry.reference(name) for name in ("multi:1", "odd:none", "odd:1")]
        result = play("image_pull", name=names)
        task = result.result("task")
        assert task["_status"] == "failed" and task["changed"]
        assert [image["names"][0] for image in task["images"]] == names
        assert task["images"][1]["error"]["code"] == "manifest_unknown"
        assert "odd:none" in task["msg"]
        assert len(store.podman("images", "--quiet").splitlines()) == 2

    def test_by_digest_and_with_tag_and_digest(self, alone: Play, store: Store, registry: Registry) -> None:
        digest = alone("image_pull", name=registry.reference("odd:1")).result("task")["image"]["digest"]
        by_digest = f"{registry.host}/odd@{digest}"
        assert alone("image_pull", name=by_digest).changed
        before = len(registry.requests())
        for name in (by_digest, f"{registry.host}/odd:1@{digest}"):
            for policy in ("always", "missing"):
                for check in (False, True):
                    assert not alone("image_pull", check=check, name=name, pull=policy).changed
        assert len(registry.requests()) == before

    def test_missing_does_not_ask_the_registry(self, alone: Play, store: Store, registry: Registry) -> None:
        image = registry.reference("odd:1")
        assert alone("image_pull", name=image, pull="missing").changed
        before = len(registry.requests())
        assert not alone("image_pull", name=image, pull="missing").changed
        assert not alone("image_pull", name=image, pull="never").changed
        assert len(registry.requests()) == before

    def test_a_short_name_and_the_full_name_are_one_image(
        self, alone: Play, store: Store, registry: Registry, tmp_path: Path
    ) -> None:
        """Row P03."""
        conf = tmp_path / "registries.conf"
        conf.write_text(f'[aliases]\n"short" = "{registry.host}/odd"\n', encoding="utf-8")
        pulled = four_ways(alone, store, "image_pull", name="short:1", registries_conf=str(conf))
        assert pulled["image"]["names"] == [registry.reference("odd:1")]
        for check in (True, False):
            assert not alone("image_pull", check=check, name=registry.reference("odd:1")).changed
        assert store.podman("images", "--quiet", "--no-trunc") == f"sha256:{pulled['image']['id']}"

    def test_platforms_follow_each_other(self, alone: Play, store: Store, registry: Registry) -> None:
        image = registry.reference("multi:1")
        changes = []
        for platform, policy in (
            ("linux/amd64", "always"),
            ("linux/amd64", "always"),
            ("linux/arm64", "always"),
            ("linux/arm64", "missing"),
            ("linux/amd64", "always"),
        ):
            changes.append(alone("image_pull", name=image, platform=platform, pull=policy).changed)
        assert changes == [True, False, True, False, True]
        names = set(store.podman("images", "--format", "{{.Repository}}").splitlines())
        assert "<none>" in names and len(store.podman("images", "--quiet").splitlines()) == 2

    def test_further_names_are_given_and_podman_finds_the_image_by_them(
        self, alone: Play, store: Store, registry: Registry
    ) -> None:
        image = registry.reference("odd:1")
        pulled = four_ways(alone, store, "image_pull", name=image, names=["mine:1", "registry.example.com/other:2"])
        for name in ("localhost/mine:1", "registry.example.com/other:2", image):
            assert store.podman("image", "inspect", "--format", "{{.Id}}", name) == pulled["image"]["id"]

    def test_another_platform_is_taken_when_allowed(self, alone: Play, store: Store, registry: Registry) -> None:
        image = registry.reference("odd:1")
        refused = alone("image_pull", name=image, platform="linux/arm64")
        assert refused.result("task")["error"]["code"] == "no_such_platform"
        for changed in (True, False):
            taken = alone("image_pull", name=image, platform="linux/arm64", allow_other_platform=True)
            assert taken.rc == 0 and taken.changed is changed, taken.stdout


class TestImageInfo:
    def test_a_missing_store_is_an_empty_one_and_stays_missing(self, play: Play, store: Store) -> None:
        for check in (False, True):
            task = play("image_info", check=check).result("task")
            assert task["images"] == [] and task["missing"] == [] and not task["changed"]
        assert not os.path.exists(store.root) and not os.path.exists(store.run_root)

    def test_by_name_id_prefix_and_digest_in_the_order_asked(
        self, alone: Play, store: Store, registry: Registry
    ) -> None:
        names = [registry.reference("odd:1"), registry.reference("multi:1")]
        odd, multi = alone("image_pull", name=names).result("task")["images"]
        untouched = state(store)
        asked = [multi["id"], "unknown:1", odd["id"][:10], odd["digest"], names[1], "also/unknown"]
        task = alone("image_info", name=asked).result("task")
        assert [image["id"] for image in task["images"]] == [multi["id"], odd["id"], odd["id"], multi["id"]]
        assert task["missing"] == ["unknown:1", "also/unknown"]
        assert state(store) == untouched
        gathered = alone("image_info", name=names[0], gather=["config", "history", "manifest"]).result("task")
        (image,) = gathered["images"]
        (record,) = store.podman_json("image", "inspect", names[0])
        assert image["config"]["Cmd"] == record["Config"]["Cmd"]
        assert len(image["history"]) == len(record["History"])
        assert image["manifest"]["schemaVersion"] == 2


class TestContainerCreate:
    def test_a_moved_tag_is_left_alone_or_followed(self, alone: Play, store: Store, registry: Registry) -> None:
        first, second = registry.reference("odd:1"), registry.reference("multi:1")
        one, two = alone("image_pull", name=[first, second]).result("task")["images"]
        created = alone("container_create", image=first, name="box").result("task")
        left = alone("container_create", image=second, name="box").result("task")
        assert not left["changed"] and left["container"]["id"] == created["container"]["id"]
        assert left["differences"] == [{"what": "image_id", "wanted": two["id"], "found": one["id"]}]
        assert left["warnings"]
        followed = alone("container_create", image=second, name="box", recreate="on_image_change").result("task")
        assert followed["changed"] and followed["container"]["image_id"] == two["id"]
        assert followed["diff"]["before"]["container"]["image_id"] == one["id"]
        assert followed["diff"]["after"]["container"]["image_id"] == two["id"]

    def test_labels_options_and_maps_are_stored_and_compared(
        self, alone: Play, store: Store, registry: Registry
    ) -> None:
        image = registry.reference("odd:1")
        alone("image_pull", name=image)
        wanted = {
            "mount_opts": ["nodev"],
            "uidmap": ["0:100000:65536"],
            "gidmap": ["0:100000:65536"],
            "metadata": "{}",
        }
        created = four_ways(alone, store, "container_create", image=image, name="box", **wanted)
        assert created["container"]["flags"]["MountOpts"] == ["nodev"]
        assert created["container"]["uid_map"] == [{"container_id": 0, "host_id": 100000, "size": 65536}]
        other = alone("container_create", image=image, name="box", uidmap=["0:200000:65536"]).result("task")
        assert [difference["what"] for difference in other["differences"]] == ["uid_map", "gid_map"]

    def test_an_absent_image_is_an_error_and_nothing_is_pulled(
        self, alone: Play, store: Store, registry: Registry
    ) -> None:
        before = len(registry.requests())
        task = alone("container_create", image=registry.reference("odd:1"), name="box").result("task")
        assert task["error"]["code"] == "unknown_image" and not task["changed"]
        assert len(registry.requests()) == before

    def test_without_a_name_each_run_creates_one(self, alone: Play, store: Store, registry: Registry) -> None:
        image = registry.reference("odd:1")
        alone("image_pull", name=image)
        ids = {alone("container_create", image=image).result("task")["container"]["id"] for _run in range(2)}
        assert len(ids) == 2

    def test_a_mounted_container_is_deleted_with_force_only(
        self, alone: Play, store: Store, registry: Registry
    ) -> None:
        alone("image_pull", name=registry.reference("odd:1"))
        alone("container_create", image=registry.reference("odd:1"), name="box")
        alone("container_mount", name="box")
        refused = alone("container_create", name="box", state="absent").result("task")
        assert refused["error"]["code"] == "container_mounted" and "box" in refused["msg"]
        assert alone("container_create", name="box", state="absent", force=True).changed
        assert store.podman("ps", "-a", "--external", "--quiet") == ""


class TestStoreInfo:
    def test_it_agrees_with_podman_info(self, play: Play, store: Store, registry: Registry) -> None:
        play("image_pull", name=registry.reference("odd:1"))
        untouched = state(store)
        info = play("store_info").result("task")["store"]
        assert state(store) == untouched
        theirs = store.podman_json("info", "--format", "json")["store"]
        assert (theirs["graphRoot"], theirs["runRoot"]) == (info["root"], info["run_root"])
        assert theirs["graphStatus"].items() <= info["status"].items()
        assert info["counts"] == {"images": 1, "layers": 6, "containers": 0, "mounted_layers": 0}
