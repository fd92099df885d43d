# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options with which containers and images are mounted: the kernel's table shows podman's mount and ours alike."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from lab.commands import CommandFailed
from lab.configured_store import ConfiguredStore
from lab.modules import run_module
from lab.mount_table import mounts_at
from lab.stores import Store, mounts_below

IMAGE = "localhost/probe:1"
# podman calls a container volatile that it removes when it ends.
PLAIN, VOLATILE = "plain", "volatile"

Make = Callable[..., ConfiguredStore]


@pytest.fixture
def make(make_store: Callable[[str], Store], tmp_path: Path) -> Make:
    """Makes a store with a storage.conf of its own, an image and a container of each kind."""

    def configured(options: Sequence[str] = (), overlay: Sequence[str] = ()) -> ConfiguredStore:
        store = ConfiguredStore(make_store("store").base, options=options, overlay=overlay)
        store.configure()
        (tmp_path / "file").write_text("from the image\n", encoding="utf-8")
        with tarfile.open(tmp_path / "layer.tar", "w") as tar:
            tar.add(tmp_path / "file", "file")
        store.podman("import", "--quiet", str(tmp_path / "layer.tar"), IMAGE)
        store.podman("create", "--name", PLAIN, IMAGE, "true")
        store.podman("create", "--name", VOLATILE, "--rm", IMAGE, "true")
        return store

    return configured


def _ours(store: Store, module: str, name: str, state: str = "mounted") -> Any:
    result = run_module(module, {**store.module_options(), "name": name, "state": state}, verbosity=0)
    assert not result.failed and result.changed, result.text
    return result["mount_point"]


def _both(store: Store, name: str) -> set[str]:
    """All words that the kernel shows of our mount of a container (or the image); of podman's it shows the same."""
    module, command = ("image_mount", ["image"]) if name == IMAGE else ("container_mount", [])
    found = []
    theirs = store.podman(*command, "mount", name)
    found.append(mounts_at(theirs))
    store.podman(*command, "umount", name)
    ours = _ours(store, module, name)
    found.append(mounts_at(ours))
    _ours(store, module, name, "unmounted")
    assert ours == theirs and mounts_below(store.base) == []
    # The kernel shows this word of the first mount of a layer, whoever makes it.
    podmans, words = ({*entry.options, *entry.super_options} - {"uuid=on"} for (entry,) in found)
    assert words == podmans
    return words


@pytest.mark.parametrize(
    ("options", "overlay"),
    [
        ((), ()),
        ((), ('mountopt = "nodev"',)),
        ((), ('mountopt = "nodev,metacopy=on"',)),
        ((), ('mountopt = "nodev,metacopy=on,noatime,nosuid,redirect_dir=on"',)),
        (('mountopt = "noexec"',), ()),
        (("disable-volatile = true",), ('mountopt = "nodev,volatile"',)),
    ],
)
def test_podman_and_we_mount_alike(make: Make, options: Sequence[str], overlay: Sequence[str]) -> None:
    store = make(options, overlay)
    for name in (PLAIN, VOLATILE, IMAGE):
        ours = _both(store, name)
        wanted = {"metacopy=on", "nodev", "noexec"} if name != IMAGE else {"metacopy=on"}
        for word in wanted:
            assert (word in ours) is any(word in line for line in (*options, *overlay)), word


def test_a_volatile_container_is_mounted_so_unless_the_file_forbids_it(make: Make) -> None:
    store = make()
    for options, wanted in (((), {VOLATILE}), (("disable-volatile = true",), set())):
        changed = ConfiguredStore(store.base, options=options)
        changed.configure()
        seen = {name for name in (PLAIN, VOLATILE) if "fsync=volatile" in _both(changed, name)}
        assert seen == wanted


def test_what_a_volatile_mount_that_crashed_left_is_no_obstacle(make: Make) -> None:
    store = make()
    for _round in range(2):
        point = _ours(store, "container_mount", VOLATILE)
        Path(point, "written").write_text("here", encoding="utf-8")
        # The kernel's mark stays behind after a volatile mount, whoever takes it away.
        _ours(store, "container_mount", VOLATILE, "unmounted")
        assert Path(store.podman("mount", VOLATILE), "written").read_text(encoding="utf-8") == "here"
        store.podman("umount", VOLATILE)
    assert mounts_below(store.base) == []


def test_options_of_a_container_replace_those_of_the_file_but_for_metacopy(make: Make) -> None:
    store = make((), ('mountopt = "nodev,metacopy=on"',))
    made = run_module(
        "container_create", {**store.module_options(), "image": IMAGE, "name": "own", "mount_opts": ["noexec"]}
    )
    assert made.changed, made.text
    ours = _both(store, "own")
    assert {"noexec", "metacopy=on"} <= ours and "nodev" not in ours


@pytest.mark.skipif(os.path.exists("/sys/fs/selinux/enforce"), reason="here labels count, in all tests above")
def test_a_label_is_left_out_where_the_kernel_knows_none(make: Make) -> None:
    store = make()
    path = Path(store.root, "overlay-layers", "layers.json")
    layers = json.loads(path.read_text(encoding="utf-8"))
    for layer in layers:
        if f"{PLAIN}-layer" in layer.get("names", ()):
            layer["mountlabel"] = "system_u:object_r:container_file_t:s0:c1,c2"
    path.write_text(json.dumps(layers), encoding="utf-8")
    with pytest.raises(CommandFailed, match="context="):
        store.podman("mount", PLAIN)
    point = _ours(store, "container_mount", PLAIN)
    assert os.listdir(point) == ["file"]
    _ours(store, "container_mount", PLAIN, "unmounted")
