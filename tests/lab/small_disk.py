# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small file system of its own (ext4 in a file), that can be filled to the byte and to the inode."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Optional

from .commands import run
from .stores import mounts_below

_BLOCK = 4096
_STEADY_SECONDS = 0.2
_FILLER = "filler"
# Names of this length take no directory block more than a few for thousands of files.
_EMPTY = "empty-files"


@dataclass(frozen=True)
class SmallDisk:
    """An ext4 file system that is mounted at ``point``; nothing of it is reserved for root."""

    point: str

    def free(self) -> int:
        """Bytes that can still be written."""
        facts = os.statvfs(self.point)
        return facts.f_bavail * facts.f_frsize

    def free_inodes(self) -> int:
        return os.statvfs(self.point).f_favail

    def used(self) -> tuple[int, int]:
        """What ``df`` and ``df -i`` show, once it stays the same: bytes and inodes in use.

        The kernel takes apart the mounts of an ended process's namespace a moment after its end was told, and removed directories
        in which such a mount lay count until then.
        """
        used = self._used()
        steady_since = time.monotonic()
        while time.monotonic() < steady_since + _STEADY_SECONDS:
            time.sleep(_STEADY_SECONDS / 5)
            if used != (used := self._used()):
                steady_since = time.monotonic()
        return used

    def _used(self) -> tuple[int, int]:
        os.sync()
        facts = os.statvfs(self.point)
        return (facts.f_blocks - facts.f_bfree) * facts.f_frsize, facts.f_files - facts.f_ffree

    @contextmanager
    def filled(self, left: Optional[int] = None, inodes: Optional[int] = None) -> Iterator[None]:
        """Leaves no more than ``left`` bytes and ``inodes`` inodes free; they come back at the end."""
        try:
            if inodes is not None:
                # The file that takes the bytes is one of them.
                self._take_inodes(inodes + (left is not None))
            if left is not None:
                self._take_bytes(left)
            yield
        finally:
            run(["rm", "-rf", self._path(_FILLER), self._path(_EMPTY)])

    def _take_bytes(self, left: int) -> None:
        descriptor = os.open(self._path(_FILLER), os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            # What was removed a moment ago becomes free when the journal is written, and when who held it is gone.
            self.used()
            length, step = 0, self.free()
            # The blocks that list the file's own blocks come on top, so that it takes a few attempts.
            while step >= _BLOCK and self.free() > left:
                step = max(min(step, self.free() - left) // _BLOCK * _BLOCK, _BLOCK)
                try:
                    os.posix_fallocate(descriptor, length, step)
                    length += step
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    step //= 2
        finally:
            os.close(descriptor)

    def _take_inodes(self, left: int) -> None:
        directory = self._path(_EMPTY)
        os.mkdir(directory)
        for number in range(self.free_inodes() - left):
            os.close(os.open(os.path.join(directory, str(number)), os.O_WRONLY | os.O_CREAT, 0o600))

    def _path(self, name: str) -> str:
        return os.path.join(self.point, name)


@contextmanager
def small_disk(image: str, point: str, size: int, inodes: Optional[int] = None) -> Iterator[SmallDisk]:
    """An ext4 of ``size`` bytes in the file ``image``, with about ``inodes`` inodes; gone at the end, with what lies in it."""
    with open(image, "wb") as stream:
        stream.truncate(size)
    number = ["-N", str(inodes)] if inodes else []
    # Tables that the kernel would fill in later would be written while we measure.
    now = ["-E", "lazy_itable_init=0,lazy_journal_init=0"]
    run(["mkfs.ext4", "-q", "-F", "-b", str(_BLOCK), "-m", "0", *now, *number, image])
    os.makedirs(point, exist_ok=True)
    run(["mount", "-o", "loop", image, point])
    try:
        os.rmdir(os.path.join(point, "lost+found"))
        yield SmallDisk(point)
    finally:
        for mounted in mounts_below(point):
            run(["umount", "-l", mounted])
        os.unlink(image)
