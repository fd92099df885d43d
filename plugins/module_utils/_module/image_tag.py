# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The module image_tag: its options, and the verb it runs."""

from __future__ import annotations

from .._engine.outcome import Outcome
from .._engine.store import layout_of
from .._engine.tag import FAIL, KEEP, MOVE, tag_image
from .rights import rights_of
from .run import Task
from .settings import store_settings
from .short_names import short_names_reader
from .specs import STORE, merged

OPTIONS = merged(
    STORE,
    {
        "name": {"type": "str", "required": True},
        "target_names": {"type": "list", "elements": "str", "required": True},
        "existing": {"type": "str", "choices": [MOVE, KEEP, FAIL], "default": MOVE},
    },
)


def verb(task: Task) -> Outcome:
    """The image of the task with its further names."""
    params = task.params
    settings = store_settings(task)
    layout = layout_of(settings)
    rights_of(task, settings).require(layout)
    return tag_image(
        layout,
        params["name"],
        params["target_names"],
        short_names_reader(task),
        task.reporter,
        existing=params["existing"],
        check_mode=task.check_mode,
    )
