# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What is different where layers are unpacked in the namespace of a user who is not root.

Loaded before the change of root: the interpreter finds no file afterwards.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from .._errors import HostError
from .._host.os_errors import reporting
from .._host.user_namespace import MappedRange, is_mapped, own_maps

_OPAQUE = b"user.overlay.opaque"


class OwnerOutsideRanges(HostError):
    """A file of the layer belongs to an ID that the user may not give to files."""

    code = "id_outside_ranges"


@dataclass(frozen=True)
class Owners:
    """The IDs that files can belong to, and the user who may have them."""

    user: str
    uids: tuple[MappedRange, ...]
    gids: tuple[MappedRange, ...]

    def lack(self, uid: int, gid: int) -> bool:
        """Whether no file can belong to both ``uid`` and ``gid``."""
        return not (is_mapped(uid, self.uids) and is_mapped(gid, self.gids))


@cache
def know_owners() -> Owners:
    """What the namespace has; to be asked once while the files of the system can be read. Raises HostError."""
    uids, gids = own_maps()
    number = next((entry.outside for entry in uids if entry.inside == 0), 0)
    try:
        user = pwd.getpwuid(number).pw_name
    except KeyError:
        user = str(number)
    return Owners(user, uids, gids)


def hide_below(directories: Iterable[bytes]) -> None:
    """Marks directories as hiding what the layers below have in them.

    Other attributes that take rights in the first namespace are left out, as upstream leaves them out for such users. Raises
    HostError.
    """
    for directory in directories:
        with reporting("set the attribute user.overlay.opaque of", directory.decode("utf-8", "backslashreplace")):
            os.setxattr(directory, _OPAQUE, b"y", follow_symlinks=False)


def outside_ranges(name: str, uid: int, gid: int) -> OwnerOutsideRanges | None:
    """The error for a file ``name`` that was to belong to ``uid`` and ``gid``, None where both can be had."""
    owners = know_owners()
    for what, path, number, ranges in (("user", "subuid", uid, owners.uids), ("group", "subgid", gid, owners.gids)):
        if not is_mapped(number, ranges):
            highest = max(entry.inside + entry.size for entry in ranges) - 1
            return OwnerOutsideRanges(
                f"the {what} ID {number} is outside the ranges of {owners.user}",
                subject=name,
                wanted=f"more subordinate IDs in /etc/{path}, then podman system migrate",
                found=f"{what} IDs up to {highest}",
            )
    return None
