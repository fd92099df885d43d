# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._storage.big_data import InvalidKey
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import (
    LAYOUTS,
    BtrfsLayout,
    Layout,
    VfsLayout,
)

LAYOUT = Layout("/g", "/r")
VFS = VfsLayout("/g", "/r")
BTRFS = BtrfsLayout("/g", "/r")

# Where podman 4.3.1 and containers-storage 1.43 keep these things in graph root /g and run root /r.
PLACES = [
    (LAYOUT.storage_lock, "/g/storage.lock"),
    (LAYOUT.userns_lock, "/g/userns.lock"),
    (LAYOUT.layers_json, "/g/overlay-layers/layers.json"),
    (LAYOUT.volatile_layers_json, "/g/overlay-layers/volatile-layers.json"),
    (LAYOUT.layers_lock, "/g/overlay-layers/layers.lock"),
    (LAYOUT.layers_tmp, "/g/overlay-layers/tmp"),
    (LAYOUT.tar_split("ab"), "/g/overlay-layers/ab.tar-split.gz"),
    (LAYOUT.layer_data("ab"), "/g/overlay-layers/ab"),
    (LAYOUT.layer_item("ab", "zstd-chunked-manifest"), "/g/overlay-layers/ab/=enN0ZC1jaHVua2VkLW1hbmlmZXN0"),
    (LAYOUT.images_json, "/g/overlay-images/images.json"),
    (LAYOUT.images_lock, "/g/overlay-images/images.lock"),
    (LAYOUT.image_dir("ab"), "/g/overlay-images/ab"),
    (LAYOUT.image_item("ab", "manifest"), "/g/overlay-images/ab/manifest"),
    (LAYOUT.containers_json, "/g/overlay-containers/containers.json"),
    (LAYOUT.volatile_containers_json, "/g/overlay-containers/volatile-containers.json"),
    (LAYOUT.containers_lock, "/g/overlay-containers/containers.lock"),
    (LAYOUT.container_dir("ab"), "/g/overlay-containers/ab"),
    (LAYOUT.container_item("ab", "state"), "/g/overlay-containers/ab/state"),
    (LAYOUT.container_userdata("ab"), "/g/overlay-containers/ab/userdata"),
    (LAYOUT.container_run_dir("ab"), "/r/overlay-containers/ab"),
    (LAYOUT.mountpoints_json, "/r/overlay-layers/mountpoints.json"),
    (LAYOUT.mountpoints_lock, "/r/overlay-layers/mountpoints.lock"),
    (LAYOUT.mount_marker("ab"), "/r/strata/mounts/ab"),
    (LAYOUT.driver_home, "/g/overlay"),
    (LAYOUT.driver_links, "/g/overlay/l"),
    (LAYOUT.link("XY"), "/g/overlay/l/XY"),
    (LAYOUT.driver_layer("ab"), "/g/overlay/ab"),
    (LAYOUT.diff("ab"), "/g/overlay/ab/diff"),
    (LAYOUT.link_file("ab"), "/g/overlay/ab/link"),
    (LAYOUT.lower_file("ab"), "/g/overlay/ab/lower"),
    (LAYOUT.work("ab"), "/g/overlay/ab/work"),
    (LAYOUT.merged("ab"), "/g/overlay/ab/merged"),
    (LAYOUT.empty("ab"), "/g/overlay/ab/empty"),
    (LAYOUT.tempdirs, "/g/overlay/tempdirs"),
    (LAYOUT.has_mount_program, "/g/overlay/.has-mount-program"),
    (VFS.layers_json, "/g/vfs-layers/layers.json"),
    (VFS.images_lock, "/g/vfs-images/images.lock"),
    (VFS.container_dir("ab"), "/g/vfs-containers/ab"),
    (VFS.mountpoints_json, "/r/vfs-layers/mountpoints.json"),
    (VFS.driver_layer("ab"), "/g/vfs/dir/ab"),
    (VFS.diff("ab"), "/g/vfs/dir/ab"),
    (VFS.merged("ab"), "/g/vfs/dir/ab"),
    (VFS.tempdirs, "/g/vfs/tempdirs"),
    (VFS.of("/other").diff("ab"), "/other/vfs/dir/ab"),
    (BTRFS.layers_json, "/g/btrfs-layers/layers.json"),
    (BTRFS.images_lock, "/g/btrfs-images/images.lock"),
    (BTRFS.container_dir("ab"), "/g/btrfs-containers/ab"),
    (BTRFS.mountpoints_json, "/r/btrfs-layers/mountpoints.json"),
    (BTRFS.driver_layer("ab"), "/g/btrfs/subvolumes/ab"),
    (BTRFS.diff("ab"), "/g/btrfs/subvolumes/ab"),
    (BTRFS.merged("ab"), "/g/btrfs/subvolumes/ab"),
    (BTRFS.quota("ab"), "/g/btrfs/quotas/ab"),
]


@pytest.mark.parametrize(("path", "expected"), PLACES)
def test_everything_lies_where_the_other_tools_look_for_it(path: str, expected: str) -> None:
    assert path == expected


@pytest.mark.parametrize("layout", [LAYOUT, VFS, BTRFS])
def test_every_directory_comes_after_the_one_that_holds_it(layout: Layout) -> None:
    paths = [path for path, _mode in layout.all_directories()]
    for position, path in enumerate(paths):
        parent = path.rpartition("/")[0]
        assert parent == "" or parent in paths[:position]


def test_item_of_a_climbing_key_is_refused() -> None:
    with pytest.raises(InvalidKey):
        LAYOUT.image_item("ab", "..")


def test_each_driver_has_its_layout() -> None:
    assert {name: kind("/g", "/r").driver for name, kind in LAYOUTS.items()} == {name: name for name in LAYOUTS}
