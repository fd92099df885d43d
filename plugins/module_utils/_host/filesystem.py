# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Facts about the file system that holds a directory, in the words of containers/storage, and syncing it."""

from __future__ import annotations

import ctypes
import os

from .mountinfo import mount_containing
from .os_errors import host_error, reporting
from .syscalls import call, libc

UNKNOWN_FILESYSTEM = "<unknown>"

# Names of the kernel and of containers/storage ("drivers/driver_linux.go") where the two differ.
_RENAMED = {
    "ext2": "extfs",
    "ext3": "extfs",
    "ext4": "extfs",
    "overlay": "overlayfs",
    "ceph": "cephfs",
    "cifs": "smb",
    "smb3": "smb",
    "nfs4": "nfs",
    "jffs2": "jffs",
}
_SAME = frozenset(
    {"aufs", "btrfs", "cramfs", "ecryptfs", "f2fs", "gpfs", "jfs", "nfs"}
    | {"ramfs", "reiserfs", "squashfs", "tmpfs", "vxfs", "xfs", "zfs"}
)

# struct dirent64 is laid out alike on every architecture: inode, offset, length of the entry, then one byte of type.
_TYPE_OFFSET = 18
_DT_UNKNOWN = 0


def backing_filesystem(path: str) -> str:
    """The kind of file system that holds ``path`` (or would: then of the nearest directory above that exists).

    ``extfs``, ``xfs``, ``btrfs``, ``tmpfs``, ``overlayfs`` and so on; ``<unknown>`` for kinds that containers/storage
    has no name for. Raises HostError.
    """
    entry = mount_containing(nearest_directory(path))
    kind = entry.fstype if entry is not None else ""
    return _RENAMED.get(kind) or (kind if kind in _SAME else UNKNOWN_FILESYSTEM)


def supports_d_type(path: str) -> bool:
    """Whether directories tell the type of their entries, which an overlay needs for its whiteouts.

    Found by reading the directory ``path``, or the nearest above it that exists; nothing is written. Raises HostError.
    """
    directory = nearest_directory(path)
    library = libc()
    opendir = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_char_p, use_errno=True)(("opendir", library))
    # musl has the 64-bit form under the plain name only.
    name = "readdir64" if hasattr(library, "readdir64") else "readdir"
    readdir = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)((name, library))
    closedir = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(("closedir", library))
    stream = opendir(os.fsencode(directory))
    if not stream:
        number = ctypes.get_errno()
        raise host_error(OSError(number, os.strerror(number)), "list", directory)
    try:
        while True:
            entry = readdir(stream)
            if not entry:
                return True
            if ctypes.c_ubyte.from_address(entry + _TYPE_OFFSET).value == _DT_UNKNOWN:
                return False
    finally:
        closedir(stream)


def sync_filesystem(path: str) -> None:
    """Returns when all that was written to the file system of ``path`` is on the disk. Raises HostError."""
    with reporting("sync the file system of", path):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            call("syncfs", descriptor)
        finally:
            os.close(descriptor)


def sync_filesystems(*paths: str) -> None:
    """Does so for each file system that holds one of ``paths``, once. Raises HostError."""
    found: dict[int, str] = {}
    for path in paths:
        with reporting("look at", path):
            # A bind of a directory onto itself is no other file system.
            found.setdefault(os.stat(path).st_dev, path)
    for path in found.values():
        sync_filesystem(path)


def nearest_directory(path: str) -> str:
    """``path``, or the nearest directory above it that exists."""
    nearest = os.path.abspath(path)
    while not os.path.isdir(nearest):
        nearest = os.path.dirname(nearest)
    return nearest
