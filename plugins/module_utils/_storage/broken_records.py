# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Record files that cannot be read: what is lost with each, and keeping a copy before another tool writes over it.

Older versions of containers/storage take such a file for an empty one and replace it at their next change; newer ones
refuse all work. Neither can rebuild it, since what the records say is said nowhere else; only mount counts can be had
from the kernel.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from .._host.atomic_files import read_file, replace_file
from .._host.locks import exclusive
from .._host.mountinfo import mounts_below
from .._model.digest import Digest
from .driver import StoreDriver
from .edit import Tables
from .json_record import Record, StoreDamaged, decode_records, encode_records
from .last_write import stamp
from .layout import Layout
from .prepare import prepare_store
from .problem import Evidence, Mend, Problem
from .records import ContainerRecord, ImageRecord, LayerRecord, MountRecord

RECORDS_UNREADABLE = "records_unreadable"
COUNTS_UNREADABLE = "mount_counts_unreadable"

_MARK_LENGTH = 12
_KINDS: tuple[type[Record], ...] = (LayerRecord, LayerRecord, ImageRecord, ContainerRecord, ContainerRecord)


def record_problems(evidence: Evidence) -> Iterator[Problem]:
    """One problem for each file that cannot be read."""
    layout = evidence.layout
    for error in evidence.unreadable:
        copy = _copy_of(layout, error.subject)
        kept = os.path.exists(copy)
        message = f"{error.message}. {_lost(layout, error.subject)}"
        if kept:
            message += f" A copy is kept at {copy}."
        mend = None if kept else Mend(f"keep a copy at {copy}", _nothing, heals=False)
        yield Problem(RECORDS_UNREADABLE, error.subject, message, mend)
    if evidence.counts_unreadable is not None:
        error = evidence.counts_unreadable
        mend = Mend("write the counts again from what is mounted", _nothing)
        yield Problem(COUNTS_UNREADABLE, error.subject, error.message, mend)


def _nothing(_tables: Tables, _layout: Layout, _driver: StoreDriver) -> None:
    """Tables of records cannot be had while a file is unreadable: keep_copies() and rebuild_counts() come before them."""


def keep_copies(layout: Layout) -> bool:
    """Keeps a copy of each record file that cannot be read, and tells whether one was made. Raises HostError."""
    wanted = [file for file in zip(layout.record_files, _KINDS) if _lacks_copy(layout, *file)]
    if wanted:
        prepare_store(layout)
    made = [_keep_copy(layout, *file) for file in wanted]
    return any(made)


def rebuild_counts(layout: Layout) -> bool:
    """Writes the mount counts anew where they cannot be read, one user for each mount; tells whether it did.

    A copy of the file is kept. Raises HostError.
    """
    if not _unreadable(layout.mountpoints_json, MountRecord):
        return False
    prepare_store(layout)
    with exclusive(layout.mountpoints_lock) as descriptor:
        if not _unreadable(layout.mountpoints_json, MountRecord):
            return False
        _copy(layout, layout.mountpoints_json)
        stamp(descriptor)
        replace_file(layout.mountpoints_json, encode_records(_mounts(layout)), locked=True)
    return True


def empty_unreadable(layout: Layout, path: str) -> None:
    """Takes all records out of the record file ``path`` if it still cannot be read. Raises HostError."""
    kind = dict(zip(layout.record_files, _KINDS)).get(path, MountRecord)
    with exclusive(_lock_of(layout, path)) as descriptor:
        # Its records may be those of another tool by now, which saw the damage as we did.
        if _unreadable(path, kind):
            stamp(descriptor)
            replace_file(path, encode_records(()), locked=True)


def _keep_copy(layout: Layout, path: str, kind: type[Record]) -> bool:
    with exclusive(_lock_of(layout, path)):
        wanted = _lacks_copy(layout, path, kind)
        if wanted:
            _copy(layout, path)
    return wanted


def _lacks_copy(layout: Layout, path: str, kind: type[Record]) -> bool:
    return _unreadable(path, kind) and not os.path.exists(_copy_of(layout, path))


def _copy(layout: Layout, path: str) -> None:
    """Keeps a copy of a file; the caller holds its lock."""
    replace_file(_copy_of(layout, path), read_file(path) or b"", locked=True)


def _mounts(layout: Layout) -> list[MountRecord]:
    home = os.path.realpath(layout.driver_home)
    found = []
    for entry in mounts_below(layout.driver_home):
        layer_id = os.path.relpath(entry.mount_point, home).partition("/")[0]
        if entry.mount_point == os.path.realpath(layout.merged(layer_id)):
            found.append(MountRecord.of(id=layer_id, path=layout.merged(layer_id), count=1))
    return found


def _unreadable(path: str, kind: type[Record]) -> bool:
    try:
        decode_records(read_file(path), kind, path)
    except StoreDamaged:
        return True
    return False


def _copy_of(layout: Layout, path: str) -> str:
    return layout.set_aside(path, Digest.of(read_file(path) or b"").hex[:_MARK_LENGTH])


def _lock_of(layout: Layout, path: str) -> str:
    if path == layout.mountpoints_json:
        return layout.mountpoints_lock
    if path == layout.images_json:
        return layout.images_lock
    layers = path in (layout.layers_json, layout.volatile_layers_json)
    return layout.layers_lock if layers else layout.containers_lock


def _lost(layout: Layout, path: str) -> str:
    if path == layout.images_json:
        return "Names and sizes of the images are recorded nowhere else, so the file cannot be rebuilt: restore it."
    if path in (layout.layers_json, layout.volatile_layers_json):
        return "Parents and digests of the layers are recorded nowhere else, so the file cannot be rebuilt: restore it."
    return "Names and images of the containers are recorded nowhere else, so the file cannot be rebuilt: restore it."
