# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The module registry_tags_info: its options, and the verb it runs."""

from __future__ import annotations

from contextlib import closing

from .._engine.outcome import Outcome
from .._engine.registry_names import registry_repository
from .._engine.tags import list_tags
from .access import registry_access, registry_retry
from .run import Task
from .specs import REGISTRY, merged

OPTIONS = merged(REGISTRY, {"name": {"type": "str", "required": True}})

CONSTRAINTS = {"required_together": [("username", "password")]}


def verb(task: Task) -> Outcome:
    """The tags of the repository that the task names."""
    repository = registry_repository(task.params["name"])
    with closing(registry_access(task.params, task.paths, task.reporter)) as access:
        return list_tags(access, repository, registry_retry(task.params, task.reporter))
