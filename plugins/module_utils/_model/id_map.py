# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Ranges of user or group IDs of a container and the IDs of the host that stand for them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .._errors import UsageError

_SHAPE = re.compile(r"([0-9]{1,10}):([0-9]{1,10})(?::([0-9]{1,10}))?", re.ASCII)
# The kernel knows no ID that is -1, and lets no range reach beyond it (map_write() in kernel/user_namespace.c).
_IDS = (1 << 32) - 1
# UID_GID_MAP_MAX_EXTENTS of the same file.
_MOST_RANGES = 340


class InvalidIdMap(UsageError):
    """The text is no ID map, or its ranges do not go together."""

    code = "invalid_id_map"


@dataclass(frozen=True)
class IdMap:
    """``size`` IDs from ``container_id`` on, which are ``host_id`` and following on the host."""

    container_id: int
    host_id: int
    size: int

    def __str__(self) -> str:
        return f"{self.container_id}:{self.host_id}:{self.size}"

    def to_json(self) -> dict[str, int]:
        """The entry as containers/storage writes it."""
        return {"container_id": self.container_id, "host_id": self.host_id, "size": self.size}

    @classmethod
    def from_json(cls, entry: Mapping[str, int]) -> IdMap:
        """The entry of a record; Go leaves nothing out, and reads what is missing as 0."""
        return cls(entry.get("container_id", 0), entry.get("host_id", 0), entry.get("size", 0))


def parse_id_map(text: str) -> IdMap:
    """The map written as ``container_id:host_id:size``; without a size it is one ID, as for newer podman. Raises InvalidIdMap."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise InvalidIdMap("this is no ID map", subject=text, wanted="container_id:host_id:size", found=text)
    container_id, host_id, size = (int(number or 1) for number in match.groups())
    if size == 0 or container_id + size > _IDS or host_id + size > _IDS:
        raise InvalidIdMap("the range is empty or exceeds 32 bits", subject=text)
    return IdMap(container_id, host_id, size)


def check_id_maps(option: str, maps: Sequence[IdMap], *, with_root: bool = True) -> None:
    """Raises InvalidIdMap where a user namespace cannot have these ranges, or no container can.

    They may not overlap on either side, and one of them must say who root is (unless not ``with_root``): podman and
    containers/storage refuse others.
    """
    for position, later in enumerate(maps):
        for earlier in maps[:position]:
            for side, one, other in (
                ("of the container", earlier.container_id, later.container_id),
                ("of the host", earlier.host_id, later.host_id),
            ):
                if one < other + later.size and other < one + earlier.size:
                    raise InvalidIdMap(
                        f"two ranges have IDs {side} in common", subject=option, found=f"{earlier} {later}"
                    )
    if len(maps) > _MOST_RANGES:
        wanted, found = f"at most {_MOST_RANGES}", str(len(maps))
        raise InvalidIdMap("more ranges than a user namespace can have", subject=option, wanted=wanted, found=found)
    if with_root and maps and host_root(maps) is None:
        found = " ".join(map(str, maps))
        raise InvalidIdMap("no range has the ID 0 of the container, its root", subject=option, found=found)


def is_contiguous(maps: Sequence[IdMap]) -> bool:
    """Whether the ranges, in the order of their IDs in the container, follow each other there and on the host."""
    ordered = sorted(maps, key=lambda entry: entry.container_id)
    return all(
        before.container_id + before.size == after.container_id and before.host_id + before.size == after.host_id
        for before, after in zip(ordered, ordered[1:])
    )


def host_root(maps: Sequence[IdMap]) -> int | None:
    """The ID of the host that the owner of a container's files has, None where the ranges name none.

    It is the one that stands for 0. A map of a single ID has no other choice, whatever it is called in the container
    (``GetRootUIDGID`` of containers/storage).
    """
    if len(maps) == 1 and maps[0].size == 1:
        return maps[0].host_id
    return to_host(maps, 0)


def to_host(maps: Sequence[IdMap], container_id: int) -> int | None:
    """The ID of the host that stands for one of the container, None where none does. Without ranges both are the same."""
    for entry in maps:
        if 0 <= container_id - entry.container_id < entry.size:
            return entry.host_id + container_id - entry.container_id
    return None if maps else container_id


def to_container(maps: Sequence[IdMap], host_id: int) -> int | None:
    """The ID of the container for which one of the host stands, None where it stands for none."""
    for entry in maps:
        if 0 <= host_id - entry.host_id < entry.size:
            return entry.container_id + host_id - entry.host_id
    return None if maps else host_id


@dataclass(frozen=True)
class IdMaps:
    """How users and groups of a container map to those of the host; no ranges mean that they are the same."""

    uids: tuple[IdMap, ...] = ()
    gids: tuple[IdMap, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.uids or self.gids)

    @classmethod
    def from_json(cls, uidmap: Sequence[Mapping[str, int]], gidmap: Sequence[Mapping[str, int]]) -> IdMaps:
        """The maps of a record."""
        return cls(tuple(map(IdMap.from_json, uidmap)), tuple(map(IdMap.from_json, gidmap)))

    @property
    def root(self) -> tuple[int, int]:
        """User and group of the host that own the root of a container's tree; the host's own where the maps tell none."""
        return host_root(self.uids) or 0, host_root(self.gids) or 0

    @property
    def whole(self) -> bool:
        """Whether there are ranges of both kinds, without which no user namespace is made."""
        return bool(self.uids and self.gids)


UNMAPPED = IdMaps()


def id_maps(uids: Sequence[IdMap] | None, gids: Sequence[IdMap] | None) -> IdMaps | None:
    """The maps that are asked for, None where neither is: as for podman, groups map like users where only these are told.

    The other way round too. An empty list asks for no mapping. Raises InvalidIdMap.
    """
    if uids is None and gids is None:
        return None
    users, groups = tuple(uids or ()), tuple(gids or ())
    maps = IdMaps(users or groups, groups or users)
    check_id_maps("uidmap", maps.uids)
    check_id_maps("gidmap", maps.gids)
    return maps
