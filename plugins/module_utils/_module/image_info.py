# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The module image_info: its options, and the verb it runs."""

from __future__ import annotations

from .._engine.inspect import CONFIG, HISTORY, MANIFEST, inspect_images
from .._engine.outcome import Outcome
from .._engine.store import layout_of
from .run import Task
from .settings import store_settings
from .short_names import short_names_reader
from .specs import STORE, merged

OPTIONS = merged(
    STORE,
    {
        "name": {"type": "list", "elements": "str"},
        "gather": {"type": "list", "elements": "str", "choices": [CONFIG, HISTORY, MANIFEST], "default": []},
    },
)


def verb(task: Task) -> Outcome:
    """The images that the task names."""
    layout = layout_of(store_settings(task))
    return inspect_images(layout, task.params["name"], task.params["gather"], short_names_reader(task))
