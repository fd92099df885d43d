# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._layer.compression import CorruptLayer
from ansible_collections.strata.containers.plugins.module_utils._layer.tar_header import TarMember, UnsafeLayer
from ansible_collections.strata.containers.plugins.module_utils._layer.tar_reader import TarReader
from ansible_collections.strata.containers.plugins.module_utils._layer.tar_split import (
    FileEntry,
    Segment,
    TarSplitWriter,
    read_tar_split,
)
from hypothesis import given, settings
from hypothesis import strategies as st

# A layer and the tar-split data that podman 4.3.1 wrote for it; the README beside them has the commands.
FIXTURES = Path(__file__).parent.parent / "_storage" / "data" / "podman-4.3.1"


def _chunks(data: bytes, length: int = 700) -> Iterator[bytes]:
    for start in range(0, len(data), length):
        yield data[start : start + length]


def _make(members: list[tuple[tarfile.TarInfo, bytes]], form: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def _info(name: str, **fields: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for key, value in fields.items():
        setattr(info, key, value)
    return info


def _read(data: bytes, length: int = 700) -> list[tuple[TarMember, bytes]]:
    reader = TarReader(_chunks(data, length))
    return [(member, b"".join(reader.data())) for member in reader]


def _split(data: bytes) -> bytes:
    lines: list[bytes] = []
    reader = TarReader(_chunks(data), TarSplitWriter(lines.append))
    for _member in reader:
        pass
    reader.drain()
    return b"".join(lines)


def _rebuild(split: bytes, contents: dict[bytes, bytes]) -> bytes:
    pieces = []
    for record in read_tar_split([split]):
        if isinstance(record, Segment):
            pieces.append(record.data)
        elif record.size:
            pieces.append(contents[record.name])
    return b"".join(pieces)


def test_tar_split_is_what_podman_writes() -> None:
    (written,) = FIXTURES.glob("*.tar-split.gz")
    theirs = gzip.decompress(written.read_bytes()).splitlines()
    ours = _split(gzip.decompress((FIXTURES / "base.gz").read_bytes())).splitlines()
    # Old versions end with an empty segment, newer ones do not.
    assert theirs.pop().startswith(b'{"type":2,"payload":""')
    assert ours == theirs


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_each_format_is_read(form: int) -> None:
    long = "d" * 90 + "/" + "f" * 90
    members = [
        (_info("dir/", type=tarfile.DIRTYPE, mode=0o2755, uid=1, gid=2, mtime=7), b""),
        (_info("dir/file", mode=0o4711, uid=1000, gid=1001, mtime=1_600_000_000), b"content"),
        (_info(long, mtime=3), b"x" * 1500),
        (_info("link", type=tarfile.SYMTYPE, linkname="dir/file"), b""),
        (_info("hard", type=tarfile.LNKTYPE, linkname="dir/file"), b""),
        (_info("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3), b""),
    ]
    read = _read(_make(members, form))
    assert [member.name.rstrip(b"/").decode() for member, _content in read] == [
        info.name.rstrip("/") for info, _content in members
    ]
    for (info, content), (member, found) in zip(members, read):
        assert found == content
        assert (member.type, member.mode, member.uid, member.gid) == (info.type, info.mode, info.uid, info.gid)
        assert member.mtime_ns == info.mtime * 10**9
        assert member.linkname.decode() == info.linkname
        assert (member.devmajor, member.devminor) == (info.devmajor, info.devminor)


@pytest.mark.parametrize("length", [1, 511, 512, 513, 100_000])
def test_chunks_may_be_cut_anywhere(length: int) -> None:
    data = _make([(_info("a"), b"1" * 600), (_info("b"), b""), (_info("c"), b"3" * 512)])
    assert [(member.name, content) for member, content in _read(data, length)] == [
        (b"a", b"1" * 600),
        (b"b", b""),
        (b"c", b"3" * 512),
    ]


def test_pax_records_go_before_the_header() -> None:
    info = _info(
        "file",
        pax_headers={
            "mtime": "1600000000.123456789",
            "atime": "1600000001.5",
            "SCHILY.xattr.user.key": "value",
            "uid": "4000000",
        },
    )
    ((member, _content),) = _read(_make([(info, b"")]))
    assert member.mtime_ns == 1_600_000_000_123_456_789
    assert member.atime_ns == 1_600_000_001_500_000_000
    assert member.xattrs == {b"user.key": b"value"}
    assert member.uid == 4_000_000


def test_large_owners_are_read_in_base_256() -> None:
    ((member, _content),) = _read(_make([(_info("file", uid=3_000_000, gid=2_500_000), b"")], tarfile.GNU_FORMAT))
    assert (member.uid, member.gid) == (3_000_000, 2_500_000)


def test_an_empty_stream_is_an_empty_layer() -> None:
    assert _read(b"") == []
    assert _split(b"") == b""


def test_an_archive_without_zero_blocks_is_whole() -> None:
    data = _make([(_info("a"), b"1" * 512)])[:1024]
    assert [member.name for member, _content in _read(data)] == [b"a"]


@pytest.mark.parametrize("length", [100, 600, 1000])
def test_an_archive_that_ends_early_is_an_error(length: int) -> None:
    with pytest.raises(CorruptLayer, match="unexpected EOF"):
        _read(_make([(_info("a"), b"1" * 600)])[:length])


def test_a_wrong_checksum_is_an_error() -> None:
    data = bytearray(_make([(_info("a"), b"")]))
    data[0] ^= 1
    with pytest.raises(CorruptLayer, match="invalid tar header"):
        _read(bytes(data))


@pytest.mark.parametrize("kind", [b"S", b"7", b"V", b"Z"])
def test_a_type_that_storage_refuses_is_refused(kind: bytes) -> None:
    with pytest.raises(UnsafeLayer):
        _read(_make([(_info("a", type=kind), b"")]))


def test_sparse_files_in_pax_form_are_refused() -> None:
    with pytest.raises(UnsafeLayer, match="sparse"):
        _read(_make([(_info("a", pax_headers={"GNU.sparse.major": "1"}), b"")]))


@pytest.mark.parametrize(("first", "second"), [("a", "a"), ("a", "./a"), ("a/b", "a//b"), ("a/", "a/.")])
def test_a_name_that_stands_twice_is_refused(first: str, second: str) -> None:
    with pytest.raises(UnsafeLayer, match="duplicates"):
        _read(_make([(_info(first), b""), (_info(second), b"")]))


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=130)


@settings(max_examples=60)
@given(st.lists(st.tuples(NAMES, st.binary(max_size=1300)), max_size=5, unique_by=lambda entry: entry[0]), st.binary())
def test_an_archive_is_made_again_from_tar_split_byte_for_byte(entries: list[tuple[str, bytes]], tail: bytes) -> None:
    members = [(_info(f"d/{name}"), content) for name, content in entries if name not in (".", "..")]
    data = _make(members) + tail
    split = _split(data)
    contents = {
        record.name: content
        for record, content in zip(
            (record for record in read_tar_split([split]) if isinstance(record, FileEntry)),
            (content for _info_of, content in members),
        )
    }
    assert _rebuild(split, contents) == data
