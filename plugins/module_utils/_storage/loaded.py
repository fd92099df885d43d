# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Record files as this process last read or wrote them: they are read again only when they changed.

Two things tell that a file is the same: the last-write record in its lock file, which every tool replaces when it changes
the data, and what the file system says of the file. Upstream trusts the first alone for images and containers, and both for
layers (``lockfile`` and ``layerStore.Load`` of containers/storage). Where the lock file holds no record nobody gives a sign,
and the file is read every time.

What is kept is shared by all threads: records are never changed, and neither are the tuples of them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Optional

from .._host.atomic_files import read_file
from .._host.os_errors import reporting
from .json_record import R, decode_records, note_texts

# Device, inode, size, and the times of the last change of content and of anything else; None where there is no file.
_Identity = Optional[tuple[int, int, int, int, int]]


@dataclass(frozen=True)
class _Loaded:
    stamp: bytes
    identity: _Identity
    records: tuple[Any, ...]
    # What the file held, until the records have their texts.
    data: Optional[bytes] = None


_files: dict[str, _Loaded] = {}


def load_records(path: str, kind: type[R], stamp: bytes | None) -> tuple[R, ...]:
    """The records of the file ``path``, in its order; the same tuple as before where it did not change since.

    ``stamp`` is the record in the lock file, read under the lock, which the caller holds. Raises StoreDamaged and HostError.
    """
    # Before the file is read: should somebody without the lock replace it in between, it is read once more.
    identity = _identity(path)
    known = _files.get(path)
    if known is not None and (known.stamp, known.identity) == (stamp, identity):
        return known.records
    data = read_file(path)
    records = tuple(decode_records(data, kind, path))
    if stamp is None:
        _files.pop(path, None)
    else:
        _files[path] = _Loaded(stamp, identity, records, data)
    return records


def note_texts_of(path: str) -> None:
    """Gives the records of ``path`` the texts that they have in the file, which the caller is about to write anew."""
    known = _files.get(path)
    if known is not None and known.data:
        note_texts(known.data, known.records)
        _files[path] = replace(known, data=None)


def note_written(path: str, stamp: bytes, records: Sequence[R]) -> None:
    """Notes that the caller, who holds the exclusive lock, just wrote ``records`` to ``path``. Raises HostError."""
    _files[path] = _Loaded(stamp, _identity(path), tuple(records))


def note_kept(path: str, stamp: bytes) -> None:
    """Notes that the caller, who holds the exclusive lock, wrote its sign for another file of the same lock."""
    known = _files.get(path)
    if known is not None:
        _files[path] = replace(known, stamp=stamp)


def _identity(path: str) -> _Identity:
    with reporting("look at", path):
        try:
            status = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
