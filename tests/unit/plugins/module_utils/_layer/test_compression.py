# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterator

import pytest
from ansible_collections.strata.containers.plugins.module_utils._layer.compression import (
    Compression,
    CorruptLayer,
    decompressed,
    detect,
    zstd_available,
)
from hypothesis import given
from hypothesis import strategies as st

DATA = bytes(range(256)) * 3000

# What `printf 'hello\n' | zstd -c | xxd -p` prints (zstd 1.5.4).
ZSTD_HELLO = bytes.fromhex("28b52ffd045831000068656c6c6f0a5388bd91")


def _chunks(data: bytes, length: int) -> Iterator[bytes]:
    for start in range(0, len(data), length):
        yield data[start : start + length]


def _inflate(data: bytes, length: int = 1000, accelerated: bool = True) -> bytes:
    return b"".join(decompressed(_chunks(data, length), accelerated=accelerated)[1])


STREAMS = {
    "gzip": gzip.compress(DATA),
    "gzip-of-two-members": gzip.compress(DATA[:999]) + gzip.compress(DATA[999:]),
    "gzip-with-padding": gzip.compress(DATA) + bytes(1024),
    "bzip2": bz2.compress(DATA),
    "xz": lzma.compress(DATA),
    "xz-of-two-streams": lzma.compress(DATA[:999]) + lzma.compress(DATA[999:]),
    "none": DATA,
}


@pytest.mark.parametrize("accelerated", [True, False])
@pytest.mark.parametrize("length", [1, 7, 1000, 1 << 20])
@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_is_inflated_whatever_its_chunks(name: str, length: int, accelerated: bool) -> None:
    if length == 1 and name == "none":
        pytest.skip("a megabyte of single bytes proves nothing more")
    assert _inflate(STREAMS[name], length, accelerated) == DATA


@pytest.mark.skipif(not zstd_available(), reason="no zstd library")
def test_zstd_frames_in_a_row_with_a_skippable_one_between() -> None:
    skippable = bytes.fromhex("502a4d18") + (4).to_bytes(4, "little") + b"skip"
    assert _inflate(ZSTD_HELLO + skippable + ZSTD_HELLO, 3) == b"hello\nhello\n"


@pytest.mark.skipif(not zstd_available(), reason="no zstd library")
@pytest.mark.parametrize("cut", range(1, len(ZSTD_HELLO) - 5))
def test_a_truncated_zstd_stream_is_an_error(cut: int) -> None:
    with pytest.raises(CorruptLayer):
        _inflate(ZSTD_HELLO[:-cut])


@pytest.mark.parametrize("accelerated", [True, False])
@pytest.mark.parametrize("name", ["gzip", "gzip-of-two-members", "bzip2", "xz"])
@pytest.mark.parametrize("cut", [1, 5, 9])
def test_a_truncated_stream_is_an_error(name: str, cut: int, accelerated: bool) -> None:
    with pytest.raises(CorruptLayer, match="ends early"):
        _inflate(STREAMS[name][:-cut], accelerated=accelerated)


@pytest.mark.parametrize("accelerated", [True, False])
@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz"])
def test_garbage_after_a_stream_is_an_error(name: str, accelerated: bool) -> None:
    with pytest.raises(CorruptLayer):
        _inflate(STREAMS[name] + b"garbage", accelerated=accelerated)


@pytest.mark.parametrize("accelerated", [True, False])
def test_damaged_data_is_an_error(accelerated: bool) -> None:
    data = bytearray(STREAMS["gzip"])
    data[-8] ^= 1
    with pytest.raises(CorruptLayer, match="damaged"):
        _inflate(bytes(data), accelerated=accelerated)


@pytest.mark.parametrize("accelerated", [True, False])
def test_no_piece_is_longer_than_a_mebibyte_however_well_the_data_compresses(accelerated: bool) -> None:
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    data = b"".join(bomb.compress(bytes(1 << 20)) for _number in range(20)) + bomb.flush()
    pieces = [len(piece) for piece in decompressed([data], accelerated=accelerated)[1]]
    assert max(pieces) <= 1 << 20 and sum(pieces) == 20 << 20


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("425a6839", Compression.BZIP2),
        ("1f8b0800", Compression.GZIP),
        ("fd377a585a00", Compression.XZ),
        ("28b52ffd", Compression.ZSTD),
        ("", Compression.NONE),
        ("1f9d", Compression.NONE),
    ],
)
def test_magic_bytes_tell_the_compression(head: str, expected: Compression) -> None:
    assert detect(bytes.fromhex(head)) is expected


@given(st.binary(max_size=400))
def test_any_bytes_are_inflated_or_an_error_of_ours(data: bytes) -> None:
    for magic in (b"", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\x00"):
        try:
            _inflate(magic + data)
        except CorruptLayer:
            continue
