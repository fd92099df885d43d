# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Configuration files that everybody may read, in directories that everybody may enter."""

from __future__ import annotations

import os
import stat

from .atomic_files import replace_file
from .new_directories import make_missing_directories
from .os_errors import reporting

_FILE_MODE = 0o644
_DIRECTORY_MODE = 0o755


def write_configuration(path: str, data: bytes) -> None:
    """Makes ``path`` a file that holds ``data``, in one step for every reader.

    A file that was there keeps its owner and mode, and where ``path`` is a link to it, the link stays. A new file has mode
    0644, and directories that are missing are made with 0755, whatever the umask. Raises HostError.
    """
    with reporting("write", path):
        target = os.path.realpath(path)
        status = _status(target)
        if status is None:
            target = path
            make_missing_directories(os.path.dirname(path), _DIRECTORY_MODE)
    if status is None:
        replace_file(target, data, _FILE_MODE)
    else:
        replace_file(target, data, stat.S_IMODE(status.st_mode), owner=(status.st_uid, status.st_gid))


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None
