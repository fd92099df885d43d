# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DER as the tests write it (ITU-T X.690, section 10), for what openssl does not make."""

from __future__ import annotations


def encode(tag: int, content: bytes) -> bytes:
    """The value of ``tag`` with ``content``."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def integer(number: int) -> bytes:
    """``number``, which is not negative."""
    return encode(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def seq(*parts: bytes) -> bytes:
    """A SEQUENCE of ``parts``."""
    return encode(0x30, b"".join(parts))


def oid(content: str) -> bytes:
    """An OBJECT IDENTIFIER of which ``content`` is the hex."""
    return encode(0x06, bytes.fromhex(content))


def bits(content: bytes) -> bytes:
    """A BIT STRING of whole bytes."""
    return encode(0x03, b"\x00" + content)
