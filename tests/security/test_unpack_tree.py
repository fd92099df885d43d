# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One layer at a time, with every odd entry: what we unpack is what containers/storage unpacks, and fails where it fails."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Union

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import DataError
from ansible_collections.strata.containers.plugins.module_utils._layer.tar_split import FileEntry, read_tar_split
from lab.commands import CommandFailed, run
from lab.odd_images import CAPABILITY, PLAIN, Entry, ImageLayout, make_tar, odd_layers, xattr
from lab.stores import Store
from lab.trees import describe_tree, differences
from security.unpacking import Layer, unpack_one

# user::rwx, user:7:rwx, group::r-x, mask::r--, other::--- (linux/posix_acl_xattr.h).
DEFAULT_ACCESS_LIST = xattr(
    "system.posix_acl_default",
    bytes.fromhex("0200000001000700ffffffff020007000700000004000500ffffffff10000400ffffffff20000000ffffffff"),
)

DIR, LINK, SYMLINK, FIFO = tarfile.DIRTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.FIFOTYPE
CHAR, BLOCK = tarfile.CHRTYPE, tarfile.BLKTYPE


def _global_header(entries: list[Entry]) -> bytes:
    """An archive as git makes it: a record for all members comes first."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "0" * 40}):
        pass
    head = buffer.getvalue()[:1536].rstrip(b"\0")
    return head + bytes(-len(head) % 512) + make_tar(entries)


def _with_header(data: bytes, offset: int, field: bytes) -> bytes:
    """``data`` with other bytes in its first header, whose checksum is made right again."""
    header = bytearray(data[:512])
    header[offset : offset + len(field)] = field
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + data[512:]


ARCHIVES: dict[str, Union[list[Entry], bytes]] = {
    # The root.
    "dot-slash root": [Entry("./", DIR, mode=0o700, uid=3), Entry("./file")],
    "dot root": [Entry(".", DIR, mode=0o700, uid=3), Entry("file")],
    "slash root": [Entry("/", DIR, mode=0o2751, uid=3, gid=4), Entry("file")],
    "root above the root": [Entry("..", DIR, mode=0o711, uid=3), Entry("file")],
    "root by a detour": [Entry("a/..", DIR, mode=0o711, uid=3), Entry("file")],
    "root is a file": [Entry("/", content=b"x")],
    "dot root is a file": [Entry(".", content=b"x"), Entry("file")],
    # Names.
    "climbing name": [Entry("../../climbed/file", content=b"x")],
    "absolute name": [Entry("/absolute/file", content=b"x")],
    "dots in the middle": [Entry("a/./b/../c/file", content=b"x")],
    "name with backslash and newline": [Entry("a\\b\nc", content=b"x")],
    "name that is no text": [Entry(b"\xff\xfe".decode("utf-8", "surrogateescape"), content=b"x")],
    "same name twice": [Entry("a", content=b"1"), Entry("a", content=b"2")],
    "same name in two spellings": [Entry("a", content=b"1"), Entry("./a", content=b"2")],
    "name too long": [Entry("x" * 256)],
    # Parents.
    "implicit parents below setgid": [Entry("s/", DIR, mode=0o2775, gid=8), Entry("s/a/b/file", gid=9)],
    "parent is a symbolic link": [Entry("d/", DIR), Entry("l", SYMLINK, target="d"), Entry("l/file", content=b"x")],
    "new parents below a symbolic link": [Entry("d/", DIR), Entry("l", SYMLINK, target="/d"), Entry("l/a/b/file")],
    "parent is a dangling symbolic link": [Entry("l", SYMLINK, target="nowhere"), Entry("l/file")],
    "grandparent is a dangling symbolic link": [Entry("l", SYMLINK, target="nowhere"), Entry("l/a/file")],
    "parent is a loop": [Entry("l", SYMLINK, target="l"), Entry("l/file")],
    "parent is a file": [Entry("f", content=b"x"), Entry("f/file")],
    "grandparent is a file": [Entry("f", content=b"x"), Entry("f/a/file")],
    "parent has no rights": [Entry("d/", DIR, mode=0), Entry("d/file", content=b"x")],
    # One in the place of another.
    "file over implicit directory": [Entry("a/b/c", content=b"x"), Entry("a", content=b"now a file")],
    "link over implicit directory": [Entry("a/b/c", content=b"x"), Entry("a", SYMLINK, target="b")],
    "file over directory with entries": [Entry("a/b/", DIR, mtime=5), Entry("a", content=b"now a file")],
    "file over directory with an opaque one": [Entry("a/b/.wh..wh..opq"), Entry("a", content=b"now a file")],
    "directory made again after its removal": [
        Entry("a/b/.wh..wh..opq"),
        Entry("l", SYMLINK, target="."),
        Entry("a", content=b"now a file"),
        Entry("l/a/", DIR),
        Entry("a/b/c"),
    ],
    "directory over file by another name": [
        Entry("l", SYMLINK, target="."),
        Entry("a"),
        Entry("l/a/", DIR, mode=0o711),
    ],
    "directory over symbolic link by another name": [
        Entry("l", SYMLINK, target="."),
        Entry("a", SYMLINK, target="l"),
        Entry("l/a/", DIR, mode=0o711),
    ],
    "directory over directory by another name": [
        Entry("l", SYMLINK, target="."),
        Entry("a/", DIR, mode=0o700, mtime=10),
        Entry("a/file"),
        Entry("l/a/", DIR, mode=0o711, mtime=20, uid=5),
    ],
    "hard link over file by another name": [
        Entry("l", SYMLINK, target="."),
        Entry("a", content=b"a"),
        Entry("b", content=b"b"),
        Entry("l/a", LINK, target="b"),
    ],
    "fifo over file by another name": [Entry("l", SYMLINK, target="."), Entry("a"), Entry("l/a", FIFO)],
    # Whiteouts.
    "whiteout": [Entry("d/.wh.gone", uid=5, gid=6)],
    "whiteout of a directory type": [Entry("d/.wh.gone/", DIR, uid=5)],
    "whiteout with content": [Entry("d/.wh.gone", content=b"content")],
    "whiteout, then below it": [Entry(".wh.d"), Entry("d/.wh.x")],
    "whiteout, then far below it": [Entry(".wh.d"), Entry("d/e/.wh.x")],
    "whiteout, then a file below it": [Entry(".wh.d"), Entry("d/x")],
    "whiteout, then a file in its place": [Entry(".wh.f"), Entry("f", content=b"x")],
    "whiteout, then a directory in its place": [Entry(".wh.f"), Entry("f/", DIR)],
    "file, then its whiteout": [Entry("f", content=b"x"), Entry(".wh.f")],
    "whiteout without a name": [Entry("d/.wh.")],
    "whiteout of dot": [Entry("d/.wh..")],
    "whiteout of dot-dot": [Entry("d/.wh...")],
    "aufs link directory": [Entry(".wh..wh.plnk/", DIR), Entry(".wh..wh.plnk/1.2", content=b"x")],
    "aufs other": [Entry(".wh..wh.aufs")],
    "opaque": [Entry("d/", DIR, uid=3, mtime=5), Entry("d/.wh..wh..opq"), Entry("d/new")],
    "opaque first": [Entry("d/.wh..wh..opq"), Entry("d/", DIR, mode=0o700, uid=7), Entry("d/new")],
    "opaque at the root": [Entry(".wh..wh..opq"), Entry("new")],
    "opaque below a directory of another owner": [
        Entry("a/", DIR, mode=0o700, uid=7, gid=7),
        Entry("a/b/", DIR, mode=0o700, uid=8, gid=8),
        Entry("a/b/.wh..wh..opq"),
    ],
    "opaque through a symbolic link": [Entry("d/", DIR), Entry("l", SYMLINK, target="/d"), Entry("l/.wh..wh..opq")],
    "opaque on a whiteout": [Entry(".wh.d"), Entry("d/.wh..wh..opq")],
    "opaque with one dot": [Entry("d/.wh..opq")],
    # Hard links.
    "hard link": [
        Entry("f", content=b"x", mode=0o600, uid=1),
        Entry("h", LINK, target="f", mode=0o4755, uid=2, mtime=7),
    ],
    "hard link to an absolute name": [Entry("d/f", content=b"x"), Entry("h", LINK, target="/d/f", mode=0o644)],
    "hard link to a climbing name": [Entry("d/f", content=b"x"), Entry("h", LINK, target="../../d/f", mode=0o644)],
    "hard link into another directory": [Entry("a/f", content=b"x"), Entry("b/c/h", LINK, target="a/f", mode=0o640)],
    "hard link to nothing": [Entry("h", LINK, target="absent")],
    "hard link to a later file": [Entry("h", LINK, target="f"), Entry("f")],
    "hard link to itself": [Entry("h", LINK, target="h")],
    "hard link to a directory": [Entry("d/", DIR), Entry("h", LINK, target="d")],
    "hard link to a symbolic link": [
        Entry("s", SYMLINK, target="f", mode=0o777, mtime=5),
        Entry("h", LINK, target="s", mode=0o600, uid=9, mtime=7),
    ],
    "hard link through a symbolic link": [
        Entry("d/f", content=b"x"),
        Entry("s", SYMLINK, target="d"),
        Entry("h", LINK, target="s/f", mode=0o600),
    ],
    "hard link to a fifo": [Entry("p", FIFO, mode=0o644), Entry("h", LINK, target="p", mode=0o600)],
    "hard link with a size": _with_header(make_tar([Entry("h", LINK, target="absent")]), 124, b"00000000012\0"),
    # Other types.
    "symbolic link without a target": [Entry("s", SYMLINK, target="")],
    "symbolic link with attributes": [Entry("s", SYMLINK, target="x", uid=5, gid=6, mtime=7)],
    "devices": [
        Entry("c", CHAR, device=(1, 3), mode=0o666),
        Entry("b", BLOCK, device=(259, 300), gid=6),
        Entry("p", FIFO),
    ],
    "a device of a whiteout": [Entry("c", CHAR, device=(0, 0), mode=0o640, uid=3)],
    "contiguous file": [Entry("f", b"7")],
    "sparse file of old GNU": [Entry("f", b"S")],
    "unknown type": [Entry("f", b"Z")],
    "global header": _global_header([Entry("file", content=b"x", uid=5, gid=6)]),
    # Modes and owners.
    "special bits": [
        Entry("u", mode=0o4755, uid=7, gid=8, content=b"x"),
        Entry("g", mode=0o2755, uid=7, gid=8),
        Entry("t/", DIR, mode=0o1777, uid=7),
        Entry("s/", DIR, mode=0o6755, gid=8),
        Entry("s/in/", DIR, mode=0o700),
        Entry("n", mode=0),
    ],
    "each mode twice": [
        Entry(f"{mode:o} {number}", mode=mode, content=b"x")
        for mode in (0, 0o1, 0o444, 0o600, 0o644, 0o664, 0o666, 0o755, 0o777, 0o1644, 0o2755, 0o4755, 0o6777)
        for number in (1, 2)
    ],
    "files below setgid": [Entry("d/", DIR, mode=0o2755, gid=8), Entry("d/a"), Entry("d/b"), Entry("d/c", gid=8)],
    "setgid that comes between files": [
        Entry("l", SYMLINK, target="."),
        Entry("d/a"),
        Entry("l/d/", DIR, mode=0o2755, gid=8),
        Entry("d/b"),
        Entry("d/c"),
    ],
    "setgid directory in place of another": [
        Entry("l", SYMLINK, target="."),
        Entry("d/a"),
        Entry("l/d", content=b"a file"),
        Entry("../d/", DIR, mode=0o2755, gid=8),
        Entry("d/b"),
    ],
    "files below a default access list": [
        Entry("d/", DIR, pax=DEFAULT_ACCESS_LIST),
        *(Entry(f"d/{mode:o} {number}", mode=mode) for mode in (0o755, 0o644, 0o640, 0o600) for number in (1, 2)),
        Entry("d/in/a"),
        Entry("d/in/b"),
    ],
    "default access list that comes between files": [
        Entry("l", SYMLINK, target="."),
        Entry("d/a"),
        Entry("l/d/", DIR, pax=DEFAULT_ACCESS_LIST),
        Entry("d/b"),
        Entry("d/c"),
    ],
    "large owners": [Entry("f", uid=4_000_000_000, gid=3_000_000)],
    # Times.
    "times": [
        Entry("ns", pax={"mtime": "1600000000.123456789"}),
        Entry("atime", pax={"mtime": "1600000000", "atime": "1700000000.5"}),
        Entry("early-atime", pax={"mtime": "1600000000", "atime": "5"}),
        Entry("negative", pax={"mtime": "-5.25"}),
        Entry("zero", mtime=0),
        Entry("far", pax={"mtime": "9000000000"}),
        Entry("beyond", pax={"mtime": "99999999999"}),
        Entry("d/", DIR, pax={"mtime": "1600000000.5", "atime": "1500000000"}),
        Entry("d/in"),
        Entry("dn/", DIR, pax={"mtime": "-5"}),
        Entry("l", SYMLINK, target="x", pax={"mtime": "1600000000.25"}),
        Entry("ln", SYMLINK, target="x", pax={"mtime": "-100.5"}),
        Entry("lb", SYMLINK, target="x", pax={"mtime": "99999999999"}),
    ],
    # Attributes.
    "attributes": [
        Entry("f", pax=xattr("user.a", b"1") | xattr("user.empty", b"") | xattr("user.bytes", b"\xff\x00\n=")),
        Entry("d/", DIR, pax=xattr("user.d", b"1")),
        Entry("cap", mode=0o755, uid=5, pax=xattr("security.capability", CAPABILITY)),
        Entry("ignored", pax={"LIBARCHIVE.xattr.user.a": "MQ=="}),
        Entry("selinux", pax=xattr("security.selinux", b"system_u:object_r:etc_t:s0\0")),
        Entry("unknown", pax=xattr("nonsense.a", b"1")),
    ],
    "trusted attributes": [
        Entry("d/", DIR, mode=0o700, uid=7, pax=xattr("trusted.overlay.opaque", b"y")),
        Entry("f", pax=xattr("trusted.overlay.metacopy", b"") | xattr("trusted.any", b"1")),
        Entry("s", SYMLINK, target="f", pax=xattr("trusted.link", b"1")),
        Entry("h", LINK, target="f", pax=xattr("trusted.hard", b"2")),
    ],
    "access control list": [
        Entry(
            "f",
            pax=xattr(
                "system.posix_acl_access",
                bytes.fromhex(
                    "0200000001000600ffffffff020004000700000004000400ffffffff10000600ffffffff20000400ffffffff"
                ),
            ),
        ),
    ],
    "user attribute on a symbolic link": [Entry("s", SYMLINK, target="f", pax=xattr("user.a", b"1"))],
    "other security attribute": [Entry("f", pax=xattr("security.strata", b"1"))],
    "malformed capability": [Entry("f", pax=xattr("security.capability", b"short"))],
    # Ends.
    "empty archive": bytes(1024),
    "no bytes": b"",
    "no zero blocks": make_tar([Entry("f", content=b"x" * 512)])[:1024],
    "rubbish after the end": make_tar([Entry("f", content=b"x")]) + b"rubbish" * 1000,
    "cut off in a file": make_tar([Entry("f", content=b"x" * 5000)])[:3000],
    "cut off in a header": make_tar([Entry("f", content=b"x" * 512)])[:1200],
    "wrong checksum": make_tar([Entry("f")]).replace(b"ustar", b"ustaR", 1),
    **{f"odd image, layer {number}": blob for number, (blob, _kind) in enumerate(odd_layers())},
}

# Where we refuse what containers/storage takes, and why.
STRICTER: dict[str, str] = {}


@pytest.fixture(scope="module")
def judge(
    tmp_path_factory: pytest.TempPathFactory, judges: None
) -> Iterator[Callable[[str, bytes], tuple[Store, dict[str, Any]]]]:
    """Has containers/storage unpack a blob into a store of its own: the store, and the record of the layer."""
    base = tmp_path_factory.mktemp("judge")
    stores: list[Store] = []

    def unpack(name: str, blob: bytes) -> tuple[Store, dict[str, Any]]:
        number = len(stores)
        layout = ImageLayout(str(base / f"layout{number}"))
        layout.add_image("image", [(blob, PLAIN)])
        store = Store(str(base / f"store{number}"))
        stores.append(store)
        run(
            [
                "skopeo",
                "--insecure-policy",
                "copy",
                "-q",
                f"oci:{layout.directory}:image",
                f"{store.bracket}localhost/image:1",
            ]
        )
        with open(f"{store.root}/overlay-layers/layers.json", encoding="utf-8") as stream:
            (record,) = json.load(stream)
        return store, record

    yield unpack
    for store in stores:
        store.destroy()


@pytest.fixture
def staging(tmp_path: Path) -> str:
    path = tmp_path / "staging"
    path.mkdir()
    return str(path)


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_layer_becomes_what_containers_storage_makes_of_it(
    judge: Callable[[str, bytes], tuple[Store, dict[str, Any]]], staging: str, name: str
) -> None:
    archive = ARCHIVES[name]
    blob = archive if isinstance(archive, bytes) else make_tar(archive)
    start = time.time_ns() - 1_000_000_000
    try:
        store, record = judge(name, blob)
    except CommandFailed as refused:
        with pytest.raises(DataError):
            unpack_one(staging, blob)
        assert "panic" not in str(refused)
        return
    ours = unpack_one(staging, blob)
    theirs_tree = f"{store.root}/overlay/{record['id']}/diff"
    assert differences(_described(theirs_tree, ours, start), _described(ours.tree, ours, start)) == []
    assert _recorded(ours) == {key: record.get(key, _ABSENT[key]) for key in _ABSENT}
    assert _split(ours.tar_split) == _split(f"{store.root}/overlay-layers/{record['id']}.tar-split.gz")


# What a record says that leaves a key out.
_ABSENT: dict[str, Any] = {"diff-digest": "", "diff-size": 0, "compression": 0, "uidset": [], "gidset": []}


def _recorded(layer: Layer) -> dict[str, Any]:
    facts = layer.facts
    return {
        "diff-digest": str(facts.diff_id),
        "diff-size": facts.diff_size,
        "compression": facts.compression,
        "uidset": list(facts.uids),
        "gidset": list(facts.gids),
    }


def _described(tree: str, ours: Layer, start: int) -> dict[str, dict[str, Any]]:
    """The tree; times of what was made on the way are called by that name, and the root's own are the store's matter."""
    entries = describe_tree(tree)
    for path, entry in entries.items():
        if entry["mtime_ns"] >= start:
            entry["mtime_ns"] = "the time of unpacking"
        atime = os.lstat(os.path.join(os.fsencode(tree), os.fsencode(path))).st_atime_ns
        entry["atime_ns"] = atime if atime < start else "the time of unpacking"
    if not ours.facts.root_attributes:
        for key in ("mode", "mtime_ns", "atime_ns"):
            entries["."].pop(key)
    return entries


def _split(path: str) -> list[Any]:
    """The records of tar-split data; neighbouring segments are one, and how they are cut is nobody's business."""
    records: list[Any] = []
    with gzip.open(path) as stream:
        for record in read_tar_split(iter([stream.read()])):
            if isinstance(record, FileEntry):
                records.append((record.name, record.size, record.crc))
            elif records and isinstance(records[-1], bytes):
                records[-1] += record.data
            else:
                records.append(record.data)
    return [record for record in records if record != b""]
