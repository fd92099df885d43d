# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Btrfs file system in a file, and its subvolumes as btrfs(8) sees them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .commands import missing_judges, run
from .stores import mounts_below

# The least size of mkfs.btrfs is some 110 MiB; the file takes what is written.
_SIZE = 1 << 30
_SUBVOLUME_INODE = 256
_MEMORY = "/dev/shm"  # noqa: S108


def missing_for_btrfs() -> list[str]:
    """What a disk needs that is not here."""
    known = "\tbtrfs\n" in Path("/proc/filesystems").read_text(encoding="ascii")
    return missing_judges(("mkfs.btrfs", "btrfs")) + ([] if known or _is_loaded() else ["a kernel with Btrfs"])


def _is_loaded() -> bool:
    return (
        subprocess.run(["modprobe", "-q", "btrfs"], check=False).returncode == 0 if shutil.which("modprobe") else False
    )


@contextmanager
def btrfs_disk(point: str) -> Iterator[str]:
    """A new Btrfs at the directory ``point``, gone at the end with all that is mounted below."""
    image = os.path.join(_room(os.path.dirname(point)), f"{os.path.basename(point)}.btrfs")
    with open(image, "wb") as stream:
        stream.truncate(_SIZE)
    try:
        run(["mkfs.btrfs", "-q", image])
        run(["mount", "-o", "loop", image, point])
        try:
            yield point
        finally:
            for mounted in mounts_below(point):
                run(["umount", "-l", mounted])
    finally:
        os.unlink(image)


def subvolumes(point: str) -> list[str]:
    """The paths below ``point``, where a Btrfs is mounted, of all its subvolumes; sorted."""
    listed = run(["btrfs", "subvolume", "list", point]).splitlines()
    return sorted(line.partition(" path ")[2] for line in listed)


def _room(otherwise: str) -> str:
    """Where the file lies: in memory if there is room, for each snapshot waits for the disk."""
    try:
        facts = os.statvfs(_MEMORY)
    except OSError:
        return otherwise
    return _MEMORY if facts.f_bavail * facts.f_frsize >= 2 * _SIZE else otherwise


def copy_with_subvolumes(source: str, target: str) -> None:
    """Makes ``target`` a copy of the directory ``source`` in which subvolumes are snapshots of those there."""
    os.mkdir(target)
    names = sorted(os.listdir(source))
    directories = [name for name in names if _is_directory(os.path.join(source, name))]
    files = [os.path.join(source, name) for name in names if name not in directories]
    if files:
        run(["cp", "-a", *files, target])
    for name in directories:
        inner, copy = os.path.join(source, name), os.path.join(target, name)
        if os.stat(inner).st_ino == _SUBVOLUME_INODE:
            run(["btrfs", "subvolume", "snapshot", inner, copy])
        else:
            copy_with_subvolumes(inner, copy)
    _copy_attributes(source, target)


def _is_directory(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def _copy_attributes(source: str, target: str) -> None:
    status = os.stat(source)
    os.chown(target, status.st_uid, status.st_gid)
    os.chmod(target, status.st_mode & 0o7777)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
