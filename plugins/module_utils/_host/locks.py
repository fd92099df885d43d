# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""File locks that conflict with the POSIX record locks of containers/storage.

They are locks of the open file description (``F_OFD_SETLKW``): each holder opens the file for itself, so two threads
exclude one another as two processes do, and closing some other descriptor of the same file does not drop the lock, as
it would with a plain POSIX lock. A thread that takes the same exclusive lock twice waits for itself for ever.

Descriptors are closed on exec. A child that is forked while a lock is held shares the description; unlocking is
therefore done by an explicit call before the close, which takes effect whatever descriptors the child still has.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from .os_errors import host_error, reporting

# struct flock: l_type, l_whence, l_start, l_len, l_pid. From the start to infinity; l_pid must be 0 for these locks.
_FLOCK = struct.Struct("hhqqi0q")
_BUSY = (errno.EAGAIN, errno.EACCES)


@contextmanager
def exclusive(path: str) -> Iterator[int]:
    """Holds the exclusive lock of ``path``, and gives the descriptor, open for reading and writing.

    The file is created with mode 0644 where it is missing. Waits as long as it takes. Raises HostError.
    """
    with reporting("open the lock file", path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _lock(descriptor, fcntl.F_WRLCK, path)
        yield descriptor
    finally:
        _release(descriptor)


@contextmanager
def shared(path: str) -> Iterator[None]:
    """Holds the shared lock of ``path``; where the file is missing there is nobody to lock out, and it is not created.

    Waits as long as it takes. Raises HostError.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        yield
        return
    except OSError as error:
        raise host_error(error, "open the lock file", path) from error
    try:
        _lock(descriptor, fcntl.F_RDLCK, path)
        yield
    finally:
        _release(descriptor)


class HeldLock:
    """An exclusive lock that is held until release()."""

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    def release(self) -> None:
        """Gives the lock up; the file stays. Further calls do nothing."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            _release(descriptor)

    def remove(self) -> None:
        """Gives the lock up and removes its file, in the order that leaves no moment for another to take it."""
        try:
            with reporting("remove the lock file", self.path), suppress(FileNotFoundError):
                os.unlink(self.path)
        finally:
            self.release()


def try_exclusive(path: str, *, create: bool = False) -> HeldLock | None:
    """The exclusive lock of ``path`` if it can be had at once, else None.

    With ``create`` the file must be new: None as well where it exists. Without, None where it does not. None also where
    somebody removed the file between opening and locking, for then the lock guards nothing. Raises HostError.
    """
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT | os.O_EXCL if create else 0)
    try:
        descriptor = os.open(path, flags, 0o600)
    except (FileExistsError, FileNotFoundError) as error:
        if create and isinstance(error, FileNotFoundError):
            raise host_error(error, "create the lock file", path) from error
        return None
    except OSError as error:
        raise host_error(error, "open the lock file", path) from error
    held = HeldLock(path, descriptor)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _request(fcntl.F_WRLCK))
        alive = os.fstat(descriptor).st_nlink > 0
    except OSError as error:
        held.release()
        if error.errno in _BUSY:
            return None
        raise host_error(error, "lock", path) from error
    if alive:
        return held
    held.release()
    return None


def is_held(path: str) -> bool:
    """Whether somebody holds the exclusive lock of ``path`` now. Only looks; a file that is missing is held by nobody.

    Raises HostError.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise host_error(error, "open the lock file", path) from error
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _request(fcntl.F_RDLCK))
    except OSError as error:
        if error.errno in _BUSY:
            return True
        raise host_error(error, "lock", path) from error
    finally:
        _release(descriptor)
    return False


def _lock(descriptor: int, kind: int, path: str) -> None:
    with reporting("lock", path):
        while True:
            try:
                fcntl.fcntl(descriptor, fcntl.F_OFD_SETLKW, _request(kind))
                return
            except OSError as error:
                # The kernel may suspect a deadlock among POSIX locks of others; upstream tries again too.
                if error.errno != errno.EDEADLK:
                    raise


def _release(descriptor: int) -> None:
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _request(fcntl.F_UNLCK))
    finally:
        os.close(descriptor)


def _request(kind: int) -> bytes:
    return _FLOCK.pack(kind, os.SEEK_SET, 0, 0, 0)
