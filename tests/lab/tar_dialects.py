# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Members of tar archives, header by header, in the dialects that archivers write: v7, ustar, GNU, star and PAX.

Python's tarfile writes three of them, and refuses much of what the others may hold. Sources: POSIX.1-2017, pax; GNU tar manual,
"Basic Tar Format"; star(5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Optional

BLOCK = 512
DIALECTS = ("v7", "ustar", "gnu", "star", "pax")

_NANOSECONDS = 1_000_000_000
_MAGIC = {"v7": bytes(8), "gnu": b"ustar  \0", "ustar": b"ustar\00000", "star": b"ustar\00000", "pax": b"ustar\00000"}
_PREFIX = {"ustar": 155, "star": 131}


class Unspeakable(ValueError):
    """The dialect has no words for the member."""


@dataclass(frozen=True)
class Member:
    """One member; ``kind`` is its type flag, times are nanoseconds, ``records`` further PAX records."""

    name: bytes
    kind: bytes = b"0"
    content: bytes = b""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime_ns: int = 0
    atime_ns: Optional[int] = None
    target: bytes = b""
    device: tuple[int, int] = (0, 0)
    records: Mapping[bytes, bytes] = field(default_factory=dict)


def encode(member: Member, dialect: str) -> bytes:
    """The blocks of ``member``. Raises Unspeakable."""
    return _ENCODERS[dialect](member) + member.content + bytes(-len(member.content) % BLOCK)


def pax_records(records: Mapping[bytes, bytes]) -> bytes:
    """The text of extended headers: each record begins with its own length."""
    return b"".join(_pax_record(key, value) for key, value in records.items())


def pax_header(kind: bytes, records: Mapping[bytes, bytes], name: bytes = b"././@PaxHeader") -> bytes:
    """An extended header for the next member (``x``) or for all that follow (``g``)."""
    text = pax_records(records)
    return _header("pax", name, kind=kind, size=len(text)) + text + bytes(-len(text) % BLOCK)


def _v7(member: Member) -> bytes:
    _require_plain(member)
    # Before POSIX a directory was told by the slash alone.
    kind = b"\0" if member.kind in b"05" else member.kind
    return _described("v7", member, kind=kind)


def _ustar(member: Member, dialect: str = "ustar") -> bytes:
    _require_plain(member)
    name, prefix = member.name, b""
    if len(name) > 100:
        cut = name.rfind(b"/", 0, _PREFIX[dialect] + 1)
        prefix, name = name[: max(cut, 0)], name[cut + 1 :]
        if cut < 1 or not 0 < len(name) <= 100:
            raise Unspeakable
    return _described(dialect, member, name=name, prefix=prefix)


def _star(member: Member) -> bytes:
    return _ustar(member, "star")


def _gnu(member: Member) -> bytes:
    if member.records or _fraction(member.mtime_ns):
        raise Unspeakable
    long_names = b""
    for kind, text in ((b"K", member.target), (b"L", member.name)):
        if len(text) > 100:
            long_names += _header("gnu", b"././@LongLink", kind=kind, size=len(text) + 1)
            long_names += text + bytes(1) + bytes(-(len(text) + 1) % BLOCK)
    return long_names + _described("gnu", member, name=member.name[:100], target=member.target[:100])


def _pax(member: Member) -> bytes:
    records = dict(member.records)
    if len(member.name) > 100 or not member.name.isascii():
        records[b"path"] = member.name
    if len(member.target) > 100 or not member.target.isascii():
        records[b"linkpath"] = member.target
    for key, number in ((b"uid", member.uid), (b"gid", member.gid)):
        if number >= 8**7:
            records[key] = b"%d" % number
    if _fraction(member.mtime_ns) or not 0 <= member.mtime_ns < 8**11 * _NANOSECONDS:
        records[b"mtime"] = seconds(member.mtime_ns)
    if member.atime_ns is not None:
        records[b"atime"] = seconds(member.atime_ns)
    own = _described(
        "pax",
        member,
        name=member.name[:100],
        target=member.target[:100],
        uid=0 if b"uid" in records else member.uid,
        gid=0 if b"gid" in records else member.gid,
        mtime=0 if b"mtime" in records else member.mtime_ns // _NANOSECONDS,
    )
    return (pax_header(b"x", records) if records else b"") + own


_ENCODERS = {"v7": _v7, "ustar": _ustar, "gnu": _gnu, "star": _star, "pax": _pax}


def seconds(nanoseconds: int) -> bytes:
    """A time as PAX writes it."""
    whole, rest = divmod(abs(nanoseconds), _NANOSECONDS)
    sign = "-" if nanoseconds < 0 else ""
    return f"{sign}{whole}{f'.{rest:09}'.rstrip('0') if rest else ''}".encode()


def _require_plain(member: Member) -> None:
    """What has no place in the fields of an old header."""
    if member.records or max(member.uid, member.gid) >= 8**7 or len(member.target) > 100:
        raise Unspeakable
    if _fraction(member.mtime_ns) or not 0 <= member.mtime_ns < 8**11 * _NANOSECONDS:
        raise Unspeakable


def _fraction(nanoseconds: int) -> bool:
    return Fraction(nanoseconds, _NANOSECONDS).denominator > 1


def _described(dialect: str, member: Member, **instead: object) -> bytes:
    fields: dict[str, object] = {
        "name": member.name,
        "kind": member.kind,
        "target": member.target,
        "mode": member.mode,
        "uid": member.uid,
        "gid": member.gid,
        "mtime": member.mtime_ns // _NANOSECONDS,
        "size": len(member.content),
        "device": member.device,
        "atime": None if member.atime_ns is None else member.atime_ns // _NANOSECONDS,
    }
    return _header(dialect, **{**fields, **instead})  # type: ignore[arg-type]


def _header(
    dialect: str,
    name: bytes,
    *,
    kind: bytes,
    size: int,
    target: bytes = b"",
    mode: int = 0o644,
    uid: int = 0,
    gid: int = 0,
    mtime: int = 0,
    device: tuple[int, int] = (0, 0),
    atime: Optional[int] = None,
    prefix: bytes = b"",
) -> bytes:
    if len(name) > 100 or len(target) > 100 or (len(name) == 100 and dialect == "v7"):
        raise Unspeakable
    wide = dialect == "gnu"
    block = bytearray(BLOCK)
    _put(block, 0, name)
    for at, length, number in ((100, 8, mode), (108, 8, uid), (116, 8, gid), (124, 12, size), (136, 12, mtime)):
        _put(block, at, _number(number, length, wide))
    block[156:157] = kind
    _put(block, 157, target)
    _put(block, 257, _MAGIC[dialect])
    if dialect != "v7":
        _put(block, 265, b"user")
        _put(block, 297, b"group")
        for at, number in zip((329, 337), device):
            _put(block, at, _number(number, 8, wide))
    _put(block, 345, prefix)
    if dialect == "gnu" and atime is not None:
        _put(block, 345, _number(atime, 12, wide))
    if dialect == "star":
        _put(block, 345 + 131, _number(max(atime or 0, 0), 12, wide))
        _put(block, 345 + 143, _number(0, 12, wide))
        _put(block, 508, b"tar\0")
    _put(block, 148, b" " * 8)
    _put(block, 148, b"%06o\0 " % sum(block))
    return bytes(block)


def _put(block: bytearray, at: int, data: bytes) -> None:
    block[at : at + len(data)] = data


def _number(number: int, length: int, wide: bool) -> bytes:
    """An octal number, or GNU's base 256 for one that is too long or negative."""
    if 0 <= number < 8 ** (length - 1):
        return b"%0*o\0" % (length - 1, number)
    if not wide:
        raise Unspeakable
    value = number.to_bytes(length, "big", signed=True)
    return bytes([value[0] | 0x80]) + value[1:]


def _pax_record(key: bytes, value: bytes) -> bytes:
    length = len(key) + len(value) + 3
    while len(b"%d" % length) + len(key) + len(value) + 3 != length:
        length = len(b"%d" % length) + len(key) + len(value) + 3
    return b"%d %b=%b\n" % (length, key, value)
