# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The module store_wipe: its options, and the verb it runs."""

from __future__ import annotations

from .._engine.outcome import Outcome
from .._engine.store import layout_of
from .._engine.wipe import wipe_store
from .._storage.drivers import open_driver
from .rights import rights_of
from .run import Task
from .settings import store_settings
from .specs import STORE, merged

OPTIONS = merged(
    STORE,
    {
        "confirm": {"type": "path", "required": True},
        "force": {"type": "bool", "default": False},
    },
)


def verb(task: Task) -> Outcome:
    """The store that the task names, emptied."""
    params = task.params
    settings = store_settings(task)
    layout = layout_of(settings)

    def work() -> Outcome:
        driver = open_driver(layout, settings.options)
        return wipe_store(
            layout, driver, params["confirm"], task.reporter, force=params["force"], check_mode=task.check_mode
        )

    return rights_of(task, settings).change(layout, work)
