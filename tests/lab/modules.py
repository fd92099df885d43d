# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module of the collection as Ansible would on the target, without the controller's second per task."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from .collection import collections_root

_COLLECTION = "ansible_collections/strata/containers"


@dataclass(frozen=True)
class ModuleResult:
    """What a module printed: its JSON, and everything it wrote as text."""

    data: dict[str, Any]
    text: str

    @property
    def failed(self) -> bool:
        return bool(self.data.get("failed"))

    @property
    def changed(self) -> bool:
        return bool(self.data.get("changed"))

    @property
    def code(self) -> str:
        """The code word of the error, empty where there is none."""
        return str((self.data.get("error") or {}).get("code", ""))

    def __getitem__(self, key: str) -> Any:
        return self.data[key]


def run_module(
    name: str,
    arguments: Mapping[str, Any],
    *,
    check: bool = False,
    diff: bool = True,
    verbosity: int = 3,
    env: Optional[Mapping[str, str]] = None,
    prefix: Sequence[str] = (),
) -> ModuleResult:
    """The result of the module ``name``, in check mode or in earnest, with diff mode and steps unless told otherwise."""
    process = module_process(name, arguments, check=check, diff=diff, verbosity=verbosity, env=env, prefix=prefix)
    return module_result(name, process)


def module_result(name: str, process: subprocess.Popen[bytes]) -> ModuleResult:
    """The result of the module ``name`` when ``process``, of :func:`module_process`, has ended."""
    output, errors = process.communicate()
    text = output.decode(errors="replace") + errors.decode(errors="replace")
    try:
        data = json.loads(output)
    except ValueError:
        raise AssertionError(f"{name} printed no JSON (status {process.returncode}): {text}") from None
    return ModuleResult(data, text)


def module_process(
    name: str,
    arguments: Mapping[str, Any],
    *,
    check: bool = False,
    diff: bool = True,
    verbosity: int = 3,
    env: Optional[Mapping[str, str]] = None,
    prefix: Sequence[str] = (),
) -> subprocess.Popen[bytes]:
    """The module ``name`` as a process that has its arguments and runs; ``prefix`` is a command that runs it."""
    root = collections_root()
    script = os.path.join(root, _COLLECTION, "plugins", "modules", f"{name}.py")
    payload = {
        "ANSIBLE_MODULE_ARGS": {
            **arguments,
            "_ansible_check_mode": check,
            "_ansible_diff": diff,
            "_ansible_verbosity": verbosity,
            "_ansible_remote_tmp": "/tmp",
            "_ansible_keep_remote_files": False,
        }
    }
    paths = [root, *(path for path in sys.path if path.endswith("-packages"))]
    process = subprocess.Popen(
        [*prefix, sys.executable, script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **(env or {})},
    )
    if process.stdin is None:
        raise RuntimeError("the process has no standard input")
    process.stdin.write(json.dumps(payload).encode())
    process.stdin.close()
    process.stdin = None
    return process
