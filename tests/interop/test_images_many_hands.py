# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several processes name and remove the images of one store at once: ours and podman's."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._engine.carry_out import carry_out
from ansible_collections.strata.containers.plugins.module_utils._engine.removal import ImageInUse, Removal
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter
from ansible_collections.strata.containers.plugins.module_utils._storage.catalog import read_catalog
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.overlay import OverlayDriver
from lab.commands import CommandFailed
from lab.modules import ModuleResult, module_process, run_module
from lab.stores import Store
from lab.twins import fill, picture

APP, OTHER = "example.com/app:1", "example.com/other:1"
HANDS = 4


@pytest.fixture
def store(make_store: Callable[[str], Store], tmp_path: Path) -> Store:
    """A store with two images that share a layer."""
    store = make_store("shared")
    fill(store, tmp_path / "layout", [(APP, ("one", "two"), {}), (OTHER, ("one", "three"), {})])
    return store


def test_no_name_is_lost_when_we_and_podman_give_them_at_once(store: Store) -> None:
    steps = range(4)

    def ours(number: int) -> None:
        for step in steps:
            arguments = {**store.module_options(), "name": APP, "target_names": [f"ours{number}:{step}"]}
            assert run_module("image_tag", arguments).changed

    def theirs() -> None:
        # One podman, and an image of its own: it reads the names before it takes the lock, and loses those of others.
        for step in steps:
            store.podman("tag", OTHER, f"theirs:{step}")

    with ThreadPoolExecutor(HANDS + 1) as pool:
        for work in [pool.submit(theirs), *(pool.submit(ours, number) for number in range(HANDS))]:
            work.result()
    names = {name for image in picture(store)["images"] for name in image["names"]}
    expected = {f"localhost/ours{number}:{step}" for number in range(HANDS) for step in steps}
    assert names == expected | {f"localhost/theirs:{step}" for step in steps} | {APP, OTHER}


def test_an_image_that_many_remove_is_removed_once_and_whole(store: Store) -> None:
    def ours(_number: int) -> ModuleResult:
        return run_module("image_remove", {**store.module_options(), "name": [APP]})

    def theirs(_number: int) -> None:
        try:
            store.podman("rmi", APP)
        except CommandFailed as error:
            assert "image not known" in str(error)

    with ThreadPoolExecutor(2 * HANDS) as pool:
        podman = [pool.submit(theirs, number) for number in range(HANDS)]
        results = [work.result() for work in [pool.submit(ours, number) for number in range(HANDS)]]
        for work in podman:
            work.result()
    assert not any(result.failed for result in results), [result.text for result in results]
    assert sum(result.changed for result in results) <= 1
    left = picture(store)
    assert [image["names"] for image in left["images"]] == [[OTHER]]
    assert len(left["layers"]) == len(left["trees"]) == len(left["links"]) == 2
    assert os.path.isdir(store.podman("image", "mount", OTHER))


def test_a_container_that_is_made_while_a_removal_waits_keeps_its_image(store: Store) -> None:
    layout = Layout(store.root, store.run_root)
    catalog = read_catalog(layout)
    (image,) = [image for image in catalog.images if APP in image.names]
    plans: list[bool] = []

    def planner(removal: Removal, containers: bool) -> None:
        plans.append(containers)
        removal.delete(image, containers=containers, mounted=False)
        if len(plans) == 1:
            # After the first look and before the locks.
            store.buildah("from", "--pull-never", "--name", "quick", APP)

    with pytest.raises(ImageInUse, match="quick"):
        carry_out(layout, OverlayDriver(layout), catalog, planner, Reporter(), check_mode=False)
    assert plans == [True, False]
    assert os.path.isdir(store.buildah("mount", "quick"))


def test_a_removal_that_is_killed_leaves_images_that_podman_can_save(store: Store) -> None:
    for attempt in range(8):
        process = module_process("image_remove", {**store.module_options(), "name": [APP]})
        # Somewhere between the start of the process and its end: any moment must do.
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.08 + 0.01 * attempt)
        process.kill()
        process.communicate()
        for image in store.podman_json("images", "--format", "json"):
            store.podman("save", "--output", os.path.join(store.base, "saved.tar"), image["Id"])
            os.unlink(os.path.join(store.base, "saved.tar"))
    run_module("image_remove", {**store.module_options(), "name": [APP]})
    assert [image["names"] for image in picture(store)["images"]] == [[OTHER]]
