# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verbs of our modules, timed one by one in a process whose imports are done: the engine without the start of a module.

The only argument is a file with a list of tasks as JSON, each the name of a module and its options; the task ``requests``
sends some requests over one connection, as a measure of the network alone. Prints a line of JSON for each task: seconds of
``wall`` and ``cpu`` (user and system, with that of all processes it started), and ``changed``.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from http.client import HTTPConnection
from importlib import import_module
from typing import Any

from ansible_collections.strata.containers.plugins.module_utils._config.paths import ConfigPaths
from ansible_collections.strata.containers.plugins.module_utils._module.run import Task
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter

_ROOM = "ansible_collections.strata.containers.plugins.module_utils._module"
REQUESTS = "requests"
_MANIFESTS = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"


def main() -> None:
    """Does the tasks in order; an error ends the process with its traceback."""
    with open(sys.argv[1], encoding="utf-8") as stream:
        tasks: list[tuple[str, dict[str, Any]]] = json.load(stream)
    rooms = {name: import_module(f"{_ROOM}.{name}") for name, _options in tasks if name != REQUESTS}
    for name, options in tasks:
        wall, cpu = time.monotonic(), _cpu()
        changed = _ask(**options) if name == REQUESTS else _run(rooms[name], options)
        told = {"wall": time.monotonic() - wall, "cpu": _cpu() - cpu, "changed": changed}
        print(json.dumps(told), flush=True)


def _run(room: Any, options: dict[str, Any]) -> bool:
    params = {name: definition.get("default") for name, definition in room.OPTIONS.items()} | options
    outcome = room.verb(Task(params, ConfigPaths.of_this_user(), Reporter(), False))
    if outcome.failure is not None:
        raise outcome.failure
    return bool(outcome.changed)


def _ask(host: str, requests: list[tuple[str, str]]) -> bool:
    connection = HTTPConnection(host)
    for method, path in requests:
        connection.request(method, path, headers={"Accept": _MANIFESTS})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status}")
    connection.close()
    return False


def _cpu() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


if __name__ == "__main__":
    main()
