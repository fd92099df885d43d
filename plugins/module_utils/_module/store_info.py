# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The module store_info: its options, and the verb it runs."""

from __future__ import annotations

from .._engine.info import store_info
from .._engine.outcome import Outcome
from .._engine.store import layout_of
from .._storage.drivers import open_driver
from .run import Task
from .settings import store_settings
from .specs import STORE

OPTIONS = STORE


def verb(task: Task) -> Outcome:
    """The store that the task names."""
    settings = store_settings(task)
    layout = layout_of(settings)
    return store_info(settings, layout, open_driver(layout, settings.options))
