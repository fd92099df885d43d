# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Temporary directories that other processes leave alone while we live, and remove when we died.

The protocol is that of ``tempdir`` in containers/storage 1.59 and later: a directory ``temp-dir-<n>`` belongs to
whoever holds the lock of ``lock-<n>`` beside it, and anybody who can take that lock may remove both. Newer tools do so
whenever they load the layers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from .._errors import HostError
from .._host.locks import HeldLock, is_held, try_exclusive
from .._host.os_errors import reporting
from .._host.remove_tree import remove_tree
from .layout import LOCK_PREFIX, TEMP_DIR_PREFIX
from .prepare import make_directory

_ATTEMPTS = 100


@contextmanager
def temp_dir(root: str) -> Iterator[str]:
    """A new empty directory in ``root``, guarded by its lock; removed at the end with all that is in it.

    ``root`` is made when it is missing and removed when nothing else is in it. Raises HostError.
    """
    number, lock = _new_lock(root)
    try:
        path = f"{root}/{TEMP_DIR_PREFIX}{number}"
        make_directory(path)
        yield path
    finally:
        _discard(root, number, lock)
        _remove_if_empty(root)


def recover_temp_dirs(root: str) -> None:
    """Removes from ``root`` the temporary directories of processes that are gone, and ``root`` itself when it is empty.

    An absent ``root`` is fine. Raises HostError.
    """
    for number in _numbers(root):
        lock_path = f"{root}/{LOCK_PREFIX}{number}"
        if not os.path.lexists(lock_path):
            # The lock is made first and removed last, so nobody is in a directory without one.
            remove_tree(f"{root}/{TEMP_DIR_PREFIX}{number}")
            continue
        lock = try_exclusive(lock_path)
        if lock is not None:
            _discard(root, number, lock)
    _remove_if_empty(root)


def dead_temp_dirs(root: str) -> list[str]:
    """The temporary directories and locks in ``root`` that nobody holds. Only reads. Raises HostError."""
    found = []
    for number in _numbers(root):
        if not is_held(f"{root}/{LOCK_PREFIX}{number}"):
            paths = (f"{root}/{TEMP_DIR_PREFIX}{number}", f"{root}/{LOCK_PREFIX}{number}")
            found += [path for path in paths if os.path.lexists(path)][:1]
    return found


def _new_lock(root: str) -> tuple[str, HeldLock]:
    """A new lock file in ``root``, held. Between its making and its locking another process may take and remove it."""
    for _attempt in range(_ATTEMPTS):
        make_directory(root)
        number = str(int.from_bytes(os.urandom(4), "big"))
        try:
            lock = try_exclusive(f"{root}/{LOCK_PREFIX}{number}", create=True)
        except HostError:
            if os.path.isdir(root):
                raise
            # The last user of the directory has just removed it.
            continue
        if lock is not None:
            return number, lock
    raise HostError("no lock file could be made and kept", subject=root)


def _discard(root: str, number: str, lock: HeldLock) -> None:
    try:
        remove_tree(f"{root}/{TEMP_DIR_PREFIX}{number}")
    except BaseException:
        # The lock file stays, so that the directory is found again.
        lock.release()
        raise
    lock.remove()


def _numbers(root: str) -> list[str]:
    """What follows the prefix in the names of all locks and temporary directories."""
    try:
        with reporting("list", root):
            names = os.listdir(root)
    except HostError:
        if os.path.isdir(root):
            raise
        return []
    found = [
        name[len(prefix) :] for name in names for prefix in (LOCK_PREFIX, TEMP_DIR_PREFIX) if name.startswith(prefix)
    ]
    return list(dict.fromkeys(found))


def _remove_if_empty(root: str) -> None:
    # Older versions would take the directory for a layer's.
    with suppress(OSError):
        os.rmdir(root)
