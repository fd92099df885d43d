# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images of more layers than one page of mount data can name, up to as many as the kernel stacks.

podman 4.3 mounts 128 layers; beyond, the kernel and the rules of whiteouts are the judges, and podman of what it joins.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._storage.driver import MountRequest
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.overlay import OverlayDriver
from lab.commands import CommandFailed
from lab.modules import ModuleResult, run_module
from lab.odd_images import PLAIN, Entry, make_tar
from lab.static_registry import StaticRegistry
from lab.stores import Store, mounts_below

PAGE = 4096
# 500 is what the kernel stacks.
DEPTHS = (200, 500) if os.environ.get("STRATA_TEST_LONG") else (200,)
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def _layer(number: int) -> bytes:
    """A layer that adds a file, replaces one that every layer has, and takes one in three of the files below away."""
    entries = [Entry(f"file{number}", content=b"x"), Entry("top", content=str(number).encode())]
    if number % 3 == 2:
        entries.append(Entry(f".wh.file{number - 1}"))
    return make_tar(entries)


def _files(depth: int) -> dict[str, str]:
    """What an image of ``depth`` such layers contains, by the rules of the OCI image specification."""
    left = {f"file{number}": "x" for number in range(depth) if not (number % 3 == 1 and number + 1 < depth)}
    return {**left, "top": str(depth - 1)}


def _seen(directory: str) -> dict[str, str]:
    return {name: Path(directory, name).read_text(encoding="utf-8") for name in os.listdir(directory)}


def _publish(registry: StaticRegistry, depth: int) -> str:
    """The name of an image of ``depth`` layers in the registry."""
    tars = [_layer(number) for number in range(depth)]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(tar).hexdigest() for tar in tars]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": registry.add_blob("deep", json.dumps(config).encode(), CONFIG),
        "layers": [registry.add_blob("deep", tar, PLAIN) for tar in tars],
    }
    registry.add_manifest("deep", json.dumps(manifest).encode(), MANIFEST, str(depth))
    return registry.reference(f"deep:{depth}")


class Deep:
    """A store into which we pulled an image of many layers."""

    def __init__(self, store: Store, image: str, pull_options: dict[str, Any]) -> None:
        self.store = store
        self.image = image
        self.do("image_pull", name=image, platform="linux/amd64", **pull_options)

    def do(self, module: str, **arguments: Any) -> ModuleResult:
        result = run_module(module, {**self.store.module_options(), **arguments}, verbosity=0)
        assert not result.failed and result.changed, result.text
        return result


@pytest.fixture
def deep(
    make_store: Callable[[str], Store], static_registry: StaticRegistry, pull_options: dict[str, Any]
) -> Callable[[int], Deep]:
    return lambda depth: Deep(make_store("store"), _publish(static_registry, depth), pull_options)


def test_podman_and_we_mount_an_image_of_more_layers_than_a_page_names(deep: Callable[[int], Deep]) -> None:
    ours = deep(80)
    store, image = ours.store, ours.image
    ours.do("container_create", image=image, name="ours")
    store.podman("create", "--name", "theirs", image, "true")
    driver = OverlayDriver(Layout(store.root, store.run_root))
    top = store.podman_json("image", "inspect", image)[0]["GraphDriver"]["Data"]["UpperDir"].split("/")[-2]
    assert len(driver.mount_data(top, MountRequest(True, ("ro",)))[0]) > PAGE
    point = store.podman("image", "mount", image)
    assert _seen(point) == _files(80)
    assert ours.do("image_mount", name=image)["mount_count"] == 2
    store.podman("image", "umount", "--all", "--force")
    assert ours.do("image_mount", name=image)["mount_count"] == 1
    assert _seen(point) == _files(80)
    assert store.podman("image", "mount", image) == point
    ours.do("image_mount", name=image, state="unmounted")
    store.podman("image", "umount", image)
    for container in ("ours", "theirs"):
        point = store.podman("mount", container) if container == "theirs" else ""
        mounted = ours.do("container_mount", name=container)["mount_point"]
        assert point in ("", mounted) and _seen(mounted) == _files(80)
        Path(mounted, "top").write_text(container, encoding="utf-8")
        ours.do("container_mount", name=container, state="unmounted")
        if point:
            assert _seen(point)["top"] == container
            store.podman("umount", container)
    assert mounts_below(store.base) == []


@pytest.mark.parametrize("depth", DEPTHS)
def test_images_that_podman_does_not_mount_are_mounted_and_written(deep: Callable[[int], Deep], depth: int) -> None:
    ours = deep(depth)
    store, image = ours.store, ours.image
    with pytest.raises(CommandFailed, match="max depth exceeded"):
        store.podman("image", "mount", image)
    mounted = ours.do("image_mount", name=image)
    assert _seen(mounted["mount_point"]) == _files(depth)
    # A mount that is there podman joins, and leaves.
    assert store.podman("image", "mount", image) == mounted["mount_point"]
    store.podman("image", "umount", image)
    assert _seen(mounted["mount_point"]) == _files(depth)
    ours.do("container_create", image=image, name="box")
    point = ours.do("container_mount", name="box")["mount_point"]
    assert _seen(point) == _files(depth)
    os.unlink(os.path.join(point, "file0"))
    Path(point, "top").write_text("written", encoding="utf-8")
    ours.do("container_mount", name="box", state="unmounted")
    ours.do("container_mount", name="box")
    wanted = {**_files(depth), "top": "written"}
    del wanted["file0"]
    assert _seen(point) == wanted
    ours.do("container_mount", name="box", state="unmounted")
    assert _seen(mounted["mount_point"]) == _files(depth)
    ours.do("image_mount", name=image, state="unmounted")
    assert mounts_below(store.base) == []
