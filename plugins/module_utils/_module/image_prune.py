# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The module image_prune: its options, and the verb it runs."""

from __future__ import annotations

import time

from .._engine.outcome import Outcome
from .._engine.prune import PruneRequest, prune_images
from .._engine.store import layout_of
from .._storage.drivers import open_driver
from .rights import rights_of
from .run import Task
from .settings import store_settings
from .specs import STORE, merged

OPTIONS = merged(
    STORE,
    {
        "all": {"type": "bool", "default": False},
        "filters": {
            "type": "dict",
            "options": {"label": {"type": "list", "elements": "str"}, "until": {"type": "str"}},
        },
        "keep": {"type": "list", "elements": "str", "default": []},
    },
)


def verb(task: Task) -> Outcome:
    """The store without the images that the task lets go."""
    params = task.params
    settings = store_settings(task)
    layout = layout_of(settings)
    filters = params["filters"] or {}
    request = PruneRequest(
        all=params["all"],
        labels=tuple(filters.get("label") or ()),
        until=filters.get("until"),
        keep=tuple(params["keep"]),
    )

    def work() -> Outcome:
        driver = open_driver(layout, settings.options)
        return prune_images(layout, driver, request, task.reporter, now=time.time_ns(), check_mode=task.check_mode)

    return rights_of(task, settings).change(layout, work)
