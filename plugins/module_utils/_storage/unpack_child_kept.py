# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What the confined children do for stores that a mount program serves: as ``unpack_child``, which is loaded faster without."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from .._host.pipes import read_chunks
from .._host.zygote import Task
from .unpack_child import CAPABILITIES, any_owner, prepare, unpack_layer
from .unpack_child import TASKS as _COMMON
from .unpack_kept import unpack_kept
from .unpack_masked import unpack_masked
from .unpack_tasks import ANY_OWNER, KEEP, MASK

__all__ = ["TASKS", "prepare"]


def _keep(descriptors: Sequence[int]) -> dict[str, Any]:
    """Unpacks a layer into an empty directory, its whiteouts being files like others."""
    return unpack_layer(descriptors, unpack_kept)


def _mask(descriptors: Sequence[int]) -> dict[str, Any]:
    """The same with files of one mode, which the last descriptor gives as an octal number."""
    mask = int(b"".join(read_chunks(descriptors[2])), 8)
    return unpack_layer(descriptors[:2], lambda reader: unpack_masked(reader, mask))


TASKS = {
    **_COMMON,
    KEEP: Task(_keep, CAPABILITIES),
    MASK: Task(_mask, CAPABILITIES),
    KEEP + ANY_OWNER: Task(partial(any_owner, _keep), CAPABILITIES),
    # Every file can have the owner that all have then.
    MASK + ANY_OWNER: Task(_mask, CAPABILITIES),
}
