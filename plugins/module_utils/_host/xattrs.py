# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Extended attributes of files, never of what a symbolic link points to. Names and values are bytes."""

from __future__ import annotations

import errno
import os

from .os_errors import reporting


def list_xattrs(path: str) -> tuple[bytes, ...]:
    """The names of the attributes of ``path`` that this process may see; none where the file system has none.

    Raises HostError.
    """
    with reporting("list the extended attributes of", path):
        try:
            return tuple(os.fsencode(name) for name in os.listxattr(path, follow_symlinks=False))
        except OSError as error:
            if error.errno == errno.ENOTSUP:
                return ()
            raise


def get_xattr(path: str, name: bytes) -> bytes | None:
    """The value of an attribute, None where ``path`` does not have it or the file system knows none.

    Raises HostError.
    """
    with reporting(f"read the extended attribute {os.fsdecode(name)} of", path):
        try:
            return os.getxattr(path, name, follow_symlinks=False)
        except OSError as error:
            if error.errno in (errno.ENODATA, errno.ENOTSUP):
                return None
            raise


def set_xattr(path: str, name: bytes, value: bytes) -> None:
    """Gives ``path`` an attribute, in place of one of the same name. Raises HostError."""
    with reporting(f"set the extended attribute {os.fsdecode(name)} of", path):
        os.setxattr(path, name, value, follow_symlinks=False)
