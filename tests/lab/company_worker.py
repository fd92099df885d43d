# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One process that does a list of tasks by the modules' own verbs, one after the other, as one of a company on a store.

Reads the tasks as JSON from standard input, each a pause in seconds, the name of a module and its options, and prints a line
of JSON for each: ``changed``, or the error's ``code`` and ``message``. An exception that is no error of the engine has the
code ``internal``.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from importlib import import_module
from typing import Any

from ansible_collections.strata.containers.plugins.module_utils._config.paths import ConfigPaths
from ansible_collections.strata.containers.plugins.module_utils._errors import StrataError
from ansible_collections.strata.containers.plugins.module_utils._module.run import Task
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter

_ROOM = "ansible_collections.strata.containers.plugins.module_utils._module"


def done(module: str, options: dict[str, Any]) -> dict[str, Any]:
    """What came of one task, as it is printed."""
    room = import_module(f"{_ROOM}.{module}")
    params = {name: definition.get("default") for name, definition in room.OPTIONS.items()} | options
    try:
        outcome = room.verb(Task(params, ConfigPaths.of_this_user(), Reporter(), False))
        if outcome.failure is not None:
            raise outcome.failure
    except StrataError as error:
        return {"code": error.code, "message": str(error)}
    except Exception:
        return {"code": "internal", "message": traceback.format_exc()}
    return {"changed": outcome.changed}


def main() -> None:
    for pause, module, options in json.load(sys.stdin):
        time.sleep(pause)
        print(json.dumps(done(module, options)), flush=True)


if __name__ == "__main__":
    main()
