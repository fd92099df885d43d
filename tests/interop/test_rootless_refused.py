# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user without rights is refused: by the host, which lacks something, and by stores that belong to somebody else."""

from __future__ import annotations

import os
import random
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from lab.commands import CommandFailed, run
from lab.fixtures import push
from lab.modules import ModuleResult
from lab.odd_images import PLAIN, Entry, ImageLayout, make_tar
from lab.registry import Registry
from lab.trees import snapshot
from lab.user_world import NAME, RANGE, UID, UserStore, UserWorld

LONG = bool(os.environ.get("STRATA_TEST_LONG"))
SEED = 20261128
FILES = ("subuid", "subgid")
NO_RANGES = ("", "other:100000:65536\n", f"{NAME}:100000:0\n", f"{NAME}:x:65536\n{NAME}\n")
MODULES = (
    ("image_pull", {"name": "127.0.0.1:1/none:1"}),
    ("container_create", {"image": "none", "name": "none"}),
    ("container_mount", {"name": "none", "state": "unmounted"}),
    ("image_remove", {"name": "none"}),
    ("image_tag", {"name": "none", "target_names": ["other"]}),
    ("image_prune", {}),
    ("store_check", {"repair": True}),
)
# Owner and mode of a store; or of what is inside, which is root's, while all the rest is the user's.
OTHERS = (
    (0, 0o700, None),
    (UID + 1, 0o755, None),
    (UID, 0o500, None),
    (UID, 0o700, "overlay-layers"),
    (UID, 0o700, "overlay-images/images.lock"),
    (UID, 0o700, "overlay-containers/containers.json"),
    (RANGE[0], 0o755, None),
)
ALL_IDS = f"{NAME}:{RANGE[0]}:{RANGE[1]}\n"


def some(number: int, cases: Sequence[Any]) -> list[Any]:
    """That many of ``cases``, by a seed, and all in the long run."""
    return list(cases) if LONG else random.Random(SEED).sample(cases, number)


@pytest.fixture
def fresh(world: UserWorld) -> Iterator[UserWorld]:
    """The world as after a restart of the machine, and with its own IDs again at the end."""
    world.end_processes()
    yield world
    world.end_processes()
    for name in FILES:
        world.write(name, ALL_IDS)


def give(world: UserWorld, text: str) -> None:
    for name in FILES:
        world.write(name, text)


def refused(world: UserWorld, result: ModuleResult, code: str, *words: str) -> None:
    """The module failed with ``code`` and told ``words``; nothing was changed, no process stays."""
    assert result.failed and result.code == code, result.text
    assert not result.changed
    for word in words:
        assert word in result["msg"], result["msg"]
    assert world.processes() == {}


class TestWhatTheHostLacks:
    @pytest.mark.parametrize("check", [False, True])
    @pytest.mark.parametrize("text", some(1, NO_RANGES))
    def test_no_subordinate_ids(self, fresh: UserWorld, text: str, check: bool) -> None:
        give(fresh, text)
        before = snapshot(fresh.home)
        refused(fresh, _any_change(fresh, check=check), "no_subordinate_ids", NAME, "/etc/subuid")
        assert snapshot(fresh.home) == before

    def test_no_program_that_gives_them(self, fresh: UserWorld) -> None:
        result = _any_change(fresh, env={"PATH": "/nonexistent"})
        refused(fresh, result, "newuidmap_missing", "newuidmap", "uidmap")

    def test_ids_that_the_program_refuses(self, fresh: UserWorld) -> None:
        # There are no IDs beyond 32 bits.
        give(fresh, f"{NAME}:4294967290:100\n")
        refused(fresh, _any_change(fresh), "id_map_refused", "newuidmap")

    def test_no_user_namespaces(self, fresh: UserWorld) -> None:
        with pytest.raises(CommandFailed, match="unshare failed: Operation not permitted"):
            run(fresh.command("unshare", "--user", "true", other_root=True))
        result = fresh.module_with_other_root("image_prune")
        refused(fresh, result, "user_namespaces_disabled", "Operation not permitted", str(UID))


def test_a_relative_place_for_data(fresh: UserWorld) -> None:
    env = {"XDG_DATA_HOME": "data"}
    with pytest.raises(CommandFailed, match="must be an absolute path"):
        run(fresh.command("podman", "info", env=env))
    fresh.end_processes()
    refused(fresh, _any_change(fresh, env=env), "relative_path", "XDG_DATA_HOME", "data")


@pytest.mark.parametrize(
    ("make", "found"), [("mkdir -m 777", "one of user ID 0"), ("ln -s /tmp", "a link of user ID 0")]
)
def test_a_runtime_directory_that_somebody_else_made(fresh: UserWorld, make: str, found: str) -> None:
    """Without a session it lies where anybody can make one."""
    run(fresh.inside("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run/user"))
    temporary = fresh.store(found.replace(" ", "-")).base
    run(["sh", "-c", f"{make} {temporary}/podman-run-{UID}"])
    try:
        result = _any_change(fresh, env={"XDG_RUNTIME_DIR": "", "TMPDIR": temporary})
        refused(fresh, result, "foreign_runtime_directory", f"{temporary}/podman-run-{UID}", NAME, found)
    finally:
        run(fresh.inside("umount", "-l", "/run/user"))


class TestOwners:
    def test_one_outside_of_the_ranges(self, fresh: UserWorld, registry: Registry, tmp_path: Path) -> None:
        """As podman: it fails and leaves nothing; the error names the ID, the file and the user."""
        give(fresh, f"{NAME}:{RANGE[0]}:1000\n")
        store = fresh.store("outside")
        for kind, owner in (("user", {"uid": 1001}), ("group", {"gid": 70000})):
            image = _image(
                registry, tmp_path, kind, [Entry("inside", content=b"1", uid=1000, gid=1000), Entry("x/file", **owner)]
            )
            with pytest.raises(CommandFailed, match="insufficient"):
                store.podman("pull", "--quiet", "--tls-verify=false", image)
            before = snapshot(store.root)
            result = store.module("image_pull", name=image, validate_certs=False)
            assert result.failed and result.code == "id_outside_ranges" and not result.changed, result.text
            number = next(iter(owner.values()))
            assert (
                f"the {kind} ID {number} is outside the ranges of {NAME}" in result["msg"] and "x/file" in result["msg"]
            )
            assert _files(store) == [] and snapshot(store.root).keys() == before.keys()

    def test_the_own_id_alone(self, fresh: UserWorld, registry: Registry, tmp_path: Path) -> None:
        """Without subordinate IDs and with ignore_chown_errors everything belongs to the user, as for podman."""
        give(fresh, "")
        store = fresh.store("alone")
        image = _image(registry, tmp_path, "alone", [Entry("own"), Entry("other", uid=7, gid=8, mode=0o4755)])
        refused(fresh, store.module("image_pull", name=image, validate_certs=False), "no_subordinate_ids")
        options = {"validate_certs": False, "driver_options": ["overlay.ignore_chown_errors=true"]}
        pulled = store.module("image_pull", name=image, **options)
        assert pulled.changed, pulled.text
        found = os.lstat(os.path.join(pulled["image"]["layers"][0]["path"], "other"))
        assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (UID, UID, 0o4755)
        podman = ["--storage-opt", "ignore_chown_errors=true"]
        point = store.unshared(*store.podman_command(*podman, "image", "mount", image))
        assert store.unshared("stat", "-c", "%u", f"{point}/other") == "0"
        store.podman(*podman, "rmi", "--force", image)


class TestStoresOfOthers:
    """Changes are refused with one error before anything is written, whatever the rights of the files in between."""

    @pytest.mark.parametrize(("name", "arguments"), some(2, MODULES))
    def test_one_of_root(self, fresh: UserWorld, name: str, arguments: dict[str, Any]) -> None:
        _check_foreign(fresh, name, arguments, owner=0, mode=0o755)

    @pytest.mark.parametrize(("owner", "mode", "inside"), some(3, OTHERS))
    def test_others(self, fresh: UserWorld, owner: int, mode: int, inside: str | None) -> None:
        _check_foreign(fresh, "image_prune", {}, owner=owner, mode=mode, inside=inside)

    def test_a_file_system_that_cannot_be_written(self, fresh: UserWorld) -> None:
        store = fresh.store("frozen")
        os.makedirs(store.root, 0o700)
        os.chown(store.root, UID, UID)
        run(fresh.inside("mount", "--bind", store.root, store.root))
        run(fresh.inside("mount", "-o", "remount,bind,ro", store.root))
        refused(fresh, store.module("image_prune"), "not_root", store.root)
        run(fresh.inside("umount", store.root))
        assert _files(store) == []


def _check_foreign(
    world: UserWorld, name: str, arguments: dict[str, Any], *, owner: int, mode: int, inside: str | None = None
) -> None:
    """Makes a store of which the root, or only what is ``inside``, belongs to ``owner``, and has the module refuse it."""
    store = world.store(f"foreign-{owner}-{mode}-{name}-{str(inside).replace('/', '-')}")
    os.mkdir(store.root)
    if inside is None:
        os.chown(store.root, owner, owner)
        os.chmod(store.root, mode)
    else:
        path = os.path.join(store.root, inside)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if "." in inside:
            Path(path).write_text("", encoding="utf-8")
            path = os.path.dirname(path)
        else:
            os.mkdir(path)
        # What lies in it stays root's.
        for directory in (store.root, *([path] if "." in inside else [])):
            os.chown(directory, UID, UID)
    before = snapshot(store.base)
    for check in (True, False):
        refused(world, store.module(name, check=check, **arguments), "not_root", store.root, str(UID))
    assert snapshot(store.base) == before


def _image(registry: Registry, directory: Path, name: str, entries: list[Entry]) -> str:
    """An image of one layer with these files, in the registry."""
    layout = ImageLayout(str(directory / name))
    layout.add_image(name, [(make_tar(entries), PLAIN)])
    push(layout, name, registry.reference(f"{name}:1"))
    return registry.reference(f"{name}:1")


def _files(store: UserStore) -> list[str]:
    """The files of layers and images in the store."""
    found = []
    for path in snapshot(store.root):
        name = os.path.relpath(path, store.root)
        parts = name.split("/")
        if len(parts) > 1 and len(parts[1]) == 64:
            found.append(name)
    return found


def _any_change(world: UserWorld, *, check: bool = False, env: dict[str, str] | None = None) -> ModuleResult:
    return world.module("image_prune", check=check, env=env)
