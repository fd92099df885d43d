# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Record files that are held open for change: lists of records under the exclusive lock of their files.

A record is written back to the file it came from: newer tools keep the records of volatile containers in files of their
own, and look for them nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic

from .._host.atomic_files import replace_file
from .._host.os_errors import reporting
from .json_record import R, encode_records
from .last_write import read_stamp, stamp
from .loaded import load_records, note_kept, note_texts_of, note_written
from .records import MountRecord


@dataclass(frozen=True)
class RecordFile:
    """A file with records; ``sync`` tells whether its content must be on the disk before its name is."""

    path: str
    sync: bool = True


class RecordTable(Generic[R]):
    """The records of one kind in one or several files, with their lock held by the caller.

    Changes are in memory until save().
    """

    def __init__(self, kind: type[R], lock: str, descriptor: int, files: tuple[RecordFile, ...]) -> None:
        """Reads ``files``. ``descriptor`` is that of the lock file ``lock``. Raises StoreDamaged and HostError."""
        self._lock = lock
        self._descriptor = descriptor
        self._files = files
        with reporting("read the last-write record", lock):
            sign = read_stamp(descriptor)
        # In each file the first record with an ID counts, as upstream.
        self._records = [_by_id(load_records(file.path, kind, sign)) for file in files]
        self._changed = [False] * len(files)

    def __iter__(self) -> Iterator[R]:
        """The records in order; of records with the same ID the first counts, as upstream."""
        before: list[dict[str, R]] = []
        for records in self._records:
            # A copy, so that records can be removed meanwhile.
            for record_id, record in tuple(records.items()):
                if not before or not any(record_id in other for other in before):
                    yield record
            before.append(records)

    def get(self, record_id: str) -> R | None:
        """The record with this ID, None where there is none."""
        return next((records[record_id] for records in self._records if record_id in records), None)

    def add(self, record: R) -> None:
        """Appends a record with a new ID to the first file."""
        self._put(0, record)

    def replace(self, record: R) -> None:
        """Puts ``record`` in the place of the one with its ID. Raises KeyError where there is none."""
        for position, records in enumerate(self._records):
            if record.id in records:
                self._put(position, record)
                return
        raise KeyError(record.id)

    def remove(self, record_id: str) -> None:
        """Drops the record with this ID; nothing to do where there is none."""
        for position, records in enumerate(self._records):
            if records.pop(record_id, None) is not None:
                self._changed[position] = True

    def save(self) -> None:
        """Writes the files whose records changed, after the sign to other processes. Raises HostError.

        Without a change nothing is written, the sign included.
        """
        if not any(self._changed):
            return
        with reporting("write the last-write record", self._lock):
            sign = stamp(self._descriptor)
        for position, file in enumerate(self._files):
            if self._changed[position]:
                records = tuple(self._records[position].values())
                note_texts_of(file.path)
                replace_file(file.path, encode_records(records), sync=file.sync, locked=True)
                note_written(file.path, sign, records)
                self._changed[position] = False
            else:
                note_kept(file.path, sign)

    def _put(self, position: int, record: R) -> None:
        self._records[position][record.id] = record
        self._changed[position] = True


def _by_id(records: Sequence[R]) -> dict[str, R]:
    found = {record.id: record for record in records}
    if len(found) == len(records):
        return found
    found = {}
    for record in records:
        found.setdefault(record.id, record)
    return found


class MountTable(RecordTable[MountRecord]):
    """The mount counts."""

    def put(self, layer_id: str, path: str, count: int) -> None:
        """Notes that the layer is mounted at ``path`` with ``count`` users; with none the record goes."""
        old = self.get(layer_id)
        if count <= 0:
            self.remove(layer_id)
        elif old is None:
            self.add(MountRecord.of(id=layer_id, path=path, count=count))
        else:
            self.replace(old.changed(path=path, count=count))
