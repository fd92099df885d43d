# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""File locks that conflict with the POSIX record locks of containers/storage.

They are locks of the open file description (``F_OFD_SETLKW``): each holder opens the file for itself, so two threads
exclude one another as two processes do, and closing some other descriptor of the same file does not drop the lock, as
it would with a plain POSIX lock.

A lock has one owner, the thread that took it in the process that took it:

- A thread that asks for a lock which it holds itself, and which would make it wait, would wait for ever; it gets a
  RuntimeError. Two shared holds by one thread are fine.
- A forked child shares the description, so that unlocking it would take the lock from its parent, and so that it would
  hold the lock on after its parent was killed. Therefore a fork closes the child's descriptors of all locks, and releasing
  them there does nothing. Programs that are started get none, for descriptors are closed on exec.
- Unlocking is an explicit call before the close: it takes effect at once, whatever descriptors a program that is just
  being started still has.

The order in which the locks of a store are taken is told in ``docs/formats/locks.md``.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from .._errors import HostError
from .os_errors import host_error, reporting

# struct flock: l_type, l_whence, l_start, l_len, l_pid. From the start to infinity; l_pid must be 0 for these locks.
_FLOCK = struct.Struct("hhqqi0q")
_BUSY = (errno.EAGAIN, errno.EACCES)
# As upstream: a lock of records may be shared by whoever may read the store, one of a temporary directory is its owner's.
_MODE = 0o644
_NEW_MODE = 0o600


class HeldLock:
    """A lock that is held until release(), by the thread that made it."""

    def __init__(self, path: str, descriptor: int, kind: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._kind = kind
        self._thread = threading.get_ident()
        status = os.fstat(descriptor)
        self._file = (status.st_dev, status.st_ino)

    @property
    def descriptor(self) -> int:
        """The descriptor of the lock file, -1 where the lock was released or is the parent's."""
        return self._descriptor

    def would_wait_for(self, other: HeldLock) -> bool:
        """Whether ``other`` keeps this lock from being had, and is the same thread's, which cannot release it while it waits."""
        same = self._file == other._file and self._thread == other._thread
        return same and fcntl.F_WRLCK in (self._kind, other._kind)

    def wait(self) -> None:
        """Returns when the lock is held, as long as that takes. Raises HostError."""
        with reporting("lock", self.path):
            fcntl.fcntl(self._descriptor, fcntl.F_OFD_SETLKW, _request(self._kind))

    def release(self) -> None:
        """Gives the lock up; the file stays. Further calls do nothing."""
        with _own.guard:
            _own.locks.discard(self)
            descriptor, self._descriptor = self._descriptor, -1
            if descriptor >= 0:
                try:
                    fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _request(fcntl.F_UNLCK))
                finally:
                    os.close(descriptor)

    def remove(self) -> None:
        """Gives the lock up and removes its file, in the order that leaves no moment for another to take it."""
        try:
            with reporting("remove the lock file", self.path), suppress(FileNotFoundError):
                os.unlink(self.path)
        finally:
            self.release()

    def forget(self) -> None:
        """Closes the descriptor and leaves the lock as it is: in a forked child it is the parent's."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class _Own:
    """The locks of this process: those that it holds, and those that a thread of it waits for."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.locks: set[HeldLock] = set()

    def open(self, path: str, flags: int, kind: int) -> HeldLock:
        """The lock of ``path``, not taken yet. Raises OSError."""
        # A fork waits for the guard, so that no child has a descriptor that is not known here.
        with self.guard:
            descriptor = _open(path, flags)
            lock = HeldLock(path, descriptor, kind)
            self.locks.add(lock)
            return lock

    def ensure_no_wait_for_itself(self, lock: HeldLock) -> None:
        """Raises RuntimeError where the thread would wait for a lock of its own."""
        with self.guard:
            held = any(lock.would_wait_for(other) for other in self.locks if other is not lock)
        if held:
            raise RuntimeError(f"this thread holds the lock {lock.path} already and would wait for itself")

    def in_child(self) -> None:
        """What the only thread of a forked child does first."""
        for lock in self.locks:
            lock.forget()
        self.locks.clear()
        self.guard.release()


_own = _Own()
os.register_at_fork(
    before=_own.guard.acquire,
    after_in_parent=_own.guard.release,
    after_in_child=_own.in_child,
)


@contextmanager
def exclusive(path: str) -> Iterator[int]:
    """Holds the exclusive lock of ``path``, and gives the descriptor, open for reading and writing.

    The file is created with mode 0644 where it is missing. Waits as long as it takes. Raises HostError.
    """
    with reporting("open the lock file", path):
        lock = _own.open(path, os.O_RDWR | os.O_CREAT, fcntl.F_WRLCK)
    with _held(lock):
        yield lock.descriptor


@contextmanager
def shared(path: str) -> Iterator[None]:
    """Holds the shared lock of ``path``; where the file is missing there is nobody to lock out, and it is not created.

    Waits as long as it takes. Raises HostError.
    """
    try:
        lock = _own.open(path, os.O_RDONLY, fcntl.F_RDLCK)
    except (FileNotFoundError, NotADirectoryError):
        yield
        return
    except OSError as error:
        raise host_error(error, "open the lock file", path) from error
    with _held(lock):
        yield


def try_exclusive(path: str, *, create: bool = False) -> HeldLock | None:
    """The exclusive lock of ``path`` if it can be had at once, else None.

    With ``create`` the file must be new: None as well where it exists. Without, None where it does not. None also where
    somebody removed the file between opening and locking, for then the lock guards nothing. Raises HostError.
    """
    flags = os.O_RDWR | os.O_NOFOLLOW | (os.O_CREAT | os.O_EXCL if create else 0)
    try:
        lock = _own.open(path, flags, fcntl.F_WRLCK)
    except (FileExistsError, FileNotFoundError) as error:
        if create and isinstance(error, FileNotFoundError):
            raise host_error(error, "create the lock file", path) from error
        return None
    except OSError as error:
        raise host_error(error, "open the lock file", path) from error
    try:
        fcntl.fcntl(lock.descriptor, fcntl.F_OFD_SETLK, _request(fcntl.F_WRLCK))
        alive = os.fstat(lock.descriptor).st_nlink > 0
    except OSError as error:
        lock.release()
        if error.errno in _BUSY:
            return None
        raise host_error(error, "lock", path) from error
    if alive:
        return lock
    lock.release()
    return None


def is_held(path: str) -> bool:
    """Whether somebody holds the exclusive lock of ``path`` now. Only asks, and so is in nobody's way.

    A file that is missing is held by nobody. Raises HostError.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise host_error(error, "open the lock file", path) from error
    try:
        with reporting("ask for the lock of", path):
            answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _request(fcntl.F_RDLCK))
    finally:
        os.close(descriptor)
    return bool(_FLOCK.unpack(answer)[0] != fcntl.F_UNLCK)


@contextmanager
def _held(lock: HeldLock) -> Iterator[None]:
    try:
        _own.ensure_no_wait_for_itself(lock)
        lock.wait()
        yield
    finally:
        lock.release()


def _open(path: str, flags: int) -> int:
    """Opens a lock file, which gets its mode whatever the umask where it is new. Raises OSError, and HostError for no file."""
    new = bool(flags & os.O_EXCL)
    # Not even a named pipe in the place of the file keeps anybody waiting.
    flags |= os.O_NONBLOCK | os.O_CLOEXEC
    mode = _NEW_MODE if new else _MODE
    created = False
    try:
        descriptor = os.open(path, flags if new else flags & ~os.O_CREAT, mode)
    except FileNotFoundError:
        if new or not flags & os.O_CREAT:
            raise
        descriptor, created = os.open(path, flags, mode), True
    try:
        if new or created:
            os.fchmod(descriptor, mode)
        elif not stat.S_ISREG(os.fstat(descriptor).st_mode):
            # Of a directory the lock could be had, and nothing could be written to it.
            raise HostError("the lock file is no file", subject=path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _request(kind: int) -> bytes:
    return _FLOCK.pack(kind, os.SEEK_SET, 0, 0, 0)
