# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Layer blobs in every form that builders give them, around the same tar: made by code, byte by byte where a form has a format."""

from __future__ import annotations

import gzip
import io
import json
import struct
import subprocess
import tarfile
from collections.abc import Sequence

from .odd_images import Entry, make_tar

_BLOCK = 512


def zstd(data: bytes) -> bytes:
    """One frame of zstd."""
    return subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


def skippable(data: bytes, number: int = 0) -> bytes:
    """A frame of zstd that decoders skip (RFC 8878, section 3.1.2)."""
    return struct.pack("<II", 0x184D2A50 + number, len(data)) + data


def members_of(tar: bytes) -> list[bytes]:
    """``tar`` cut before each of its members; the last piece is the end of the archive."""
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        # An extended header belongs to the member after it, and tarfile tells where that one begins.
        starts = [member.offset for member in archive.getmembers()] + [archive.offset]
    return [tar[start:end] for start, end in zip(starts, [*starts[1:], len(tar)]) if start != end]


def zstd_chunked(tar: bytes) -> bytes:
    """The form of zstd:chunked: a frame for each member, and in skippable frames a TOC, a tar-split and the footer."""
    frames = [zstd(member) for member in members_of(tar)]
    toc = json.dumps({"version": 1, "entries": [{"type": "dir", "name": "./"}]}).encode()
    content = b"".join(frames)
    packed_toc, packed_split = zstd(toc), zstd(b'{"type":2,"payload":""}\n')
    toc_at = len(content) + 8
    split_at = toc_at + len(packed_toc) + 8
    footer = struct.pack("<QQQQ", toc_at, len(packed_toc), len(toc), 1)
    footer += struct.pack("<QQQ", split_at, len(packed_split), 24) + b"GNUlInUx"
    return content + skippable(packed_toc) + skippable(packed_split) + skippable(footer)


def estargz(tar: bytes) -> tuple[bytes, bytes]:
    """The form of eStargz, and the tar that it unpacks to, which has an entry more: a gzip member for each entry, the TOC, a footer."""
    toc = json.dumps({"version": 1, "entries": []}).encode()
    contents = [member for member in members_of(tar) if member.strip(b"\0")]
    toc_member = make_tar([Entry("stargz.index.json", content=toc)])[: 2 * _BLOCK]
    pieces = [*contents, toc_member, bytes(2 * _BLOCK)]
    toc_at = sum(len(gzip.compress(piece, mtime=0)) for piece in contents)
    extra = b"SG" + struct.pack("<H", 22) + b"%016xSTARGZ" % toc_at
    # An empty member whose header carries the offset, 51 bytes long.
    footer = b"\x1f\x8b\x08\x04" + bytes(5) + b"\xff" + struct.pack("<H", len(extra)) + extra
    footer += b"\x01\x00\x00\xff\xff" + bytes(8)
    return b"".join(gzip.compress(piece, mtime=0) for piece in pieces) + footer, b"".join(pieces)


def gzip_members(tar: bytes, sizes: Sequence[int]) -> bytes:
    """``tar`` as gzip members of the given lengths and one for the rest."""
    pieces, start = [], 0
    for size in sizes:
        pieces.append(tar[start : start + size])
        start += size
    return b"".join(gzip.compress(piece, mtime=0) for piece in (*pieces, tar[start:]))
