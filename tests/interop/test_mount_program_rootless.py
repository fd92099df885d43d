# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stores of a user without rights that fuse-overlayfs serves: podman and buildah of that user, and we, on the same store."""

from __future__ import annotations

import json
import os
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from lab.commands import missing_judges, run
from lab.long_run import only_long
from lab.program_stores import UserProgramStore, note, program_below, programs_below, wait_until
from lab.registry import Registry
from lab.trees import describe_tree, differences
from lab.user_world import UID, UserStore, UserWorld

pytestmark = pytest.mark.usefixtures("fuse")


@pytest.fixture(scope="module")
def fuse(world: UserWorld) -> None:
    """Machines let every user open the device; this one may not."""
    if missing_judges(["fuse-overlayfs"]):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("missing: fuse-overlayfs")
    node = os.path.join(world.base, "fuse")
    os.mknod(node, stat.S_IFCHR | 0o666, os.makedev(10, 229))
    os.chmod(node, 0o666)
    run(world.inside("mount", "--bind", node, "/dev/fuse"))


def make(world: UserWorld, name: str, mask: str = "") -> UserProgramStore:
    store = world.store(f"fuse-{name}")
    return UserProgramStore(store.base, store.run, world=world, mask=mask)


def records(store: UserStore, kind: str) -> Any:
    return json.loads(Path(store.root, f"overlay-{kind}", f"{kind}.json").read_text(encoding="utf-8"))


def tree(store: UserStore, layer_id: str, began: int) -> dict[str, dict[str, Any]]:
    """The tree of a layer as the machine sees it, without the times of what no header gives one."""
    found = describe_tree(os.path.join(store.root, "overlay", layer_id, "diff"))
    for facts in found.values():
        if facts["mtime_ns"] >= began:
            del facts["mtime_ns"]
    # Of the layer below, or of its directory: podman before 4.5 and later ones differ.
    del found["."]["owner"]
    return found


def nothing_is_mounted(store: UserStore) -> bool:
    """Nothing of the store for the process that keeps the user's mounts; a program ends a moment after its mount."""
    wait_until(lambda: programs_below(store.root) == {})
    tables = []
    for pid in store.world.processes():
        # It may have ended meanwhile.
        with suppress(OSError):
            tables.append(Path(f"/proc/{pid}/mountinfo").read_text(encoding="ascii"))
    return bool(tables) and not any(f"{store.root}/" in table for table in tables)


# The short run has the other direction, and this for root.
@only_long
def test_podman_on_a_store_that_we_filled(registry: Registry, world: UserWorld) -> None:
    began = time.time_ns()
    ours, theirs = make(world, "ours"), make(world, "theirs")
    image = registry.reference("odd:1")
    pulled = ours.module("image_pull", name=image, validate_certs=False)
    assert pulled.changed, pulled.text
    theirs.podman("pull", "--quiet", "--tls-verify=false", image)
    assert note(ours) == note(theirs) == "true"
    layers = [layer["id"] for layer in records(theirs, "layers")]
    assert layers == [layer["id"] for layer in records(ours, "layers")]
    for layer in layers:
        assert differences(tree(theirs, layer, began), tree(ours, layer, began)) == []
    assert "doomed/.wh.one" in tree(ours, layers[1], began)
    assert (
        ours.module("store_info")["store"]["status"]
        == ours.podman_json("info", "--format", "json")["store"]["graphStatus"]
    )
    ours.podman("save", "--quiet", "--format", "oci-archive", "-o", os.path.join(ours.base, "saved.tar"), image)
    ours.podman("rmi", image)
    assert records(ours, "layers") == [] and nothing_is_mounted(ours)


def test_we_on_a_store_that_podman_filled(registry: Registry, world: UserWorld) -> None:
    store = make(world, "filled")
    image = registry.reference("odd:1")
    store.podman("pull", "--quiet", "--tls-verify=false", image)
    assert store.module("store_check", deep=True)["problems"] == []
    store.buildah("from", "--pull-never", "--name", "box", image)
    mounted = store.module("container_mount", name="box")
    assert mounted.changed, mounted.text
    point = mounted["mount_point"]
    _number, line = program_below(store.root)
    assert point in line
    assert f"{point} " in store.unshared("cat", "/proc/self/mountinfo")
    assert store.unshared("stat", "-c", "%u:%g", f"{point}/no/parents/named/file") == "12:13"
    assert "one" not in store.unshared("ls", f"{point}/doomed").split()
    store.world.run(*mounted["enter"], "sh", "-c", f"echo written >{point}/new; rm {point}/doomed/two")
    # Theirs is one more user of the same mount, which goes with ours as the last.
    assert store.unshared("buildah", "--root", store.root, "--runroot", store.run_root, "mount", "box") == point
    store.unshared("buildah", "--root", store.root, "--runroot", store.run_root, "umount", "box")
    assert len(programs_below(store.root)) == 1
    assert store.module("container_mount", name="box").changed is False
    assert store.module("container_mount", name="box", state="unmounted").changed
    assert nothing_is_mounted(store)
    # What we wrote they see, in a mount that they make and we take away.
    again = store.unshared("buildah", "--root", store.root, "--runroot", store.run_root, "mount", "box")
    assert store.unshared("sh", "-c", f"cat {again}/new; ls {again}/doomed") == "written"
    assert store.module("container_mount", name="box", state="unmounted", force=True).changed
    assert nothing_is_mounted(store)
    assert store.module("container_create", name="box", state="absent").changed
    assert store.module("image_remove", name=image).changed
    assert records(store, "layers") == [] and store.podman("images", "--quiet") == ""


# For the mask itself there are tests for root.
@only_long
def test_files_of_one_mode_show_their_own(registry: Registry, world: UserWorld) -> None:
    """With force_mask all files are the user's; in the mount podman and we show the same owners and modes as without."""
    image = registry.reference("odd:1")
    ours, plain = make(world, "mask", "shared"), make(world, "no-mask")
    pulled = ours.module("image_pull", name=image, validate_certs=False)
    assert pulled.changed, pulled.text
    found = [facts for layer in pulled["image"]["layers"] for facts in describe_tree(layer["path"]).values()]
    assert {(each["mode"], each["owner"]) for each in found if each["type"] == stat.S_IFREG} == {("0o755", (UID, UID))}
    shown = files(ours, ours.module("image_mount", name=image)["mount_point"])
    assert ours.module("image_mount", name=image, state="unmounted").changed
    plain.podman("pull", "--quiet", "--tls-verify=false", image)
    for store in (ours, plain):
        assert files(store, store.unshared(*store.podman_command("image", "mount", image))) == shown
        store.unshared(*store.podman_command("image", "umount", image))
    problems = ours.module("store_check", deep=True)["problems"]
    assert not problems, problems
    assert nothing_is_mounted(ours)


def files(store: UserStore, point: str) -> list[str]:
    """What is below ``point`` for a process of the user that sees it: types, modes, owners, sizes and targets of links.

    But for devices and pipes, which without a mask the user cannot make, and with one are shown as files.
    """
    found = []
    for kind, form in (("f", "%m %U:%G %n %s"), ("d", "%m %U:%G"), ("l", "%l")):
        command = ("find", point, "-mindepth", "1", "-type", kind, "-printf", f"%P {kind} {form}\\n")
        lines = store.unshared(*command).split("\n")
        found += sorted(line for line in lines if line.split()[0] not in ("block", "char", "fifo"))
    return found
