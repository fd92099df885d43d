# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""A range of user or group IDs of a container and the IDs of the host that stand for it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .._errors import UsageError

_SHAPE = re.compile(r"([0-9]{1,10}):([0-9]{1,10}):([0-9]{1,10})", re.ASCII)
_IDS = 1 << 32


class InvalidIdMap(UsageError):
    """The text is no ID map."""

    code = "invalid_id_map"


@dataclass(frozen=True)
class IdMap:
    """``size`` IDs from ``container_id`` on, which are ``host_id`` and following on the host."""

    container_id: int
    host_id: int
    size: int

    def to_json(self) -> dict[str, int]:
        """The entry as containers/storage writes it."""
        return {"container_id": self.container_id, "host_id": self.host_id, "size": self.size}


def parse_id_map(text: str) -> IdMap:
    """The map written as ``container_id:host_id:size``. Raises InvalidIdMap."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise InvalidIdMap("this is no ID map", subject=text, wanted="container_id:host_id:size", found=text)
    container_id, host_id, size = (int(number) for number in match.groups())
    if size == 0 or container_id + size > _IDS or host_id + size > _IDS:
        raise InvalidIdMap("the range is empty or exceeds 32 bits", subject=text)
    return IdMap(container_id, host_id, size)
