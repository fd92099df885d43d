# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""From a task to the rights with which it works on a store."""

from __future__ import annotations

from .._config.storage_conf import StoreSettings
from .._engine.rights import Rights
from .run import Task


def rights_of(task: Task, settings: StoreSettings) -> Rights:
    """The rights with which the task works on that store."""
    return Rights(task.paths, task.reporter, settings.options, task.check_mode)
