# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Reads DER, the one encoding of ASN.1 values in which keys and certificates are signed (ITU-T X.690, section 10).

Strict: what is not the shortest encoding is refused, so that two readers can never see two things in the same bytes.
"""

from __future__ import annotations

import calendar
import re

BOOLEAN = 0x01
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
NULL = 0x05
OBJECT_IDENTIFIER = 0x06
UTF8_STRING = 0x0C
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18
SEQUENCE = 0x30
SET = 0x31

# Four bytes of length are 4 GiB, more than anything here may have.
_LONGEST_LENGTH = 4
_DIGITS = {UTC_TIME: re.compile(rb"[0-9]{12}Z"), GENERALIZED_TIME: re.compile(rb"[0-9]{14}Z")}


class BadDer(ValueError):
    """The bytes are not the DER that they should be. Never leaves ``_trust``."""


class DerReader:
    """Gives the values in ``data`` one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    @property
    def at_end(self) -> bool:
        """Whether all was read."""
        return self._position == len(self._data)

    def next_is(self, tag: int) -> bool:
        """Whether there is a next value and it has ``tag``."""
        return not self.at_end and self._data[self._position] == tag

    def any(self) -> tuple[int, bytes]:
        """Tag and content of the next value, whichever it is. Raises BadDer."""
        tag = self._byte()
        if tag & 0x1F == 0x1F:
            raise BadDer("a tag of several bytes")
        return tag, self._take(self._length())

    def read(self, tag: int) -> bytes:
        """The content of the next value, which has ``tag``. Raises BadDer."""
        found, content = self.any()
        if found != tag:
            raise BadDer(f"a value with tag {found:#04x} where {tag:#04x} belongs")
        return content

    def whole(self, tag: int) -> bytes:
        """The next value with its tag and length, as it stands. Raises BadDer."""
        start = self._position
        self.read(tag)
        return self._data[start : self._position]

    def inside(self, tag: int) -> DerReader:
        """A reader of the values in the next one. Raises BadDer."""
        return DerReader(self.read(tag))

    def integer(self) -> int:
        """The next value, an INTEGER. Raises BadDer."""
        return as_integer(self.read(INTEGER))

    def oid(self) -> str:
        """The next value, an OBJECT IDENTIFIER, in dotted form. Raises BadDer."""
        return as_oid(self.read(OBJECT_IDENTIFIER))

    def boolean(self) -> bool:
        """The next value, a BOOLEAN. Raises BadDer."""
        content = self.read(BOOLEAN)
        if content not in (b"\x00", b"\xff"):
            raise BadDer("a BOOLEAN that is neither")
        return content == b"\xff"

    def bits(self) -> bytes:
        """The next value, a BIT STRING of whole bytes. Raises BadDer."""
        content = self.read(BIT_STRING)
        if content[:1] != b"\x00":
            raise BadDer("a BIT STRING that does not consist of whole bytes")
        return content[1:]

    def time(self) -> int:
        """The next value, a time of RFC 5280, section 4.1.2.5, in seconds since 1970. Raises BadDer."""
        tag, content = self.any()
        if tag not in _DIGITS or not _DIGITS[tag].fullmatch(content):
            raise BadDer("no time")
        text = content[:-1].decode("ascii")
        if tag == UTC_TIME:
            text = ("20" if text[:2] < "50" else "19") + text
        return _seconds(text)

    def end(self) -> None:
        """Raises BadDer unless all was read."""
        if not self.at_end:
            raise BadDer("more than belongs there")

    def _byte(self) -> int:
        return self._take(1)[0]

    def _take(self, count: int) -> bytes:
        taken = self._data[self._position : self._position + count]
        if len(taken) < count:
            raise BadDer("it ends too early")
        self._position += count
        return taken

    def _length(self) -> int:
        first = self._byte()
        if first < 0x80:
            return first
        count = first & 0x7F
        if not 0 < count <= _LONGEST_LENGTH:
            raise BadDer("a length that is not DER")
        length = int.from_bytes(self._take(count), "big")
        if length < 0x80 or length >> (8 * (count - 1)) == 0:
            raise BadDer("a length in more bytes than it needs")
        return length


def sequence(data: bytes) -> DerReader:
    """A reader of the values in ``data``, which is one SEQUENCE and no more. Raises BadDer."""
    outer = DerReader(data)
    inner = outer.inside(SEQUENCE)
    outer.end()
    return inner


def as_integer(content: bytes) -> int:
    """The number that an INTEGER with ``content`` is. Raises BadDer."""
    if not content or (len(content) > 1 and (content[0], content[1] >> 7) in ((0x00, 0), (0xFF, 1))):
        raise BadDer("an INTEGER in more bytes than it needs")
    return int.from_bytes(content, "big", signed=True)


def as_oid(content: bytes) -> str:
    """The dotted form of an OBJECT IDENTIFIER with ``content``. Raises BadDer."""
    if not content or content[-1] & 0x80:
        raise BadDer("an OBJECT IDENTIFIER without an end")
    numbers: list[int] = []
    number, fresh = 0, True
    for byte in content:
        if fresh and byte == 0x80:
            raise BadDer("an OBJECT IDENTIFIER in more bytes than it needs")
        number = number << 7 | byte & 0x7F
        fresh = not byte & 0x80
        if fresh:
            numbers.append(number)
            number = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(str(part) for part in (first, numbers[0] - 40 * first, *numbers[1:]))


def encode(tag: int, content: bytes) -> bytes:
    """The value of ``tag`` with ``content``."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def encode_integer(number: int) -> bytes:
    """``number``, which is not negative, as an INTEGER."""
    return encode(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _seconds(text: str) -> int:
    """``text`` is YYYYMMDDHHMMSS."""
    year, month, day = int(text[:4]), int(text[4:6]), int(text[6:8])
    hour, minute, second = int(text[8:10]), int(text[10:12]), int(text[12:])
    if not (year and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]):
        raise BadDer("a time on a day that the calendar does not have")
    if hour > 23 or minute > 59 or second > 59:
        raise BadDer("a time that the day does not have")
    return calendar.timegm((year, month, day, hour, minute, second))
