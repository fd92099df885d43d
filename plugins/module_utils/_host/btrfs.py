# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Subvolumes of Btrfs, made and removed by the kernel's own calls: ``<linux/btrfs.h>`` and ioctl(2).

A subvolume is a directory that can be copied as a whole at once. Its device number is its own, and the inode number of its
root is always the same.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from contextlib import suppress

from .mountinfo import mount_id_of
from .os_errors import reporting
from .syscalls import call

# BTRFS_FIRST_FREE_OBJECTID: the inode number of the root of every subvolume; and that of the empty directory that a snapshot
# has in the place of a subvolume inside its source.
_SUBVOLUME_INODE, _STUB_INODE = 256, 2

# struct btrfs_ioctl_vol_args: the descriptor of the source of a snapshot, and a name that ends with a zero.
_ARGUMENTS = "=q4088s"
_NAME_MAX = 255
_SNAP_CREATE, _SUBVOL_CREATE, _SNAP_DESTROY, _SUBVOL_SETFLAGS = 1, 14, 15, 26
_FLAGS = "=Q"
_BTRFS = 0x94
# <asm/ioctl.h>: where the bit for "the kernel reads the structure" lies. All others have it at 30.
_WRITES_AT_31 = ("alpha", "mips", "parisc", "ppc", "sparc")
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# It is no subvolume, it has others in it, or only who owns it may remove it, and by rmdir(2) when it is empty.
_NOT_AT_ONCE = frozenset({errno.ENOTTY, errno.EINVAL, errno.ENOTEMPTY, errno.EPERM, errno.EACCES, errno.EOPNOTSUPP})


def create_subvolume(path: str) -> None:
    """Makes an empty subvolume with the mode that the umask leaves of 0777. Raises HostError."""
    with reporting("make the subvolume", path):
        _named(_SUBVOL_CREATE, path)


def snapshot(source: str, path: str) -> None:
    """Makes the subvolume ``path`` a writable copy of the subvolume ``source`` with all that is in it now.

    Of subvolumes inside ``source`` it has empty directories only. Raises HostError, also where ``source`` is none.
    """
    with reporting(f"make a snapshot of {source} at", path):
        descriptor = os.open(source, _DIRECTORY)
        try:
            _named(_SNAP_CREATE, path, descriptor)
        finally:
            os.close(descriptor)


def is_subvolume(path: str) -> bool:
    """Whether the directory ``path``, which lies on Btrfs, is the root of a subvolume. Raises HostError."""
    with reporting("look at", path):
        return os.lstat(path).st_ino == _SUBVOLUME_INODE


def destroy_at(path: str) -> bool:
    """Removes the subvolume ``path``, whatever is in it, and tells whether that could be done.

    It cannot where it is no subvolume, or has others inside, or where this user may not. Raises OSError.
    """
    parent = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return _destroy(os.path.basename(path), parent)
    finally:
        os.close(parent)


def destroy_inside(name: bytes, directory: int, top: int) -> bool | None:
    """The same for ``name`` in the open directory ``top``, which is open as ``directory`` and of another device.

    None where it is no subvolume but something that is mounted there. Raises OSError and HostError.
    """
    number = os.fstat(directory).st_ino
    if number not in (_SUBVOLUME_INODE, _STUB_INODE) or mount_id_of(directory) != mount_id_of(top):
        return None
    if number == _STUB_INODE:
        os.rmdir(name, dir_fd=top)
        return True
    return _destroy(name, top)


def make_writable(directory: int) -> None:
    """Has the subvolume that is open as ``directory`` be read-only no more, if it was.

    Nothing can be taken out of a read-only one, and whoever owns one may make it that. Where it is not allowed here, or no
    subvolume, the next step tells.
    """
    arguments = struct.pack(_FLAGS, 0)
    with suppress(OSError):
        call("ioctl", directory, ctypes.c_ulong(_code(_SUBVOL_SETFLAGS, len(arguments))), arguments)


def _destroy(name: str | bytes, directory: int) -> bool:
    try:
        _control(directory, _SNAP_DESTROY, name)
    except OSError as error:
        if error.errno not in _NOT_AT_ONCE:
            raise
        return False
    return True


def _named(request: int, path: str, source: int = 0) -> None:
    directory = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _control(directory, request, os.path.basename(path), source)
    finally:
        os.close(directory)


def _control(directory: int, request: int, name: str | bytes, source: int = 0) -> None:
    encoded = os.fsencode(name)
    if len(encoded) > _NAME_MAX:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    arguments = struct.pack(_ARGUMENTS, source, encoded)
    call("ioctl", directory, ctypes.c_ulong(_code(request, len(arguments))), arguments)


def _code(request: int, size: int) -> int:
    write = 1 << (31 if os.uname().machine.startswith(_WRITES_AT_31) else 30)
    return write | size << 16 | _BTRFS << 8 | request
