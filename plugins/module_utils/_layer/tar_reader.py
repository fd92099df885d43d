# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Reads a tar archive as a stream, and records on the way what is needed to make it again.

What ends an archive, and what may be missing there, is as in Go's archive/tar: two zero blocks, one zero block before
the end of the stream, or the end of the stream alone, also within the padding of the last member. What follows the zero
blocks belongs to the layer too. The records are those of vbatts/tar-split (tar/asm/disassemble.go).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .compression import CorruptLayer
from .crc64 import digest, update
from .member_name import clean_name, readable
from .tar_header import (
    BLOCK,
    GNU_LONG_LINK,
    GNU_LONG_NAME,
    MEMBER_TYPES,
    PAX_GLOBAL,
    PAX_NEXT,
    TarMember,
    UnsafeLayer,
    apply_extended,
    parse_header,
    parse_pax_records,
)
from .tar_split import TarSplitWriter

_ZEROS = bytes(BLOCK)

# Longest extended header or long name that Go and libarchive take.
_SPECIAL_LIMIT = 1024 * 1024

# Raw bytes that are gathered for one segment: the headers of a member are one, unless they are absurdly many.
_SEGMENT_LIMIT = 4 * 1024 * 1024

# Length of the segments after the last member, whatever the chunks are: one archive gives one text.
_PIECE = 1024 * 1024


class TarReader:
    """Iterates over the members of an archive; ``data()`` gives the content of the current one.

    Content that is not asked for is skipped by the next step. With ``split`` every byte of the archive is recorded or
    entered with its checksum, asked for or not. ``drain()`` must follow the last member to read (and record) the rest.

    Raises CorruptLayer where the archive is damaged or ends early, and UnsafeLayer where it holds what cannot be
    stored: a type of member that is not in MEMBER_TYPES, a sparse file, or two members of the same cleaned name.
    """

    def __init__(self, chunks: Iterable[bytes], split: TarSplitWriter | None = None) -> None:
        self._chunks = iter(chunks)
        self._chunk = b""
        self._position = 0
        self._ended = False
        # The current member: its content that was not read yet, and the padding after that.
        self._member: TarMember | None = None
        self._unread = 0
        self._padding = 0
        self._checksum = 0
        self._seen: set[bytes] = set()
        self._split = split
        self._raw: list[bytes] = []
        self._raw_size = 0

    def __iter__(self) -> Iterator[TarMember]:
        while True:
            member = self._next()
            if member is None:
                return
            yield member

    def data(self) -> Iterator[bytes]:
        """What is left of the content of the current member, in pieces as they come."""
        end = self._position + self._unread
        if end > len(self._chunk):
            return self._pieces()
        # All of it is here, as it is for most members: one piece.
        piece = self._chunk[self._position : end]
        self._position = end
        self._unread = 0
        if self._split is not None:
            self._checksum = update(piece, self._checksum)
        return iter((piece,) if piece else ())

    def _pieces(self) -> Iterator[bytes]:
        while self._unread:
            piece = self._some(self._unread)
            if not piece:
                raise self._cut_off("the content of a member")
            self._unread -= len(piece)
            if self._split is not None:
                self._checksum = update(piece, self._checksum)
            yield piece

    def drain(self) -> None:
        """Reads to the end of the stream: members that are left, and whatever follows them."""
        for _member in self:
            pass
        while True:
            piece = self._up_to(_PIECE)
            if not piece:
                return
            self._record(piece)
            self._flush_segment()

    def _next(self) -> TarMember | None:
        if self._ended:
            return None
        self._finish_member()
        member = self._read_headers()
        self._flush_segment()
        if member is None:
            self._ended = True
            return None
        self._require_storable(member)
        self._begin_member(member)
        return member

    def _read_headers(self) -> TarMember | None:
        """The next member with all that its extended headers say; None at the end of the archive."""
        records: dict[bytes, bytes] = {}
        long_name = long_link = b""
        while True:
            block = self._header_block()
            if not block:
                return None
            member = parse_header(block)
            kind = member.type
            if kind == PAX_NEXT:
                records = parse_pax_records(self._special(member))
            elif kind == GNU_LONG_NAME:
                long_name = self._special(member).partition(b"\0")[0]
            elif kind == GNU_LONG_LINK:
                long_link = self._special(member).partition(b"\0")[0]
            elif kind == PAX_GLOBAL:
                # It is a member to tar-split, named by its own records, and takes no part in any other.
                apply_extended(member, parse_pax_records(self._special(member)), b"", b"")
                member.size = 0
                return member
            else:
                apply_extended(member, records, long_name, long_link)
                self._padding = -member.size % BLOCK
                return member

    def _require_storable(self, member: TarMember) -> None:
        """Refuses types that storage cannot make, and a second member of one name: the first could not be read back."""
        if member.type not in MEMBER_TYPES:
            raise UnsafeLayer(
                "members of this type are not supported", subject=readable(member.name), found=repr(member.type)[1:]
            )
        clean = member.clean_name = clean_name(member.name)
        if clean in self._seen:
            raise UnsafeLayer("duplicates of file paths not supported", subject=readable(member.name))
        self._seen.add(clean)

    def _begin_member(self, member: TarMember) -> None:
        self._member = member
        self._unread = member.size
        self._checksum = 0

    def _finish_member(self) -> None:
        member = self._member
        if member is None:
            return
        if self._unread:
            for _piece in self.data():
                pass
        if self._split is not None:
            self._split.file(member.name, member.size, digest(self._checksum) if member.size else None)
        self._member = None

    def _header_block(self) -> bytes:
        """The next header, recorded with the padding before it; nothing at the end of the archive."""
        start = self._position + self._padding
        end = start + BLOCK
        if end <= len(self._chunk):
            self._record(self._chunk[self._position : end])
            block = self._chunk[start:end]
            self._position = end
            self._padding = 0
        elif self._skip_padding():
            block = self._recorded_block()
        else:
            return b""
        if block != _ZEROS:
            return block
        second = self._recorded_block()
        if second and second != _ZEROS:
            raise CorruptLayer("invalid tar header: something stands after a single zero block")
        return b""

    def _skip_padding(self) -> bool:
        """Takes the padding after content; False where the stream ends in it."""
        wanted = self._padding
        padding = self._up_to(wanted)
        self._record(padding)
        self._padding = 0
        return len(padding) == wanted

    def _recorded_block(self) -> bytes:
        block = self._up_to(BLOCK)
        if 0 < len(block) < BLOCK:
            raise self._cut_off("a header")
        self._record(block)
        return block

    def _special(self, member: TarMember) -> bytes:
        """The data of an extended header, recorded; its padding is left for the next step."""
        size = member.size
        if size > _SPECIAL_LIMIT:
            raise CorruptLayer(
                "an extended tar header is too long",
                subject=readable(member.name),
                wanted=f"at most {_SPECIAL_LIMIT} bytes",
                found=f"{size} bytes",
            )
        data = self._up_to(size)
        if len(data) < size:
            raise self._cut_off("an extended header")
        self._record(data)
        self._padding = -size % BLOCK
        return data

    def _record(self, data: bytes) -> None:
        if self._split is None or not data:
            return
        self._raw.append(data)
        self._raw_size += len(data)
        if self._raw_size > _SEGMENT_LIMIT:
            self._flush_segment()

    def _flush_segment(self) -> None:
        if self._split is not None and self._raw:
            self._split.segment(b"".join(self._raw))
            self._raw.clear()
            self._raw_size = 0

    def _up_to(self, size: int) -> bytes:
        """``size`` bytes, or fewer at the end of the stream."""
        start = self._position
        end = start + size
        if end <= len(self._chunk):
            self._position = end
            return self._chunk[start:end]
        pieces = []
        missing = size
        while missing:
            piece = self._some(missing)
            if not piece:
                break
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)

    def _some(self, most: int) -> bytes:
        """At least one and at most ``most`` bytes; none at the end of the stream."""
        start = self._position
        while start >= len(self._chunk):
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._chunk = chunk
            start = 0
        self._position = min(start + most, len(self._chunk))
        # A slice of everything is no copy.
        return self._chunk[start : self._position]

    def _cut_off(self, where: str) -> CorruptLayer:
        subject = readable(self._member.name) if self._member else ""
        return CorruptLayer(f"the archive ends inside {where} (unexpected EOF)", subject=subject)
