# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""CRC-64 with the ISO polynomial as Go's hash/crc64 computes it, by which tar-split checks the content of files.

Without the optional library ``fastcrc`` long input is folded with Python integers. The polynomial is
x^64 + x^4 + x^3 + x + 1, and squaring is linear over GF(2), so x^(64 s) = (1 + x^s)(1 + x^(3 s)) for every s that is a
power of two: what stands 64 s bits further on costs three shifts. In reflected bit order the first bit is the highest
power, and multiplying by x is a right shift in a frame that is one bit longer.
"""

from __future__ import annotations

from collections.abc import Callable

_POLYNOMIAL = 0xD800000000000000
_ONES = 0xFFFFFFFFFFFFFFFF

# Below so many bytes the table is faster than folding.
_SMALL = 64
# Input is folded by frames of 64 s bits, s a power of two up to the second number: frames of 16 KiB, which stay in the
# processor's cache. The last frame is halved down to the first number, and the table takes the rest.
_SMALLEST_SCALE = 2
_LARGEST_SCALE = 2048

# By scale s: the lowest 64 s bits, and the lowest 4 s bits.
_SCALES = [1 << power for power in range(_LARGEST_SCALE.bit_length())]
_FRAME = {scale: (1 << 64 * scale) - 1 for scale in _SCALES}
_OVERFLOW = {scale: (1 << 4 * scale) - 1 for scale in _SCALES}


def _make_table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte
        for _bit in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _make_table()


def bytewise(data: bytes | memoryview, register: int) -> int:
    """The register after ``data``, by the table: the definition, and slow."""
    table = _TABLE
    for byte in data:
        register = table[(register ^ byte) & 0xFF] ^ (register >> 8)
    return register


def folded(data: bytes, register: int) -> int:
    """The register after ``data``, the same as bytewise, by folding."""
    length = len(data)
    if length < _SMALL:
        return bytewise(data, register)
    view = memoryview(data)
    # About eight frames: fewer are shifted more often than needed, and more take more steps.
    scale = min(_LARGEST_SCALE, 1 << max(1, (length // 32).bit_length() - 1))
    frame = 8 * scale
    # The register goes into the first 8 bytes of what is folded: a shorter first frame is left to the table.
    start = length % frame if length % frame < 8 else 0
    register = bytewise(view[:start], register)
    end = start + ((length - start) % frame or frame)
    message = int.from_bytes(view[start:end], "little") ^ register
    # Zero bits before the first power change nothing.
    message <<= 8 * (frame - (end - start))
    for place in range(end, length, frame):
        message = _ahead(message, scale) ^ int.from_bytes(view[place : place + frame], "little")
    return _halved(message, scale)


def _halved(message: int, scale: int) -> int:
    """The register after a frame of 64 ``scale`` bits."""
    while scale > _SMALLEST_SCALE:
        scale //= 2
        message = _ahead(message & _FRAME[scale], scale) ^ (message >> 64 * scale)
    return bytewise(message.to_bytes(8 * scale, "little"), 0)


def _ahead(message: int, scale: int) -> int:
    """``message`` times x^(64 s), in a frame of 64 s bits as before."""
    product = message << 4 * scale
    product ^= product >> scale
    product ^= product >> 3 * scale
    # The frame grew by 4 s bits at its low end, where the high powers are: these go the same way.
    high = (product & _OVERFLOW[scale]) << 4 * scale
    high ^= high >> scale
    high ^= high >> 3 * scale
    return (product >> 4 * scale) ^ (high << 56 * scale)


def _implementation() -> Callable[[bytes, int], int]:
    try:
        from fastcrc.crc64 import go_iso
    except ImportError:
        return lambda data, checksum: folded(data, checksum ^ _ONES) ^ _ONES
    # mypy knows nothing of the library's types.
    fast: Callable[[bytes, int], int] = go_iso
    return fast


# The checksum of what gave the second argument, at first 0, with the first argument behind it.
update = _implementation()


def digest(checksum: int) -> bytes:
    """The checksum as tar-split has it: 8 bytes, big-endian."""
    return checksum.to_bytes(8, "big")


class Crc64:
    """The running checksum of one file."""

    def __init__(self) -> None:
        self._checksum = 0

    def update(self, data: bytes) -> None:
        """Takes the next bytes."""
        self._checksum = update(data, self._checksum)

    def digest(self) -> bytes:
        """The checksum of everything taken so far: 8 bytes, big-endian."""
        return digest(self._checksum)
