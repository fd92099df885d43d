# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""NaCl's secretbox, by which cosign keeps its private keys: XSalsa20 with Poly1305, in Python.

Sources: D. J. Bernstein, "Extending the Salsa20 nonce", "The Poly1305-AES message-authentication code", and "Cryptography in
NaCl". A key file is some hundred bytes, so speed does not matter, and no library has to be installed for it. Python's
arithmetic takes longer for some numbers than for others, so this is for files of the host's own, not for a service that
strangers can time.
"""

from __future__ import annotations

import hmac
import struct

KEY_SIZE = 32
NONCE_SIZE = 24
TAG_SIZE = 16

_WORD = 0xFFFFFFFF
_CONSTANTS = struct.unpack("<4I", b"expand 32-byte k")
_COLUMNS = ((0, 4, 8, 12), (5, 9, 13, 1), (10, 14, 2, 6), (15, 3, 7, 11))
_ROWS = ((0, 1, 2, 3), (5, 6, 7, 4), (10, 11, 8, 9), (15, 12, 13, 14))
# Where the constants and the nonce stand in a block: what HSalsa20 gives.
_PUBLIC_WORDS = (0, 5, 10, 15, 6, 7, 8, 9)

_PRIME = (1 << 130) - 5
_CLAMP = 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF


class WrongKey(ValueError):
    """The box was not closed by this key, or was changed since."""


def open_box(box: bytes, nonce: bytes, key: bytes) -> bytes:
    """What is in ``box``, closed by ``key`` of 32 bytes with ``nonce`` of 24. Raises WrongKey."""
    subkey = _subkey(key, nonce[:16])
    tag, closed = box[:TAG_SIZE], box[TAG_SIZE:]
    stream = _stream(subkey, nonce[16:], KEY_SIZE + len(closed))
    if not hmac.compare_digest(tag, _authenticator(closed, stream[:KEY_SIZE])):
        raise WrongKey
    return bytes(byte ^ mask for byte, mask in zip(closed, stream[KEY_SIZE:]))


def _stream(key: bytes, nonce: bytes, size: int) -> bytes:
    """The first ``size`` bytes of Salsa20."""
    blocks = range((size + 63) // 64)
    return b"".join(_block(key, nonce + struct.pack("<Q", number)) for number in blocks)[:size]


def _block(key: bytes, place: bytes) -> bytes:
    before = _state(key, place)
    return struct.pack("<16I", *((one + other) & _WORD for one, other in zip(before, _rounds(before))))


def _subkey(key: bytes, nonce: bytes) -> bytes:
    """HSalsa20."""
    words = _rounds(_state(key, nonce))
    return struct.pack("<8I", *(words[index] for index in _PUBLIC_WORDS))


def _state(key: bytes, place: bytes) -> list[int]:
    keys, places = struct.unpack("<8I", key), struct.unpack("<4I", place)
    one, two, three, four = _CONSTANTS
    return [one, *keys[:4], two, *places, three, *keys[4:], four]


def _rounds(before: list[int]) -> list[int]:
    words = list(before)
    for _number in range(10):
        for a, b, c, d in (*_COLUMNS, *_ROWS):
            words[b] ^= _turned(words[a] + words[d], 7)
            words[c] ^= _turned(words[b] + words[a], 9)
            words[d] ^= _turned(words[c] + words[b], 13)
            words[a] ^= _turned(words[d] + words[c], 18)
    return words


def _turned(word: int, bits: int) -> int:
    word &= _WORD
    return (word << bits | word >> (32 - bits)) & _WORD


def _authenticator(message: bytes, key: bytes) -> bytes:
    """Poly1305."""
    factor = int.from_bytes(key[:16], "little") & _CLAMP
    total = 0
    for start in range(0, len(message), 16):
        total = (total + int.from_bytes(message[start : start + 16] + b"\x01", "little")) * factor % _PRIME
    total += int.from_bytes(key[16:], "little")
    return (total & (1 << 128) - 1).to_bytes(16, "little")
