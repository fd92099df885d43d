# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Compressed streams, told by their first bytes and inflated in bounded pieces.

The numbers of Compression are those of containers/storage (pkg/archive). The media type of a layer is not looked at:
there are images with plain layers under compressed types and the other way round, and the Go libraries go by the magic
bytes. A stream that ends early is an error for every format here, though not every library says so by itself.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from enum import IntEnum
from functools import cache
from typing import Any, Protocol

from .._errors import DataError, MissingLibraryError


class Compression(IntEnum):
    """How a stream is compressed, numbered as in ``layers.json``."""

    NONE = 0
    BZIP2 = 1
    GZIP = 2
    XZ = 3
    ZSTD = 4


_MAGIC = (
    (b"BZh", Compression.BZIP2),
    (b"\x1f\x8b\x08", Compression.GZIP),
    (b"\xfd7zXZ\x00", Compression.XZ),
    (b"\x28\xb5\x2f\xfd", Compression.ZSTD),
)
# A zstd stream may start with a frame that is skipped, as those of pzstd do (RFC 8878: 0x184D2A50 to 0x184D2A5F). Docker and
# containerd see zstd there; containers/image does not, and podman refuses such a layer as a broken tar.
_ZSTD_SKIPPABLE = b"\x2a\x4d\x18"
_LONGEST_MAGIC = max(len(magic) for magic, _kind in _MAGIC)

# No piece that is handed on is longer, whatever the ratio. Longer ones save no time, and memory is new to a child page by page.
_PIECE = 256 * 1024
# zstd of python-zstandard inflates all that it is given: a slice of this size cannot become more than 128 MiB
# (a block of 128 KiB takes at least 4 bytes), and the child that inflates has a limit on its memory besides.
_ZSTD_SLICE = 4096
_ZSTD_LARGEST_WINDOW = 128 * 1024 * 1024
_XZ_MEMORY = 256 * 1024 * 1024


class CorruptLayer(DataError):
    """The compressed stream or the tar in it is damaged."""

    code = "corrupt_layer"


class Decoder(Protocol):
    """One member, frame or stream of a compressed format."""

    @property
    def ended(self) -> bool:
        """Whether the end of the member was seen."""

    @property
    def left_over(self) -> bytes:
        """What was given beyond the end."""

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Takes all of ``data`` and gives what it inflates to, in pieces of bounded length."""


def detect(head: bytes) -> Compression:
    """The compression whose magic bytes ``head`` starts with; six bytes are enough."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[1:4] == _ZSTD_SKIPPABLE and head[0] & 0xF0 == 0x50:
        return Compression.ZSTD
    return Compression.NONE


def decompressed(chunks: Iterable[bytes], *, accelerated: bool = True) -> tuple[Compression, Iterator[bytes]]:
    """The compression of the stream, and its inflated bytes in pieces of at most 256 KiB.

    Several gzip members, zstd frames or xz streams in a row are one stream; zero bytes after the last are padding. A
    stream that ends early, is damaged or is followed by anything else raises CorruptLayer while it is read. Raises
    MissingLibraryError at once for zstd where no library is installed. ``accelerated`` allows optional faster
    libraries, whose results are the same.
    """
    source = iter(chunks)
    head = b""
    for chunk in source:
        head += chunk
        if len(head) >= _LONGEST_MAGIC:
            break
    kind = detect(head)
    pieces = _bounded(head, source)
    if kind is Compression.NONE:
        return kind, pieces
    return kind, _inflate(pieces, _decoder_of(kind, accelerated), kind)


def gzip_compressor(*, accelerated: bool = True) -> Any:
    """A ``compressobj`` that writes gzip at its lowest level; the bytes depend on the library, what they inflate to does not."""
    library = (_optional("isal.isal_zlib") if accelerated else None) or zlib
    # 16 + 15: a gzip header and trailer, the largest window.
    return library.compressobj(1, zlib.DEFLATED, 31)


def preload() -> None:
    """Imports every decoder and accelerator that is installed, so that none is looked for after a change of root."""
    for name in ("bz2", "lzma", "isal.isal_zlib", "zstandard", "compression.zstd", "fastcrc.crc64"):
        _optional(name)


def zstd_available() -> bool:
    """Whether zstd streams can be inflated here."""
    return _optional("compression.zstd") is not None or _optional("zstandard") is not None


def _bounded(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    """All of the stream, in pieces of a length that decoders like: they copy the input that they did not use yet."""
    yield from _pieces(head)
    for chunk in rest:
        if len(chunk) <= _PIECE:
            yield chunk
        else:
            yield from _pieces(chunk)


def _inflate(chunks: Iterator[bytes], make: Callable[[], Decoder], kind: Compression) -> Iterator[bytes]:
    decoder: Decoder | None = None
    padding = False
    for chunk in chunks:
        data = chunk
        while data:
            if decoder is None and (padding or data[0] == 0):
                padding = True
                _require_zeros(data, kind)
                break
            if decoder is None:
                decoder = make()
            yield from decoder.decode(data)
            if not decoder.ended:
                break
            data = decoder.left_over
            decoder = None
    if decoder is not None:
        raise CorruptLayer(f"the {kind.name.lower()} stream ends early (unexpected EOF)")


def _require_zeros(data: bytes, kind: Compression) -> None:
    if data.strip(b"\0"):
        raise CorruptLayer(f"there is garbage after the {kind.name.lower()} stream")


@cache
def _optional(name: str) -> Any:
    """The module, or None. The answer is kept: after a change of root directory a search would look into the layer."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _required(name: str, kind: Compression) -> Any:
    library = _optional(name)
    if library is None:
        raise MissingLibraryError(name, f"to unpack a layer that is compressed with {kind.name.lower()}")
    return library


def _decoder_of(kind: Compression, accelerated: bool) -> Callable[[], Decoder]:
    if kind is Compression.GZIP:
        library = (_optional("isal.isal_zlib") if accelerated else None) or zlib
        return lambda: _Gzip(library)
    if kind is Compression.ZSTD:
        return _zstd_decoder()
    # Both are part of Python, which can be built without them.
    if kind is Compression.BZIP2:
        bz2 = _required("bz2", kind)
        return lambda: _Buffered(bz2.BZ2Decompressor(), OSError, kind)
    lzma = _required("lzma", kind)
    return lambda: _Buffered(lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY), lzma.LZMAError, kind)


def _zstd_decoder() -> Callable[[], Decoder]:
    standard = _optional("compression.zstd")
    if standard is not None:
        options = {standard.DecompressionParameter.window_log_max: _ZSTD_LARGEST_WINDOW.bit_length() - 1}
        return lambda: _Buffered(standard.ZstdDecompressor(options=options), standard.ZstdError, Compression.ZSTD)
    zstandard = _required("zstandard", Compression.ZSTD)
    if not hasattr(zstandard.ZstdDecompressor().decompressobj(), "unused_data"):
        raise MissingLibraryError(
            "zstandard", "in version 0.19 or later to unpack a layer that is compressed with zstd"
        )
    return lambda: _Zstandard(zstandard)


class _Gzip:
    """A member of gzip, by zlib or a library with its interface."""

    def __init__(self, library: Any) -> None:
        # 16 + 15: a gzip header and trailer, the largest window.
        self._decoder = library.decompressobj(31)
        self._error = library.error

    @property
    def ended(self) -> bool:
        return bool(self._decoder.eof)

    @property
    def left_over(self) -> bytes:
        return bytes(self._decoder.unused_data)

    def decode(self, data: bytes) -> Iterator[bytes]:
        while True:
            try:
                piece = self._decoder.decompress(data, _PIECE)
            except self._error as error:
                raise CorruptLayer(f"the gzip stream is damaged: {error}") from error
            if piece:
                yield piece
            data = self._decoder.unconsumed_tail
            # A full piece may have left output inside although all input was taken.
            if self._decoder.eof or (not data and len(piece) < _PIECE):
                return


class _Buffered:
    """A stream of bz2, lzma or compression.zstd, which keep the input that they did not use yet."""

    def __init__(self, decoder: Any, error: type[Exception], kind: Compression) -> None:
        self._decoder = decoder
        self._error = error
        self._kind = kind

    @property
    def ended(self) -> bool:
        return bool(self._decoder.eof)

    @property
    def left_over(self) -> bytes:
        return bytes(self._decoder.unused_data)

    def decode(self, data: bytes) -> Iterator[bytes]:
        while True:
            try:
                piece = self._decoder.decompress(data, _PIECE)
            except (self._error, EOFError) as error:
                raise CorruptLayer(f"the {self._kind.name.lower()} stream is damaged: {error}") from error
            if piece:
                yield piece
            data = b""
            if self._decoder.eof or self._decoder.needs_input:
                return


class _Zstandard:
    """A frame of zstd by python-zstandard, which inflates whole slices of input."""

    def __init__(self, library: Any) -> None:
        self._decoder = library.ZstdDecompressor(max_window_size=_ZSTD_LARGEST_WINDOW).decompressobj()
        self._error = library.ZstdError
        self._left_over = b""

    @property
    def ended(self) -> bool:
        return bool(self._decoder.eof)

    @property
    def left_over(self) -> bytes:
        return self._left_over

    def decode(self, data: bytes) -> Iterator[bytes]:
        gathered: list[bytes] = []
        length = 0
        for start in range(0, len(data), _ZSTD_SLICE):
            try:
                piece = self._decoder.decompress(data[start : start + _ZSTD_SLICE])
            except self._error as error:
                raise CorruptLayer(f"the zstd stream is damaged: {error}") from error
            gathered.append(piece)
            length += len(piece)
            if length >= _PIECE:
                yield from _pieces(b"".join(gathered))
                gathered, length = [], 0
            if self._decoder.eof:
                self._left_over = self._decoder.unused_data + data[start + _ZSTD_SLICE :]
                break
        yield from _pieces(b"".join(gathered))


def _pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), _PIECE):
        yield data[start : start + _PIECE]
