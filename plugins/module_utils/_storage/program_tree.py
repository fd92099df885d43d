# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Reading single files of a stack of layers as a mount program such as fuse-overlayfs shows them, without a mount.

A program that mounts outlives a task that is killed, even where nobody else sees the mount. To read a few files none is needed.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence

from .._host.os_errors import reporting
from .._host.xattrs import get_xattr
from .._layer.whiteout import OPAQUE_MARKER, PREFIX

# As the kernel: more symbolic links than this in one name are a loop.
_MOST_LINKS = 40
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_OPAQUE_ATTRIBUTES = (b"user.fuseoverlayfs.opaque", b"trusted.overlay.opaque", b"user.overlay.opaque")
_ABSENT = (errno.ENOENT, errno.ENOTDIR)


class ProgramTree:
    """What the directories ``layers`` show together, the topmost first. Absolute links and ``..`` never lead out of it."""

    def __init__(self, layers: Sequence[str]) -> None:
        self._root = [os.fsencode(layer) for layer in layers]

    def open_file(self, name: bytes) -> int | None:
        """A descriptor for reading the regular file ``name``, None where there is no such file. Raises HostError."""
        stack = [self._root]
        pending = name.split(b"/")[::-1]
        links = 0
        while pending:
            part = pending.pop()
            if part in (b"", b"."):
                continue
            if part == b"..":
                stack = stack[:-1] or stack
                continue
            found = self._look_up(stack[-1], part)
            if not found:
                return None
            mode = _mode(found[0])
            if stat.S_ISLNK(mode):
                links += 1
                target = _link(found[0], links)
                stack = stack[:1] if target.startswith(b"/") else stack
                pending += target.split(b"/")[::-1]
            elif stat.S_ISDIR(mode):
                stack.append(found)
            else:
                return _open(found[0]) if stat.S_ISREG(mode) and not pending else None
        return None

    def _look_up(self, directories: list[bytes], name: bytes) -> list[bytes]:
        """Where ``name`` lies in a directory that ``directories`` are together: its one file, or all that it has of directories."""
        found: list[bytes] = []
        for directory in directories:
            path = os.path.join(directory, name)
            mode = _mode(path)
            if mode and not stat.S_ISDIR(mode):
                # A device 0:0 is the kernel's whiteout, and hides like any other file.
                return found or ([] if _is_whiteout(path, mode) else [path])
            if mode:
                found.append(path)
            if _mode(os.path.join(directory, PREFIX + name)) or (mode and _is_opaque(path)):
                break
        return found


def _mode(path: bytes) -> int:
    """The type and mode of what is at ``path``, 0 where nothing is."""
    with reporting("look at", os.fsdecode(path)):
        try:
            return os.lstat(path).st_mode
        except OSError as error:
            if error.errno in _ABSENT:
                return 0
            raise


def _is_whiteout(path: bytes, mode: int) -> bool:
    return stat.S_ISCHR(mode) and os.lstat(path).st_rdev == 0


def _is_opaque(directory: bytes) -> bool:
    if _mode(os.path.join(directory, OPAQUE_MARKER)):
        return True
    path = os.fsdecode(directory)
    return any(get_xattr(path, name) == b"y" for name in _OPAQUE_ATTRIBUTES)


def _link(path: bytes, links: int) -> bytes:
    with reporting("follow the link", os.fsdecode(path)):
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        return os.readlink(path)


def _open(path: bytes) -> int:
    with reporting("open", os.fsdecode(path)):
        return os.open(path, _FILE)
