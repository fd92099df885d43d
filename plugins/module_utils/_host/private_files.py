# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Files that nobody but their owner may read, in directories that nobody else may enter."""

from __future__ import annotations

import os
import stat

from .atomic_files import replace_file
from .new_directories import make_missing_directories
from .os_errors import reporting

PRIVATE_MODE = 0o600
_DIRECTORY_MODE = 0o700


def private_mode_of(path: str) -> int | None:
    """The mode of the file ``path``, None where there is none. Raises HostError."""
    with reporting("read", path):
        try:
            return stat.S_IMODE(os.stat(path).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return None


def is_private(mode: int) -> bool:
    """Whether ``mode`` lets nobody but the owner do anything, and the owner not execute."""
    return not mode & ~PRIVATE_MODE


def make_private(path: str) -> None:
    """Takes the rights of others on the file ``path`` away. Raises HostError."""
    with reporting("change the mode of", path):
        os.chmod(path, PRIVATE_MODE)


def write_private(path: str, data: bytes) -> None:
    """Makes ``path`` a file of mode 0600 with ``data``, in one step for every reader.

    A file that was there keeps its owner. A symbolic link is replaced, not followed, as podman does it: who may write to the
    directory must not choose which file is overwritten. Directories that are missing are made, with mode 0700. Raises
    HostError.
    """
    with reporting("write", path):
        make_missing_directories(os.path.dirname(path) or ".", _DIRECTORY_MODE)
        owner = _owner(path)
    replace_file(path, data, PRIVATE_MODE, owner=owner)


def _owner(path: str) -> tuple[int, int] | None:
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return None
    return status.st_uid, status.st_gid
