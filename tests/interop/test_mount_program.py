# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stores that fuse-overlayfs serves: what we write podman and buildah use, and what they write we use."""

from __future__ import annotations

import json
import os
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._engine.mount import mount_container
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter
from ansible_collections.strata.containers.plugins.module_utils._storage.fuse_overlay import FuseOverlayDriver
from lab.check_bench import check_here, layout_of, wrong
from lab.commands import missing_judges, run
from lab.fixtures import scratch_stores
from lab.flaky_registry import FlakyRegistry
from lab.long_run import LONG, only_long
from lab.modules import ModuleResult, run_module
from lab.mount_table import mounts_at
from lab.odd_images import ImageLayout
from lab.program_images import program_images
from lab.program_stores import OPTION, ProgramStore, by_program, native, note, program_below, programs_below, wait_until
from lab.stores import Store, image_record, mounts_below
from lab.trees import describe_tree, differences, snapshot

ODD = "example.com/odd:1"


@pytest.fixture(scope="module")
def program(judges: None) -> None:
    """A missing judge is a failure in CI, and a skip on a developer's machine."""
    if missing_judges(["fuse-overlayfs"]):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("missing: fuse-overlayfs")


@pytest.fixture(scope="module")
def layout(program: None, tmp_path_factory: pytest.TempPathFactory) -> ImageLayout:
    return program_images(str(tmp_path_factory.mktemp("images")))


@pytest.fixture(scope="module")
def registry(layout: ImageLayout) -> Iterator[FlakyRegistry]:
    with FlakyRegistry() as registry:
        for name in ("odd", "more", "plain"):
            registry.add(layout, name, name)
        yield registry


@pytest.fixture
def make() -> Iterator[Callable[[str], ProgramStore]]:
    with scratch_stores() as make:
        yield lambda name: by_program(make(name))


@pytest.fixture
def store(make: Callable[[str], ProgramStore]) -> ProgramStore:
    return make("store")


@pytest.fixture
def filled(store: ProgramStore, layout: ImageLayout) -> ProgramStore:
    """A store with an image that skopeo brought."""
    run(["skopeo", "--insecure-policy", "copy", f"oci:{layout.directory}:odd", store.bracket + ODD])
    return store


def module(store: Store, verb: str, *, check: bool = False, **arguments: Any) -> ModuleResult:
    result = run_module(verb, {**store.module_options(), **arguments}, check=check)
    assert not result.failed, result.text
    return result


def done(store: Store, verb: str, **arguments: Any) -> ModuleResult:
    """The result of a module that had something to do: foreseen in check mode, and nothing to do afterwards."""
    if not LONG:
        result = module(store, verb, **arguments)
        assert result.changed, result.text
        return result
    before = snapshot(store.root), snapshot(store.run_root)
    foreseen = module(store, verb, check=True, **arguments)
    assert (snapshot(store.root), snapshot(store.run_root)) == before
    result = module(store, verb, **arguments)
    assert foreseen.changed and result.changed and foreseen["diff"] == result["diff"]
    assert [module(store, verb, check=check, **arguments).changed for check in (True, False)] == [False, False]
    return result


def records(store: Store, kind: str) -> list[dict[str, Any]]:
    path = Path(store.root, f"overlay-{kind}", f"{kind}.json")
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else []


def mount_point(container: dict[str, Any]) -> str:
    return os.path.join(os.path.dirname(container["path"]), "merged")


def counts(store: Store) -> list[int]:
    text = Path(store.run_root, "overlay-layers", "mountpoints.json").read_text(encoding="utf-8")
    return [record["count"] for record in json.loads(text)]


def fstype(point: str) -> str:
    return mounts_at(point)[-1].fstype


def nothing_is_mounted(store: Store) -> bool:
    """And nothing serves a mount: a program ends a moment after its mount."""
    wait_until(lambda: programs_below(store.root) == {})
    return mounts_below(store.root) == []


def change(point: str) -> None:
    """Deletes a file of the image, empties a directory of it, and writes."""
    os.unlink(os.path.join(point, "kept", "file"))
    run(["rm", "-r", os.path.join(point, "hidden")])
    os.mkdir(os.path.join(point, "hidden"))
    Path(point, "marks", "again", "new").write_text("changed", encoding="ascii")
    Path(point, "written").write_text("written", encoding="ascii")


def shell_files() -> list[str]:
    """A shell of this machine and all that it loads."""
    return ["/bin/sh", *(word for word in run(["ldd", "/bin/sh"]).split() if word.startswith("/"))]


def kill_program(store: Store) -> None:
    number, _line = program_below(store.root)
    os.kill(number, signal.SIGKILL)
    wait_until(lambda: programs_below(store.root) == {})


def timed_alike(trees: list[dict[str, Any]], began: int) -> list[dict[str, Any]]:
    """The trees without the times of what was made, or changed, when it was pulled."""
    for tree in trees:
        # Newer versions take the parent's here, and each mount settles it.
        tree["."]["owner"] = None
        for path, entry in tree.items():
            if path == "." or entry["mtime_ns"] >= began:
                entry["mtime_ns"] = None
    return trees


class TestPull:
    def test_every_tree_is_podmans_to_the_last_whiteout(
        self, make: Callable[[str], ProgramStore], registry: FlakyRegistry, pull_options: dict[str, Any]
    ) -> None:
        ours, theirs = make("ours"), make("theirs")
        image, began = registry.reference("odd:1"), os.stat(ours.base).st_mtime_ns
        done(ours, "image_pull", **pull_options, name=image)
        theirs.podman("pull", "--quiet", "--tls-verify=false", image)
        assert note(ours) == note(theirs) == "true"
        for record in records(theirs, "layers"):
            trees = [describe_tree(os.path.join(each.root, "overlay", record["id"], "diff")) for each in (theirs, ours)]
            assert "\n".join(differences(*timed_alike(trees, began))) == ""
        without_times = [[{**layer, "created": ""} for layer in records(each, "layers")] for each in (theirs, ours)]
        assert without_times[0] == without_times[1]
        assert "marks/.wh.gone" in trees[1] and "marks/again/.wh..wh..opq" in trees[1]
        assert image_record(ours, image) == image_record(theirs, image)
        merged = [describe_tree(each.podman("image", "mount", image)) for each in (theirs, ours)]
        assert "\n".join(differences(*timed_alike(merged, began))) == ""
        assert not {"marks/gone", "marks/deep/er", "marks/again/old", "hidden/old", "doomed/one"} & merged[1].keys()
        # Without the option other commands do the same, since the store says so.
        (info,) = [json.loads(native(ours).podman("info", "--format", "json"))["store"]["graphStatus"]]
        assert module(ours, "store_info")["store"]["status"] == info
        assert module(native(ours), "store_info")["store"]["status"] == info
        for each in (ours, theirs):
            each.podman("image", "umount", image)
            each.podman("save", "--quiet", "--format", "oci-dir", "--output", os.path.join(each.base, "saved"), image)
        assert _blobs(ours) == _blobs(theirs)
        ours.podman("rmi", image)
        assert records(ours, "layers") == [] and nothing_is_mounted(ours)


class TestContainers:
    def test_it_is_podmans_and_ours_and_counts_are_shared(self, filled: ProgramStore) -> None:
        created = done(filled, "container_create", image=ODD, name="box")["container"]
        (listed,) = filled.podman_json("ps", "--all", "--external", "--format", "json")
        assert (listed["Id"], listed["Names"]) == (created["id"], ["box"])
        assert filled.containers_storage("mount", "box") == mount_point(created)
        assert done(filled, "container_mount", name="box")["mount_count"] == 2
        filled.containers_storage("unmount", "box")
        assert fstype(mount_point(created)) == "fuse.fuse-overlayfs"
        refused = run_module("container_create", {**filled.module_options(), "name": "box", "state": "absent"})
        assert refused.code == "container_mounted"
        done(filled, "container_mount", name="box", state="unmounted")
        assert nothing_is_mounted(filled)
        filled.podman("rm", "box")
        assert records(filled, "containers") == []

    def test_what_is_written_through_it_is_there_and_what_is_deleted_is_gone(self, filled: ProgramStore) -> None:
        done(filled, "container_create", image=ODD, name="box")
        point = done(filled, "container_mount", name="box")["mount_point"]
        assert fstype(point) == "fuse.fuse-overlayfs" and len(programs_below(filled.root)) == 1
        change(point)
        seen = describe_tree(point)
        # The last count is given back while somebody is inside: what the kernel held back for the program is written too.
        with open(os.path.join(point, "late"), "wb") as inside:
            inside.write(b"l" * 100_000)
            inside.flush()
            done(filled, "container_mount", name="box", state="unmounted")
            assert mounts_at(point) == []
            again = done(filled, "container_mount", name="box")["mount_point"]
            assert Path(again, "late").read_bytes() == b"l" * 100_000
        os.unlink(os.path.join(again, "late"))
        for tree in (seen, changed := describe_tree(again)):
            tree["."]["mtime_ns"] = tree["written"]["mtime_ns"] = None
        assert differences(seen, changed) == []
        assert wrong(check_here(filled, deep=True)) == []
        done(filled, "container_create", image=ODD, name="box", state="absent", force=True)
        assert nothing_is_mounted(filled)

    @only_long
    def test_theirs_are_ours_to_run_in_and_to_delete(self, filled: ProgramStore) -> None:
        filled.buildah("from", "--pull-never", "--name", "box", ODD)
        point = filled.buildah("mount", "box")
        for name in shell_files():
            os.makedirs(os.path.join(point, os.path.dirname(name)[1:]), exist_ok=True)
            run(["cp", "-L", name, point + name])
        filled.buildah("umount", "box")
        assert done(filled, "container_mount", name="box")["mount_point"] == point
        assert run(["chroot", point, "/bin/sh", "-c", "echo by us > /told; echo *"]).split()[:1] == ["absolute"]
        assert (
            filled.buildah("run", "--isolation", "chroot", "box", "/bin/sh", "-c", "read a < /told; echo $a") == "by us"
        )
        filled.buildah("umount", "--all")
        done(filled, "container_mount", name="box", state="unmounted", force=True)
        assert nothing_is_mounted(filled)
        change(filled.buildah("mount", "box"))
        filled.buildah("commit", "--quiet", "box", "localhost/built:1")
        assert records(filled, "layers")[-1]["diff-digest"]
        done(filled, "container_create", image=ODD, name="box", state="absent", force=True)
        seen = describe_tree(filled.podman("image", "mount", "localhost/built:1"))
        filled.podman("image", "umount", "--all")
        built = describe_tree(done(filled, "image_mount", name="localhost/built:1")["mount_point"])
        assert differences(seen, built) == []
        assert "written" in built and "kept" in built and "kept/file" not in built
        assert wrong(check_here(filled, deep=True)) == []

    @only_long
    def test_a_mount_that_cannot_be_written_is_known_whoever_made_it(self, filled: ProgramStore) -> None:
        point = filled.podman("image", "mount", ODD)
        assert "ro" not in mounts_at(point)[-1].options
        assert done(filled, "image_mount", name=ODD)["mount_point"] == point
        filled.podman("image", "umount", ODD)
        done(filled, "image_mount", name=ODD, state="unmounted")
        done(filled, "container_create", image=ODD, name="box")
        point = done(filled, "container_mount", name="box", read_only=True)["mount_point"]
        with pytest.raises(OSError, match="Read-only"):
            Path(point, "new").touch()
        refused = run_module("container_mount", {**filled.module_options(), "name": "box"})
        assert refused.code == "read_only_conflict"
        done(filled, "container_mount", name="box", read_only=True, state="unmounted")
        filled.containers_storage("mount", "box")
        refused = run_module("container_mount", {**filled.module_options(), "name": "box", "read_only": True})
        assert refused.code == "read_only_conflict"
        done(filled, "container_mount", name="box", state="unmounted", force=True)
        assert nothing_is_mounted(filled)

    @only_long
    def test_words_that_forbid_something_hold(self, filled: ProgramStore) -> None:
        done(filled, "container_create", image=ODD, name="box")
        options = [OPTION, "overlay.mountopt=nosuid,noexec,metacopy=on,relatime"]
        point = module(filled, "container_mount", name="box", driver_options=options)["mount_point"]
        assert {"nosuid", "noexec", "nodev"} <= set(mounts_at(point)[-1].options)
        _number, line = program_below(filled.root)
        assert "metacopy" not in line and "relatime" not in line

    def test_a_mount_whose_program_died_is_made_anew(self, filled: ProgramStore) -> None:
        done(filled, "container_create", image=ODD, name="box")
        point = done(filled, "container_mount", name="box")["mount_point"]
        kill_program(filled)
        assert module(filled, "container_info", name=["box"])["containers"][0]["mount_point"] is None
        assert module(filled, "container_mount", name="box")["mount_count"] == 1
        assert os.listdir(point) and len(mounts_at(point)) == 1
        kill_program(filled)
        module(filled, "container_mount", name="box", state="unmounted")
        assert nothing_is_mounted(filled) and os.listdir(point) == []
        done(filled, "container_mount", name="box")
        kill_program(filled)
        module(filled, "container_create", image=ODD, name="box", state="absent", force=True)
        assert nothing_is_mounted(filled) and filled.podman("ps", "--all", "--external", "--quiet") == ""


FAULTS = {
    "#!/bin/sh\necho why it was not >&2; echo unknown argument ignored: x >&2; exit 3\n": (
        "why it was not",
        "exit status 3",
    ),
    "#!/bin/sh\nkill -9 $$\n": ("it said nothing", "killed by signal 9"),
    "#!/bin/sh\nexit 0\n": ("mounted nothing", ""),
    '#!/bin/sh\nfuse-overlayfs "$@"\nsleep 1000\n': ("did not end in time", ""),
    "no program": ("Exec format error", ""),
}


def test_a_program_that_does_not_mount_is_an_error_with_its_words(filled: ProgramStore, tmp_path: Path) -> None:
    done(filled, "container_create", image=ODD, name="box")
    layout, path = layout_of(filled), tmp_path / "program"
    driver = FuseOverlayDriver(layout, (f"overlay.mount_program={path}",), timeout=5)
    for program, (said, found) in FAULTS.items():
        path.write_text(program, encoding="ascii")
        path.chmod(0o755)
        with pytest.raises(HostError) as raised:
            mount_container(layout, driver, "box", Reporter(), read_only=False, may_be_volatile=True, check_mode=False)
        assert said in raised.value.message and found in raised.value.found, raised.value
        assert nothing_is_mounted(filled) and counts(filled) == []
        assert os.listdir(layout.mount_markers) == []
    # Nothing of it is in the way.
    done(filled, "container_mount", name="box")


class TestNotes:
    def test_a_native_store_becomes_one_for_a_program_and_stays_one(
        self, store: ProgramStore, registry: FlakyRegistry, pull_options: dict[str, Any]
    ) -> None:
        plain = native(store)
        done(plain, "image_pull", **pull_options, name=registry.reference("odd:1"))
        top = records(plain, "layers")[-1]["id"]
        diff = Path(plain.root, "overlay", top, "diff", "marks")
        assert note(plain) == "false" and (diff / "gone").is_char_device()
        wanted = describe_tree(plain.podman("image", "mount", registry.reference("odd:1")))
        plain.podman("image", "umount", "--all")
        # One command with the option, and the store is another for all.
        if LONG:
            store.podman("images")
        else:
            done(store, "container_create", image=registry.reference("odd:1"), name="first")
        assert note(plain) == "true"
        point = done(plain, "image_mount", name=registry.reference("odd:1"))["mount_point"]
        assert fstype(point) == "fuse.fuse-overlayfs"
        found = describe_tree(point)
        for tree in (wanted, found):
            # The program tells this of itself.
            tree["bin/linked"]["links"] = None
        assert differences(wanted, found) == []
        assert wrong(check_here(plain, deep=True)) == []
        done(plain, "image_pull", **pull_options, name=registry.reference("more:1"))
        assert (Path(plain.root, "overlay", records(plain, "layers")[-1]["id"], "diff") / "marks/.wh.gone").is_file()
        # Both forms, told by the files alone.
        os.unlink(os.path.join(plain.root, "overlay", ".has-mount-program"))
        assert module(plain, "store_info")["store"]["status"]["Native Overlay Diff"] == "false"


def test_where_the_kernel_can_stack_nothing_the_program_is_taken(
    store: ProgramStore, registry: FlakyRegistry, pull_options: dict[str, Any], tmp_path: Path
) -> None:
    plain = native(store)
    below = [str(tmp_path / name) for name in ("lower", "upper", "work")]
    for path in (*below, plain.root):
        os.mkdir(path)
    words = "lowerdir={},upperdir={},workdir={}".format(*below)
    run(["mount", "-t", "overlay", "-o", words, "overlay", plain.root])
    image = registry.reference("odd:1")
    status = module(plain, "store_info")["store"]["status"]
    done(plain, "image_pull", **pull_options, name=image)
    assert note(plain) == "true"
    assert json.loads(plain.podman("info", "--format", "json"))["store"]["graphStatus"] == status
    assert status["Backing Filesystem"] == "overlayfs" and status["Native Overlay Diff"] == "false"
    point = done(plain, "image_mount", name=image)["mount_point"]
    assert fstype(point) == "fuse.fuse-overlayfs" and plain.podman("image", "mount", image) == point
    plain.podman("image", "umount", "--all")
    done(plain, "image_mount", name=image, state="unmounted")


class TestMask:
    """podman 4.3 makes no devices with a mask, and notes neither types nor the bits above the permissions."""

    @only_long
    def test_files_have_one_mode_and_show_their_own(
        self, make: Callable[[str], ProgramStore], registry: FlakyRegistry, pull_options: dict[str, Any]
    ) -> None:
        ours, theirs = make("ours"), make("theirs")
        image, options = registry.reference("plain:1"), ["overlay.force_mask=private"]
        done(ours, "image_pull", **pull_options, name=image, driver_options=[OPTION, *options])
        theirs.podman("--storage-opt", *options, "pull", "--quiet", "--tls-verify=false", image)
        for record in records(theirs, "layers"):
            trees = [describe_tree(os.path.join(each.root, "overlay", record["id"], "diff")) for each in (theirs, ours)]
            for tree in trees:
                for path, entry in tree.items():
                    entry["mtime_ns"] = None
                    uid, gid, mode = entry["xattrs"].pop("user.containers.override_stat", b"::0").split(b":")[:3]
                    entry["note"] = (uid, gid, int(mode, 8) & 0o777)
                    if path in (".", "way", "way/to", "d")[: 4 if record.get("parent") else 3]:
                        # Without an entry: podman notes the mask, or nothing, and then fuse-overlayfs lists nothing.
                        entry["note"] = None
            assert differences(*trees) == []
            assert {entry["mode"] for entry in trees[1].values() if "size" in entry} == {"0o700"}
        # The image as it is, to podman and to us.
        wanted = make("wanted")
        wanted.podman("pull", "--quiet", "--tls-verify=false", image)
        wanted_tree = describe_tree(wanted.podman("image", "mount", image))
        ours_tree = describe_tree(ours.podman("--storage-opt", *options, "image", "mount", image))
        for tree in (wanted_tree, ours_tree):
            for path, entry in tree.items():
                entry["mtime_ns"] = entry["links"] = None
                entry["xattrs"].pop("user.containers.override_stat", None)
                if path == "." or entry["type"] == stat.S_IFLNK:
                    entry["mode"] = entry["owner"] = None
        assert differences(wanted_tree, ours_tree) == []
        ours.podman("image", "umount", "--all")
        assert wrong(check_here(ours, deep=True)) == wrong(check_here(theirs, deep=True)) == []
        done(ours, "container_create", image=image, name="box", driver_options=[OPTION, *options])
        point = done(ours, "container_mount", name="box", driver_options=[OPTION, *options])["mount_point"]
        path = Path(point, "set")
        assert stat.S_IMODE(path.stat().st_mode) == 0o4711 and path.stat().st_uid == 5
        path.chmod(0o2750)
        os.chown(path, 8, 9)
        upper = os.stat(path.as_posix().replace("/merged/", "/diff/"))
        assert upper.st_uid == 0 and path.stat().st_uid == 8
        # Of a parent that podman 4.3 noted without a type: its root has the mask there.
        created = done(theirs, "container_create", image=image, name="box", driver_options=[OPTION, *options])
        assert os.getxattr(created["container"]["path"], "user.containers.override_stat") == b"0:0:0700:dir"
        plain = {**native(make("plain")).module_options(), "driver_options": options}
        refused = run_module("image_pull", {**plain, **pull_options, "name": image})
        assert refused.code == "driver_unsupported", refused.text


def _blobs(store: Store) -> list[str]:
    return sorted(os.listdir(os.path.join(store.base, "saved", "blobs", "sha256")))
