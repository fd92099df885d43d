# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image is mounted and removed by two of us at once: whoever comes second, no count is left on a layer that stays."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.paths import ConfigPaths
from ansible_collections.strata.containers.plugins.module_utils._config.short_names import ShortNames, load_short_names
from ansible_collections.strata.containers.plugins.module_utils._engine.mount_image import mount_image
from ansible_collections.strata.containers.plugins.module_utils._engine.remove_image import remove_images
from ansible_collections.strata.containers.plugins.module_utils._host.remove_tree import InUse
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter
from ansible_collections.strata.containers.plugins.module_utils._storage.catalog import UnknownImage
from ansible_collections.strata.containers.plugins.module_utils._storage.driver import MountRequest
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.overlay import OverlayDriver
from lab.modules import ModuleResult, run_module
from lab.stores import Store, mounts_below
from lab.twins import fill

# They have the same layers, and differ in their labels only.
APP, SAME = "example.com/app:1", "example.com/same:1"


@pytest.fixture
def store(make_store: Callable[[str], Store], tmp_path: Path) -> Store:
    store = make_store("store")
    fill(store, tmp_path / "layout", [(APP, ("one",), {"is": "app"}), (SAME, ("one",), {"is": "same"})])
    return store


def _module(store: Store, name: str, **arguments: object) -> ModuleResult:
    result = run_module(name, {**store.module_options(), "name": APP, **arguments})
    assert result.changed, result.text
    return result


def _short_names() -> ShortNames:
    return load_short_names(ConfigPaths.of_this_user())


def _counts(store: Store) -> list[int]:
    with open(os.path.join(store.run_root, "overlay-layers", "mountpoints.json"), encoding="utf-8") as stream:
        return [record["count"] for record in json.load(stream)]


def _names(store: Store) -> list[str]:
    return sorted(name for image in store.podman_json("images", "--format", "json") for name in image["Names"])


class _Between(Reporter):
    """Does something when the removal has given back the mount, and does not hold the locks yet."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__()
        self._work = work

    def step(self, action: str, subject: str, **facts: object) -> None:
        if action == "unmounted":
            self._work()


class _Slow(OverlayDriver):
    """Does something when a mount has looked at the records, and does not hold the locks yet."""

    def __init__(self, layout: Layout, work: Callable[[], object]) -> None:
        super().__init__(layout)
        self._work = work

    def read_only(self, request: MountRequest) -> bool:
        # Asked once more under the locks, where whoever waits for them would be waited for.
        work, self._work = self._work, lambda: None
        work()
        return super().read_only(request)


def test_an_image_that_is_mounted_while_its_removal_waits_is_in_use(store: Store) -> None:
    layout = Layout(store.root, store.run_root)
    _module(store, "image_mount")
    reporter = _Between(lambda: _module(store, "image_mount"))
    with pytest.raises(InUse, match="mounted meanwhile"):
        remove_images(layout, OverlayDriver(layout), [APP], _short_names, reporter, force=True, check_mode=False)
    # It still has its name and its mount, and the next removal gives that back.
    assert _names(store) == [APP, SAME]
    assert _counts(store) == [1]
    _module(store, "image_remove", force=True)
    assert _names(store) == [SAME]
    assert (_counts(store), mounts_below(store.root)) == ([], [])


def test_an_image_that_is_removed_while_its_mount_waits_is_not_mounted(store: Store) -> None:
    layout = Layout(store.root, store.run_root)
    driver = _Slow(layout, lambda: _module(store, "image_remove"))
    with pytest.raises(UnknownImage, match="deleted meanwhile"):
        mount_image(layout, driver, APP, _short_names, Reporter(), check_mode=False)
    assert _names(store) == [SAME]
    assert (_counts(store), mounts_below(store.root)) == ([], [])
    assert os.path.isdir(store.podman("image", "mount", SAME))
