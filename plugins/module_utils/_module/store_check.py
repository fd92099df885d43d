# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The module store_check: its options, and the verb it runs."""

from __future__ import annotations

from .._engine.check import CheckRequest, check_store
from .._engine.outcome import Outcome
from .._engine.store import layout_of
from .._storage.drivers import open_driver
from .rights import rights_of
from .run import Task
from .settings import store_settings
from .specs import STORE, merged

OPTIONS = merged(
    STORE,
    {
        "deep": {"type": "bool", "default": False},
        "repair": {"type": "bool", "default": False},
        "remove_containers": {"type": "bool", "default": False},
    },
)


def verb(task: Task) -> Outcome:
    """What is wrong in the store that the task names, repaired on request."""
    params = task.params
    settings = store_settings(task)
    layout = layout_of(settings)
    request = CheckRequest(params["deep"], params["repair"], params["remove_containers"])

    def work() -> Outcome:
        driver = open_driver(layout, settings.options)
        return check_store(layout, driver, settings.options, request, task.reporter, check_mode=task.check_mode)

    rights = rights_of(task, settings)
    return rights.change(layout, work) if params["repair"] else rights.see(work, files=params["deep"])
