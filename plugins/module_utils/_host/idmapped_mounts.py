# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Mounts that show other owners than the files have (Linux 5.12), and mounts that are handed from one namespace to another.

See mount_setattr(2), open_tree(2), move_mount(2) and user_namespaces(7). The numbers of the system calls are the same on every
architecture that Linux runs Python on, but Alpha.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from .mounts import MountFailed
from .os_errors import reporting
from .syscalls import call, system_call

_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442
_AT_FDCWD = -100
_AT_EMPTY_PATH = 0x1000
_OPEN_TREE_CLONE = 0x1
_MOVE_MOUNT_F_EMPTY_PATH = 0x4
_MOUNT_ATTR_IDMAP = 0x100000
_MS_PRIVATE = 0x40000
_CLONE_NEWUSER = 0x10000000
# struct mount_attr: attr_set, attr_clr, propagation, userns_fd.
_MOUNT_ATTR = struct.Struct("=QQQQ")

# A range of IDs as the kernel takes it: the first inside, the first outside, and how many.
Extent = tuple[int, int, int]


@contextmanager
def user_namespace(uids: Sequence[Extent], gids: Sequence[Extent]) -> Iterator[int]:
    """A descriptor of a new user namespace with these maps; it takes root rights. Raises MountFailed and HostError.

    A namespace is made by a process that enters it. That process does nothing, and is gone when this returns or dies.
    """
    reading, writing = os.pipe()
    asking, answering = os.pipe()
    child = os.fork()
    if child == 0:
        _be_inside(reading, writing, answering)
    os.close(reading)
    os.close(answering)
    try:
        try:
            error_number = os.read(asking, 1)[:1]
            if error_number != b"\0":
                raise MountFailed("make a user namespace", "/proc/self/ns/user", (error_number or b"\5")[0])
            for name, extents in (("uid_map", uids), ("gid_map", gids)):
                _write_map(f"/proc/{child}/{name}", extents)
            with reporting("open the user namespace", f"/proc/{child}/ns/user"):
                namespace = os.open(f"/proc/{child}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
        finally:
            os.close(asking)
            os.close(writing)
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    except OSError as error:
        raise MountFailed("make a user namespace", "/proc/self/ns/user", error.errno or errno.EIO) from error
    try:
        yield namespace
    finally:
        os.close(namespace)


def _be_inside(reading: int, writing: int, answering: int) -> None:
    """What the child does: it enters a namespace, says so, and waits until nobody needs it any more."""
    try:
        os.close(writing)
        try:
            call("unshare", _CLONE_NEWUSER)
            os.write(answering, b"\0")
        except OSError as error:
            os.write(answering, bytes([error.errno or errno.EIO]))
        os.read(reading, 1)
    finally:
        os._exit(0)


def _write_map(path: str, extents: Sequence[Extent]) -> None:
    text = "".join(f"{inside} {outside} {size}\n" for inside, outside, size in extents)
    with reporting("write", path):
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            # The kernel takes a map in one piece, once.
            os.write(descriptor, text.encode("ascii"))
        finally:
            os.close(descriptor)


def clone_mount(path: str) -> int:
    """A descriptor of a copy of what is mounted at ``path``, or from the directory ``path`` on; nobody sees it yet.

    Mounts below are not part of it. Raises MountFailed.
    """
    flags = _OPEN_TREE_CLONE | os.O_CLOEXEC
    try:
        return system_call(_OPEN_TREE, _AT_FDCWD, os.fsencode(path), ctypes.c_uint(flags))
    except OSError as error:
        raise MountFailed("copy the mount", path, error.errno or errno.EIO) from error


def map_owners(mount: int, namespace: int, subject: str) -> None:
    """Shows all files of the copied ``mount`` with the owners that those on disk have in the user namespace.

    Not every file system can do that. ``subject`` is for errors. Raises MountFailed.
    """
    attributes = _MOUNT_ATTR.pack(_MOUNT_ATTR_IDMAP, 0, _MS_PRIVATE, namespace)
    try:
        system_call(
            _MOUNT_SETATTR, mount, b"", ctypes.c_uint(_AT_EMPTY_PATH), attributes, ctypes.c_size_t(len(attributes))
        )
    except OSError as error:
        raise MountFailed("map the owners of the mount", subject, error.errno or errno.EIO) from error


def attach_mount(mount: int, target: str) -> None:
    """Puts the copied ``mount`` at the directory ``target``, in the mount namespace of the calling thread. Raises MountFailed."""
    try:
        system_call(_MOVE_MOUNT, mount, b"", _AT_FDCWD, os.fsencode(target), ctypes.c_uint(_MOVE_MOUNT_F_EMPTY_PATH))
    except OSError as error:
        raise MountFailed("attach the mount", target, error.errno or errno.EIO) from error
