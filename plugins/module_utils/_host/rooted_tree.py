# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Reading files of a directory tree whose links may point anywhere, as a process would whose root directory it is."""

from __future__ import annotations

import errno
import os
import stat

from .os_errors import reporting

# As the kernel: more symbolic links than this in one name are a loop.
_MOST_LINKS = 40
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class RootedTree:
    """The tree below ``path``. Absolute links and ``..`` never lead out of it. To be closed after use.

    The directory of the last file stays open, for archives name one file of a directory after the other.
    """

    def __init__(self, path: str) -> None:
        """Raises HostError where ``path`` is no directory that can be opened."""
        self._path = path
        with reporting("open", path):
            # The directories from the root to the one that was reached last, all open.
            self._stack = [os.open(path, _DIRECTORY)]
        self._reached = b""

    def __enter__(self) -> RootedTree:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes all that is open."""
        while self._stack:
            os.close(self._stack.pop())

    def open_file(self, name: bytes) -> int | None:
        """A descriptor for reading the regular file ``name``, None where there is no such file. Raises HostError."""
        if b"\0" in name:
            return None
        with reporting(f"open {os.fsdecode(name)} in", self._path):
            try:
                return self._open(name)
            except OSError as error:
                self._to_root()
                if error.errno in (errno.ENOENT, errno.ENOTDIR):
                    return None
                raise

    def _open(self, name: bytes) -> int | None:
        directory, _slash, base = name.rpartition(b"/")
        if directory == self._reached:
            pending = [base]
        else:
            self._to_root()
            pending = name.split(b"/")[::-1]
        links = 0
        while pending:
            part = pending.pop()
            if part in (b"", b"."):
                continue
            if part == b"..":
                self._up()
                continue
            mode = os.stat(part, dir_fd=self._stack[-1], follow_symlinks=False).st_mode
            if stat.S_ISLNK(mode):
                links += 1
                if links > _MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                target = os.readlink(part, dir_fd=self._stack[-1])
                if target.startswith(b"/"):
                    self._to_root()
                pending += target.split(b"/")[::-1]
            elif stat.S_ISREG(mode) and not pending:
                # After a link this is not the directory that the name says, and the next name must start over.
                self._reached = directory if links == 0 and b".." not in name else b"\0"
                return os.open(part, _FILE, dir_fd=self._stack[-1])
            else:
                self._stack.append(os.open(part, _DIRECTORY, dir_fd=self._stack[-1]))
        self._to_root()
        return None

    def _up(self) -> None:
        if len(self._stack) > 1:
            os.close(self._stack.pop())

    def _to_root(self) -> None:
        while len(self._stack) > 1:
            os.close(self._stack.pop())
        self._reached = b""
