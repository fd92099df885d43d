# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What a server compressed on the way, though nobody asked it to; Go's tools ask for that and unpack it unseen.

Of a blob the header alone does not tell: stores of objects say of one that *is* gzip that it was compressed, too, and send it
as it is. The length tells it, and where there is none, what is inside.
"""

from __future__ import annotations

import zlib

from .._errors import DataError
from .http import HttpResponse
from .urls import redacted

# How a member of gzip begins: no body that is text does.
GZIP = b"\x1f\x8b"

_GZIP_WITH_HEADER = 31
# As much as shows what is inside.
_START = 64 * 1024
# How a config begins, and a layer that is compressed itself: gzip, zstd, bzip2, xz.
_INSIDE = (b"{", GZIP, b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ")


class BadEncoding(DataError):
    """A body is not compressed as its header says."""

    code = "invalid_encoding"


def is_encoded(response: HttpResponse) -> bool:
    """Whether the server says that it compressed the body, be it on the way or, as stores of objects do, long before."""
    return response.header("Content-Encoding").lower() in ("gzip", "x-gzip")


def inflater() -> zlib._Decompress:
    """What inflated() takes for one body."""
    return zlib.decompressobj(_GZIP_WITH_HEADER)


def inflated(inflate: zlib._Decompress, packed: bytes, most: int, subject: str) -> bytes:
    """At most ``most`` bytes of what ``packed`` is unpacked; ``subject`` names it in errors. Raises BadEncoding."""
    try:
        return inflate.decompress(packed, most)
    except zlib.error:
        raise BadEncoding("a body compressed on the way cannot be unpacked", subject=subject) from None


class _Peeked(HttpResponse):
    """An answer of which the ``start`` was read already."""

    def __init__(self, response: HttpResponse, start: bytes) -> None:
        self._inner = response
        self._start = start
        self.url = response.url
        self.status = response.status

    @property
    def remaining(self) -> int | None:
        rest = self._inner.remaining
        return None if rest is None else rest + len(self._start)

    def header(self, name: str) -> str:
        return self._inner.header(name)

    def header_lines(self, name: str) -> list[str]:
        return self._inner.header_lines(name)

    def read(self, size: int) -> bytes:
        if not self._start:
            return self._inner.read(size)
        piece, self._start = self._start[:size], self._start[size:]
        return piece

    def close(self) -> None:
        self._inner.close()


class _Unpacked(_Peeked):
    """An answer whose body is unpacked while it is read. Its length is not known beforehand."""

    def __init__(self, response: HttpResponse, start: bytes) -> None:
        super().__init__(response, start)
        self._inflate = inflater()

    @property
    def remaining(self) -> int | None:
        return None

    def read(self, size: int) -> bytes:
        pieces = []
        while size > 0 and not self._inflate.eof:
            packed = self._inflate.unconsumed_tail or super().read(_START)
            if not packed:
                break
            piece = inflated(self._inflate, packed, size, redacted(self.url))
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)


def as_the_registry_has_it(response: HttpResponse) -> HttpResponse:
    """``response``, whose header says gzip and whose length is not that of its blob, with the body of the blob itself."""
    start = response.read(_START)
    if start.startswith(GZIP):
        inside = inflated(inflater(), start, _START, redacted(response.url))
        if response.remaining is not None or inside.startswith(_INSIDE):
            return _Unpacked(response, start)
    return _Peeked(response, start)
