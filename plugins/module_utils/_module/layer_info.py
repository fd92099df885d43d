# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The module layer_info: its options, and the verb it runs."""

from __future__ import annotations

from .._engine.list_layers import list_layers
from .._engine.outcome import Outcome
from .._engine.store import layout_of
from .rights import rights_of
from .run import Task
from .settings import store_settings
from .specs import STORE, merged

OPTIONS = merged(STORE, {"name": {"type": "list", "elements": "str"}})


def verb(task: Task) -> Outcome:
    """The layers that the task names."""
    settings = store_settings(task)
    layout = layout_of(settings)
    return rights_of(task, settings).see(lambda: list_layers(layout, task.params["name"]))
