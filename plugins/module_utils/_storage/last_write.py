# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The last-write record: 64 bytes at the start of a lock file by which other processes learn that the data changed.

Readers remember the bytes they saw and read the data again when they differ, so all that matters is that they never
repeat; a running podman service does not see a new image without it. Upstream: ``lockfile`` of containers/storage.
"""

from __future__ import annotations

import itertools
import os
import struct
import time

# Time in nanoseconds, count within this process, process ID, randomness; 64 bytes, or older versions reload every time.
_RECORD = struct.Struct("<QQI44s")
_count = itertools.count(1)


def stamp(descriptor: int) -> bytes:
    """Writes a fresh record to the lock file behind ``descriptor``, whose exclusive lock the caller holds, and returns it.

    To be done before the data is replaced: should the process end in between, others read unchanged data once more.
    Raises OSError.
    """
    record = _RECORD.pack(time.time_ns(), next(_count), os.getpid(), os.urandom(44))
    os.pwrite(descriptor, record, 0)
    return record


def read_stamp(descriptor: int) -> bytes | None:
    """The record in the lock file behind ``descriptor``, None where it holds none. Raises OSError."""
    record = os.pread(descriptor, _RECORD.size + 1, 0)
    # Of any other length it is no record: older versions then read the data every time.
    return record if len(record) == _RECORD.size else None


def read_stamp_of(lock: str) -> bytes | None:
    """The same for the lock file ``lock``, None too where there is no such file. Raises OSError."""
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return read_stamp(descriptor)
    finally:
        os.close(descriptor)
