# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""From a task to the rights with which it works on a store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .._config.storage_conf import StoreSettings
from .._engine.outcome import Outcome
from .._engine.rights import Rights
from .._storage.layout import Layout
from .run import Task


def rights_of(task: Task, settings: StoreSettings) -> Rights:
    """The rights with which the task works on that store."""
    return Rights(task.paths, task.reporter, settings.options, task.check_mode)


def with_mount_facts(task: Task, settings: StoreSettings, layout: Layout, work: Callable[[], Outcome]) -> Outcome:
    """The outcome of ``work``, which mounts or unmounts something in that store, with how such a mount is seen."""
    rights = rights_of(task, settings)
    outcome = rights.change(layout, work)
    facts = rights.mount_facts(mounted=outcome.facts["mount_point"] is not None)
    return replace(outcome, facts={**outcome.facts, **facts})
