# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Removing a directory tree that a hostile archive may have made.

No name in the tree is followed or trusted: every step works on a directory that is open, with names of one component. A
tree can be nested deeper than any path or recursion may go (an archive gets there through its own symbolic links), so
directories are moved up to the top of the tree before they are emptied. It never leaves the file system it starts on:
something mounted inside is an error, not something to delete. A subvolume of Btrfs is no mount, and goes as a whole.
"""

from __future__ import annotations

import errno
import itertools
import os
import stat
from collections.abc import Callable
from functools import partial

from .._errors import HostError
from .os_errors import reporting

_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# The inode number on Btrfs of the root of every subvolume; elsewhere any file may have it.
_SUBVOLUME_INODE = 256


class InUse(HostError):
    """Something is mounted inside a tree that was to be removed."""

    code = "in_use"


def remove_tree(path: str) -> None:
    """Removes ``path`` and all that is in it, whatever the modes; a symbolic link is removed itself, nothing is fine.

    May be called again after it failed or was killed half-way. Raises InUse and HostError.
    """
    with reporting("remove", path):
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            return
        if not stat.S_ISDIR(status.st_mode):
            os.unlink(path)
            return
        if status.st_ino == _SUBVOLUME_INODE:
            # Hardly any file system has some.
            from .btrfs import destroy_at

            if destroy_at(path):
                return
        top = _open_directory(path, None)
        try:
            if status.st_ino == _SUBVOLUME_INODE:
                _unlock(top)
            _empty(top, path)
        finally:
            os.close(top)
        os.rmdir(path)


def _empty(top: int, path: str, lift: Callable[[bytes], None] | None = None) -> None:
    """Removes what is in the directory ``top``: files at once, directories when theirs were moved up beside them.

    A subvolume that has others inside is given to ``lift`` by its name in ``top``; without that it is emptied here, and
    the others are lifted out of it first. So however deep they lie in one another, this goes no deeper than one.
    """
    device = os.fstat(top).st_dev
    waiting = _unlink_files(top)
    taken = set(waiting)
    numbers = (b"%d" % number for number in itertools.count())

    def move_up(inner: bytes, directory: int) -> None:
        moved = next(number for number in numbers if number not in taken)
        if _move(inner, directory, moved, top):
            waiting.append(moved)

    while waiting:
        name = waiting.pop()
        directory = _open_directory(name, top)
        try:
            if os.fstat(directory).st_dev == device:
                for inner in _unlink_files(directory):
                    move_up(inner, directory)
                os.rmdir(name, dir_fd=top)
            elif not _destroy(name, directory, top, path):
                _unlock(directory)
                if lift is not None:
                    lift(name)
                else:
                    _empty(directory, path, partial(move_up, directory=directory))
                    os.rmdir(name, dir_fd=top)
        finally:
            os.close(directory)


def _destroy(name: bytes, directory: int, top: int, path: str) -> bool:
    """Removes ``name`` in ``top``, which is open as ``directory`` and of another device, and tells whether that could be done.

    Raises InUse where something is mounted there.
    """
    from .btrfs import destroy_inside

    gone = destroy_inside(name, directory, top)
    if gone is None:
        raise InUse("a file system is mounted inside", subject=path, found=os.fsdecode(name))
    return gone


def _unlock(directory: int) -> None:
    """Lets a subvolume that has others inside be emptied, also one that was made read-only."""
    from .btrfs import make_writable

    make_writable(directory)


def _move(name: bytes, directory: int, moved: bytes, top: int) -> bool:
    """Moves a directory up, and tells whether there is still something to remove."""
    try:
        os.rename(name, moved, src_dir_fd=directory, dst_dir_fd=top)
    except PermissionError:
        # A directory that gets another parent is written to (its entry ".."), which all but root need permission for.
        os.chmod(name, 0o700, dir_fd=directory)
        os.rename(name, moved, src_dir_fd=directory, dst_dir_fd=top)
    except OSError as error:
        if error.errno == errno.EROFS:
            # As for permission, and this time root is asked too.
            inner = os.open(name, _OPEN_DIRECTORY, dir_fd=directory)
            try:
                _unlock(inner)
            finally:
                os.close(inner)
            os.rename(name, moved, src_dir_fd=directory, dst_dir_fd=top)
            return True
        if error.errno != errno.ENOTEMPTY:
            raise
        # What a snapshot has in the place of a subvolume cannot be moved.
        os.rmdir(name, dir_fd=directory)
        return False
    return True


def _unlink_files(directory: int) -> list[bytes]:
    """Removes all that is no directory from ``directory``, and returns the names of the directories in it."""
    directories = []
    # Listed before the first removal: what a directory stream yields after a change to the directory is unspecified.
    with os.scandir(directory) as entries:
        listed = [(os.fsencode(entry.name), entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_directory in listed:
        if is_directory:
            directories.append(name)
        else:
            os.unlink(name, dir_fd=directory)
    return directories


def _open_directory(name: str | bytes, parent: int | None) -> int:
    """The open directory ``name``, in which entries can be removed.

    Root needs no permission; anybody else must first open up a directory of mode 0555 or 0. ``name`` was seen to be a
    directory, and nobody else works in a tree that is being removed, so the change of mode meets no symbolic link.
    """
    try:
        descriptor = os.open(name, _OPEN_DIRECTORY, dir_fd=parent)
    except PermissionError:
        os.chmod(name, 0o700, dir_fd=parent)
        descriptor = os.open(name, _OPEN_DIRECTORY, dir_fd=parent)
    if os.fstat(descriptor).st_mode & 0o300 != 0o300:
        try:
            os.fchmod(descriptor, 0o700)
        except OSError as error:
            # A snapshot that is read-only goes all the same.
            if error.errno != errno.EROFS:
                raise
    return descriptor
