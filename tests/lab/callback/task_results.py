# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes each task's result as one line of JSON to the file that STRATA_TASK_RESULTS names; for tests."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: task_results
type: notification
short_description: Each task's result as a line of JSON
description:
  - Writes each task's result as one line of JSON to the file named by the variable E(STRATA_TASK_RESULTS).
options: {}
"""


class CallbackModule(CallbackBase):
    """Appends a line for each task of each host."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "task_results"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_ok(self, result: Any) -> None:
        _record(result, "ok")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        _record(result, "failed")

    def v2_runner_on_skipped(self, result: Any) -> None:
        _record(result, "skipped")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        _record(result, "unreachable")


def _record(result: Any, status: str) -> None:
    task = result.task if hasattr(result, "task") else result._task
    facts = result.result if hasattr(result, "result") else result._result
    entry = {**facts, "_task": task.get_name().rpartition(" : ")[2], "_action": task.action, "_status": status}
    with open(os.environ["STRATA_TASK_RESULTS"], "a", encoding="utf-8") as stream:
        stream.write(json.dumps(entry, default=str) + "\n")
