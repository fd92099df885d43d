# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Sets of IDs as ranges, and the map that an automatic user namespace gets of those that are free.

Upstream: ``idset.go`` and ``getAutoUserNSIDMappings`` in ``userns.go`` of containers/storage.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .id_map import IdMap

# From the first ID up to the second, which is not in it. A set of IDs is a sequence of such ranges, ascending and apart.
Range = tuple[int, int]


def union(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """The IDs of all ``ranges``, which may overlap and come in any order."""
    found: list[Range] = []
    for start, end in sorted(ranges):
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return tuple(found)


def without(ranges: Iterable[Range], taken: Iterable[Range]) -> tuple[Range, ...]:
    """Those of the IDs of ``ranges`` that are not ``taken``."""
    left: list[Range] = []
    gone = union(taken)
    for start, end in union(ranges):
        for first, last in gone:
            if last <= start or first >= end:
                continue
            left.append((start, first))
            start = last
        left.append((start, end))
    return union(left)


def size_of(ranges: Iterable[Range]) -> int:
    """How many IDs there are."""
    return sum(end - start for start, end in union(ranges))


def host_ids(maps: Iterable[IdMap]) -> tuple[Range, ...]:
    """The IDs of the host that the maps use."""
    return union((entry.host_id, entry.host_id + entry.size) for entry in maps)


def free_map(
    size: int, available: Iterable[Range], used: Iterable[IdMap], additional: Sequence[IdMap] = ()
) -> tuple[IdMap, ...] | None:
    """A map of the IDs below ``size`` of a container to free IDs of the host, the lowest first; None where there are too few.

    Free are those of ``available`` that neither ``used`` maps nor ``additional`` ones have. The latter are part of the
    result, at its end, and the IDs of the container that they map take no others.
    """
    wanted = without([(0, size)], [(entry.container_id, entry.container_id + entry.size) for entry in additional])
    free = without(available, [*host_ids(used), *host_ids(additional)])
    if size_of(free) < size_of(wanted):
        return None
    return (*_paired(list(wanted), list(free)), *additional)


def _paired(wanted: list[Range], free: list[Range]) -> list[IdMap]:
    found: list[IdMap] = []
    while wanted:
        (start, end), (host, host_end) = wanted.pop(0), free.pop(0)
        size = min(end - start, host_end - host)
        found.append(IdMap(start, host, size))
        if start + size < end:
            wanted.insert(0, (start + size, end))
        if host + size < host_end:
            free.insert(0, (host + size, host_end))
    return found
