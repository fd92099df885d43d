# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Files that are read whole and replaced whole, so that no reader ever sees a half-written one."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress

from .._errors import HostError
from .os_errors import reporting

_CHUNK = 1 << 20
_MOST_AT_ONCE = 1 << 26
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


class FileTooLarge(HostError):
    """A file is larger than anything that belongs there."""

    code = "file_too_large"


def replace_file(
    path: str,
    data: bytes,
    mode: int = 0o600,
    sync: bool = True,
    owner: tuple[int, int] | None = None,
    *,
    locked: bool = False,
) -> None:
    """Makes ``path`` a file that holds ``data``, in one step for every reader.

    The new content is written beside the old as ``.tmp-<name><digits>``, the name that containers/storage uses and
    ignores, and renamed over it. ``mode`` is set whatever the umask, and ``owner`` (user and group) if given. With
    ``sync`` the content is on the disk before the name is. ``locked`` tells that nobody else writes the file meanwhile; then
    ``temporary_of(path)`` is the name, so that one look finds what a kill left. After a failure the old file is untouched.
    Raises HostError (``no_space``, ``permission_denied``).
    """
    with reporting("write", path):
        temporary, descriptor = _open_alone(path) if locked else _open_beside(path)
        try:
            try:
                _write_all(descriptor, data)
                if sync:
                    os.fdatasync(descriptor)
                # Before the rename: nobody may meet the file under its name with another owner or mode.
                if owner is not None and owner != _owner(descriptor):
                    os.fchown(descriptor, *owner)
                os.fchmod(descriptor, mode)
            finally:
                os.close(descriptor)
            os.rename(temporary, path)
        except BaseException:
            _unlink_if_there(temporary)
            raise


def read_file(path: str, limit: int | None = None) -> bytes | None:
    """The content of ``path``, None where there is no such file.

    Raises FileTooLarge for more than ``limit`` bytes, and HostError for anything else that prevents reading. A named pipe,
    which would keep its reader waiting, is refused at once.
    """
    with reporting("read", path):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR):
                return None
            raise
        try:
            status = os.fstat(descriptor)
            if stat.S_ISFIFO(status.st_mode):
                raise HostError("cannot read: it is a named pipe", subject=path)
            data = _read_all(descriptor, status.st_size, limit)
        finally:
            os.close(descriptor)
    if limit is not None and len(data) > limit:
        raise FileTooLarge("the file is too large", subject=path, wanted=f"at most {limit} bytes", found="more")
    return data


def flush_file(path: str) -> None:
    """Has the kernel write the content of a file to the disk. Raises HostError."""
    with reporting("write to the disk", path):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)


def temporary_of(path: str) -> str:
    """Where the new content of the file ``path`` is written by who has a lock that keeps all others from doing so."""
    return _temporary(path, 0)


def _open_alone(path: str) -> tuple[str, int]:
    temporary = temporary_of(path)
    _unlink_if_there(temporary)
    return temporary, os.open(temporary, _NEW_FILE, 0o600)


def _open_beside(path: str) -> tuple[str, int]:
    while True:
        temporary = _temporary(path, int.from_bytes(os.urandom(4), "big"))
        try:
            return temporary, os.open(temporary, _NEW_FILE, 0o600)
        except FileExistsError:
            continue


def _temporary(path: str, number: int) -> str:
    directory, base = os.path.split(path)
    return os.path.join(directory, f".tmp-{base}{number}")


def _owner(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_uid, status.st_gid


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _read_all(descriptor: int, length: int, limit: int | None) -> bytes:
    """Everything, or a little more than ``limit`` bytes; ``length`` is what the kernel says of the file, 0 where it does not."""
    # In one piece, where the length is known: memory for a large piece costs more than the reading of a small file.
    chunk = length + 1 if 0 < length <= _MOST_AT_ONCE else _CHUNK
    if limit is not None:
        chunk = min(chunk, limit + 1)
    parts = []
    count = 0
    while limit is None or count <= limit:
        part = os.read(descriptor, chunk)
        if not part:
            break
        parts.append(part)
        count += len(part)
    return b"".join(parts)


def _unlink_if_there(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)
