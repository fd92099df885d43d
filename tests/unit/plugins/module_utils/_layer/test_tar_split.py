# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gzip
import random

import pytest
from ansible_collections.strata.containers.plugins.module_utils._layer.tar_split import (
    DamagedTarSplit,
    FileEntry,
    GzipWriter,
    Segment,
    TarSplitWriter,
    read_tar_split,
)
from hypothesis import given
from hypothesis import strategies as st

CRC = bytes.fromhex("615ab2ddb0000000")


# Lines that podman wrote.
@pytest.mark.parametrize(
    ("name", "size", "crc", "line"),
    [
        (b"opq/new", 4, CRC, rb'{"type":1,"name":"opq/new","size":4,"payload":"YVqy3bAAAAA=","position":0}'),
        (b"./etc/", 0, None, rb'{"type":1,"name":"./etc/","payload":null,"position":0}'),
        (
            b"etc/a<b>&c.txt",
            700,
            bytes.fromhex("a36c5e1fedf6b843"),
            rb'{"type":1,"name":"etc/a\u003cb\u003e\u0026c.txt","size":700,"payload":"o2xeH+32uEM=","position":0}',
        ),
        (b"caf\xe9", 0, None, rb'{"type":1,"name_raw":"Y2Fm6Q==","payload":null,"position":0}'),
        ("日本".encode(), 0, None, '{"type":1,"name":"日本","payload":null,"position":0}'.encode()),
        (b"", 0, None, rb'{"type":1,"payload":null,"position":0}'),
        (b't\tq"b\\s\x01', 0, None, rb'{"type":1,"name":"t\tq\"b\\s\u0001","payload":null,"position":0}'),
        (b"del\x7f", 0, None, b'{"type":1,"name":"del\x7f","payload":null,"position":0}'),
        ("a\u2028b".encode(), 0, None, rb'{"type":1,"name":"a\u2028b","payload":null,"position":0}'),
    ],
)
def test_file_entry_is_written_as_go_writes_it(name: bytes, size: int, crc: bytes | None, line: bytes) -> None:
    lines: list[bytes] = []
    TarSplitWriter(lines.append).file(name, size, crc)
    assert b"".join(lines) == line + b"\n"
    assert list(read_tar_split(lines)) == [FileEntry(name, size, crc)]


def test_positions_count_every_record() -> None:
    lines: list[bytes] = []
    writer = TarSplitWriter(lines.append)
    writer.segment(b"abc")
    writer.file(b"a", 0, None)
    writer.segment(b"")
    assert b"".join(lines).splitlines() == [
        b'{"type":2,"payload":"YWJj","position":0}',
        b'{"type":1,"name":"a","payload":null,"position":1}',
        b'{"type":2,"payload":"","position":2}',
    ]


NAMES = st.one_of(st.binary(max_size=20), st.text(max_size=20).map(lambda text: text.encode("utf-8", "replace")))
ENTRIES = st.one_of(
    st.builds(FileEntry, NAMES, st.just(0), st.none()),
    st.builds(FileEntry, NAMES, st.integers(1, 1 << 62), st.binary(min_size=8, max_size=8)),
)


@given(
    st.lists(st.one_of(st.builds(Segment, st.binary(max_size=50)), ENTRIES), max_size=6),
    st.integers(1, 60),
)
def test_records_are_read_as_they_were_written(records: list[Segment | FileEntry], length: int) -> None:
    lines: list[bytes] = []
    writer = TarSplitWriter(lines.append)
    for record in records:
        if isinstance(record, Segment):
            writer.segment(record.data)
        else:
            writer.file(record.name, record.size, record.crc)
    text = b"".join(lines)
    read: list[Segment | FileEntry] = []
    try:
        read.extend(read_tar_split(text[start : start + length] for start in range(0, len(text), length)))
    except DamagedTarSplit as error:
        assert "duplicates" in str(error)
    assert records[: len(read)] == read


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b'{"type":2,"payload":"YWJj","position":0}', "ends in the middle"),
        (b'{"type":2,"payload":"YWJj"\n', "cannot be read"),
        (b"\n", "cannot be read"),
        (b"[]\n", "cannot be read"),
        (b'{"type":2,"payload":"?","position":0}\n', "cannot be read"),
        (b'{"type":2,"payload":5,"position":0}\n', "cannot be read"),
        (b'{"payload":"","position":0}\n', "cannot be read"),
        (b'{"type":3,"payload":"","position":0}\n', "unknown type"),
        (b'{"type":1,"name":5,"payload":null}\n', "cannot be read"),
        (b'{"type":1,"name":"a","size":-1,"payload":null}\n', "cannot be read"),
        (b'{"type":1,"name":"a","size":"1","payload":null}\n', "cannot be read"),
        (b'{"type":1,"name":"a","size":1,"payload":null}\n', "cannot be read"),
        (b'{"type":1,"name":"a","size":1,"payload":"YWJj"}\n', "cannot be read"),
        (b'{"type":1,"name_raw":"?","payload":null}\n', "cannot be read"),
        (b'{"type":1,"name":"\\ud800","payload":null}\n', "cannot be read"),
        (b"[" * 100_000 + b"\n", "cannot be read"),
        (b'{"type":1,"name":"a","payload":null}\n{"type":1,"name":"./a/","payload":null}\n', "duplicates"),
    ],
)
def test_damaged_records_are_told(text: bytes, why: str) -> None:
    with pytest.raises(DamagedTarSplit, match=why) as caught:
        list(read_tar_split([text]))
    assert caught.value.code == "store_damaged"


@pytest.mark.parametrize("accelerated", [True, False])
def test_compressed_text_is_what_was_written(accelerated: bool) -> None:
    pieces: list[bytes] = []
    writer = GzipWriter(pieces.append, accelerated=accelerated)
    lines = [b"line %d\n" % number for number in range(20_000)]
    for line in lines:
        writer.write(line)
    writer.close()
    data = b"".join(pieces)
    assert data[:3] == b"\x1f\x8b\x08"
    assert gzip.decompress(data) == b"".join(lines)


def test_compressed_text_is_not_kept_to_the_end() -> None:
    pieces: list[bytes] = []
    writer = GzipWriter(pieces.append)
    for _number in range(64):
        writer.write(random.randbytes(10_000))
    assert sum(map(len, pieces)) > 400_000
