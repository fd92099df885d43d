# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What the target says about short names, for modules that are given the names of images."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from .run import Task

if TYPE_CHECKING:
    from .._config.short_names import ShortNames


def short_names_reader(task: Task) -> Callable[[], ShortNames]:
    """Reads what the target says about short names when the first one needs it, and once."""

    @cache
    def reader() -> ShortNames:
        from .._config.short_names import load_short_names

        return load_short_names(task.paths, task.params.get("registries_conf"))

    return reader
