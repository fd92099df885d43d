# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives that aim outside: whatever becomes of them, nothing outside of the layer's directory is made, changed or removed."""

from __future__ import annotations

import gzip
import os
import stat
import tarfile
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import DataError
from lab.odd_images import Entry, make_tar, xattr
from lab.trees import snapshot
from security.unpacking import unpack_one

DIR, LINK, SYMLINK, CHAR, BLOCK = tarfile.DIRTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE
_CLIMB = "../" * 20

# What each archive does to OUT, which stands for the absolute path of a directory outside without its first slash.
ATTACKS: dict[str, list[Entry]] = {
    "a name that climbs": [Entry(_CLIMB + "OUT/new"), Entry(_CLIMB + "OUT/file", content=b"changed")],
    "a name that climbs in the middle": [Entry("a/b/" + _CLIMB + "OUT/new")],
    "an absolute name": [Entry("/OUT/new"), Entry("/OUT/file", content=b"changed")],
    "an absolute name with two slashes": [Entry("//OUT/new")],
    "a file through an absolute symbolic link": [Entry("way", SYMLINK, target="/OUT"), Entry("way/new")],
    "a file through a climbing symbolic link": [Entry("way", SYMLINK, target=_CLIMB + "OUT"), Entry("way/new")],
    "a file through two symbolic links": [
        Entry("up", SYMLINK, target=_CLIMB.rstrip("/")),
        Entry("way", SYMLINK, target="up/OUT"),
        Entry("way/new"),
    ],
    "a file at the place of a symbolic link": [
        Entry("way", SYMLINK, target="/OUT/file"),
        Entry("./way", content=b"changed"),
    ],
    "a directory at the place of a symbolic link": [
        Entry("way", SYMLINK, target="/OUT"),
        Entry("./way/", DIR, mode=0o777),
    ],
    "parents through a symbolic link": [Entry("way", SYMLINK, target="/OUT"), Entry("way/deep/er/new")],
    "a hard link to a file outside": [Entry("way", LINK, target="/OUT/file"), Entry("x/way", LINK, target="way")],
    "a hard link that climbs": [Entry("way", LINK, target=_CLIMB + "OUT/file")],
    "a hard link through a symbolic link": [
        Entry("way", SYMLINK, target="/OUT"),
        Entry("mine", LINK, target="way/file", mode=0o777, uid=7),
    ],
    "a hard link to a symbolic link": [
        Entry("way", SYMLINK, target="/OUT/file", mode=0o777),
        Entry("mine", LINK, target="way", mode=0o4777, uid=7),
        Entry("mine2", LINK, target="mine", mode=0o4777, uid=7, pax=xattr("user.x", b"1")),
    ],
    "the mode, owner and time of a symbolic link": [
        Entry("way", SYMLINK, target="/OUT/file", mode=0o4777, uid=7, mtime=5)
    ],
    "an attribute on a symbolic link": [Entry("way", SYMLINK, target="/OUT/file", pax=xattr("trusted.x", b"1"))],
    "an opaque directory outside": [Entry("way", SYMLINK, target="/OUT"), Entry("way/.wh..wh..opq")],
    "an opaque directory above the root": [Entry(_CLIMB + "OUT/.wh..wh..opq")],
    "a whiteout outside": [Entry("way", SYMLINK, target="/OUT"), Entry("way/.wh.file"), Entry("/OUT/.wh.file")],
    "a whiteout of the directory itself": [Entry("a/.wh..", mode=0)],
    "a whiteout of the directory above": [Entry("a/.wh...", mode=0)],
    "a whiteout with no name": [Entry("a/.wh.", mode=0)],
    "a root that is a symbolic link": [Entry("/", SYMLINK, target="/OUT"), Entry("new")],
    "a root that is a file": [Entry("/", content=b"x"), Entry("new")],
    "a root above the root": [Entry("..", DIR, mode=0o777, uid=7), Entry("../..", DIR, mode=0o777, uid=7)],
    "times of directories through a link": [
        Entry("a/way/", DIR, mtime=5),
        Entry("a", SYMLINK, target="/OUT"),
    ],
    "the socket of a machine": [Entry("OUT/file", CHAR, device=(1, 1)), Entry("disk", BLOCK, device=(8, 0))],
    "names that loop": [
        Entry("a", SYMLINK, target="b"),
        Entry("b", SYMLINK, target="a"),
        Entry("a/new"),
    ],
    "a name that is too long": [Entry("x" * 300)],
    "a path that is too long": [Entry("d/" * 3000 + "new")],
}


def _aimed(entry: Entry, outside: str) -> Entry:
    aim = outside.lstrip("/")
    return Entry(
        entry.name.replace("OUT", aim),
        entry.kind,
        entry.content,
        entry.mode,
        entry.uid,
        entry.gid,
        entry.mtime,
        entry.target.replace("OUT", aim),
        entry.device,
        entry.pax,
    )


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    directory = tmp_path / "outside"
    directory.mkdir()
    (directory / "file").write_text("as it was")
    (directory / "sub").mkdir()
    return directory


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_outside_changes(staging: str, outside: Path, attack: str) -> None:
    archive = make_tar([_aimed(entry, str(outside)) for entry in ATTACKS[attack]])
    before = snapshot(str(outside)), _attributes(outside), os.listdir(outside.parent)
    try:
        unpack_one(staging, archive)
    except DataError as error:
        assert error.code in ("unsafe_layer", "corrupt_layer"), str(error)
    assert (snapshot(str(outside)), _attributes(outside), os.listdir(outside.parent)) == before
    assert sorted(os.listdir(staging)) == ["layer", "layer.tar-split.gz"]


def _attributes(outside: Path) -> list[list[str]]:
    return [os.listxattr(path) for path in (outside, outside / "file")]


def test_a_device_of_a_layer_cannot_be_opened_while_it_is_unpacked(staging: str) -> None:
    """The node is made, for the layer asks for it, and is a way to the machine only for whoever mounts it with devices."""
    archive = make_tar(
        [Entry("mem", CHAR, device=(1, 1)), Entry("copy", LINK, target="mem"), Entry("mem-as-file/../copy2")]
    )
    layer = unpack_one(staging, archive)
    assert stat.S_ISCHR(os.lstat(f"{layer.tree}/mem").st_mode)
    assert stat.S_ISREG(os.lstat(f"{layer.tree}/copy2").st_mode)


def test_a_fifo_in_the_way_does_not_block(staging: str) -> None:
    archive = make_tar(
        [Entry("a/fifo", tarfile.FIFOTYPE), Entry("b", SYMLINK, target="a"), Entry("b/fifo", content=b"x")]
    )
    layer = unpack_one(staging, archive)
    assert stat.S_ISREG(os.lstat(f"{layer.tree}/a/fifo").st_mode)


def test_a_tree_deeper_than_any_path_is_removed_again_when_it_is_in_the_way(staging: str) -> None:
    """An archive gets deeper than a path may be long by way of its own symbolic links."""
    entries = []
    for number in range(30):
        entries.append(Entry(f"at{number}/" + "d/" * 200 + "file"))
        entries.append(Entry(f"at{number}/" + "d/" * 200 + "down", SYMLINK, target=f"/at{number + 1}"))
    entries.append(Entry("at0", content=b"a file now"))
    layer = unpack_one(staging, make_tar(entries))
    assert os.path.isfile(f"{layer.tree}/at0")


def test_a_bomb_takes_disk_space_and_no_memory(staging: str) -> None:
    size = 300_000_000
    layer = unpack_one(staging, gzip.compress(make_tar([Entry("zeros", content=bytes(size))]), 1))
    assert os.stat(f"{layer.tree}/zeros").st_size == size


@pytest.mark.parametrize(
    ("kind", "code"),
    [(b"S", "unsafe_layer"), (b"7", "unsafe_layer"), (b"Z", "unsafe_layer"), (b"D", "unsafe_layer")],
)
def test_types_that_storage_refuses_are_refused(staging: str, kind: bytes, code: str) -> None:
    with pytest.raises(DataError) as caught:
        unpack_one(staging, make_tar([Entry("file", kind)]))
    assert caught.value.code == code


def test_a_full_file_system_is_an_error_of_the_host(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    os.system(f"mount -t tmpfs -o size=1m none {small}")
    try:
        with pytest.raises(Exception) as caught:
            unpack_one(str(small), make_tar([Entry("file", content=bytes(range(256)) * 20_000)]))
        assert getattr(caught.value, "code", "") == "no_space", str(caught.value)
        # The child sees no more than the inside; who has to make room gets the whole path.
        assert str(caught.value).startswith(f"{small}/") and "bytes" in str(caught.value)
    finally:
        os.system(f"umount {small}")
