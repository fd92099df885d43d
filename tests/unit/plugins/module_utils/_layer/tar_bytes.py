# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tar archives made byte by byte, for what no writer of archives would write."""

from __future__ import annotations

ZEROS = bytes(512)
USTAR = b"ustar\x0000"
GNU = b"ustar  \x00"
V7 = bytes(8)


def header(
    name: bytes = b"file",
    kind: bytes = b"0",
    size: int = 0,
    *,
    magic: bytes = USTAR,
    signed: bool = False,
    **raw: bytes,
) -> bytes:
    """A header block with a right checksum. ``raw`` gives the bytes of a field by its name below."""
    fields = {
        "name": (0, name),
        "mode": (100, b"0000644\0"),
        "uid": (108, b"0000000\0"),
        "gid": (116, b"0000000\0"),
        "length": (124, b"%011o\0" % size),
        "mtime": (136, b"00000000000\0"),
        "type": (156, kind),
        "linkname": (157, b""),
        "magic": (257, magic),
        "devmajor": (329, b""),
        "devminor": (337, b""),
        "prefix": (345, b""),
        "star_atime": (476, b""),
        "star_ctime": (488, b""),
        "trailer": (508, b""),
    }
    block = bytearray(512)
    for field, (start, value) in fields.items():
        value = raw.get(field, value)
        block[start : start + len(value)] = value
    block[148:156] = b" " * 8
    total = sum(byte - 256 if signed and byte > 127 else byte for byte in block)
    block[148:156] = raw.get("checksum", b"%06o\0 " % total).ljust(8, b"\0")
    return bytes(block)


def padded(data: bytes) -> bytes:
    """``data`` filled up to whole blocks."""
    return data + bytes(-len(data) % 512)


def member(name: bytes = b"file", data: bytes = b"", kind: bytes = b"0", **raw: bytes) -> bytes:
    """A header and its content."""
    return header(name, kind, len(data), **raw) + padded(data)


def pax_record(key: bytes, value: bytes) -> bytes:
    """One record of an extended header."""
    body = b" " + key + b"=" + value + b"\n"
    length = len(body) + 1
    while len(b"%d" % length) + len(body) != length:
        length += 1
    return b"%d" % length + body


def pax(*records: tuple[bytes, bytes], kind: bytes = b"x") -> bytes:
    """An extended header with these records."""
    return member(b"././@PaxHeader", b"".join(pax_record(key, value) for key, value in records), kind)


def odd_archive() -> bytes:
    """An archive with one of everything that layers have and simple readers get wrong."""
    return b"".join(
        [
            pax((b"comment", b"made for a test"), kind=b"g"),
            member(b"./etc/", kind=b"5"),
            member(b"./etc/a<b>&c.txt", b"x" * 700),
            member(b"empty"),
            member(b"caf\xe9", b"latin-1"),
            member("日本".encode(), b"utf-8"),
            member(b'tab\tquote"back\\slash\x01', b"odd"),
            pax(
                (b"path", b"long/" + b"n" * 120),
                (b"mtime", b"1700000000.123456789"),
                (b"SCHILY.xattr.user.key", b"v\0w"),
                (b"SCHILY.xattr.user.empty", b""),
            ),
            member(b"short", b"pax", uid=b"0001750\0"),
            member(b"././@LongLink", b"gnu/" + b"g" * 130 + b"\0", b"L", magic=GNU),
            member(b"gnu/ggg", b"gnu", magic=GNU),
            member(b"olddir/", kind=b"\0", magic=V7),
            member(b"oldfile", b"v7", b"\0", magic=V7),
            member(b"name", b"prefixed", prefix=b"pre/fix"),
            header(b"hard", b"1", linkname=b"empty"),
            header(b"soft", b"2", linkname=b"/etc/passwd"),
            header(b"fifo", b"6"),
            header(b"null", b"3", devmajor=b"0000001\0", devminor=b"0000003\0"),
            member(b"etc/.wh.gone"),
            member(b"etc/.wh..wh..opq"),
            member(b"block", b"b" * 512),
            member(b"last", b"l" * 5),
            bytes(1024),
            b"rubbish after the end",
            bytes(3000),
        ]
    )
