# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""From a task's parameters to the settings of the store."""

from __future__ import annotations

from .._config.storage_conf import StoreSettings, load_store_settings
from .._storage.driver_choice import choose_driver
from .run import Task


def store_settings(task: Task) -> StoreSettings:
    """The store that the task's options and the target's storage.conf name together, and its driver. Raises SeveralDrivers."""
    params = task.params
    named = load_store_settings(
        task.paths,
        root=params["root"],
        runroot=params["runroot"],
        driver=params["driver"],
        driver_options=params["driver_options"],
        storage_conf=params["storage_conf"],
    )
    return choose_driver(named, task.paths.environment)
