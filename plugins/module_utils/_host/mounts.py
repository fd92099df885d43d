# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The system calls mount(2) and umount2(2), which Python's standard library does not have.

Constants bear the names of ``<sys/mount.h>``; their values are the same on every architecture.
"""

from __future__ import annotations

import ctypes
import errno
import os

from .._errors import HostError
from .syscalls import call

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_SYNCHRONOUS = 0x10
MS_REMOUNT = 0x20
MS_DIRSYNC = 0x80
MS_NOATIME = 0x400
MS_NODIRATIME = 0x800
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MS_RELATIME = 0x200000
MS_STRICTATIME = 0x1000000

_MNT_DETACH = 0x2
_UMOUNT_NOFOLLOW = 0x8


class MountFailed(HostError):
    """The kernel refused to mount or unmount; ``error_number`` is the errno that it gave."""

    code = "mount_failed"

    def __init__(self, action: str, target: str, error_number: int) -> None:
        reason = os.strerror(error_number)
        if error_number == errno.EPERM:
            reason += " (it takes the capability CAP_SYS_ADMIN)"
        super().__init__(f"cannot {action}: {reason}", subject=target)
        self.error_number = error_number


def mount(source: str, target: str, fstype: str, flags: int = 0, data: str = "") -> None:
    """Mounts ``source`` at ``target``; ``flags`` are the ``MS_`` constants, ``data`` the file system's own options.

    The kernel cuts ``data`` off at one page: longer text is refused here. Raises MountFailed.
    """
    action = f"mount {fstype or 'it'}"
    encoded = os.fsencode(data)
    if not fits(data):
        raise MountFailed(action, target, errno.E2BIG)
    try:
        call("mount", os.fsencode(source), os.fsencode(target), os.fsencode(fstype), ctypes.c_ulong(flags), encoded)
    except OSError as error:
        raise MountFailed(action, target, error.errno or errno.EIO) from error


def fits(data: str) -> bool:
    """Whether the kernel takes ``data`` whole: it must be shorter than one page of memory."""
    return len(os.fsencode(data)) < os.sysconf("SC_PAGE_SIZE")


def unmount(target: str, detach: bool = False) -> None:
    """Takes the topmost mount at ``target`` away; with ``detach`` at once for new users, when idle for those inside.

    A symbolic link at ``target`` is not followed. Raises MountFailed.
    """
    flags = _UMOUNT_NOFOLLOW | (_MNT_DETACH if detach else 0)
    try:
        call("umount2", os.fsencode(target), flags)
    except OSError as error:
        raise MountFailed("unmount it", target, error.errno or errno.EIO) from error


def bind_private(path: str) -> None:
    """Makes the directory ``path`` a mount of its own whose mounts are not passed on to other mount namespaces.

    Raises MountFailed.
    """
    mount(path, path, "", MS_BIND)
    make_private(path)


def make_private(path: str, recursive: bool = False) -> None:
    """Stops the mount at ``path`` (and those below it) from passing mounts on to other namespaces.

    Raises MountFailed.
    """
    mount("", path, "", MS_PRIVATE | (MS_REC if recursive else 0))


def release_bind(path: str) -> bool:
    """Takes the bind of the directory ``path`` onto itself away where nothing is mounted in it, and tells whether there was one.

    A file system that somebody mounted there stays. Raises HostError.
    """
    from .mountinfo import is_bound_to_itself, mounts_below

    if mounts_below(path) or not is_bound_to_itself(path):
        return False
    unmount(path, detach=True)
    return True


def restrict_bind(path: str) -> None:
    """Makes the bind mount at ``path`` one in which no device can be opened and no program run or gain rights. Raises MountFailed."""
    mount("", path, "", MS_BIND | MS_REMOUNT | MS_NODEV | MS_NOSUID | MS_NOEXEC)
