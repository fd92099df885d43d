# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What the confined children do for stores that a mount program serves: as ``unpack_child``, which is loaded faster without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._host.zygote import Task
from .unpack_child import CAPABILITIES, prepare, unpack_layer
from .unpack_child import TASKS as _COMMON
from .unpack_kept import unpack_kept
from .unpack_masked import unpack_masked
from .unpack_tasks import KEEP, MASK, MODE

__all__ = ["TASKS", "prepare"]


def _keep(descriptors: Sequence[int], options: Mapping[str, Any]) -> dict[str, Any]:
    """Unpacks a layer into an empty directory, its whiteouts being files like others."""
    return unpack_layer(descriptors, options, unpack_kept)


def _mask(descriptors: Sequence[int], options: Mapping[str, Any]) -> dict[str, Any]:
    """The same with files of one mode."""
    return unpack_layer(descriptors, options, lambda reader: unpack_masked(reader, options[MODE]))


TASKS = {
    **_COMMON,
    KEEP: Task(_keep, CAPABILITIES),
    MASK: Task(_mask, CAPABILITIES),
}
