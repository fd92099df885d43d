# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Room on the disk for the stores of a benchmark, of which none is deleted while it could disturb a run.

ext4 remembers deleted inodes for about 35 s, and whoever creates files meanwhile walks over them: seconds of system time that
have nothing to do with the program. So each run has a fresh directory; what is no longer wanted goes only where the
disk would be full otherwise, and then nothing is measured for a while.
"""

from __future__ import annotations

import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from lab.commands import CommandFailed, run
from lab.stores import mounts_below
from progress import say

_RESERVE = 3 << 30
_SECONDS_AFTER_DELETION = 40
_DELETERS = 8


class DiskFull(Exception):
    """There is no room for the next runs, whatever is deleted."""


class Room:
    """The directories of the runs, below ``base``, which must be short: podman takes no long run root."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._number = 0
        self._unwanted: list[str] = []

    def new(self) -> str:
        """A fresh, empty directory."""
        self._number += 1
        directory = os.path.join(self._base, str(self._number))
        os.makedirs(directory)
        return directory

    def give_up(self, directory: str) -> None:
        """Says that nobody will look into ``directory`` any more."""
        self._unwanted.append(directory)

    def provide(self, size: int) -> None:
        """Returns when the disk has room for ``size`` bytes, if need be by deletion and a pause. Raises DiskFull."""
        if self._has_room(size):
            return
        say(f"the disk is nearly full: deleting old runs, then {_SECONDS_AFTER_DELETION} s of rest")
        remove(*self._unwanted)
        self._unwanted.clear()
        if not self._has_room(size):
            needed, free = ((size + _RESERVE) / 1e9, self._free() / 1e9)
            raise DiskFull(f"the next round needs {needed:.0f} GB below {self._base}, and {free:.0f} GB are free")
        os.sync()
        time.sleep(_SECONDS_AFTER_DELETION)

    def _has_room(self, size: int) -> bool:
        return self._free() > size + _RESERVE

    def _free(self) -> int:
        status = os.statvfs(self._base)
        return status.f_bavail * status.f_frsize


def remove(*directories: str) -> None:
    """Deletes directories, with the mounts that podman and skopeo left in them."""
    for point in [point for directory in directories for point in mounts_below(directory)]:
        try:
            run(["umount", "-l", point])
        except CommandFailed as error:
            say(str(error))
    # Several at once: on a file system that discards what is deleted, each file waits for the disk.
    with ThreadPoolExecutor(_DELETERS) as pool:
        list(pool.map(_delete, directories))


def _delete(path: str) -> None:
    """Deletes all but what is still mounted."""
    subprocess.run(["rm", "-rf", "--one-file-system", path], check=False)


def size_of(directory: str) -> int:
    """Bytes that the files below ``directory`` take on the disk."""
    total = 0
    for place, directories, files in os.walk(directory):
        for name in [*directories, *files]:
            total += os.lstat(os.path.join(place, name)).st_blocks * 512
    return total
