# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compressed streams where libraries differ: hostile ones, odd ends, and what happens when a library is not there."""

from __future__ import annotations

import bz2
import gzip
import importlib.abc
import lzma
import random
import sys
import tracemalloc
import zlib
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import MissingLibraryError
from ansible_collections.strata.containers.plugins.module_utils._layer import compression
from ansible_collections.strata.containers.plugins.module_utils._layer.compression import (
    Compression,
    CorruptLayer,
    decompressed,
    preload,
    zstd_available,
)
from hypothesis import given, settings
from hypothesis import strategies as st

MEBIBYTE = 1 << 20
needs_zstd = pytest.mark.skipif(not zstd_available(), reason="no zstd library")

# Frames made by hand from RFC 8878, section 3.1.1: the magic, then a header that gives a window of 2^exponent KiB.
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def zstd_frame(blocks: bytes, exponent: int = 0) -> bytes:
    return ZSTD_MAGIC + b"\x00" + bytes([exponent << 3]) + blocks


def zstd_block(kind: int, size: int, content: bytes, last: bool) -> bytes:
    return (size << 3 | kind << 1 | last).to_bytes(3, "little") + content


RAW, RUN = 0, 1
HELLO = zstd_frame(zstd_block(RAW, 6, b"hello\n", True))


def skippable(data: bytes, kind: int = 0) -> bytes:
    return (0x184D2A50 + kind).to_bytes(4, "little") + len(data).to_bytes(4, "little") + data


def inflate(*chunks: bytes, accelerated: bool = True) -> bytes:
    return b"".join(decompressed(chunks, accelerated=accelerated)[1])


def outcome(data: bytes, length: int, accelerated: bool) -> bytes | None:
    """What a stream gives, or None where it is refused."""
    chunks = [data[start : start + length] for start in range(0, len(data), length)]
    try:
        return inflate(*chunks, accelerated=accelerated)
    except CorruptLayer as error:
        assert error.code == "corrupt_layer"
        return None


@needs_zstd
@pytest.mark.parametrize(
    "data",
    [
        HELLO,
        HELLO + zstd_frame(zstd_block(RAW, 0, b"", True)),
        # The end of a zstd:chunked layer: tables and a footer in skippable frames.
        HELLO + skippable(b"toc" * 5000) + skippable(b"", 15) + skippable(bytes(64)),
        HELLO + bytes(512),
        # pzstd writes the length of each frame into a skippable frame before it.
        skippable(b"size") + HELLO,
        skippable(b"", 15)
        + skippable(b"size")
        + HELLO
        + skippable(b"size")
        + zstd_frame(zstd_block(RAW, 0, b"", True)),
    ],
)
@pytest.mark.parametrize("length", [1, 5, 4096, 1 << 20])
def test_zstd_stream_ends_where_its_last_frame_ends(data: bytes, length: int) -> None:
    assert outcome(data, length, True) == b"hello\n"


@needs_zstd
@pytest.mark.parametrize(
    "data",
    [
        HELLO[:-1],
        HELLO[:5],
        HELLO + HELLO[:3],
        HELLO + HELLO[:-1],
        HELLO + skippable(b"table")[:-1],
        HELLO + skippable(b"table")[:6],
        HELLO + b"garbage",
        HELLO + bytes(100) + HELLO,
        zstd_frame(zstd_block(3, 6, b"hello\n", True)),
    ],
)
@pytest.mark.parametrize("length", [1, 4096])
def test_zstd_stream_that_is_cut_or_damaged_is_refused(data: bytes, length: int) -> None:
    assert outcome(data, length, True) is None


@needs_zstd
@pytest.mark.parametrize(("exponent", "accepted"), [(17, True), (18, False), (21, False)])
def test_zstd_window_is_at_most_128_mebibytes(exponent: int, accepted: bool) -> None:
    data = zstd_frame(zstd_block(RAW, 6, b"hello\n", True), exponent)
    assert outcome(data, 4096, True) == (b"hello\n" if accepted else None)


@needs_zstd
def test_zstd_bomb_comes_in_small_pieces_and_takes_bounded_memory() -> None:
    # 4 bytes for each 128 KiB: the highest ratio that the format has.
    bomb = zstd_frame(zstd_block(RUN, 128 * 1024, b"x", False) * 2000 + zstd_block(RAW, 0, b"", True), 7)
    total = 0
    tracemalloc.start()
    try:
        for piece in decompressed([bomb])[1]:
            assert len(piece) <= MEBIBYTE
            total += len(piece)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == 2000 * 128 * 1024
    assert peak < 300 * MEBIBYTE


@pytest.mark.parametrize("make", [bz2.compress, lzma.compress, gzip.compress])
def test_bomb_of_any_kind_comes_in_small_pieces(make: Any) -> None:
    pieces = [len(piece) for piece in decompressed([make(bytes(20 * MEBIBYTE))])[1]]
    assert max(pieces) <= MEBIBYTE
    assert sum(pieces) == 20 * MEBIBYTE


def test_plain_stream_comes_in_small_pieces_too() -> None:
    kind, pieces = decompressed([b"plain", bytes(3 * MEBIBYTE), b"", b"end"])
    lengths = [len(piece) for piece in pieces]
    assert kind is Compression.NONE
    assert max(lengths) <= MEBIBYTE
    assert sum(lengths) == 3 * MEBIBYTE + 8


def test_xz_may_not_ask_for_unbounded_memory() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 30}]
    data = bytearray(lzma.compress(b"hello", filters=[{"id": lzma.FILTER_LZMA2, "preset": 0}]))
    assert filters[0]["dict_size"] > 256 * MEBIBYTE
    # The dictionary size is a byte of the block header (xz file format, 5.3.1); its CRC-32 ends the header.
    header = data[12 : 12 + (data[12] + 1) * 4]
    header[4] = 36
    header[-4:] = zlib.crc32(bytes(header[:-4])).to_bytes(4, "little")
    data[12 : 12 + len(header)] = header
    with pytest.raises(CorruptLayer, match="xz stream is damaged"):
        inflate(bytes(data))


CONTENT = b"content" * 100


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        (b"\0", CONTENT),
        (bytes(1023), CONTENT),
        (gzip.compress(b"more"), CONTENT + b"more"),
        (b"\0\0garbage", None),
        (b"x", None),
        (b"\x1f", None),
        (b"\x1f\x8b\x08", None),
        (b"\0" + gzip.compress(b""), None),
    ],
    ids=["zero", "zeros", "member", "zeros-garbage", "garbage", "half-magic", "magic", "zero-member"],
)
@pytest.mark.parametrize("accelerated", [True, False])
@pytest.mark.parametrize("length", [1, 4, 1 << 20])
def test_what_may_follow_a_gzip_member(tail: bytes, expected: bytes | None, accelerated: bool, length: int) -> None:
    assert outcome(gzip.compress(CONTENT) + tail, length, accelerated) == expected


def deflated(data: bytes, level: int, members: int) -> bytes:
    size = max(1, -(-len(data) // members))
    parts = [data[start : start + size] for start in range(0, len(data), size)] or [b""]
    return b"".join(gzip.compress(part, level) for part in parts)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32), st.integers(0, 3_000_000), st.integers(0, 9), st.integers(1, 3), st.integers(500, 300_000)
)
def test_accelerated_gzip_is_the_same_gzip(seed: int, size: int, level: int, members: int, length: int) -> None:
    generator = random.Random(seed)
    # Half of it compresses well, half of it not at all.
    data = generator.randbytes(size // 2) + generator.choice([b"a", b"abc", b"\0" * 999]) * (size // 2)
    stream = deflated(data[:size], level, members)
    assert outcome(stream, length, True) == outcome(stream, length, False) == data[:size]


@settings(max_examples=150, deadline=None)
@given(st.binary(min_size=1, max_size=2000), st.data())
def test_damaged_gzip_is_refused_or_whole_with_and_without_accelerator(content: bytes, data: st.DataObject) -> None:
    stream = bytearray(gzip.compress(content, mtime=0))
    place = data.draw(st.integers(0, len(stream) - 1))
    stream[place] ^= data.draw(st.integers(1, 255))
    if bytes(stream).startswith(b"\x1f\x8b\x08"):
        for accelerated in (True, False):
            # Flags, time and system of the header carry nothing; anything else is found by the check sum.
            assert outcome(bytes(stream), 700, accelerated) in (None, content)
            assert outcome(bytes(stream[:-1]), 700, accelerated) is None


@pytest.fixture
def fresh_libraries() -> Iterator[None]:
    """What was found, or not, before and in this test is forgotten."""
    compression._optional.cache_clear()
    yield
    compression._optional.cache_clear()


@pytest.mark.usefixtures("fresh_libraries")
def test_missing_zstd_library_is_told_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("compression.zstd", "zstandard"):
        monkeypatch.setitem(sys.modules, name, None)
    assert not zstd_available()
    with pytest.raises(MissingLibraryError) as caught:
        decompressed([HELLO])
    assert (caught.value.code, caught.value.library) == ("missing_library", "zstandard")
    assert "compressed with zstd" in caught.value.reason


@pytest.mark.usefixtures("fresh_libraries")
def test_too_old_zstd_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Old:
        class ZstdDecompressor:
            def decompressobj(self) -> object:
                return object()

    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    monkeypatch.setitem(sys.modules, "zstandard", Old)  # type: ignore[arg-type]
    with pytest.raises(MissingLibraryError, match="0.19"):
        decompressed([HELLO])


@pytest.mark.usefixtures("fresh_libraries")
@pytest.mark.parametrize(("name", "data"), [("bz2", bz2.compress(b"x")), ("lzma", lzma.compress(b"x"))])
def test_python_without_a_decoder_is_told(monkeypatch: pytest.MonkeyPatch, name: str, data: bytes) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingLibraryError) as caught:
        decompressed([data])
    assert caught.value.library == name


class Searches(importlib.abc.MetaPathFinder):
    """Notes every module that is looked for; after a change of root directory it would be looked for in the layer."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: object = None) -> ModuleSpec | None:
        self.names.append(fullname)
        return None


@pytest.fixture
def searches() -> Iterator[Searches]:
    finder = Searches()
    sys.meta_path.insert(0, finder)
    try:
        yield finder
    finally:
        sys.meta_path.remove(finder)


@pytest.mark.usefixtures("fresh_libraries")
@pytest.mark.parametrize("installed", [True, False])
def test_after_preload_no_module_is_looked_for_not_even_a_missing_one(
    monkeypatch: pytest.MonkeyPatch, searches: Searches, installed: bool
) -> None:
    if not installed:
        for name in ("isal", "isal.isal_zlib", "zstandard", "compression", "compression.zstd"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.setattr(sys, "path", [])
    preload()
    searches.names.clear()
    streams = [gzip.compress(b"x"), bz2.compress(b"x"), lzma.compress(b"x"), b"x"]
    assert [inflate(stream) for stream in streams] == [b"x"] * 4
    try:
        assert inflate(HELLO) == b"hello\n"
    except MissingLibraryError:
        assert not zstd_available()
    assert searches.names == []
