# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The module trust_policy: its options, and the verb it runs."""

from __future__ import annotations

from typing import Any

from .._engine.outcome import Outcome
from .._engine.trust_policy import ScopeChange, change_policy
from .._errors import UsageError
from .run import Task
from .specs import Spec

PRESENT, ABSENT = "present", "absent"

OPTIONS: Spec = {
    "path": {"type": "path", "aliases": ["signature_policy"]},
    "transport": {"type": "str", "default": "docker"},
    "scope": {"type": "str"},
    "requirements": {"type": "list", "elements": "dict"},
    "default": {"type": "list", "elements": "dict"},
    "state": {"type": "str", "choices": [PRESENT, ABSENT], "default": PRESENT},
}

CONSTRAINTS = {
    "required_one_of": [("scope", "default")],
    "required_by": {"requirements": ("scope",)},
    "required_if": [("state", ABSENT, ("scope",))],
}


class MixedRequest(UsageError):
    """The options contradict each other."""

    code = "usage"


def verb(task: Task) -> Outcome:
    """The policy file as the task wants it."""
    params = task.params
    return change_policy(
        task.paths,
        task.reporter,
        path=params["path"],
        default=params["default"],
        change=_change(params),
        check_mode=task.check_mode,
    )


def _change(params: dict[str, Any]) -> ScopeChange | None:
    scope, requirements = params["scope"], params["requirements"]
    if scope is None:
        return None
    if params["state"] == PRESENT and requirements is None:
        raise MixedRequest("a scope that shall be present needs requirements", subject=scope)
    if params["state"] == ABSENT and requirements is not None:
        raise MixedRequest("a scope that shall be absent has no requirements", subject=scope)
    return ScopeChange(params["transport"], scope, requirements)
