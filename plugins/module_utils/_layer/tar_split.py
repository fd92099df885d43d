# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""tar-split: what is needed beside the files of a layer to make its tar again, byte for byte (vbatts/tar-split).

Newline-terminated JSON objects: a segment carries raw bytes of the archive, a file entry stands for the content of a
member and carries its CRC-64. Keys are in the order of Go's struct, and strings escaped as Go's encoding/json does.
"""

from __future__ import annotations

import base64
import json
import re
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from .._errors import HostError
from .._model.json_text import go_json
from .compression import gzip_compressor
from .member_name import clean_name, readable

_FILE = 1
_SEGMENT = 2
_CRC_LENGTH = 8

# Names that stand in JSON as they are.
_PLAIN_NAME = re.compile(rb"[A-Za-z0-9 !#$%'()*+,./:;=?@\[\]^_`{|}~-]*")

# Lines are short, and each call of the compressor costs more than they do.
_GATHERED = 64 * 1024


class DamagedTarSplit(HostError):
    """The tar-split data that the store keeps of a layer cannot be read."""

    code = "store_damaged"


class TarSplitWriter:
    """Writes the records of one archive, in the order of the archive, as lines of uncompressed text to ``write``."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._position = 0

    def segment(self, data: bytes) -> None:
        """Records raw bytes of the archive."""
        self._write(b'{"type":2,"payload":"%b","position":%d}\n' % (b2a_base64(data, newline=False), self._position))
        self._position += 1

    def file(self, name: bytes, size: int, crc: bytes | None) -> None:
        """Records the member ``name`` (as in its header); ``crc`` is None where it has no content."""
        payload = b'"%b"' % b2a_base64(crc, newline=False) if crc is not None else b"null"
        length = b'"size":%d,' % size if size else b""
        self._write(b'{"type":1,%b%b"payload":%b,"position":%d}\n' % (_name(name), length, payload, self._position))
        self._position += 1


class GzipWriter:
    """Compresses what is written as storage keeps tar-split, and hands it to ``write``; ``close()`` ends the stream.

    ``accelerated`` allows optional faster libraries, which compress otherwise.
    """

    def __init__(self, write: Callable[[bytes], object], *, accelerated: bool = True) -> None:
        self._write = write
        # containers/storage compresses with gzip's lowest level; the reader does not care.
        self._compressor = gzip_compressor(accelerated=accelerated)
        self._gathered: list[bytes] = []
        self._length = 0

    def write(self, data: bytes) -> None:
        """Takes the next bytes."""
        self._gathered.append(data)
        self._length += len(data)
        if self._length >= _GATHERED:
            self._compress()

    def close(self) -> None:
        """Writes what is left and the trailer."""
        self._compress()
        self._write(self._compressor.flush())

    def _compress(self) -> None:
        compressed = self._compressor.compress(b"".join(self._gathered))
        self._gathered.clear()
        self._length = 0
        if compressed:
            self._write(compressed)


class Segment(NamedTuple):
    """Raw bytes of the archive."""

    data: bytes


class FileEntry(NamedTuple):
    """The place of a member's content: ``size`` bytes with the CRC-64 ``crc`` (8 bytes; None without content)."""

    name: bytes
    size: int
    crc: bytes | None


def read_tar_split(chunks: Iterable[bytes]) -> Iterator[Segment | FileEntry]:
    """The records in the uncompressed tar-split stream ``chunks``, in order.

    Raises DamagedTarSplit where a line is no record or breaks off, and, as upstream does, for two members of one name.
    """
    seen: set[bytes] = set()
    for line in _lines(chunks):
        record = _record(line)
        if isinstance(record, FileEntry):
            clean = clean_name(record.name)
            if clean in seen:
                raise DamagedTarSplit("duplicates of file paths not supported", subject=readable(record.name))
            seen.add(clean)
        yield record


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    begun: list[bytes] = []
    for chunk in chunks:
        head, newline, rest = chunk.partition(b"\n")
        begun.append(head)
        if newline:
            *lines, last = rest.split(b"\n")
            yield b"".join(begun)
            yield from lines
            begun = [last]
    if any(begun):
        raise DamagedTarSplit("the tar-split data ends in the middle of a record")


def _name(name: bytes) -> bytes:
    if not name:
        return b""
    if _PLAIN_NAME.fullmatch(name):
        return b'"name":"%b",' % name
    try:
        return b'"name":%b,' % go_json(name.decode("utf-8")).encode("utf-8")
    except UnicodeDecodeError:
        return b'"name_raw":"%b",' % b2a_base64(name, newline=False)


def _record(line: bytes) -> Segment | FileEntry:
    try:
        fields: dict[str, Any] = json.loads(line)
        kind = fields["type"]
        payload = None if fields["payload"] is None else base64.b64decode(fields["payload"], validate=True)
        if kind == _SEGMENT:
            return Segment(payload or b"")
        if kind == _FILE:
            raw = fields.get("name_raw")
            name = base64.b64decode(raw, validate=True) if raw else fields.get("name", "").encode("utf-8")
            return _file_entry(name, fields.get("size", 0), payload)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedTarSplit(f"a tar-split record cannot be read: {error!r}") from error
    raise DamagedTarSplit("a tar-split record is of an unknown type", wanted="1 or 2", found=str(kind))


def _file_entry(name: bytes, size: object, crc: bytes | None) -> FileEntry:
    if not isinstance(size, int) or size < 0:
        raise ValueError(f"size {size!r}")
    if size and (crc is None or len(crc) != _CRC_LENGTH):
        raise ValueError("no checksum")
    return FileEntry(name, size, crc)
