# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""CRC-64 with the ISO polynomial as Go's hash/crc64 computes it, by which tar-split checks the content of files.

Without the optional library ``fastcrc`` long input is folded with Python integers. The polynomial is
x^64 + x^4 + x^3 + x + 1, and squaring is linear over GF(2), so x^(64 s) = (1 + x^s)(1 + x^(3 s)) for every s that is a
power of two: a message H x^(64 s) + L shrinks to half its length by two shifts and three additions. In reflected bit
order the first bit is the highest power, and multiplying by x is a right shift in a frame that is one bit longer.
"""

from __future__ import annotations

from collections.abc import Callable

_POLYNOMIAL = 0xD800000000000000
_ONES = 0xFFFFFFFFFFFFFFFF

# Bytes that are folded at once, and below which the table is faster than folding.
_BLOCK = 64 * 1024
_SMALL = 64


def _make_table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte
        for _bit in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _make_table()


def bytewise(data: bytes, register: int) -> int:
    """The register after ``data``, by the table: the definition, and slow."""
    table = _TABLE
    for byte in data:
        register = table[(register ^ byte) & 0xFF] ^ (register >> 8)
    return register


def folded(data: bytes, register: int) -> int:
    """The register after ``data``, the same as bytewise, by folding."""
    for start in range(0, len(data), _BLOCK):
        register = _fold_block(data[start : start + _BLOCK], register)
    return register


def _fold_block(block: bytes, register: int) -> int:
    if len(block) < _SMALL:
        return bytewise(block, register)
    bits = len(block) * 8
    message = int.from_bytes(block, "little") ^ register
    while bits > 1024:
        # The high part H (the first bits) is x^(64 s) away from the low part L of 64 s bits, with s as large as fits.
        step = 1 << (((bits - 1) // 64).bit_length() - 1)
        low_bits = 64 * step
        high_bits = bits - low_bits
        high = message & ((1 << high_bits) - 1)
        low = message >> high_bits
        # H (1 + x^s)(1 + x^3s) has up to 4 s more bits; the frame grows at its low end, where the high powers are.
        product = high << (4 * step)
        product ^= product >> step
        product ^= product >> (3 * step)
        width = high_bits + 4 * step
        # Align the lowest power (the last bit) of both parts.
        if width >= low_bits:
            message = product ^ (low << (width - low_bits))
            bits = width
        else:
            message = (product << (low_bits - width)) ^ low
            bits = low_bits
    # A frame of a whole number of bytes: zero bits before the first power change nothing.
    padding = -bits % 8
    message <<= padding
    return bytewise(message.to_bytes((bits + padding) // 8, "little"), 0)


def _implementation() -> Callable[[bytes, int], int]:
    try:
        from fastcrc.crc64 import go_iso
    except ImportError:
        return folded

    def fast(data: bytes, register: int) -> int:
        return int(go_iso(data, register ^ _ONES)) ^ _ONES

    return fast


class Crc64:
    """The running checksum of one file."""

    _update: Callable[[bytes, int], int] = staticmethod(_implementation())

    def __init__(self) -> None:
        self._register = _ONES

    def update(self, data: bytes) -> None:
        """Takes the next bytes."""
        self._register = self._update(data, self._register)

    def digest(self) -> bytes:
        """The checksum of everything taken so far: 8 bytes, big-endian."""
        return (self._register ^ _ONES).to_bytes(8, "big")
