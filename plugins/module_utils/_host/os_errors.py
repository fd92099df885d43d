# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Failures of the operating system as errors of the engine: which action on which path, and why not."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from .._errors import HostError


class NoSpace(HostError):
    """The file system is full, or a quota is."""

    code = "no_space"


class PermissionDenied(HostError):
    """The rights of this process, or a read-only file system, do not allow it."""

    code = "permission_denied"


_FAMILIES: dict[int, type[HostError]] = {
    errno.ENOSPC: NoSpace,
    errno.EDQUOT: NoSpace,
    errno.EACCES: PermissionDenied,
    errno.EPERM: PermissionDenied,
    errno.EROFS: PermissionDenied,
}


def host_error(error: OSError, action: str, path: str) -> HostError:
    """The error that says that ``action`` (as in "cannot <action>") on ``path`` failed, and how.

    Of a full file system it tells what is free there; of a quota that is used up nobody could.
    """
    family = _FAMILIES.get(error.errno or 0, HostError)
    reason = os.strerror(error.errno) if error.errno else str(error)
    found = free_room(path) if error.errno == errno.ENOSPC else ""
    return family(f"cannot {action}: {reason}", subject=path, wanted="more room" if found else "", found=found)


def free_room(path: str) -> str:
    """What the file system that holds ``path``, or would hold it, has free; empty where it does not say.

    In words that stand in an error, so it raises nothing.
    """
    place = os.path.abspath(path)
    while not os.path.isdir(place) and place != os.path.dirname(place):
        place = os.path.dirname(place)
    try:
        facts = os.statvfs(place)
    except OSError:
        return ""
    room = f"{facts.f_bavail * facts.f_frsize} bytes"
    # File systems that make inodes as they are needed count none.
    return f"{room} and {facts.f_favail} inodes free" if facts.f_files else f"{room} free"


@contextmanager
def reporting(action: str, path: str) -> Iterator[None]:
    """Turns an OSError of the block into the error that says that ``action`` on ``path`` failed."""
    try:
        yield
    except OSError as error:
        raise host_error(error, action, path) from error
