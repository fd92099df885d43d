# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The module image_verify: its options, and the verb it runs."""

from __future__ import annotations

from contextlib import closing

from .._engine.outcome import Outcome
from .._engine.platform_choice import PlatformChoice
from .._engine.signature_places import signature_places
from .._engine.store import layout_of
from .._engine.trust import Gate, open_gate
from .._engine.verify import RemoteJudge, StoreJudge, verify_images
from .._host.machine import cpuinfo, machine
from .._model.platform import host_platform, parse_platform
from .access import registry_access, registry_retry
from .run import Task
from .settings import store_settings
from .short_names import short_names_reader
from .specs import POLICY, REGISTRY, STORE, merged

FROM_STORE = "store"
FROM_REGISTRY = "registry"

OPTIONS = merged(
    STORE,
    REGISTRY,
    POLICY,
    {
        "name": {"type": "list", "elements": "str", "required": True},
        "source": {"type": "str", "choices": [FROM_STORE, FROM_REGISTRY], "default": FROM_STORE},
        "platform": {"type": "str"},
        "fail_on_refusal": {"type": "bool", "default": True},
    },
)

CONSTRAINTS = {"required_together": [("username", "password")]}


def verb(task: Task) -> Outcome:
    """The verdict on each image that the task names."""
    params = task.params
    gate = open_gate(
        task.paths,
        task.reporter,
        signature_policy=params["signature_policy"],
        require_signed=params["require_signed"],
    )
    if params["source"] == FROM_REGISTRY:
        return _from_registry(task, gate)
    judge = StoreJudge(layout_of(store_settings(task)), gate, short_names_reader(task), task.reporter)
    return verify_images(params["name"], judge, gate, fail_on_refusal=params["fail_on_refusal"])


def _from_registry(task: Task, gate: Gate) -> Outcome:
    params = task.params
    wanted = params["platform"]
    platform = host_platform(machine(), cpuinfo()) if wanted is None else parse_platform(wanted)
    places = signature_places(task.paths, params["registries_d"])
    access = registry_access(params, task.paths, task.reporter, places)
    with closing(access):
        choice = PlatformChoice(platform, explicit=wanted is not None)
        judge = RemoteJudge(access, gate, choice, registry_retry(params, task.reporter), task.reporter)
        return verify_images(params["name"], judge, gate, fail_on_refusal=params["fail_on_refusal"])
