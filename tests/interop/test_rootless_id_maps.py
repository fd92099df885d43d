# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers with ID maps in stores of a user without rights: the IDs of the host are those of the user's namespace there."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from lab.fixtures import push
from lab.long_run import LONG, only_long
from lab.odd_images import PLAIN, Entry, ImageLayout, make_tar
from lab.registry import Registry
from lab.trees import describe_tree, differences
from lab.user_world import RANGE, UserStore, UserWorld

# Not all IDs that files of the image have.
FIRST, SIZE = 1, 2000
MAP = f"0:{FIRST}:{SIZE}"
RECORD = {"container_id": 0, "host_id": FIRST, "size": SIZE}
# Whom who has no ID in the map becomes.
NOBODY = 65_534


def records(store: UserStore, kind: str) -> Any:
    return json.loads(Path(store.root, f"{store.driver}-{kind}", f"{kind}.json").read_text(encoding="utf-8"))


def done(store: UserStore, verb: str, **arguments: Any) -> Any:
    result = store.module(verb, **arguments)
    assert not result.failed, result.text
    return result


def seen(world: UserWorld, point: str, began: int) -> dict[str, dict[str, Any]]:
    """The tree at ``point`` among the user's mounts, as the machine sees it, without the times of what no header gives one."""
    # Who keeps the mounts, and not a command that is about to end.
    pid = next(pid for pid, command in world.processes().items() if "sleep" in command or command == "podman")
    tree = describe_tree(f"/proc/{pid}/root{point}")
    for facts in tree.values():
        if facts["mtime_ns"] >= began:
            del facts["mtime_ns"]
    return tree


@pytest.mark.parametrize("driver", ["overlay", "vfs"] if LONG else ["overlay"])
def test_podman_and_we_give_files_the_same_owners(registry: Registry, world: UserWorld, driver: str) -> None:
    began = time.time_ns()
    image = registry.reference("odd:1")
    theirs, ours = (world.store(f"{who}-maps-{driver}", driver) for who in ("theirs", "ours"))
    theirs.podman("pull", "--quiet", "--tls-verify=false", image)
    theirs.podman("create", "--name", "box", "--uidmap", MAP, "--gidmap", MAP, image, "true")
    done(ours, "image_pull", name=image, validate_certs=False)
    foretold = ours.module("container_create", check=True, name="box", image=image, uidmap=[MAP])
    made = done(ours, "container_create", name="box", image=image, uidmap=[MAP])
    for result in (foretold, made):
        assert result.changed and result["container"]["uid_map"] == result["container"]["gid_map"] == [RECORD]
    assert not done(ours, "container_create", name="box", image=image, uidmap=[MAP]).changed
    trees = []
    for other, check in ((f"0:{RANGE[0]}:{SIZE}", True), (f"0:0:{RANGE[1] + 2}", False)):
        refused = ours.module("container_create", check=check, name="other", image=image, uidmap=[other])
        assert refused.code == "id_outside_ranges" and f"IDs of 0 to {RANGE[1]};" in refused["msg"], refused.text
    for store in (theirs, ours):
        point = done(store, "container_mount", name="box")["mount_point"]
        trees.append(seen(world, point, began))
        assert store.unshared(*store.podman_command("mount", "box")) == point
        assert differences(trees[-1], seen(world, point, began)) == []
        store.unshared(*store.podman_command("umount", "box"))
        assert done(store, "container_mount", name="box", state="unmounted").changed
        assert done(store, "store_check", deep=True)["problems"] == []
    if driver == "vfs":
        # podman 4.3 does not translate the root of the tree there.
        del trees[0]["."]["owner"], trees[1]["."]["owner"]
    assert differences(*trees) == []
    assert trees[1]["no/parents/named/file"]["owner"] == (RANGE[0] + 12, RANGE[0] + 13)
    theirs.podman("rm", "box")
    done(theirs, "image_remove", name=image)
    done(ours, "container_create", name="box", state="absent")
    ours.podman("rmi", image)
    for store in (theirs, ours):
        assert records(store, "layers") == [] and records(store, "containers") == []


# The IDs are chosen as for root, and mapped as those that are given.
@only_long
def test_containers_get_ids_of_the_users_that_no_other_has(
    registry: Registry, world: UserWorld, tmp_path: Path
) -> None:
    """podman and we choose from the same ones, and as many."""
    image, owner = registry.reference("auto:1"), 2500
    layout = ImageLayout(str(tmp_path))
    layout.add_image("auto", [(make_tar([Entry("owned", uid=owner, gid=1)]), PLAIN)])
    push(layout, "auto", image)
    store = world.store("auto")
    store.podman("pull", "--quiet", "--tls-verify=false", image)
    create = ("env", "--chdir", store.base, *store.podman_command("create", "--userns=auto", "--name"))
    # podman 4.3 reads etc/group of the working directory.
    world.run(*create, "theirs", image, "true")
    foretold = store.module("container_create", check=True, name="ours", image=image, userns="auto")
    made = done(store, "container_create", name="ours", image=image, userns="auto")
    assert foretold["container"]["uid_map"] == made["container"]["uid_map"]
    assert not done(store, "container_create", name="ours", image=image, userns="auto").changed
    world.run(*create, "more", image, "true")
    begins = range(FIRST, FIRST + 3 * (owner + 1), owner + 1)
    wanted = [[{"container_id": 0, "host_id": begin, "size": owner + 1}] for begin in begins]
    for kind in ("uidmap", "gidmap"):
        assert [record[kind] for record in records(store, "containers")] == wanted
    refused = store.module("container_create", name="large", image=image, userns=f"auto:size={RANGE[1] + 1}")
    assert refused.code == "no_free_ids", refused.text
    mounted = done(store, "container_mount", name="ours")
    shown = world.run(*mounted["enter"], "stat", "--format=%u:%g", f"{mounted['mount_point']}/owned")
    assert shown == f"{begins[1] + owner}:{begins[1] + 1}"
    assert done(store, "container_mount", name="ours", state="unmounted").changed
