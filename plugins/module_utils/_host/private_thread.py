# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Running a function with a working directory or with mounts of its own.

In Linux both belong to a thread, not to a process, once the thread has called unshare(2). So no child process is
needed, and nothing has to be put back: what the thread changed ends with it, even when the process is killed.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from typing import TypeVar

from .mounts import MountFailed, make_private
from .os_errors import reporting
from .syscalls import call

T = TypeVar("T")

_CLONE_FS = 0x200
_CLONE_NEWNS = 0x20000


def in_directory(directory: str, action: Callable[[], T]) -> T:
    """What ``action`` returns when it runs with the working directory ``directory``; that of other threads stays.

    Raises HostError, and what ``action`` raises.
    """

    def work() -> T:
        _unshare(_CLONE_FS, directory)
        with reporting("enter", directory):
            os.chdir(directory)
        return action()

    return _in_thread(work)


def with_own_mounts(action: Callable[[], T]) -> T:
    """What ``action`` returns when it runs in a mount namespace of its own, a copy of this one.

    What it mounts nobody else sees, and it is gone when ``action`` is. Needs CAP_SYS_ADMIN. Raises MountFailed, and
    what ``action`` raises.
    """

    def work() -> T:
        _unshare(_CLONE_NEWNS, "/")
        # The copies would pass mounts on to the originals.
        make_private("/", recursive=True)
        return action()

    return _in_thread(work)


def in_mount_namespace(descriptor: int, action: Callable[[], T]) -> T:
    """What ``action`` returns when it runs with the mounts of the namespace that is open as ``descriptor``.

    The process must be root of that namespace's user namespace. Raises MountFailed, and what ``action`` raises.
    """

    from .user_namespace import enter_mount_namespace

    def work() -> T:
        _unshare(_CLONE_FS, "/")
        try:
            enter_mount_namespace(descriptor)
        except OSError as error:
            raise MountFailed("enter the user's mount namespace", "/", error.errno or errno.EIO) from error
        return action()

    return _in_thread(work)


def _unshare(flags: int, subject: str) -> None:
    try:
        call("unshare", flags)
    except OSError as error:
        raise MountFailed("leave the view that the threads share", subject, error.errno or errno.EIO) from error


def _in_thread(work: Callable[[], T]) -> T:
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
