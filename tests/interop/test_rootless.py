# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stores of a user without rights: what we write podman and buildah of that user read, run, save and delete, and the reverse."""

from __future__ import annotations

import json
import os
import shlex
import stat
import tarfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from lab.collection import collections_root
from lab.commands import run
from lab.fixtures import push
from lab.odd_images import ImageLayout
from lab.registry import Registry
from lab.shell_image import shell_layer
from lab.trees import describe_tree, differences, snapshot
from lab.user_world import UID, UserStore, UserWorld

StoreMaker = Callable[[str], UserStore]
LONG = bool(os.environ.get("STRATA_TEST_LONG"))
# What each driver writes is always looked at, what it reads of podman's in the long run for both.
DRIVERS = ("overlay", "vfs")
DRIVERS_READ = DRIVERS if LONG else DRIVERS[:1]
CHOSEN_BEFORE = ("", "overlay", "vfs") if LONG else ("vfs",)


def maker(world: UserWorld, driver: str) -> StoreMaker:
    """Makes stores of the user by name."""
    return lambda name: world.store(f"{name}-{driver}", driver)


def pull(store: UserStore, image: str, **more: Any) -> dict[str, Any]:
    result = store.module("image_pull", name=image, validate_certs=False, **more)
    assert result.changed, result.text
    return dict(result["image"])


def records(store: UserStore, kind: str) -> Any:
    return json.loads(Path(store.root, f"{store.driver}-{kind}", f"{kind}.json").read_text(encoding="utf-8"))


def tree(store: UserStore, layer_id: str, began: int) -> dict[str, dict[str, Any]]:
    """The tree of a layer as the machine sees it, without the times of what no header gives one."""
    place = f"overlay/{layer_id}/diff" if store.driver == "overlay" else f"vfs/dir/{layer_id}"
    found = describe_tree(os.path.join(store.root, place))
    for facts in found.values():
        if facts["mtime_ns"] >= began and facts["type"] in (stat.S_IFDIR, stat.S_IFCHR):
            del facts["mtime_ns"]
    # Of the layer below, or of its directory: podman before 4.5 and later ones differ.
    del found["."]["owner"]
    return found


@pytest.mark.parametrize("driver", DRIVERS)
def test_podman_and_buildah_on_a_store_that_we_filled(registry: Registry, world: UserWorld, driver: str) -> None:
    began = time.time_ns()
    make = maker(world, driver)
    ours, theirs = make("ours"), make("theirs")
    image = registry.reference("odd:1")
    pulled = pull(ours, image)
    theirs.podman("pull", "--quiet", "--tls-verify=false", image)
    assert ours.podman("images", "--no-trunc", "--quiet") == f"sha256:{pulled['id']}"
    layers = [layer["id"] for layer in pulled["layers"]]
    assert layers == [layer["id"] for layer in records(theirs, "layers")]
    for layer in layers:
        assert differences(tree(theirs, layer, began), tree(ours, layer, began)) == []
    # podman puts the archives together again and refuses what has another digest.
    ours.podman("save", "--format", "oci-archive", "-o", os.path.join(ours.base, "saved.tar"), image)
    with tarfile.open(os.path.join(ours.base, "saved.tar")) as saved:
        assert f"blobs/sha256/{pulled['id']}" in saved.getnames()
    container = ours.buildah("from", "--pull-never", image)
    ours.buildah("rm", container)
    ours.podman("rmi", image)
    assert records(ours, "layers") == [] and records(ours, "images") == []


@pytest.mark.parametrize("driver", DRIVERS_READ)
def test_we_on_a_store_that_podman_filled(registry: Registry, world: UserWorld, driver: str) -> None:
    theirs = maker(world, driver)("filled")
    image = registry.reference("odd:1")
    theirs.podman("pull", "--quiet", "--tls-verify=false", image)
    (listed,) = theirs.module("image_info")["images"]
    assert listed["names"] == [image]
    assert theirs.module("store_check", deep=True)["problems"] == []
    assert theirs.module("container_create", image=image, name="ours").changed
    mounted = theirs.module("container_mount", name="ours")
    point = mounted["mount_point"]
    # Among the mounts of podman, by either way in, and owned there as the image says.
    assert theirs.unshared("stat", "-c", "%u:%g", f"{point}/no/parents/named/file") == "12:13"
    assert theirs.unshared("ls", f"{point}/hidden") == "new", "what the layer below has there is hidden"
    theirs.world.run(*mounted["enter"], "sh", "-c", f"echo written >{point}/new")
    assert theirs.podman_json("ps", "-a", "--external", "--format", "json")[0]["Names"] == ["ours"]
    (seen,) = theirs.module("container_info", name=["ours"])["containers"]
    assert (seen["mount_point"], seen["mount_count"]) == (point, 1)
    assert theirs.module("container_mount", name="ours").changed is False
    assert theirs.module("container_mount", name="ours", state="unmounted").changed
    assert os.path.exists(os.path.join(seen["path"], "new"))
    assert theirs.module("container_create", name="ours", state="absent").changed
    assert theirs.module("image_remove", name=image).changed
    assert records(theirs, "layers") == [] and theirs.podman("images", "--quiet") == ""


def test_the_store_that_no_option_names(registry: Registry, world: UserWorld, tmp_path: Path) -> None:
    """A pull is foretold without a trace, done, and the image's shell started in podman's namespaces."""
    store = UserStore("", world=world)
    world.end_processes()
    image = registry.reference("shell:1")
    layout = ImageLayout(str(tmp_path))
    layout.add_image("shell", [shell_layer()])
    push(layout, "shell", image)
    home = snapshot(world.home)
    foretold = store.module("image_pull", check=True, name=image, validate_certs=False)
    assert foretold.changed and foretold["plan"]["fetch"] == 1, foretold.text
    assert snapshot(world.home) == home and world.processes() == {}
    pulled = pull(store, image)
    assert pulled["plan"] == foretold["image"]["plan"]
    facts = store.module("store_info")["store"]
    told = store.podman_json("info", "--format", "json")["store"]
    assert facts["rootless"] is True
    assert facts["root"] == told["graphRoot"] == store.root
    assert (facts["run_root"], facts["driver"]) == (told["runRoot"], told["graphDriverName"])
    assert facts["status"] == told["graphStatus"]
    point = store.unshared("podman", "image", "mount", image)
    assert store.unshared("chroot", point, "/bin/sh", "-c", "echo $0 runs in $PWD") == "/bin/sh runs in /"
    store.unshared("podman", "image", "umount", image)
    assert store.module("image_pull", name=image, validate_certs=False).changed is False


class TestThePauseProcess:
    def test_podman_joins_ours_and_ends_it(self, world: UserWorld) -> None:
        world.end_processes()
        store = world.store("pause")
        made = store.module("image_prune")
        assert not made.failed, made.text
        ((pid, command),) = world.processes().items()
        assert command == "sleep 2147483647"
        kept = [os.readlink(f"/proc/{pid}/ns/{kind}") for kind in ("user", "mnt")]
        assert store.unshared("readlink", "/proc/self/ns/user", "/proc/self/ns/mnt").split() == kept
        maps = [store.unshared("cat", f"/proc/self/{kind}_map").split() for kind in ("uid", "gid")]
        world.end_processes()
        # The same namespaces as podman's own.
        assert [store.unshared("cat", f"/proc/self/{kind}_map").split() for kind in ("uid", "gid")] == maps
        store.podman("system", "migrate")
        assert pid not in world.processes()

    def test_we_join_podmans(self, world: UserWorld) -> None:
        world.end_processes()
        store = world.store("joined")
        store.podman("info")
        pid = int(Path(f"/proc/{world.pid}/root{world.runtime_dir}/libpod/tmp/pause.pid").read_text(encoding="ascii"))
        before = world.processes()
        (joined,) = [step for step in store.module("image_prune")["steps"] if step["action"] == "entered"]
        assert joined["process"] == pid and world.processes() == before

    def test_who_makes_one_at_once_joins_the_same(self, world: UserWorld) -> None:
        world.end_processes()
        store = world.store("at-once")
        # A program that takes its time, so that all find none and want to make one.
        slow = Path(store.base, "newuidmap")
        slow.write_text('#!/bin/sh\nsleep 0.3\nexec /usr/bin/newuidmap "$@"\n', encoding="ascii")
        slow.chmod(0o755)
        env = {"PATH": f"{store.base}:/usr/bin:/bin"}
        with ThreadPoolExecutor(3) as pool:
            options = store.module_options()
            made = list(pool.map(lambda _number: world.module("image_prune", env=env, **options), range(3)))
        joined = {step["process"] for result in made for step in result["steps"] if step["action"] == "entered"}
        assert list(world.processes().values()) == ["sleep 2147483647"]
        assert len(joined) == 1, made
        # A dead one counts for nothing, though its number is still written there.
        world.end_processes()
        again = store.module("image_prune")
        (step,) = [step for step in again["steps"] if step["action"] == "entered"]
        assert step["process"] not in joined and list(world.processes().values()) == ["sleep 2147483647"]


class TestTheDriver:
    """Where no file chooses one, it is the one that podman takes."""

    @pytest.mark.parametrize("first", CHOSEN_BEFORE)
    def test_of_a_store_that_podman_made(self, world: UserWorld, first: str) -> None:
        # A home directory of its own: podman keeps the driver of a user's stores in a database there.
        home = world.store(f"home-{first}").base
        conf = os.path.join(home, ".config", "containers", "storage.conf")
        os.makedirs(os.path.dirname(conf))
        text = f'[storage]\ngraphroot = "{home}/root"\nrunroot = "{world.runtime_dir}/chosen-{first}"\n'
        Path(conf).write_text(text, encoding="utf-8")
        for path in (os.path.join(home, ".config"), os.path.dirname(conf)):
            os.chown(path, UID, UID)
        env = {"XDG_CONFIG_HOME": os.path.join(home, ".config"), "HOME": home}
        if first:
            world.run("podman", "--storage-driver", first, "info", env=env)
        told = json.loads(world.run("podman", "info", "--format", "json", env=env))["store"]
        found = world.module("store_info", env=env)["store"]
        assert (found["driver"], found["root"]) == (told["graphDriverName"], told["graphRoot"])
        assert found["driver"] == (first or "overlay")


class TestWithoutASession:
    """What ``become_user`` gives: no session of the user, and variables of whoever logged in."""

    def test_the_runtime_directory_of_the_user_is_found(self, world: UserWorld) -> None:
        told = json.loads(world.run("podman", "info", "--format", "json", env={"XDG_RUNTIME_DIR": ""}))["store"]
        kept = {
            "HOME": "/root",
            "USER": "root",
            "LOGNAME": "root",
            "XDG_RUNTIME_DIR": "/run/user/0",
            "XDG_CONFIG_HOME": "/root/.config",
        }
        # Of a session that is over, and what the XDG base directory specification calls invalid.
        over, relative = {"XDG_RUNTIME_DIR": "/run/user/4711"}, {"XDG_RUNTIME_DIR": "run", "XDG_CONFIG_HOME": "config"}
        for env in ({"XDG_RUNTIME_DIR": ""}, {"XDG_RUNTIME_DIR": "", "HOME": "/srv"}, kept, over, relative):
            found = world.module("store_info", env=env)["store"]
            assert (found["root"], found["run_root"]) == (told["graphRoot"], told["runRoot"])
            # Also when the process is root of the namespace by then.
            unknown = world.module("container_mount", env=env, name="unknown", state="unmounted")
            assert unknown["enter"][:1] == ["nsenter"], unknown.text

    @pytest.mark.parametrize("podman_first", [True, False])
    def test_where_there_is_none_podman_and_we_share_another(self, world: UserWorld, podman_first: bool) -> None:
        """podman makes a directory below TMPDIR, and we take it with the process in it; or we make it, and podman takes it."""
        temporary = os.path.join(world.base, f"tmp-{podman_first}")
        os.mkdir(temporary)
        os.chmod(temporary, 0o1777)
        run(world.inside("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run/user"))
        try:
            world.end_processes()
            home = world.store(f"no-session-{podman_first}").base
            env = {"XDG_RUNTIME_DIR": "", "TMPDIR": temporary}

            def podmans() -> str:
                text = world.run("podman", "info", "--format", "json", env={**env, "HOME": home})
                return str(json.loads(text)["store"]["runRoot"])

            def ours(*, check: bool = False) -> str:
                pruned = world.module("image_prune", check=check, env=env, root=f"{home}/root")
                assert not pruned.failed, pruned.text
                return str(world.module("store_info", env=env)["store"]["run_root"])

            if not podman_first:
                foretold = ours(check=True)
                assert os.listdir(temporary) == []
                assert foretold == ours()
            run_root = podmans()
            assert run_root == f"{temporary}/podman-run-{UID}/containers"
            ((pid, _command),) = world.processes().items()
            assert ours() == podmans() == run_root
            assert list(world.processes()) == [pid]
        finally:
            world.end_processes()
            run(world.inside("umount", "-l", "/run/user"))


def test_a_pause_process_with_another_tmp(registry: Registry, world: UserWorld) -> None:
    """A service with a private /tmp may have made it: the files of the module are not to be seen among its mounts."""
    world.end_processes()
    store = world.store("private")
    place = os.path.join(world.runtime_dir, "libpod/tmp")
    hidden = collections_root()
    script = f"mount -t tmpfs tmpfs {hidden} && exec sleep 2147483646"
    holder = ["unshare", "--user", "--map-root-user", "--mount", "--propagation", "private", "sh", "-c", script]
    write = f"mkdir -p {place}; {' '.join(map(shlex.quote, holder))} >/dev/null 2>&1 & echo $! >{place}/pause.pid"
    world.run("sh", "-c", write)
    while [name for name in world.processes().values() if name != "sleep 2147483646"]:
        time.sleep(0.01)
    assert store.module("container_info")["containers"] == []
    missing = store.module("container_mount", name="none")
    assert missing.code == "unknown_container", missing.text
    if LONG:
        work_among_other_mounts(store, registry)
    world.end_processes()


def work_among_other_mounts(store: UserStore, registry: Registry) -> None:
    pulled = store.module("image_pull", name=registry.reference("multi:1"), validate_certs=False)
    assert pulled.changed, pulled.text
    assert store.module("container_create", image=pulled["image"]["id"], name="web").changed
    assert store.module("container_mount", name="web").changed
    assert store.module("container_mount", name="web", state="unmounted").changed
    assert store.module("store_check")["problems"] == []
    assert store.module("container_create", name="web", state="absent").changed
    assert store.module("image_remove", name=pulled["image"]["id"]).changed
