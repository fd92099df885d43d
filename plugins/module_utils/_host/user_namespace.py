# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The IDs of a user namespace, and how this process gets into one: see user_namespaces(7).

In a namespace whose owner this user is, the process is root over the IDs that are mapped there, and nothing more than the
user outside of it.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass

from .._errors import HostError
from .machine import in_user_namespace
from .os_errors import reporting
from .syscalls import call

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000

_UID_MAP, _GID_MAP = "/proc/self/uid_map", "/proc/self/gid_map"


class NamespaceFailed(HostError):
    """The kernel does not let this process into a namespace of the user's."""

    code = "user_namespace_failed"


@dataclass(frozen=True)
class MappedRange:
    """``size`` IDs from ``inside`` on, which are those from ``outside`` on in the namespace above."""

    inside: int
    outside: int
    size: int


def parse_map(text: str) -> tuple[MappedRange, ...]:
    """The ranges of the text of a ``uid_map`` or ``gid_map`` file. Raises ValueError."""
    return tuple(MappedRange(*(int(field) for field in line.split())) for line in text.splitlines())


def own_maps() -> tuple[tuple[MappedRange, ...], tuple[MappedRange, ...]]:
    """The user IDs and the group IDs of this process's namespace. Raises HostError."""
    return _read_map(_UID_MAP), _read_map(_GID_MAP)


def is_mapped(number: int, ranges: Sequence[MappedRange]) -> bool:
    """Whether ``ranges`` have the ID ``number`` inside."""
    return any(entry.inside <= number < entry.inside + entry.size for entry in ranges)


def enter_user_namespace(descriptor: int, subject: str) -> None:
    """Makes this process root of the namespace that is open as ``descriptor``; there is no way back.

    Its own files, mounts and working directory stay what they are. ``subject`` names the namespace in errors. The process
    must not have another thread. Raises NamespaceFailed.
    """
    try:
        _set_namespace(descriptor, CLONE_NEWUSER)
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
    except OSError as error:
        reason = "it has other threads" if error.errno == errno.EINVAL else os.strerror(error.errno or 0)
        raise NamespaceFailed(f"the process cannot enter the user namespace: {reason}", subject=subject) from error
    in_user_namespace.cache_clear()


def enter_mount_namespace(descriptor: int) -> None:
    """Gives this thread the mounts of the namespace that is open as ``descriptor``; no other thread may share its root.

    Raises OSError.
    """
    _set_namespace(descriptor, CLONE_NEWNS)


def _set_namespace(descriptor: int, kind: int) -> None:
    # os.setns came with Python 3.12.
    call("setns", ctypes.c_int(descriptor), ctypes.c_int(kind))


def _read_map(path: str) -> tuple[MappedRange, ...]:
    with reporting("read", path), open(path, encoding="ascii") as stream:
        return parse_map(stream.read())
