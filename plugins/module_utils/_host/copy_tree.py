# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Copying a directory tree with everything that a file system keeps of a file, for root.

No link is followed. Blocks are shared between a file and its copy where the file system can do that: ``copy_file_range``
tries it first of all (Linux 4.5). The tree must not change meanwhile.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from .os_errors import reporting
from .pipes import write_all

# To be read is not to be used: the times of the source stay as they are.
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NOATIME | os.O_CLOEXEC
_SOURCE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOATIME | os.O_CLOEXEC
_TARGET = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# The kernel copies as much as it can in one call.
_AT_ONCE = 1 << 30
_CHUNK = 1 << 20
# The file system, or the pair of them, does not know copy_file_range.
_CANNOT = frozenset({errno.ENOSYS, errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM})
# The host labels its own files.
_NOT_COPIED = frozenset({"security.selinux"})
_NO_ATTRIBUTES = frozenset({errno.ENOTSUP, errno.ENODATA})


def copy_tree(source: str, target: str) -> None:
    """Makes the empty directory ``target`` like ``source``, with all that is in it.

    Types, content, modes, owners, times to the nanosecond, extended attributes but SELinux's, device numbers, and hard links
    within the tree are those of the source; sockets are copied as such. Raises HostError.
    """
    with reporting(f"copy {source} to", target):
        _Copying(source, target).run()


class _Copying:
    """The state of copying one tree."""

    def __init__(self, source: str, target: str) -> None:
        self._source = source
        self._target = target
        # The first copy, below the target, of each file that has several names.
        self._linked: dict[tuple[int, int], str] = {}

    def run(self) -> None:
        """Copies everything, each directory before what is in it; times come last, for they change with what is made inside."""
        with _opened(self._source, None) as source, _opened(self._target, None) as target:
            directories = [""]
            # It grows meanwhile.
            for directory in directories:
                with _opened(directory or ".", source) as here, _opened(directory or ".", target) as there:
                    directories += [
                        os.path.join(directory, name) for name in self._fill(directory, here, there, target)
                    ]
            for directory in reversed(directories):
                with _opened(directory or ".", source) as here, _opened(directory or ".", target) as there:
                    _copy_attributes(here, there)

    def _fill(self, directory: str, here: int, there: int, target: int) -> list[str]:
        """Copies what is in one directory, but for what is in its directories, whose names it returns."""
        found = []
        with os.scandir(here) as entries:
            names = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
        for name, status in names:
            if stat.S_ISDIR(status.st_mode):
                os.mkdir(name, 0o700, dir_fd=there)
                found.append(name)
                continue
            if status.st_nlink > 1:
                first = self._linked.setdefault((status.st_dev, status.st_ino), os.path.join(directory, name))
                if first != os.path.join(directory, name):
                    os.link(first, name, src_dir_fd=target, dst_dir_fd=there, follow_symlinks=False)
                    continue
            if stat.S_ISREG(status.st_mode):
                _copy_file(name, here, there)
            else:
                _copy_special(name, status, here, there)
        return found


def _copy_file(name: str, here: int, there: int) -> None:
    source = os.open(name, _SOURCE, dir_fd=here)
    try:
        target = os.open(name, _TARGET, 0o600, dir_fd=there)
        try:
            _copy_content(source, target)
            _copy_attributes(source, target)
        finally:
            os.close(target)
    finally:
        os.close(source)


def _copy_content(source: int, target: int) -> None:
    left = os.fstat(source).st_size
    while left:
        try:
            copied = os.copy_file_range(source, target, min(left, _AT_ONCE))
        except OSError as error:
            if error.errno not in _CANNOT:
                raise
            copied = 0
        if not copied:
            break
        left -= copied
    # Nearly always nothing: some file systems do not know the call, and some have files without a size.
    while left:
        chunk = os.read(source, _CHUNK)
        if not chunk:
            break
        write_all(target, chunk)


def _copy_special(name: str, status: os.stat_result, here: int, there: int) -> None:
    """Copies a symbolic link, a device, a named pipe or a socket."""
    if stat.S_ISLNK(status.st_mode):
        os.symlink(os.readlink(name, dir_fd=here), name, dir_fd=there)
    else:
        os.mknod(name, stat.S_IFMT(status.st_mode) | 0o600, status.st_rdev, dir_fd=there)
    os.chown(name, status.st_uid, status.st_gid, dir_fd=there, follow_symlinks=False)
    # Only these descriptors can have their attributes by path alone.
    _copy_xattrs(f"/proc/self/fd/{here}/{name}", f"/proc/self/fd/{there}/{name}")
    if not stat.S_ISLNK(status.st_mode):
        os.chmod(name, stat.S_IMODE(status.st_mode), dir_fd=there)
    os.utime(name, ns=(status.st_atime_ns, status.st_mtime_ns), dir_fd=there, follow_symlinks=False)


def _copy_attributes(source: int, target: int) -> None:
    """Owner before mode, which chown(2) changes, and both before the attributes, of which it takes capabilities away."""
    status = os.fstat(source)
    os.fchown(target, status.st_uid, status.st_gid)
    os.fchmod(target, stat.S_IMODE(status.st_mode))
    _copy_xattrs(source, target)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _copy_xattrs(source: int | str, target: int | str) -> None:
    follow = isinstance(source, int)
    try:
        names = os.listxattr(source, follow_symlinks=follow)
    except OSError as error:
        if error.errno not in _NO_ATTRIBUTES:
            raise
        return
    for name in names:
        if name not in _NOT_COPIED:
            value = os.getxattr(source, name, follow_symlinks=follow)
            os.setxattr(target, name, value, follow_symlinks=follow)


@contextmanager
def _opened(name: str, parent: int | None) -> Iterator[int]:
    descriptor = os.open(name, _DIRECTORY, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
