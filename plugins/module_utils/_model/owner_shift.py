# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Which owner a file gets whose tree is to have other ID maps: upstream's ``LChown`` in ``drivers/chown_unix.go``."""

from __future__ import annotations

from collections.abc import Callable

from .._errors import HostError
from .id_map import IdMaps, to_container, to_host

# User and group.
Owner = tuple[int, int]


class UnmappedOwner(HostError):
    """A file belongs to somebody who is nobody in the container that its tree was made for."""

    code = "unmapped_owner"


def owner_shift(before: IdMaps, after: IdMaps, overflow: Owner) -> Callable[[Owner], Owner]:
    """What gives the owner under the maps ``after`` of a file that has an owner under ``before``.

    Who has no ID on the host then is ``overflow``, as for the kernel. The host's root stays the container's where ``before``
    does not know it: layers below may have been made without. What is returned raises UnmappedOwner for other strangers.
    """

    def shifted(owner: Owner) -> Owner:
        uid, gid = to_container(before.uids, owner[0]), to_container(before.gids, owner[1])
        if uid is None or gid is None:
            if owner != (0, 0):
                raise UnmappedOwner(
                    "a file of the image has an owner that its layer's ID maps do not have",
                    subject=f"{owner[0]}:{owner[1]}",
                )
            uid, gid = owner
        user, group = to_host(after.uids, uid), to_host(after.gids, gid)
        return (overflow[0] if user is None else user, overflow[1] if group is None else group)

    return shifted
