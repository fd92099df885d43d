# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""store_wipe on stores that the other tools filled and use; podman works on what is left."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab.commands import run
from lab.damage import ORPHAN, cut, records, records_path
from lab.modules import ModuleResult, run_module
from lab.stores import Store, mounts_below
from lab.trees import snapshot
from lab.twins import build, fill, picture

APP, BUILT = "example.com/app:1", "localhost/built:1"


@pytest.fixture
def store(make_store: Callable[[str], Store], tmp_path: Path) -> Store:
    """A store with an image of skopeo's, one that podman built, and containers of podman, buildah and this collection."""
    store = make_store("store")
    fill(store, tmp_path / "layout", [(APP, ("one", "two"), {})])
    build(store, tmp_path / "build", BUILT, ("COPY content /a", "COPY content /b"))
    store.buildah("from", "--pull-never", "--name", "theirs", APP)
    made = run_module("container_create", {**store.module_options(), "image": APP, "name": "ours"})
    assert not made.failed, made.text
    return store


def _wipe(store: Store, *, check: bool = False, **arguments: Any) -> ModuleResult:
    return run_module("store_wipe", {**store.module_options(), "confirm": store.root, **arguments}, check=check)


def _files(store: Store) -> tuple[Any, Any]:
    return snapshot(store.root), snapshot(store.run_root)


def _is_empty_and_works(store: Store, directory: Path) -> bool:
    """Nothing is in the records nor on the disk, our check finds nothing, and podman fills the store again."""
    assert not any(picture(store).values())
    assert store.podman("images", "--all", "--quiet") == ""
    assert store.containers_storage("layers", "--json") == "[]"
    assert run_module("store_check", {**store.module_options(), "deep": True})["problems"] == []
    build(store, directory / "again", "localhost/again:1", ("COPY content /a",))
    point = store.podman("image", "mount", "localhost/again:1")
    assert os.listdir(point) == ["a"]
    store.podman("image", "umount", "localhost/again:1")
    return True


def test_everything_goes_and_podman_goes_on(store: Store, tmp_path: Path) -> None:
    run_module("container_mount", {**store.module_options(), "name": "ours"})
    os.makedirs(os.path.join(store.root, "overlay", ORPHAN, "diff"))
    numbers = {kind: len(records(store, kind)) for kind in ("containers", "images", "layers")}
    weight = sum(layer.get("diff-size", 0) for layer in records(store, "layers")) + sum(
        sum(image["big-data-sizes"].values()) for image in records(store, "images")
    )
    before = _files(store)
    predicted = _wipe(store, check=True)
    assert _files(store) == before
    done = _wipe(store)
    for key in ("changed", "deleted", "space_reclaimed", "diff"):
        assert predicted[key] == done[key], key
    assert done.changed and done["deleted"] == numbers and done["space_reclaimed"] == weight
    assert mounts_below(store.base) == []
    settled = _files(store)
    for check in (True, False):
        again = _wipe(store, check=check)
        assert not again.failed and not again.changed
        assert again["deleted"] == {"containers": 0, "images": 0, "layers": 0}
    assert _files(store) == settled
    assert _is_empty_and_works(store, tmp_path)


def test_what_others_mounted_is_an_error_that_names_it_unless_forced(store: Store, tmp_path: Path) -> None:
    point = store.buildah("mount", "theirs")
    image_point = store.podman("image", "mount", BUILT)
    before = _files(store)
    for check in (True, False):
        refused = _wipe(store, check=check)
        assert refused.code == "store_in_use" and not refused.changed
        assert f"theirs at {point}" in refused["msg"] and f"{BUILT} at {image_point}" in refused["msg"]
    assert _files(store) == before and os.path.ismount(point)
    assert _wipe(store, force=True).changed
    assert mounts_below(store.base) == []
    assert _is_empty_and_works(store, tmp_path)


def test_what_is_mounted_for_a_container_that_runs_is_in_use(store: Store, tmp_path: Path) -> None:
    (container,) = (record["id"] for record in records(store, "containers") if record["names"] == ["theirs"])
    memory = os.path.join(store.root, "overlay-containers", container, "userdata", "shm")
    os.makedirs(memory, exist_ok=True)
    run(["mount", "-t", "tmpfs", "shm", memory])
    refused = _wipe(store)
    assert refused.code == "store_in_use" and f"theirs at {memory}" in refused["msg"]
    assert _wipe(store, force=True).changed
    assert _is_empty_and_works(store, tmp_path)


def test_a_mount_that_podman_shares_with_us_is_in_use(store: Store) -> None:
    run_module("container_mount", {**store.module_options(), "name": "ours"})
    store.podman("mount", "ours")
    assert _wipe(store).code == "store_in_use"


def test_an_unreadable_record_file_goes_with_force_only(store: Store, tmp_path: Path) -> None:
    cut(records_path(store, "images"))
    run_module("store_check", {**store.module_options(), "repair": True})
    before = _files(store)
    refused = _wipe(store)
    assert refused.code == "store_damaged" and refused["error"]["object"] == records_path(store, "images")
    assert _files(store) == before
    assert _wipe(store, force=True).changed
    assert sorted(os.listdir(os.path.join(store.root, "overlay-images"))) == ["images.json", "images.lock"]
    assert _is_empty_and_works(store, tmp_path)


@pytest.mark.parametrize("confirm", ["/", "root", "/var/lib/containers/storage"])
def test_another_path_as_confirmation_is_an_error_before_anything(confirm: str, store: Store) -> None:
    before = _files(store)
    assert _wipe(store, confirm=confirm, force=True).code == "wrong_confirmation"
    assert _files(store) == before


def test_a_directory_that_is_no_store_is_an_error_before_anything(make_store: Callable[[str], Store]) -> None:
    store = make_store("other")
    os.makedirs(os.path.join(store.root, "photos"))
    assert _wipe(store, force=True).code == "not_a_store"
    assert os.listdir(store.root) == ["photos"] and not os.path.exists(store.run_root)


def test_a_store_that_does_not_exist_stays_so(make_store: Callable[[str], Store]) -> None:
    store = make_store("missing")
    for check in (True, False):
        result = _wipe(store, check=check)
        assert not result.failed and not result.changed
    assert not os.path.exists(store.root) and not os.path.exists(store.run_root)
