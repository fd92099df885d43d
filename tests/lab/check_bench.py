# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stores to be checked and repaired, and what podman has to say of them afterwards.

A test file that takes ``model`` and ``store`` imports them as fixtures.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._engine.check import CheckRequest, check_store
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter
from ansible_collections.strata.containers.plugins.module_utils._storage.drivers import open_driver
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import LAYOUTS, Layout

from .damage import layer_of
from .fixtures import scratch_stores
from .modules import ModuleResult, run_module
from .stores import Store
from .trees import snapshot
from .twins import build, fill, twin_of

APP, OTHER, BUILT = "example.com/app:1", "example.com/other:1", "localhost/built:1"
IMAGES: list[tuple[str, tuple[str, ...], dict[str, Any]]] = [
    (APP, ("one", "two"), {}),
    (OTHER, ("one", "three"), {}),
]


@pytest.fixture(scope="module")
def model(judges: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with two images that share their base layer, a built one, and a container of the second made by buildah."""
    directory = tmp_path_factory.mktemp("model")
    with scratch_stores() as make:
        store = make("model")
        fill(store, directory / "layout", IMAGES)
        build(store, directory / "build", BUILT, ("COPY content /a", "LABEL env=dev", "COPY content /b"))
        store.buildah("from", "--pull-never", "--name", "box", OTHER)
        yield store


@pytest.fixture
def store(model: Store, make_store: Callable[[str], Store]) -> Store:
    """A copy of it that may be damaged."""
    return twin_of(model, make_store("store"))


def run_check(store: Store, *, check: bool = False, **arguments: Any) -> ModuleResult:
    """The module as Ansible runs it."""
    result = run_module("store_check", {**store.module_options(), **arguments}, check=check)
    assert not result.failed, result.text
    return result


def check_here(store: Store, *, check: bool = False, **arguments: Any) -> dict[str, Any]:
    """The verb in this process, which is quicker; the same result."""
    layout = layout_of(store)
    request = CheckRequest(**arguments)
    outcome = check_store(layout, open_driver(layout), (), request, Reporter(), check_mode=check)
    return {"changed": outcome.changed, "diff": (outcome.before, outcome.after), **outcome.facts}


def layout_of(store: Store) -> Layout:
    """The layout of the store, by its driver."""
    return LAYOUTS[store.driver](store.root, store.run_root)


def wrong(result: Any) -> list[tuple[str, str]]:
    return [(item["kind"], item["object"]) for item in result["problems"] if not item["information"]]


def files(store: Store) -> tuple[Any, Any]:
    return snapshot(store.root), snapshot(store.run_root)


def app(store: Store) -> str:
    layer: str = layer_of(store, APP)["id"]
    return layer


def make_orphan(store: Store, *parts: str) -> str:
    path = os.path.join(store.root, *parts)
    os.makedirs(path)
    Path(path, "file").write_text("lost", encoding="ascii")
    return path


def is_whole(store: Store, *images: str) -> None:
    """podman lists, mounts and removes what is left, and containers-storage finds no layer too many."""
    for name in images:
        point = store.podman("image", "mount", name)
        assert os.listdir(point)
        store.podman("image", "umount", name)
    store.buildah("rm", "--all")
    store.podman("image", "rm", *images)
    assert store.podman("images", "--all", "--quiet") == ""
    assert store.containers_storage("layers", "--json") == "[]"


def repair(store: Store, **arguments: Any) -> dict[str, Any]:
    """The repair: predicted without a trace, done, and done again without a change; a check finds nothing more."""
    before = files(store)
    predicted = check_here(store, check=True, deep=True, repair=True, **arguments)
    assert predicted["changed"] and files(store) == before
    done = check_here(store, deep=True, repair=True, **arguments)
    assert done["changed"] and done["healthy"]
    for key in ("kind", "object", "repair"):
        assert [item[key] for item in predicted["problems"]] == [item[key] for item in done["problems"]], key
    assert predicted["diff"] == done["diff"]
    assert all(item["repaired"] for item in done["problems"] if not item["information"])
    settled = files(store)
    assert not check_here(store, deep=True, repair=True, **arguments)["changed"]
    assert wrong(check_here(store, deep=True)) == []
    assert files(store) == settled
    return done


def tools_accept(store: Store, *images: str) -> bool:
    names = store.podman_json("images", "--all", "--format", "json")
    assert sorted(name for image in names for name in image.get("Names") or []) == sorted(images)
    is_whole(store, *images)
    return True
