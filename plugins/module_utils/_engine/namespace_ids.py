# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The IDs of the host that the ID maps of a container may use: for a user who is not root those of the user's namespace."""

from __future__ import annotations

from .._errors import HostError
from .._host.user_namespace import own_maps
from .._model.id_map import IdMaps
from .._model.id_ranges import host_ids, union, without


class MapOutsideRanges(HostError):
    """A map has IDs of the host that this namespace does not have."""

    code = "id_outside_ranges"


def ensure_has(maps: IdMaps) -> None:
    """Returns when this process's namespace has all IDs of the host in ``maps``. Raises MapOutsideRanges and HostError."""
    for kind, entries, own in zip(("user", "group"), (maps.uids, maps.gids), own_maps()):
        held = union((entry.inside, entry.inside + entry.size) for entry in own)
        missing = without(host_ids(entries), held)
        if missing:
            raise MapOutsideRanges(
                f"the map has {kind} IDs that this user has not; it counts from the user's own, which is 0",
                subject=", ".join(map(str, entries)),
                wanted=f"IDs of {_text(held)}; more in /etc/sub{kind[0]}id give more, then podman system migrate",
                found=_text(missing),
            )


def _text(ranges: tuple[tuple[int, int], ...]) -> str:
    return ", ".join(f"{start} to {end - 1}" for start, end in ranges)
