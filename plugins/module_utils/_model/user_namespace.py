# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The user namespace that a container shall have, as podman's option ``--userns`` spells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from .._errors import UsageError
from .id_map import IdMap, IdMaps, check_id_maps, parse_id_map

HOST = "host"
AUTO = "auto"
_WANTED = "host, auto, or auto: with size=, uidmapping= and gidmapping="
_IDS = (1 << 32) - 1


class InvalidUserNamespace(UsageError):
    """The text names no user namespace that can be had here."""

    code = "invalid_userns"


@dataclass(frozen=True)
class AutoUserNamespace:
    """A user namespace whose IDs of the host are chosen among the free ones.

    ``size`` is how many IDs the container gets, None for as many as it needs. ``additional`` are maps that it gets besides.
    """

    size: Optional[int] = None
    additional: IdMaps = IdMaps()

    def __str__(self) -> str:
        options = [f"size={self.size}"] if self.size else []
        options += [f"uidmapping={entry}" for entry in self.additional.uids]
        options += [f"gidmapping={entry}" for entry in self.additional.gids]
        return ":".join((AUTO, ",".join(options))) if options else AUTO


def parse_user_namespace(text: str) -> AutoUserNamespace | None:
    """The namespace of ``auto`` or ``auto:size=...``; None for ``host``, which is none of its own.

    Raises InvalidUserNamespace and InvalidIdMap.
    """
    if text == HOST:
        return None
    mode, _colon, options = text.partition(":")
    if mode != AUTO or (_colon and not options):
        raise InvalidUserNamespace("this is no user namespace", subject="userns", wanted=_WANTED, found=text)
    size: int | None = None
    uids: list[IdMap] = []
    gids: list[IdMap] = []
    for option in options.split(",") if options else ():
        key, _equals, value = option.partition("=")
        if key == "size":
            size = _size(value)
        elif key == "uidmapping":
            uids.append(parse_id_map(value))
        elif key == "gidmapping":
            gids.append(parse_id_map(value))
        else:
            raise InvalidUserNamespace(
                "there is no such option of auto", subject="userns", wanted=_WANTED, found=option
            )
    check_id_maps("userns", uids, with_root=False)
    check_id_maps("userns", gids, with_root=False)
    return AutoUserNamespace(size, IdMaps(tuple(uids), tuple(gids)))


def _size(value: str) -> int:
    if not (value.isascii() and value.isdigit() and 0 < int(value) <= _IDS):
        raise InvalidUserNamespace(
            "the size is not a number of IDs", subject="userns", wanted=f"1 to {_IDS}", found=value
        )
    return int(value)
