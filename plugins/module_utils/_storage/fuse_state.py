# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What the table of mounts does not tell of a mount that a program serves."""

from __future__ import annotations

import errno
import os

from .._host.os_errors import reporting

# No file has it: upstream's tools and fuse-overlayfs know no such name.
_ABSENT = b"user.strata.absent"


def is_dead(path: str) -> bool:
    """Whether the program that serves the mount at ``path`` is gone, so that nothing can be done there. Raises HostError."""
    with reporting("look at the mount at", path):
        try:
            # The kernel may know by heart what stat(2) asks for.
            os.statvfs(path)
        except OSError as error:
            if error.errno == errno.ENOTCONN:
                return True
            raise
    return False


def is_read_only(path: str) -> bool:
    """Whether nothing can be written through the mount at ``path``, a directory. Changes nothing. Raises HostError.

    Other tools mount images with a program that was given no directory to write to, and without the flag that says so;
    then the program refuses every change, also one that would change nothing.
    """
    with reporting("look at the mount at", path):
        try:
            os.removexattr(path, _ABSENT)
        except OSError as error:
            if error.errno in (errno.ENODATA, errno.ENOTSUP):
                return False
            if error.errno == errno.EROFS:
                return True
            raise
    return False
