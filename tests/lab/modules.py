# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module of the collection as Ansible would on the target, without the controller's second per task."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from .collection import collections_root
from .warm_python import WarmPython

_COLLECTION = "ansible_collections/strata/containers"
# What every module imports, or every one that asks a registry.
LIBRARIES = ("ansible.module_utils.basic", "urllib3", "ssl", "concurrent.futures", "yaml", "zstandard", "tomli")

_warm: Optional[WarmPython] = None


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
    """The result of the module ``name``, in check mode or in earnest, with diff mode and steps unless told otherwise.

    What Python reads at its start (``PYTHON...`` in ``env``) and a ``prefix`` need a process that is started.
    """
    if _warm and not prefix and not any(key.startswith("PYTHON") for key in env or {}):
        environment = {**os.environ, "PYTHONPATH": python_path(), **(env or {})}
        return run_module_warm(_warm, name, arguments, environment, check=check, diff=diff, verbosity=verbosity)
    process = module_process(name, arguments, check=check, diff=diff, verbosity=verbosity, env=env, prefix=prefix)
    return module_result(name, process)


def warm_modules() -> None:
    """From now on :func:`run_module` forks the processes of modules from one that has imported the libraries, not the collection."""
    global _warm
    _warm = _warm or WarmPython(LIBRARIES, {"PYTHONPATH": python_path()})


def run_module_warm(
    warm: WarmPython,
    name: str,
    arguments: Mapping[str, Any],
    env: Mapping[str, str],
    *,
    check: bool = False,
    diff: bool = True,
    verbosity: int = 3,
) -> ModuleResult:
    """The result of the module ``name``, forked from ``warm`` with nothing but ``env`` for its environment."""
    payload = _payload(arguments, check=check, diff=diff, verbosity=verbosity)
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        given.write(payload)
        given.seek(0)
        status = warm.run([_script(name)], stdin=given, stdout=output, stderr=errors, env=env)
        texts = [file.read() for file in (output, errors) if file.seek(0) == 0]
    return _result(name, status, *texts)


def module_result(name: str, process: subprocess.Popen[bytes]) -> ModuleResult:
    """The result of the module ``name`` when ``process``, of :func:`module_process`, has ended."""
    output, errors = process.communicate()
    return _result(name, process.returncode, output, errors)


def _result(name: str, status: Optional[int], output: bytes, errors: bytes) -> ModuleResult:
    text = output.decode(errors="replace") + errors.decode(errors="replace")
    try:
        data = json.loads(output)
    except ValueError:
        raise AssertionError(f"{name} printed no JSON (status {status}): {text}") from None
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
    process = subprocess.Popen(
        [*prefix, sys.executable, _script(name)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": python_path(), **(env or {})},
    )
    if process.stdin is None:
        raise RuntimeError("the process has no standard input")
    process.stdin.write(_payload(arguments, check=check, diff=diff, verbosity=verbosity))
    process.stdin.close()
    process.stdin = None
    return process


def _payload(arguments: Mapping[str, Any], *, check: bool, diff: bool, verbosity: int) -> bytes:
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
    return json.dumps(payload).encode()


def _script(name: str) -> str:
    return os.path.join(collections_root(), _COLLECTION, "plugins", "modules", f"{name}.py")


def python_path() -> str:
    return os.pathsep.join([collections_root(), *(path for path in sys.path if path.endswith("-packages"))])
