# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The module registry_image_info: its options, and the verb it runs."""

from __future__ import annotations

from contextlib import closing

from .._engine.outcome import Outcome
from .._engine.platform_choice import PlatformChoice
from .._engine.registry_names import registry_image
from .._engine.remote import CONFIG, HISTORY, MANIFEST, inspect_remote_images
from .._host.machine import cpuinfo, machine
from .._model.platform import host_platform, parse_platform
from .access import registry_access, registry_retry
from .run import Task
from .specs import REGISTRY, merged

OPTIONS = merged(
    REGISTRY,
    {
        "name": {"type": "list", "elements": "str", "required": True},
        "platform": {"type": "str"},
        "gather": {"type": "list", "elements": "str", "choices": [CONFIG, HISTORY, MANIFEST], "default": [CONFIG]},
    },
)

CONSTRAINTS = {"required_together": [("username", "password")]}


def verb(task: Task) -> Outcome:
    """The images that the task names; every name is read before anything is asked."""
    references = [registry_image(text) for text in task.params["name"]]
    platform = task.params["platform"]
    if platform is None:
        choice = PlatformChoice(host_platform(machine(), cpuinfo()))
    else:
        choice = PlatformChoice(parse_platform(platform), explicit=True)
    access = registry_access(task.params, task.paths, task.reporter)
    retry = registry_retry(task.params, task.reporter)
    with closing(access):
        return inspect_remote_images(access, references, choice, task.params["gather"], retry)
