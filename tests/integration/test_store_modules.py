# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules that work on what is in the store, through Ansible: check, do, check again, do again; podman asserts the state.

What a module does beyond that is seen by the module alone.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from lab.commands import run
from lab.four_ways import Play, alone, four_ways, play, reads_only, state, store
from lab.odd_images import PLAIN, Entry, ImageLayout, make_tar
from lab.stores import Store, mounts_below

__all__ = ["alone", "play", "store"]

IMAGE = "registry.example.com/team/app:1"


@pytest.fixture
def filled(store: Store, tmp_path: Path) -> Store:
    """The store with one image of two layers, which skopeo put there."""
    layout = ImageLayout(str(tmp_path / "layout"))
    layout.add_image("app", [(make_tar([Entry(name, content=name.encode())]), PLAIN) for name in ("one", "two")])
    run(["skopeo", "--insecure-policy", "copy", f"oci:{layout.directory}:app", store.bracket + IMAGE])
    return store


class TestReading:
    def test_containers_are_listed_in_the_order_asked_with_their_mounts(
        self, play: Play, alone: Play, filled: Store
    ) -> None:
        for name in ("one", "two"):
            filled.podman("create", "--name", name, IMAGE, "true")
        point = filled.podman("mount", "two")
        task = reads_only(play, filled, "container_info", name=["two", "absent", "one"])
        assert [entry["names"] for entry in task["containers"]] == [["two"], ["one"]]
        assert [entry["mount_point"] for entry in task["containers"]] == [point, None]
        assert task["missing"] == ["absent"]
        assert len(reads_only(alone, filled, "container_info")["containers"]) == 2

    def test_layers_are_listed_with_what_uses_them(self, play: Play, alone: Play, filled: Store) -> None:
        base, top = reads_only(play, filled, "layer_info")["layers"]
        (record,) = filled.podman_json("image", "inspect", IMAGE)
        assert [base["diff_id"], top["diff_id"]] == record["RootFS"]["Layers"]
        assert base["used_by"] == {"images": [], "containers": [], "children": [top["id"]]}
        assert top["used_by"] == {"images": [record["Id"]], "containers": [], "children": []}
        task = reads_only(alone, filled, "layer_info", name=[top["id"], "absent"])
        assert task["layers"] == [top] and task["missing"] == ["absent"]


class TestImageMount:
    def test_an_image_is_read_at_its_mount_point_and_podman_joins(self, play: Play, filled: Store) -> None:
        mounted = four_ways(play, filled, "image_mount", name=IMAGE)
        assert Path(mounted["mount_point"], "one").read_text(encoding="utf-8") == "one"
        assert mounted["image"]["names"] == [IMAGE]
        assert filled.podman("image", "mount", IMAGE) == mounted["mount_point"]
        unmounted = four_ways(play, filled, "image_mount", name=IMAGE, state="unmounted")
        assert unmounted["mount_point"] == mounted["mount_point"] and unmounted["mount_count"] == 1
        filled.podman("image", "umount", IMAGE)
        assert mounts_below(filled.base) == []


class TestImageTag:
    def test_two_names_then_a_third(self, play: Play, alone: Play, filled: Store) -> None:
        tagged = four_ways(play, filled, "image_tag", name=IMAGE, target_names=["app", "app:1"])
        assert tagged["image"]["names"] == [IMAGE, "localhost/app:latest", "localhost/app:1"]
        assert not alone("image_tag", name=IMAGE, target_names=["localhost/app", "app:latest"]).changed
        third = four_ways(alone, filled, "image_tag", name="app", target_names=["app", "app:1", "app:third"])
        before, after = third["diff"]["before"]["names"], third["diff"]["after"]["names"]
        assert [name for name in after if after[name] != before[name]] == ["localhost/app:third"]
        for name in third["image"]["names"]:
            assert filled.podman("image", "inspect", "--format", "{{.Id}}", name) == third["image"]["id"]

    def test_a_source_is_named_by_id_and_by_digest(self, alone: Play, filled: Store) -> None:
        (record,) = filled.podman_json("image", "inspect", IMAGE)
        four_ways(alone, filled, "image_tag", name=record["Id"], target_names="by-id")
        four_ways(alone, filled, "image_tag", name=record["Digest"], target_names="by-digest")
        names = filled.podman("image", "inspect", "--format", "{{.RepoTags}}", IMAGE)
        assert names == f"[{IMAGE} localhost/by-id:latest localhost/by-digest:latest]"

    def test_a_name_of_another_image_moves_stays_or_is_an_error(
        self, alone: Play, filled: Store, tmp_path: Path
    ) -> None:
        filled.podman("tag", IMAGE, "taken")
        (first,) = filled.podman_json("image", "inspect", IMAGE)
        (tmp_path / "Containerfile").write_text("FROM scratch\nLABEL of=second\n", encoding="utf-8")
        filled.podman("build", "--quiet", "--tag", "second", str(tmp_path))
        before = state(filled)
        refused = alone("image_tag", name="second", target_names=["new", "taken"], existing="fail").result("task")
        assert refused["error"]["code"] == "name_taken" and not refused["changed"]
        assert refused["error"]["object"] == "localhost/taken:latest" and refused["error"]["found"] == first["Id"]
        assert not alone("image_tag", name="second", target_names=["taken"], existing="keep").changed
        assert state(filled) == before
        moved = four_ways(alone, filled, "image_tag", name="second", target_names=["taken"])
        assert moved["diff"]["before"]["names"] == {"localhost/taken:latest": first["Id"]}
        assert moved["diff"]["after"]["names"] == {"localhost/taken:latest": moved["image"]["id"]}
        assert filled.podman("image", "inspect", "--format", "{{.Id}}", IMAGE) == first["Id"]

    @pytest.mark.parametrize(
        ("target", "code"),
        [
            ("app@sha256:" + "0" * 64, "target_has_digest"),
            ("sha256:" + "0" * 64, "target_has_digest"),
            ("0" * 64, "image_id_not_a_name"),
            ("Upper", "invalid_reference"),
        ],
    )
    def test_a_digest_or_an_id_is_no_name(self, target: str, code: str, alone: Play, filled: Store) -> None:
        before = state(filled)
        task = alone("image_tag", name=IMAGE, target_names=["fine", target]).result("task")
        assert task["error"]["code"] == code and not task["changed"]
        assert state(filled) == before

    def test_an_absent_image_is_an_error(self, alone: Play, filled: Store) -> None:
        task = alone("image_tag", name="absent", target_names=["fine"]).result("task")
        assert task["error"]["code"] == "unknown_image"


class TestImageRemove:
    def test_an_absent_image_is_removed_already(self, alone: Play, filled: Store) -> None:
        before = state(filled)
        for check in (True, False):
            task = alone("image_remove", check=check, name=["absent", "0" * 64]).result("task")
            assert not task["changed"] and task["deleted"] == [] and task["untagged"] == []
        assert state(filled) == before

    def test_one_of_several_names_then_the_last(self, play: Play, alone: Play, filled: Store) -> None:
        filled.podman("tag", IMAGE, "app")
        (record,) = filled.podman_json("image", "inspect", IMAGE)
        first = four_ways(play, filled, "image_remove", name=IMAGE)
        assert (first["untagged"], first["deleted"]) == ([IMAGE], [])
        assert first["diff"]["before"]["images"] == {record["Id"]: [IMAGE, "localhost/app:latest"]}
        assert first["diff"]["after"]["images"] == {record["Id"]: ["localhost/app:latest"]}
        assert filled.podman("image", "inspect", "--format", "{{.Id}}", "app") == record["Id"]
        last = four_ways(alone, filled, "image_remove", name="app")
        assert (last["untagged"], last["deleted"]) == (["localhost/app:latest"], [record["Id"]])
        assert filled.podman("images", "--all", "--quiet") == ""
        assert filled.containers_storage("layers", "--json") == "[]"

    def test_an_image_of_a_container_goes_with_force_only(self, alone: Play, filled: Store) -> None:
        filled.buildah("from", "--pull-never", "--name", "box", IMAGE)
        before = state(filled)
        refused = alone("image_remove", name=IMAGE).result("task")
        assert refused["error"]["code"] == "image_in_use" and "box" in refused["msg"] and not refused["changed"]
        assert state(filled) == before
        done = four_ways(alone, filled, "image_remove", name=IMAGE, force=True)
        assert len(done["containers"]) == 1 and len(done["deleted"]) == 1
        assert filled.buildah("containers", "--all", "--quiet") == ""

    def test_several_names_are_not_lost_by_an_id(self, alone: Play, filled: Store) -> None:
        filled.podman("tag", IMAGE, "app")
        (record,) = filled.podman_json("image", "inspect", IMAGE)
        refused = alone("image_remove", name=record["Id"]).result("task")
        assert refused["error"]["code"] == "several_names" and not refused["changed"]
        assert four_ways(alone, filled, "image_remove", name=record["Id"], force=True)["deleted"] == [record["Id"]]


class TestImagePrune:
    @pytest.fixture
    def crowded(self, filled: Store, tmp_path: Path) -> Store:
        """The store with a nameless image besides, and a new one with a label that a container uses."""
        for name in ("old", "new"):
            text = f"FROM {IMAGE}\nLABEL stage={name}\n"
            (tmp_path / f"Containerfile.{name}").write_text(text, encoding="utf-8")
            file = str(tmp_path / f"Containerfile.{name}")
            filled.podman("build", "--quiet", "--tag", "built", "--file", file, str(tmp_path))
        filled.buildah("from", "--pull-never", "--name", "box", "built")
        return filled

    def test_the_nameless_then_everything_that_no_container_uses(self, play: Play, alone: Play, crowded: Store) -> None:
        (nameless,) = crowded.podman_json("images", "--filter", "dangling=true", "--format", "json")
        first = four_ways(play, crowded, "image_prune")
        assert first["deleted"] == [nameless["Id"]] and first["untagged"] == []
        # Its layers are those of the image that it was built on.
        assert first["diff"]["before"]["images"] == {nameless["Id"]: []} and first["diff"]["after"]["images"] == {}
        rest = four_ways(alone, crowded, "image_prune", all=True)
        assert rest["untagged"] == [IMAGE]
        assert crowded.podman("images", "--format", "{{.Repository}}") == "localhost/built"

    def test_filters_and_names_to_keep(self, alone: Play, crowded: Store) -> None:
        before = state(crowded)
        for arguments in (
            {"filters": {"label": ["stage=new"]}},
            {"all": True, "keep": ["team/*"], "filters": {"until": "1h"}},
        ):
            task = alone("image_prune", **arguments).result("task")
            assert not task["changed"] and task["deleted"] == [] and task["space_reclaimed"] == 0
        assert state(crowded) == before
        old = four_ways(alone, crowded, "image_prune", filters={"label": ["stage=old"]})
        assert len(old["deleted"]) == 1
        aged = four_ways(alone, crowded, "image_prune", all=True, filters={"until": "2026-11-04"})
        assert aged["untagged"] == [IMAGE]

    def test_a_wrong_filter_is_an_error(self, alone: Play, crowded: Store) -> None:
        task = alone("image_prune", filters={"until": "yesterday"}).result("task")
        assert task["error"]["code"] == "invalid_filter" and not task["changed"]
        assert "unsupported" in alone("image_prune", filters={"color": "red"}).message.lower()
