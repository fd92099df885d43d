# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers with ID maps: what podman, buildah and containers-storage make we mount, and they what we make, with the same owners.

Three ways lead there: the kernel shows files with other owners, or is said not to be able to and a copy of the image's layer
is made, or the driver is one that always makes copies. A mount program is a fourth, which has its own tests at the end.
"""

from __future__ import annotations

import itertools
import os
import stat
import struct
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lab.check_bench import check_here, layout_of, wrong
from lab.commands import run
from lab.fixtures import scratch_stores
from lab.long_run import LONG, only_long, sample
from lab.modules import ModuleResult, run_module
from lab.odd_images import CAPABILITY, PLAIN, Entry, ImageLayout, make_tar, odd_layers, xattr
from lab.program_stores import ProgramStore, by_program
from lab.store_state import records
from lab.stores import Store, mounts_below
from lab.trees import describe_tree, differences, snapshot
from lab.twins import twin_of

IMAGE = "example.com/odd:1"
SHIFTS, COPIES, VFS, BTRFS = "shifts", "copies", "vfs", "btrfs"
COPYING = (COPIES, VFS, BTRFS) if LONG else (COPIES,)
WAYS = (SHIFTS, *COPYING)
# Who makes and mounts: by default two, by lot and always the same.
TOOLS = (
    "podman",
    *sample(["buildah", "containers-storage"], 1),
)
FIRST, SIZE = 100_000, 65_536
MAP = f"0:{FIRST}:{SIZE}"
OTHER_MAP = "0:700000:65536"
RECORD = {"container_id": 0, "host_id": FIRST, "size": SIZE}
CAPABILITIES = "security.capability"
# Whom the kernel shows for an ID that a namespace does not have.
NOBODY = 65_534
_numbers = itertools.count()

# Files with several names, one of them a program that may be more than its user is.
LINKED = [
    Entry("pair/", tarfile.DIRTYPE, mode=0o2755, uid=5, gid=6),
    Entry("pair/one", content=b"one file", mode=0o4755, uid=5, gid=6, pax=xattr("security.capability", CAPABILITY)),
    Entry("pair/two", tarfile.LNKTYPE, target="pair/one", mode=0o4755, uid=5, gid=6),
    Entry("three", tarfile.LNKTYPE, target="pair/one", mode=0o4755, uid=5, gid=6),
    Entry("of-root", content=b"of root"),
]


@dataclass(frozen=True)
class Model:
    """A store that skopeo filled, and the tree of the image as it is without a map."""

    store: Store
    tree: dict[str, dict[str, Any]]
    make: Callable[[str], Store]


@pytest.fixture(scope="module")
def models(judges: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Model]]:
    layout = ImageLayout(str(tmp_path_factory.mktemp("images")))
    layout.add_image("odd", [*odd_layers(), (make_tar(LINKED), PLAIN)])
    with ExitStack() as stores:
        found = {}
        for driver in ("overlay", "vfs", "btrfs") if LONG else ("overlay",):
            make = stores.enter_context(scratch_stores(driver))
            store = make("model")
            run(["skopeo", "--insecure-policy", "copy", f"oci:{layout.directory}:odd", store.bracket + IMAGE])
            store.containers_storage("create-container", "--name", "plain", IMAGE)
            tree = describe_tree(store.containers_storage("mount", "plain").split()[-1])
            found[driver] = Model(store, tree, make)
            store.containers_storage("unmount", "plain")
            store.containers_storage("delete-container", "plain")
        yield found


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store(way: str, models: dict[str, Model]) -> Iterator[Store]:
    """A copy of the store, in which the tools go the way."""
    model = models[driver_of(way)]
    store = twin_of(model.store, model.make(f"store{next(_numbers)}"))
    os.makedirs(os.path.join(store.run_root, "overlay"), mode=0o700, exist_ok=True)
    if way == COPIES:
        # Upstream's note for itself.
        Path(store.run_root, "overlay", "idmapped-lower-dir-false").touch()
    yield store
    store.destroy()


def driver_of(way: str) -> str:
    return way if way in (VFS, BTRFS) else "overlay"


@pytest.fixture
def expected(way: str, models: dict[str, Model]) -> dict[str, dict[str, Any]]:
    """The tree as it has to be under the map."""
    tree = models[driver_of(way)].tree
    found = {
        path: {**entry, "owner": tuple(FIRST + number if number < SIZE else NOBODY for number in entry["owner"])}
        for path, entry in tree.items()
    }
    # The root is made anew for each container.
    del found["."]["mtime_ns"]
    if way in (SHIFTS, COPIES):
        # Its second name is hidden by a layer above, and is no name of a copy.
        del found["bin/linked"]["links"]
    if way == SHIFTS:
        # The kernel tells whose root the capabilities are for (capabilities(7), version 3).
        for entry in found.values():
            if old := entry["xattrs"].get(CAPABILITIES):
                new = old[:3] + b"\x03" + old[4:] + struct.pack("<I", FIRST)
                entry["xattrs"] = {**entry["xattrs"], CAPABILITIES: new}
    return found


def by_them(tree: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What of the tree is so in one that podman 4.3 made: it leaves the root to the host's root.

    And where it links files again it changes the times of their directory.
    """
    untold = {".": "owner", "pair": "mtime_ns", "bin": "mtime_ns"}
    return {
        path: {key: value for key, value in entry.items() if key != untold.get(path)} for path, entry in tree.items()
    }


def module(store: Store, verb: str, *, check: bool = False, **arguments: Any) -> ModuleResult:
    result = run_module(verb, {**store.module_options(), **arguments}, check=check)
    assert not result.failed, result.text
    return result


def create(store: Store, name: str, *maps: str, check: bool = False) -> ModuleResult:
    return module(store, "container_create", check=check, name=name, image=IMAGE, uidmap=list(maps))


def our_tree(store: Store, name: str) -> dict[str, dict[str, Any]]:
    mounted = module(store, "container_mount", name=name)
    assert mounted.changed
    return describe_tree(mounted["mount_point"])


def created_by(store: Store, tool: str, name: str, id_map: str = MAP) -> None:
    """A container with the map, made by the tool."""
    if tool == "podman":
        store.podman("create", "--name", name, "--uidmap", id_map, IMAGE, "true")
    elif tool == "buildah":
        maps = ("--userns-uid-map", id_map, "--userns-gid-map", id_map)
        store.buildah("from", "--pull-never", "--name", name, *maps, IMAGE)
    else:
        store.containers_storage("create-container", "--name", name, "--uidmap", id_map, "--gidmap", id_map, IMAGE)


def mounted_by(store: Store, tool: str, name: str) -> str:
    """Where the tool mounted the container."""
    if tool == "podman":
        return store.podman("mount", name)
    if tool == "buildah":
        return store.buildah("mount", name)
    return store.containers_storage("mount", name).split()[-1]


def unmounted_by(store: Store, tool: str, name: str) -> None:
    if tool == "podman":
        store.podman("umount", name)
    elif tool == "buildah":
        store.buildah("umount", name)
    else:
        store.containers_storage("unmount", name)


def mapped_layers(store: Store) -> list[str]:
    """The copies of the image's top layer that its record knows."""
    (image,) = records(store, "images")
    return list(image.get("mapped-layers", []))


def layer(store: Store, layer_id: str) -> dict[str, Any]:
    return next(record for record in records(store, "layers") if record["id"] == layer_id)


def problems(store: Store) -> list[tuple[str, str]]:
    return wrong(check_here(store, deep=True))


def test_theirs_are_listed_mounted_and_deleted(way: str, store: Store, expected: dict[str, dict[str, Any]]) -> None:
    for tool in TOOLS if way == SHIFTS or LONG else TOOLS[:1]:
        created_by(store, tool, "box")
        (known,) = module(store, "container_info", name=["box"])["containers"]
        assert known["uid_map"] == known["gid_map"] == [RECORD]
        ours = our_tree(store, "box")
        assert differences(by_them(expected), ours) == []
        point = mounted_by(store, tool, "box")
        assert differences(ours, describe_tree(point)) == []
        unmounted_by(store, tool, "box")
        assert module(store, "container_mount", name="box", state="unmounted").changed
        assert way in (VFS, BTRFS) or mounts_below(store.base) == []
        assert bool(mapped_layers(store)) == (way != SHIFTS)
        assert problems(store) == []
        module(store, "container_create", name="box", state="absent")
        assert records(store, "containers") == []


def test_ours_are_theirs(way: str, store: Store, expected: dict[str, dict[str, Any]]) -> None:
    foreseen = create(store, "box", MAP, check=True)
    assert mapped_layers(store) == []
    made = create(store, "box", MAP)
    again = create(store, "box", MAP)
    assert foreseen.changed and made.changed and not again.changed
    for result in (foreseen, made, again):
        assert result["container"]["uid_map"] == result["container"]["gid_map"] == [RECORD]
    assert differences(expected, our_tree(store, "box")) == []
    for tool in TOOLS if way == SHIFTS or LONG else TOOLS[:1]:
        assert differences(expected, describe_tree(mounted_by(store, tool, "box"))) == []
        unmounted_by(store, tool, "box")
    module(store, "container_mount", name="box", state="unmounted")
    assert differences(by_them(expected), describe_tree(mounted_by(store, "podman", "box"))) == []
    unmounted_by(store, "podman", "box")
    assert problems(store) == []
    store.podman("rm", "box")
    assert records(store, "containers") == []


@pytest.mark.parametrize("way", WAYS if LONG else [SHIFTS], indirect=True)
def test_who_is_root_inside_can_write_and_others_see_whose_it_is(way: str, store: Store) -> None:
    create(store, "box", MAP)
    point = module(store, "container_mount", name="box")["mount_point"]
    for path, user in (("bin", 0), ("shared", 7)):
        inside = FIRST + user
        subprocess.run(["touch", "new"], cwd=f"{point}/{path}", user=inside, group=inside, check=True)
        assert os.stat(f"{point}/{path}/new").st_uid == inside
    # Changed by its owner inside, a file that came with the image stays the owner's.
    subprocess.run(["chmod", "700", "file"], cwd=f"{point}/no/parents/named", user=FIRST + 12, check=True)
    changed = os.stat(f"{point}/no/parents/named/file")
    assert (changed.st_uid, changed.st_gid, stat.S_IMODE(changed.st_mode)) == (FIRST + 12, FIRST + 13, 0o700)
    module(store, "container_mount", name="box", state="unmounted")
    assert os.stat(f"{mounted_by(store, 'podman', 'box')}/shared/new").st_uid == FIRST + 7


@pytest.mark.parametrize("way", COPYING, indirect=True)
class TestCopies:
    def test_one_serves_all_containers_with_the_map_and_is_podmans(self, store: Store) -> None:
        one = create(store, "one", MAP)["container"]["layer_id"]
        (copy,) = mapped_layers(store)
        assert layer(store, one)["parent"] == copy and layer(store, one)["uidmap"] == [RECORD]
        two = create(store, "two", MAP)["container"]["layer_id"]
        assert layer(store, two)["parent"] == copy
        created_by(store, "podman", "three")
        assert mapped_layers(store) == [copy]
        assert [record.get("parent") for record in records(store, "layers")].count(copy) == 3
        created_by(store, "podman", "four", OTHER_MAP)
        # But for what has to be another's, the copy is the one that podman makes.
        ours, theirs = (layer(store, layer_id) for layer_id in mapped_layers(store))
        for record in (ours, theirs):
            for key in ("id", "created", "uidmap", "gidmap"):
                del record[key]
        assert ours == theirs

    # The same is told by the other tests, less directly.
    @only_long
    def test_they_are_mounted_as_they_are_where_the_kernel_could_show_other_owners(
        self, way: str, store: Store, expected: dict[str, dict[str, Any]]
    ) -> None:
        create(store, "box", MAP)
        if way == COPIES:
            Path(store.run_root, "overlay", "idmapped-lower-dir-false").unlink()
        assert differences(expected, our_tree(store, "box")) == []

    # The same is told by the other tests, less directly.
    @only_long
    def test_theirs_serves_ours(self, store: Store) -> None:
        created_by(store, "podman", "one")
        (copy,) = mapped_layers(store)
        made = create(store, "two", MAP)["container"]["layer_id"]
        assert layer(store, made)["parent"] == copy and mapped_layers(store) == [copy]

    def test_the_image_is_what_it_was(self, store: Store, tmp_path: Path) -> None:
        before = saved(store, tmp_path / "before")
        create(store, "one", MAP)
        assert saved(store, tmp_path / "after") == before
        # Files whose owner stays the same are in the layer that was copied.
        create(store, "two", "0:0:10", "10:700000:60000")
        assert problems(store) == []
        copy = mapped_layers(store)[-1]
        out = str(tmp_path / "diff")
        store.containers_storage("diff", "-u", "-f", out, copy)
        assert f"sha256:{run(['sha256sum', out]).split()[0]}" == layer(store, copy)["diff-digest"]

    @pytest.mark.parametrize("remover", ["we", "podman", "prune"] if LONG else ["we"])
    def test_it_goes_with_the_image(self, store: Store, remover: str) -> None:
        create(store, "one", MAP)
        module(store, "container_create", name="one", state="absent")
        assert len(mapped_layers(store)) == 1
        if remover == "podman":
            store.podman("rmi", IMAGE)
        elif remover == "we":
            module(store, "image_remove", name=IMAGE)
        else:
            module(store, "image_prune", all=True)
        assert records(store, "layers") == [] and records(store, "images") == []
        assert problems(store) == []
        trees = os.listdir(os.path.dirname(layout_of(store).driver_layer("none")))
        assert [name for name in trees if len(name) == 64] == []


@pytest.mark.parametrize("way", [COPIES], indirect=True)
def test_the_directories_of_the_driver_have_the_owners_that_podman_gives_them(store: Store) -> None:
    create(store, "ours", MAP)
    store.podman("create", "--name", "theirs", "--uidmap", OTHER_MAP, IMAGE, "true")
    found = []
    for container, copy, first in zip(records(store, "containers"), mapped_layers(store), (FIRST, 700_000)):
        trees = [layout_of(store).driver_layer(layer_id) for layer_id in (container["layer"], copy)]
        paths = [os.path.join(tree, name) for tree in trees for name in ("", "diff", "diff1", "work")]
        owners = [os.stat(path) for path in paths if os.path.exists(path)]
        found.append([(status.st_uid - first, status.st_gid - first) for status in owners])
    assert found[0] == found[1] and len(found[0]) == 7


# Images of additional stores are rarely given maps.
@only_long
@pytest.mark.parametrize("way", (SHIFTS, COPIES, VFS), indirect=True)
def test_an_image_of_an_additional_store_is_left_as_it_is(
    way: str, store: Store, models: dict[str, Model], expected: dict[str, dict[str, Any]]
) -> None:
    """There the container's own layer becomes the copy, as podman does it."""
    model = models[driver_of(way)]
    user = model.make(f"store{next(_numbers)}")
    os.makedirs(os.path.join(user.run_root, "overlay"), mode=0o700)
    if way == COPIES:
        Path(user.run_root, "overlay", "idmapped-lower-dir-false").touch()
    before = snapshot(store.root)
    option = f"{store.driver}.imagestore={store.root}"
    ours = {"driver_options": [option]}
    module(user, "container_create", name="ours", image=IMAGE, uidmap=[MAP], **ours)
    user.podman("--storage-opt", option, "create", "--name", "theirs", "--uidmap", MAP, IMAGE, "true")
    for name in ("ours", "theirs"):
        point = module(user, "container_mount", name=name, **ours)["mount_point"]
        found = describe_tree(point)
        assert differences(expected if name == "ours" else by_them(expected), found) == []
        assert user.podman("--storage-opt", option, "mount", name) == point
        user.podman("--storage-opt", option, "umount", name)
        module(user, "container_mount", name=name, state="unmounted", **ours)
    assert records(user, "images") == [] and len(records(user, "layers")) == 2
    assert wrong(module(user, "store_check", deep=True, **ours)) == []
    # podman opens the locks of the other store, and makes one that is missing.
    assert {path: entry for path, entry in snapshot(store.root).items() if path in before} == before
    user.destroy()


def saved(store: Store, path: Path) -> dict[str, str]:
    """The blobs that the image is saved as, which podman checks against their digests meanwhile."""
    store.podman("save", "--quiet", "--format", "oci-dir", "--output", str(path), IMAGE)
    blobs = path / "blobs" / "sha256"
    return {name: run(["sha256sum", str(blobs / name)]).split()[0] for name in sorted(os.listdir(blobs))}


@pytest.mark.parametrize("way", [SHIFTS], indirect=True)
class TestShiftingMounts:
    def test_a_container_that_needs_them_says_so_where_they_cannot_be_had(self, store: Store) -> None:
        create(store, "box", MAP)
        Path(store.run_root, "overlay", "idmapped-lower-dir-false").touch()
        with_note = Path(store.run_root, "overlay", "idmapped-lower-dir-true")
        with_note.unlink(missing_ok=True)
        for check in (True, False):
            result = run_module("container_mount", {**store.module_options(), "name": "box"}, check=check)
            assert result.code == "id_maps_unsupported", result.text
        assert mounts_below(store.base) == []
        with pytest.raises(Exception, match="shifting not enabled"):
            mounted_by(store, "containers-storage", "box")

    def test_the_same_is_found_by_trying(self, store: Store) -> None:
        """What podman notes about the kernel is what we find out without its note."""
        from ansible_collections.strata.containers.plugins.module_utils._storage.overlay_owners import supports_shifting

        layout = layout_of(store)
        assert sorted(os.listdir(layout.driver_run_dir)) == []
        before = describe_tree(store.root)
        found = supports_shifting(layout)
        assert sorted(os.listdir(layout.driver_run_dir)) == [] and describe_tree(store.root) == before
        store.podman("info")
        created_by(store, "podman", "box")
        assert os.path.exists(layout.feature_note("idmapped-lower-dir", found))
        assert not os.path.exists(layout.feature_note("idmapped-lower-dir", not found))


class TestMountProgram:
    @pytest.fixture
    def store(self, judges: None, tmp_path: Path) -> Iterator[ProgramStore]:
        layout = ImageLayout(str(tmp_path / "image"))
        files = [Entry("bin/", tarfile.DIRTYPE, mode=0o755), Entry("bin/tool", mode=0o4755), Entry("of", uid=7, gid=8)]
        layout.add_image("image", [(make_tar(files), PLAIN), (make_tar([Entry("bin/.wh.tool")]), PLAIN)])
        with scratch_stores() as make:
            store = by_program(make("store"))
            note = Path(store.run_root, "overlay", "idmapped-lower-dir-false")
            note.parent.mkdir(mode=0o700, parents=True)
            # Else podman 4.3 maps twice, by the kernel and by the program, and shows nobody's files.
            note.touch()
            run(["skopeo", "--insecure-policy", "copy", f"oci:{layout.directory}:image", store.bracket + IMAGE])
            yield store

    def test_it_shows_the_owners_to_both(self, store: ProgramStore) -> None:
        created_by(store, "podman", "theirs")
        create(store, "ours", MAP)
        assert mapped_layers(store) == []
        for name in ("theirs", "ours"):
            point = module(store, "container_mount", name=name)["mount_point"]
            ours = describe_tree(point)
            assert ours["."]["owner"] == ours["bin"]["owner"] == (FIRST, FIRST) and ours["of"]["owner"] == (
                FIRST + 7,
                FIRST + 8,
            )
            Path(point, "bin", "new").touch()
            os.chown(f"{point}/bin/new", FIRST + 3, FIRST + 4)
            assert store.podman("mount", name) == point
            store.podman("umount", name)
            module(store, "container_mount", name=name, state="unmounted")
            theirs = describe_tree(store.podman("mount", name))
            assert theirs["."]["owner"] == (FIRST, FIRST)
            assert theirs["bin/new"]["owner"] == (FIRST + 3, FIRST + 4) and theirs["of"] == ours["of"]
            store.podman("umount", name)

    def test_a_map_with_gaps_is_refused(self, store: ProgramStore) -> None:
        arguments = {**store.module_options(), "name": "box", "image": IMAGE, "uidmap": ["0:100000:10", "10:200000:10"]}
        assert run_module("container_create", arguments).code == "id_maps_unsupported"
        assert (
            records(store, "containers") == []
            and [record.get("parent") for record in records(store, "layers")][2:] == []
        )
