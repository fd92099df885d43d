# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stores of the vfs driver alone have: their trees are copies."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._host.copy_tree import copy_tree
from lab.btrfs import subvolumes
from lab.commands import run
from lab.fixtures import scratch_stores
from lab.odd_images import PLAIN, Entry, ImageLayout, make_tar
from lab.stores import Store
from lab.trees import describe_tree, differences, snapshot
from lab.whole_trees import ODD, module


@pytest.fixture(scope="module")
def driver() -> str:
    return "vfs"


def test_a_copy_is_what_cp_makes(judges: None, layout: ImageLayout, store: Store, tmp_path: Path) -> None:
    fill_odd = f"oci:{layout.directory}:odd"
    run(["skopeo", "--insecure-policy", "copy", fill_odd, store.bracket + ODD])
    source = store.podman("image", "mount", ODD)
    os.setxattr(os.path.join(source, "bin"), "trusted.strata", b"kept")
    sparse = os.path.join(source, "sparse")
    with open(sparse, "wb") as file:
        file.truncate(1 << 20)
    used = snapshot(source)
    target = tmp_path / "copy"
    target.mkdir()
    copy_tree(source, str(target))
    run(["cp", "-a", "--reflink=never", source, str(tmp_path / "cp")])
    assert differences(describe_tree(str(tmp_path / "cp")), describe_tree(str(target))) == []
    assert snapshot(source) == used


def test_on_btrfs_copies_share_blocks_and_go_with_the_subvolumes_inside(judges: None) -> None:
    with scratch_stores("btrfs") as on_disk:
        store = Store(on_disk("store").base, driver="vfs")
        layers = [(make_tar([Entry("large", content=random.Random(1).randbytes(4 << 20))]), PLAIN)]
        layout = ImageLayout(f"{store.base}/images")
        layout.add_image("large", layers)
        run(["skopeo", "--insecure-policy", "copy", f"oci:{layout.directory}:large", f"{store.bracket}large:1"])
        path = module(store, "container_create", image="large:1", name="box")["container"]["path"]
        os.sync()
        (usage,) = run(["btrfs", "filesystem", "du", "--raw", "--summarize", path]).splitlines()[1:]
        total, exclusive, shared, _path = usage.split()
        assert int(total) == int(shared) == 4 << 20 and int(exclusive) == 0, usage
        run(["btrfs", "subvolume", "create", f"{path}/nested"])
        module(store, "container_create", image="large:1", name="box", state="absent")
        assert subvolumes(os.path.dirname(store.base)) == [] and not os.path.exists(path)
