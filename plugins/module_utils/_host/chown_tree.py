# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Giving all files of a tree other owners, and keeping everything else of them.

No link is followed, and no file is reached by a path: the tree may hold names and links that lead anywhere. Upstream:
``drivers/chown.go`` of containers/storage, which also says what has to be kept.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable

from .os_errors import reporting

# User and group.
Owner = tuple[int, int]

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NOATIME | os.O_CLOEXEC
_CAPABILITY = "security.capability"
_NO_ATTRIBUTE = frozenset({errno.ENODATA, errno.ENOTSUP, errno.EOVERFLOW})


def overflow_owner() -> Owner:
    """Whom the kernel shows as the owner of a file whose own is nobody in a user namespace. Raises HostError."""
    return _number("/proc/sys/kernel/overflowuid"), _number("/proc/sys/kernel/overflowgid")


def _number(path: str) -> int:
    with reporting("read", path), open(path, encoding="ascii") as stream:
        return int(stream.read())


def chown_tree(tree: str, owner_of: Callable[[Owner], Owner], *, copies: bool) -> None:
    """Gives each file below the directory ``tree``, but not that itself, the owner that ``owner_of`` says for its present one.

    With ``copies`` the tree is a mounted overlay, where to change a file is to copy it: what were names of one file are
    made names of one file again. Modes, capabilities and the times of directories stay. Raises HostError, and what
    ``owner_of`` raises.
    """
    with reporting("change the owners of files in", tree):
        _Chowning(tree, owner_of, copies).run()


class _Chowning:
    """The state of one walk."""

    def __init__(self, tree: str, owner_of: Callable[[Owner], Owner], copies: bool) -> None:
        self._tree = tree
        self._owner_of = owner_of
        self._copies = copies
        # The first path, below the tree, of each file that has several names.
        self._linked: dict[tuple[int, int], str] = {}

    def run(self) -> None:
        root = os.open(self._tree, _DIRECTORY)
        try:
            waiting = [""]
            while waiting:
                directory = waiting.pop()
                here = os.open(directory or ".", _DIRECTORY, dir_fd=root)
                try:
                    waiting += [os.path.join(directory, name) for name in self._change(directory, here, root)]
                finally:
                    os.close(here)
        finally:
            os.close(root)

    def _change(self, directory: str, here: int, root: int) -> list[str]:
        """Changes what is in one directory, and returns the names of the directories in it."""
        before = os.fstat(here)
        with os.scandir(here) as entries:
            found = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
        linked = False
        for name, status in found:
            if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
                path = os.path.join(directory, name)
                first = self._linked.setdefault((status.st_dev, status.st_ino), path)
                if first != path:
                    if self._copies:
                        os.unlink(name, dir_fd=here)
                        os.link(first, name, src_dir_fd=root, dst_dir_fd=here, follow_symlinks=False)
                        linked = True
                    continue
            self._chown(name, status, here)
        if linked:
            os.utime(here, ns=(before.st_atime_ns, before.st_mtime_ns))
        return [name for name, status in found if stat.S_ISDIR(status.st_mode)]

    def _chown(self, name: str, status: os.stat_result, here: int) -> None:
        old = (status.st_uid, status.st_gid)
        new = self._owner_of(old)
        if new == old:
            return
        regular = stat.S_ISREG(status.st_mode)
        # Only a regular file has one. A descriptor of the directory, for a file may be a device or a pipe.
        path = f"/proc/self/fd/{here}/{name}"
        capability = _capability(path) if regular else None
        os.chown(name, *new, dir_fd=here, follow_symlinks=False)
        # chown(2) takes these away.
        if status.st_mode & (stat.S_ISUID | stat.S_ISGID) and not stat.S_ISLNK(status.st_mode):
            os.chmod(name, stat.S_IMODE(status.st_mode), dir_fd=here)
        if capability is not None:
            os.setxattr(path, _CAPABILITY, capability, follow_symlinks=False)


def _capability(path: str) -> bytes | None:
    try:
        return os.getxattr(path, _CAPABILITY, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_ATTRIBUTE:
            raise
        return None
