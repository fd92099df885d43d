# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where archives end, what tar-split makes of odd ones, and what a hostile one cannot do."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import StrataError
from ansible_collections.strata.containers.plugins.module_utils._layer.compression import CorruptLayer
from ansible_collections.strata.containers.plugins.module_utils._layer.tar_header import UnsafeLayer
from ansible_collections.strata.containers.plugins.module_utils._layer.tar_reader import TarReader
from ansible_collections.strata.containers.plugins.module_utils._layer.tar_split import (
    FileEntry,
    Segment,
    TarSplitWriter,
    read_tar_split,
)
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._layer.tar_bytes import (
    GNU,
    ZEROS,
    header,
    member,
    odd_archive,
    pax,
)
from hypothesis import given, settings
from hypothesis import strategies as st

FIXTURES = Path(__file__).parent / "data" / "podman-4.3.1"


def chunks_of(data: bytes, length: int) -> Iterator[bytes]:
    return (data[start : start + length] for start in range(0, len(data), length))


def names_in(data: bytes) -> list[bytes]:
    return [member.name for member in TarReader([data])]


def split_of(data: bytes, length: int = 1 << 20) -> list[bytes]:
    """The lines of tar-split, of an archive whose content nobody asked for."""
    lines: list[bytes] = []
    TarReader(chunks_of(data, length), TarSplitWriter(lines.append)).drain()
    return lines


def made_again(data: bytes) -> bytes:
    lines: list[bytes] = []
    contents: dict[bytes, bytes] = {}
    reader = TarReader([data], TarSplitWriter(lines.append))
    for entry in reader:
        contents[entry.name] = b"".join(reader.data())
    reader.drain()
    return b"".join(
        record.data if isinstance(record, Segment) else contents[record.name] for record in read_tar_split(lines)
    )


@pytest.mark.parametrize("length", [1 << 20, 512, 511, 1])
def test_tar_split_of_odd_members_is_what_podman_writes(length: int) -> None:
    archive = odd_archive()
    assert Digest.of(archive).hex == "bf04eb711b627d3da99bcb2dfb413b5155256a1427936f0f55345e8539fd7125"
    theirs = gzip.decompress((FIXTURES / "odd.tar-split.gz").read_bytes()).splitlines(keepends=True)
    # Versions before 2024 end with an empty segment.
    assert theirs.pop() == b'{"type":2,"payload":"","position":42}\n'
    assert split_of(archive, length) == theirs


def test_odd_archive_is_made_again_byte_for_byte() -> None:
    assert made_again(odd_archive()) == odd_archive()


def test_odd_members_are_read_as_podman_unpacked_them() -> None:
    reader = TarReader([odd_archive()])
    members = {entry.name: (entry, b"".join(reader.data())) for entry in reader}
    kinds = {entry.type for entry, _data in members.values()}
    assert kinds == {b"g", b"0", b"1", b"2", b"3", b"5", b"6"}
    assert members[b"olddir/"][0].type == b"5"
    assert members[b"oldfile"] == (members[b"oldfile"][0], b"v7")
    assert members[b"pre/fix/name"][1] == b"prefixed"
    assert members[b"gnu/" + b"g" * 130][1] == b"gnu"
    with_records = members[b"long/" + b"n" * 120][0]
    assert (with_records.uid, with_records.mtime_ns) == (1000, 1_700_000_000_123_456_789)
    assert with_records.xattrs == {b"user.key": b"v\0w"}
    assert (members[b"null"][0].devmajor, members[b"null"][0].devminor) == (1, 3)


# archive/tar, reader_test.go, TestReadTruncation: one member of 684 bytes, ten zero blocks, rubbish.
FILE = header(b"foo", size=684) + b"c" * 684 + bytes(340) + ZEROS * 10
RUBBISH = b"garbage " * 64


@pytest.mark.parametrize(
    ("data", "count"),
    [
        (b"", 0),
        (FILE[:1196], 1),
        (FILE[:1200], 1),
        (FILE[:1535], 1),
        (FILE[:1536], 1),
        (FILE[:2048], 1),
        (FILE[:2560], 1),
        (FILE[:2560] + RUBBISH[:1], 1),
        (FILE[:2560] + RUBBISH, 1),
        (FILE[:3072], 1),
        (pax((b"path", b"name")), 0),
        (pax((b"path", b"name"))[:-1], 0),
        (pax((b"path", b"name"), kind=b"g")[:-1], 1),
    ],
)
def test_archive_may_end_here(data: bytes, count: int) -> None:
    assert len(names_in(data)) == count
    assert made_again(data) == data


@pytest.mark.parametrize(
    "data",
    [
        FILE[:1],
        FILE[:511],
        FILE[:512],
        FILE[:1195],
        FILE[:1536] + RUBBISH[:1],
        FILE[:1536] + RUBBISH,
        FILE[:2048] + RUBBISH[:1],
        FILE[:2048] + RUBBISH,
        FILE[:2048] + ZEROS[:511],
        pax((b"path", b"name")) + RUBBISH[:1],
        pax((b"path", b"name"))[:513],
        member(b"x", b"abc", b"L", magic=GNU)[:514],
    ],
)
def test_archive_may_not_end_here(data: bytes) -> None:
    with pytest.raises(CorruptLayer):
        names_in(data)


def test_last_of_several_extended_headers_counts() -> None:
    archive = (
        pax((b"path", b"first"), (b"linkpath", b"lost"))
        + member(b"L", b"gnu1\0rest", b"L", magic=GNU)
        + member(b"L", b"gnu2", b"L", magic=GNU)
        + member(b"K", b"link1", b"K", magic=GNU)
        + pax((b"mtime", b"5"))
        + header(b"short", b"2", linkname=b"target")
    )
    (entry,) = TarReader([archive])
    assert (entry.name, entry.linkname, entry.mtime_ns) == (b"gnu2", b"link1", 5_000_000_000)


def test_global_header_takes_no_part_in_other_members() -> None:
    archive = (
        pax((b"path", b"lost"))
        + pax((b"path", b"global1"), (b"mtime", b"1500000000.0"), kind=b"g")
        + member(b"file1")
        + pax((b"path", b""), kind=b"g")
        + member(b"file2", b"data")
    )
    members = list(TarReader([archive]))
    assert [(entry.type, entry.name, entry.size) for entry in members] == [
        (b"g", b"global1", 0),
        (b"0", b"file1", 0),
        (b"g", b"././@PaxHeader", 0),
        (b"0", b"file2", 4),
    ]
    assert members[1].mtime_ns == 0
    assert made_again(archive) == archive


def test_link_with_a_size_has_no_content_and_none_is_recorded() -> None:
    archive = member(b"file", b"data") + header(b"hard", b"1", 4, linkname=b"file") + header(b"dir/", b"5", 9)
    assert made_again(archive + bytes(1024)) == archive + bytes(1024)
    entries = [record for record in read_tar_split(split_of(archive)) if isinstance(record, FileEntry)]
    assert [(entry.name, entry.size) for entry in entries] == [(b"file", 4), (b"hard", 0), (b"dir/", 0)]


def test_content_may_be_left_in_the_middle() -> None:
    archive = member(b"a", b"1" * 3000) + member(b"b", b"2" * 10)
    lines: list[bytes] = []
    reader = TarReader(chunks_of(archive, 700), TarSplitWriter(lines.append))
    for entry in reader:
        if entry.name == b"a":
            assert next(reader.data()) == b"1" * 188
    assert lines == split_of(archive)


def test_drain_reads_members_that_are_left() -> None:
    lines: list[bytes] = []
    reader = TarReader([odd_archive()], TarSplitWriter(lines.append))
    next(iter(reader))
    reader.drain()
    reader.drain()
    assert lines == split_of(odd_archive())
    assert list(reader) == []


@pytest.mark.parametrize("kind", [b"7", b"S", b"D", b"M", b"V", b"X", b"a", b"\xff"])
def test_error_names_the_member_and_its_type(kind: bytes) -> None:
    with pytest.raises(UnsafeLayer) as caught:
        names_in(member(b"odd\x1bname", kind=kind))
    assert caught.value.facts() == {
        "code": "unsafe_layer",
        "message": "members of this type are not supported",
        "object": "odd\\x1bname",
        "wanted": "",
        "found": repr(kind)[1:],
    }


@pytest.mark.parametrize(
    ("first", "second"),
    [(b"a", b"./a/"), (b"/a", b"//a"), (b"a/../b", b"b"), (b"", b"."), (b"../a", b"./../a"), (b"a\xff", b"a\xff/")],
)
def test_two_spellings_of_one_name_are_refused(first: bytes, second: bytes) -> None:
    with pytest.raises(UnsafeLayer, match="duplicates of file paths not supported"):
        names_in(member(first) + member(second))


@pytest.mark.parametrize(("first", "second"), [(b"a", b"/a"), (b"a", b"../a"), (b"a", b"A")])
def test_two_names_are_two_names(first: bytes, second: bytes) -> None:
    assert names_in(member(first) + member(second)) == [first, second]


def test_extended_header_of_more_than_a_mebibyte_is_refused_before_it_is_read() -> None:
    limit = 1 << 20
    with pytest.raises(CorruptLayer, match="too long"):
        names_in(header(b"x", b"x", limit + 1))
    assert names_in(member(b"L", b"n" * limit, b"L", magic=GNU) + member()) == [b"n" * limit]


def test_endless_extended_headers_take_no_endless_memory() -> None:
    def stream() -> Iterator[bytes]:
        block = member(b"L", b"n" * (1 << 20), b"L", magic=GNU)
        for _number in range(64):
            yield block
        yield member()

    segments: list[int] = []
    tracemalloc.start()
    try:
        TarReader(stream(), TarSplitWriter(lambda line: segments.append(len(line)))).drain()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(segments) > 64 << 20
    assert peak < 40 << 20


def test_segments_after_the_end_do_not_depend_on_the_chunks() -> None:
    archive = member() + bytes(1024) + b"r" * (3 << 20)
    assert split_of(archive, 1000) == split_of(archive, 1 << 30)
    lengths = [len(record.data) for record in read_tar_split(split_of(archive)) if isinstance(record, Segment)]
    assert lengths == [512, 1024, 1 << 20, 1 << 20, 1 << 20]


BLOCKS = st.one_of(
    st.builds(
        member,
        st.sampled_from([b"a", b"b", b"c/d", b"./a", b"\xff"]),
        st.binary(max_size=600),
        st.sampled_from([b"0", b"\0", b"g", b"x", b"L", b"K", b"S"]),
        magic=st.sampled_from([b"ustar\x0000", GNU, bytes(8)]),
    ),
    st.builds(header, st.sampled_from([b"e", b"f/"]), st.sampled_from([b"1", b"2", b"5", b"6"]), st.integers(0, 600)),
    st.builds(pax, st.tuples(st.sampled_from([b"path", b"size", b"uid", b"mtime"]), st.binary(max_size=8))),
    st.just(ZEROS),
    st.binary(max_size=600),
)


@settings(max_examples=200)
@given(st.lists(BLOCKS, max_size=7).map(b"".join), st.integers(1, 1500))
def test_any_archive_is_made_again_or_refused_whatever_its_chunks(data: bytes, length: int) -> None:
    try:
        again = made_again(data)
    except StrataError as error:
        assert error.code in ("corrupt_layer", "unsafe_layer")
        with pytest.raises(type(error)):
            split_of(data, length)
    else:
        assert again == data
        assert split_of(data, length) == split_of(data)
