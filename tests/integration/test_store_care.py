# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""store_check and store_wipe through Ansible: check, do, check again, do again; podman asserts the state."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lab.damage import flip, layer_of, lose_link, tree
from lab.four_ways import Play, four_ways, play, reads_only, state, store
from lab.stores import Store
from lab.twins import fill, picture

__all__ = ["play", "store"]

APP, OTHER = "example.com/app:1", "example.com/other:1"


@pytest.fixture
def filled(store: Store, tmp_path: Path) -> Store:
    """The store with two images that share their base layer, and a container of the first."""
    fill(store, tmp_path / "layout", [(APP, ("one", "two"), {}), (OTHER, ("one", "three"), {})])
    store.buildah("from", "--pull-never", "--name", "box", APP)
    return store


def test_a_check_reads_and_a_repair_mends_what_it_may(play: Play, filled: Store) -> None:
    link_of, other = layer_of(filled, APP)["id"], layer_of(filled, OTHER)["id"]
    lose_link(filled, link_of)
    flip(tree(filled, other, "diff", "three"))
    found = reads_only(play, filled, "store_check", deep=True)
    kinds = {(problem["kind"], problem["object"]) for problem in found["problems"]}
    assert kinds == {("layer_link_lost", link_of), ("layer_content_changed", other)} and not found["healthy"]
    done = four_ways(play, filled, "store_check", deep=True, repair=True)
    assert done["healthy"] and all(problem["repaired"] for problem in done["problems"])
    assert filled.podman("images", "--format", "{{.Repository}}") == "example.com/app"
    assert os.path.isdir(filled.buildah("mount", "box"))


def test_a_wipe_leaves_an_empty_store(play: Play, filled: Store) -> None:
    before = state(filled)
    assert play("store_wipe", confirm=filled.base).result("task")["error"]["code"] == "wrong_confirmation"
    assert state(filled) == before
    done = four_ways(play, filled, "store_wipe", confirm=filled.root)
    assert done["deleted"] == {"containers": 1, "images": 2, "layers": 4}
    assert len(done["diff"]["before"]["images"]) == 2 and done["diff"]["after"]["images"] == {}
    assert not any(picture(filled).values())
    assert filled.podman("images", "--all", "--quiet") == ""
