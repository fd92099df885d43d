# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Headers of tar archives: v7, ustar, PAX, GNU and star, as Go's archive/tar reads them.

Sources: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Extended Header"; GNU tar manual, "Basic Tar Format";
where they leave a choice, archive/tar of Go and its test vectors. Names, link targets and extended attributes are bytes
here and stay bytes.
"""

from __future__ import annotations

import re
import struct
from functools import lru_cache
from zlib import adler32

from .compression import CorruptLayer
from .member_name import readable

BLOCK = 512
_HALF = BLOCK // 2

REGULAR = b"0"
HARD_LINK = b"1"
SYMBOLIC_LINK = b"2"
CHARACTER_DEVICE = b"3"
BLOCK_DEVICE = b"4"
DIRECTORY = b"5"
FIFO = b"6"
PAX_GLOBAL = b"g"
PAX_NEXT = b"x"
GNU_LONG_NAME = b"L"
GNU_LONG_LINK = b"K"

# Members that have no content, whatever size their header states.
WITHOUT_CONTENT = frozenset({HARD_LINK, SYMBOLIC_LINK, CHARACTER_DEVICE, BLOCK_DEVICE, DIRECTORY, FIFO})
MEMBER_TYPES = WITHOUT_CONTENT | {REGULAR, PAX_GLOBAL}

# Archives from before POSIX have a NUL for a regular file, and for a directory too.
_OLD_REGULAR = b"\0"

_FIELDS = struct.Struct(
    "100s"  # name
    "24s"  # mode, uid and gid
    "12s"  # size
    "12s"  # mtime
    "8s"  # checksum
    "c"  # type
    "100s"  # name that a link points to
    "255s"  # the second part
)
_ACCESS = struct.Struct("8s8s8s")
_SECOND_PART = struct.Struct(
    "8s"  # magic and version
    "64x"  # names of user and group
    "8s"  # major and
    "8s"  # minor device number
    "167s"  # one of the layouts below
)
_USTAR_PREFIX = slice(0, 155)
_STAR_PREFIX = slice(0, 131)
_STAR_ATIME = slice(131, 143)
_STAR_CTIME = slice(143, 155)
_GNU_ATIME = slice(0, 12)
_GNU_CTIME = slice(12, 24)

_USTAR_MAGIC = b"ustar\0"
_GNU_MAGIC = b"ustar  \0"
_STAR_TRAILER = b"tar\0"

_XATTR = b"SCHILY.xattr."
_SPARSE = b"GNU.sparse."
_NAMES = frozenset({b"path", b"linkpath", b"uname", b"gname"})
_RECORD_LENGTH = re.compile(rb"\+?0*([0-9]{1,9}) ")
_DECIMAL = re.compile(rb"([+-]?)0*([0-9]{1,19})")
_TIME = re.compile(rb"([+-]?[0-9]+)(?:\.([0-9]*))?")

_NANOSECONDS = 1_000_000_000
_INT64 = range(-(1 << 63), 1 << 63)
_OWNER = 0xFFFFFFFF


class UnsafeLayer(CorruptLayer):
    """The archive can be read but not stored: sparse files, unknown types, names that stand twice."""

    code = "unsafe_layer"


class TarMember:
    """One member of an archive.

    ``type`` is the type flag, one byte. ``size`` is the length of the content, 0 for types that have none. Times are
    nanoseconds since the epoch and may be negative or beyond what a file system keeps. ``uid`` and ``gid`` are as the
    kernel takes them: the low 32 bits, so that -2 is 4294967294. ``clean_name`` is the shortest form of ``name``, which the
    reader of the archive enters.
    """

    __slots__ = (
        "atime_ns",
        "clean_name",
        "devmajor",
        "devminor",
        "gid",
        "linkname",
        "mode",
        "mtime_ns",
        "name",
        "size",
        "type",
        "uid",
        "xattrs",
    )

    def __init__(self, name: bytes, type_flag: bytes, linkname: bytes) -> None:
        self.name = name
        self.clean_name = name
        self.type = type_flag
        self.linkname = linkname
        self.mode = 0
        self.uid = 0
        self.gid = 0
        self.size = 0
        self.mtime_ns = 0
        self.atime_ns: int | None = None
        self.devmajor = 0
        self.devminor = 0
        self.xattrs: dict[bytes, bytes] = {}


def parse_header(block: bytes) -> TarMember:
    """The member that the 512 bytes of ``block`` describe by themselves. Raises CorruptLayer."""
    name, access, size, mtime, checksum, type_flag, linkname, second_part = _FIELDS.unpack(block)
    member = TarMember(name.partition(b"\0")[0], type_flag, linkname.partition(b"\0")[0])
    try:
        _verify_checksum(block, checksum)
        member.mode, member.uid, member.gid = _access(access)
        member.size = _number(size)
        member.mtime_ns = _number(mtime) * _NANOSECONDS
        prefix, member.atime_ns, member.devmajor, member.devminor = _second_part(second_part)
        if prefix:
            member.name = prefix + b"/" + member.name
    except CorruptLayer as error:
        error.subject = readable(member.name)
        raise
    _require_sane_size(member)
    return member


def parse_pax_records(data: bytes) -> dict[bytes, bytes]:
    """The records of an extended header, the last one of each key. Raises CorruptLayer."""
    records: dict[bytes, bytes] = {}
    position = 0
    while position < len(data):
        length = _RECORD_LENGTH.match(data, position)
        end = position + int(length[1]) if length else 0
        if length is None or not position + 5 <= end <= len(data) or data[end - 1] != 0x0A:
            raise CorruptLayer("invalid tar header: a PAX record has a wrong length")
        key, equals, value = data[length.end() : end - 1].partition(b"=")
        if not key or not equals or b"\0" in (value if key in _NAMES else key):
            raise CorruptLayer("invalid tar header: a PAX record is malformed", found=readable(key[:100]))
        records[key] = value
        position = end
    return records


def apply_extended(member: TarMember, records: dict[bytes, bytes], long_name: bytes, long_link: bytes) -> None:
    """Lets what extended headers say go before the fields of the member's own header.

    GNU's long names, where not empty, go before PAX records; a record without a value counts as absent; so does Go.
    Raises CorruptLayer for values that cannot be, and UnsafeLayer for sparse files, which storage could not make again.
    """
    for key, value in records.items():
        if value:
            _apply_record(member, key, value)
    member.name = long_name or member.name
    member.linkname = long_link or member.linkname
    if member.type == _OLD_REGULAR:
        member.type = DIRECTORY if member.name.endswith(b"/") else REGULAR
    if member.type in WITHOUT_CONTENT:
        member.size = 0
    _require_sane_size(member)


# A layer has few different owners, modes and times, and most of its headers have the same second part.
@lru_cache(maxsize=256)
def _access(fields: bytes) -> tuple[int, int, int]:
    """Mode, uid and gid."""
    mode, uid, gid = _ACCESS.unpack(fields)
    return _number(mode), _number(uid) & _OWNER, _number(gid) & _OWNER


@lru_cache(maxsize=256)
def _second_part(fields: bytes) -> tuple[bytes, int | None, int, int]:
    """The first part of a long name, the access time in nanoseconds, and the device numbers."""
    magic, devmajor, devminor, layout = _SECOND_PART.unpack(fields)
    if magic == _GNU_MAGIC:
        prefix, atime = _gnu_layout(layout)
    elif magic.startswith(_USTAR_MAGIC):
        prefix, atime = _ustar_layout(layout)
    else:
        return b"", None, 0, 0
    return prefix, None if atime is None else atime * _NANOSECONDS, _number(devmajor), _number(devminor)


def _gnu_layout(layout: bytes) -> tuple[bytes, int | None]:
    """The times of the old GNU layout. Go before 1.8 wrote a prefix in their place, which shows by being no numbers."""
    try:
        atime, _ctime = (_number(layout[place]) if layout[place.start] else None for place in (_GNU_ATIME, _GNU_CTIME))
    except CorruptLayer:
        prefix = layout[_USTAR_PREFIX].partition(b"\0")[0]
        return prefix if prefix.isascii() else b"", None
    return b"", atime


def _ustar_layout(layout: bytes) -> tuple[bytes, int | None]:
    """The first part of a long name, and the access time that star puts after a shorter one."""
    if not layout.endswith(_STAR_TRAILER):
        return layout[_USTAR_PREFIX].partition(b"\0")[0], None
    atime, _ctime = _number(layout[_STAR_ATIME]), _number(layout[_STAR_CTIME])
    return layout[_STAR_PREFIX].partition(b"\0")[0], atime


def _apply_record(member: TarMember, key: bytes, value: bytes) -> None:
    if key == b"path":
        member.name = value
    elif key == b"linkpath":
        member.linkname = value
    elif key == b"mtime":
        member.mtime_ns = _time(key, value)
    elif key == b"atime":
        member.atime_ns = _time(key, value)
    elif key == b"ctime":
        _time(key, value)
    elif key == b"size":
        member.size = _decimal(key, value)
    elif key == b"uid":
        member.uid = _decimal(key, value) & _OWNER
    elif key == b"gid":
        member.gid = _decimal(key, value) & _OWNER
    elif key.startswith(_XATTR):
        member.xattrs[key[len(_XATTR) :]] = value
    elif key.startswith(_SPARSE) and member.type != PAX_GLOBAL:
        raise UnsafeLayer("sparse files are not supported", subject=readable(member.name), found=readable(key))


def _require_sane_size(member: TarMember) -> None:
    if member.size < 0 and member.type not in WITHOUT_CONTENT:
        raise CorruptLayer("invalid tar header: a negative size", subject=readable(member.name), found=str(member.size))


def _verify_checksum(block: bytes, field: bytes) -> None:
    """The sum of all bytes, with spaces in place of the checksum itself; some old programs added them as signed."""
    stated = _number(field) if field[0] < 0x80 else _octal(field)
    unsigned = _sum(block[:_HALF]) + _sum(block[_HALF:]) - _sum(field) + 8 * 0x20
    if stated == unsigned:
        return
    high = sum(byte > 127 for byte in block) - sum(byte > 127 for byte in field)
    if stated != unsigned - 256 * high:
        raise CorruptLayer("invalid tar header: wrong checksum", wanted=str(unsigned), found=str(stated))


def _sum(data: bytes) -> int:
    """The sum of at most 256 bytes: half of an Adler-32 (RFC 1950), which is below its modulus 65521."""
    return adler32(data, 0) & 0xFFFF


@lru_cache(maxsize=1024)
def _number(field: bytes) -> int:
    """An octal number, or GNU's base 256: first bit set, the others a big-endian two's complement."""
    if not field[0] & 0x80:
        return _octal(field)
    bits = 8 * len(field) - 1
    value = int.from_bytes(field, "big") & ((1 << bits) - 1)
    if field[0] & 0x40:
        value -= 1 << bits
    if value not in _INT64:
        raise CorruptLayer("invalid tar header: a number is too large", found=field.hex())
    return value


def _octal(field: bytes) -> int:
    """An octal number with spaces and NULs around it; nothing is 0."""
    digits = field.strip(b" \0").partition(b"\0")[0]
    # int() would take signs, underscores and a prefix too.
    if digits.strip(b"01234567"):
        raise CorruptLayer("invalid tar header: a number is not octal", found=readable(digits))
    return int(digits or b"0", 8)


def _decimal(key: bytes, value: bytes) -> int:
    match = _DECIMAL.fullmatch(value)
    number = int(match[1] + match[2]) if match else 0
    if match is None or number not in _INT64:
        raise CorruptLayer("invalid tar header: a PAX record is no number", subject=readable(key), found=_start(value))
    return number


def _time(key: bytes, value: bytes) -> int:
    """Nanoseconds of a decimal number of seconds; digits after the ninth are cut."""
    match = _TIME.fullmatch(value)
    if match is None:
        raise CorruptLayer("invalid tar header: a PAX record is no time", subject=readable(key), found=_start(value))
    seconds = _decimal(key, match[1]) * _NANOSECONDS
    fraction = int((match[2] or b"")[:9].ljust(9, b"0"))
    return seconds - fraction if value.startswith(b"-") else seconds + fraction


def _start(value: bytes) -> str:
    return readable(value[:40])
