# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules that work on what is in the store, through Ansible: check, do, check again, do again; podman asserts the state."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab.commands import run
from lab.four_ways import Play, play, reads_only, store
from lab.odd_images import PLAIN, Entry, ImageLayout, make_tar
from lab.stores import Store

__all__ = ["play", "store"]

IMAGE = "registry.example.com/team/app:1"


@pytest.fixture
def filled(store: Store, tmp_path: Path) -> Store:
    """The store with one image of two layers, which skopeo put there."""
    layout = ImageLayout(str(tmp_path / "layout"))
    layout.add_image("app", [(make_tar([Entry(name, content=name.encode())]), PLAIN) for name in ("one", "two")])
    run(["skopeo", "--insecure-policy", "copy", f"oci:{layout.directory}:app", store.bracket + IMAGE])
    return store


class TestReading:
    def test_containers_are_listed_in_the_order_asked_with_their_mounts(self, play: Play, filled: Store) -> None:
        for name in ("one", "two"):
            filled.podman("create", "--name", name, IMAGE, "true")
        point = filled.podman("mount", "two")
        task = reads_only(play, filled, "container_info", name=["two", "absent", "one"])
        assert [entry["names"] for entry in task["containers"]] == [["two"], ["one"]]
        assert [entry["mount_point"] for entry in task["containers"]] == [point, None]
        assert task["missing"] == ["absent"]
        assert len(reads_only(play, filled, "container_info")["containers"]) == 2

    def test_layers_are_listed_with_what_uses_them(self, play: Play, filled: Store) -> None:
        base, top = reads_only(play, filled, "layer_info")["layers"]
        (record,) = filled.podman_json("image", "inspect", IMAGE)
        assert [base["diff_id"], top["diff_id"]] == record["RootFS"]["Layers"]
        assert base["used_by"] == {"images": [], "containers": [], "children": [top["id"]]}
        assert top["used_by"] == {"images": [record["Id"]], "containers": [], "children": []}
        task = reads_only(play, filled, "layer_info", name=[top["id"], "absent"])
        assert task["layers"] == [top] and task["missing"] == ["absent"]
