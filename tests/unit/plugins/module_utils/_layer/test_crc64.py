# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from ansible_collections.strata.containers.plugins.module_utils._layer import crc64
from ansible_collections.strata.containers.plugins.module_utils._layer.crc64 import Crc64, bytewise, folded
from hypothesis import given
from hypothesis import strategies as st

ONES = 0xFFFFFFFFFFFFFFFF


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[start:end] for start, end in zip(places, places[1:])]


@pytest.mark.parametrize("update", [bytewise, folded])
@pytest.mark.parametrize(
    ("data", "checksum"),
    [
        # From tar-split data that podman wrote.
        (b"new\n", "615ab2ddb0000000"),
        # Catalogue of parametrised CRC algorithms, CRC-64/GO-ISO, check value.
        (b"123456789", "b90956c775a41001"),
        # Go, hash/crc64/crc64_test.go.
        (b"", "0000000000000000"),
        (b"a", "3420000000000000"),
    ],
)
def test_checksum_is_that_of_go(update: Callable[[bytes, int], int], data: bytes, checksum: str) -> None:
    assert f"{update(data, ONES) ^ ONES:016x}" == checksum


def test_running_checksum_is_eight_bytes_big_endian() -> None:
    crc = Crc64()
    assert crc.digest() == bytes(8)
    crc.update(b"ne")
    crc.update(b"w\n")
    assert crc.digest().hex() == "615ab2ddb0000000"


@given(st.binary(max_size=3000), st.integers(0, ONES))
def test_folding_gives_what_the_table_gives(data: bytes, register: int) -> None:
    assert folded(data, register) == bytewise(data, register)


# Around each change of the frame, where the first frame is whole, and where it is shorter than the register.
@pytest.mark.parametrize("frame", [1 << power for power in range(6, 18)])
def test_folding_is_right_at_every_edge(frame: int) -> None:
    for length in (frame - 1, frame, frame + 1, frame + 7, frame + 8, frame + 9):
        data = bytes((7 * index + index // 256) % 256 for index in range(length))
        assert folded(data, 0x123456789ABCDEF0) == bytewise(data, 0x123456789ABCDEF0)


@given(st.binary(max_size=2000), st.lists(st.integers(0, 2000), max_size=6))
def test_any_cut_gives_the_same_checksum(data: bytes, cuts: list[int]) -> None:
    whole = bytewise(data, ONES)
    register = ONES
    crc = Crc64()
    for piece in pieces_of(data, cuts):
        register = folded(piece, register)
        crc.update(piece)
    assert register == whole
    assert crc.digest() == (whole ^ ONES).to_bytes(8, "big")


def test_fast_library_gives_the_same_checksum() -> None:
    fastcrc = pytest.importorskip("fastcrc")
    fast = crc64._implementation()
    data = bytes(range(256)) * 300
    assert fast is fastcrc.crc64.go_iso
    assert fast(data, 0x123456789ABCDEF0 ^ ONES) == bytewise(data, 0x123456789ABCDEF0) ^ ONES


def test_checksum_needs_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastcrc.crc64", None)
    assert crc64._implementation()(b"w\n", crc64._implementation()(b"ne", 0)) == 0x615AB2DDB0000000
