# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs tasks through ansible-playbook on localhost, and gives each task's result as Ansible saw it."""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .collection import collections_root
from .warm_python import WarmPython

Task = dict[str, Any]

# What every play imports.
_PARTS = ("ansible.cli.playbook", "ansible.executor.process.worker", "ansible.executor.task_executor")


@dataclass(frozen=True)
class PlayResult:
    """What a play gave.

    ``results`` has one dictionary for each task that ran or was skipped, in order: the result that a ``register`` would
    see, with the further keys ``_task`` (the task's name), ``_action`` and ``_status`` (``ok``, ``failed``, ``skipped``
    or ``unreachable``). ``stdout`` is everything ansible-playbook printed, its standard error included.
    """

    rc: int
    results: list[dict[str, Any]]
    stdout: str

    @property
    def changed(self) -> bool:
        """Whether any task changed something."""
        return any(result.get("changed") for result in self.results)

    @property
    def failures(self) -> list[dict[str, Any]]:
        """The results of the tasks that failed, ``ignore_errors`` or not."""
        return [result for result in self.results if result["_status"] in ("failed", "unreachable")]

    @property
    def message(self) -> str:
        """The messages of the tasks that failed, one a line."""
        return "\n".join(str(result.get("msg", "")) for result in self.failures)

    @property
    def changed_tasks(self) -> list[str]:
        """The names of the tasks that changed something."""
        return [result["_task"] for result in self.results if result.get("changed")]

    def result(self, task: str) -> dict[str, Any]:
        """The result of the task with this name. Raises KeyError."""
        for result in self.results:
            if result["_task"] == task:
                return result
        raise KeyError(f"no task {task!r}; there are {[result['_task'] for result in self.results]}")


class PlaybookRunner:
    """Runs plays in ``directory``.

    Their processes are forked from one that has imported Ansible, but in the long run, with ``own_process`` and with settings
    of Ansible's own in ``env``: then ansible-playbook is started as a user starts it.
    """

    def __init__(self, directory: Path, *, own_process: bool = False) -> None:
        self._directory = directory
        self._own_process = own_process or bool(os.environ.get("STRATA_TEST_LONG"))
        self._runs = 0

    def __call__(
        self,
        tasks: Sequence[Task],
        *,
        check: bool = False,
        diff: bool = False,
        verbosity: int = 0,
        extra_vars: Mapping[str, Any] | None = None,
        play: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> PlayResult:
        """The result of a play of ``tasks``; ``play`` gives further keywords of the play."""
        self._runs += 1
        base = self._directory / f"play-{self._runs}"
        base.mkdir(parents=True)
        book = [{"name": "Test", "hosts": "localhost", "gather_facts": False, **(play or {}), "tasks": list(tasks)}]
        (base / "playbook.yml").write_text(json.dumps(book), encoding="utf-8")
        (base / "variables.json").write_text(json.dumps(_variables(extra_vars)), encoding="utf-8")
        record = base / "results.jsonl"
        command = [_program(), str(base / "playbook.yml"), "--inventory", "localhost,", "--connection", "local"]
        command += ["--extra-vars", f"@{base / 'variables.json'}"]
        command += ["--check"] if check else []
        command += ["--diff"] if diff else []
        command += ["-" + "v" * verbosity] if verbosity else []
        environment = {**os.environ, **_settings(), "STRATA_TASK_RESULTS": str(record), **(env or {})}
        output = base / "output"
        own_process = self._own_process or any(name.startswith("ANSIBLE_") for name in env or {})
        with output.open("wb") as stream:
            if own_process:
                files: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": stream, "stderr": stream}
                status = subprocess.run(command, **files, cwd=base, env=environment, check=False).returncode
            else:
                status = _warm_ansible().run(command, stdout=stream, cwd=base, env=environment)
        return PlayResult(status, _read_results(record), output.read_text(encoding="utf-8", errors="replace"))


@functools.cache
def _warm_ansible() -> WarmPython:
    """One for all plays of this process."""
    return WarmPython([*_PARTS, "lab.warm_ansible"], _settings())


@functools.cache
def _home() -> Path:
    """Where Ansible keeps what is its own; all plays of this process share it."""
    home = Path(tempfile.mkdtemp(prefix="strata-ansible-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    (home / "ansible.cfg").write_text("[defaults]\n", encoding="utf-8")
    return home


def _variables(extra_vars: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"ansible_python_interpreter": sys.executable, **(extra_vars or {})}


def _settings() -> dict[str, str]:
    """Nothing of the developer's own Ansible configuration reaches a test."""
    return {
        "ANSIBLE_CONFIG": str(_home() / "ansible.cfg"),
        "ANSIBLE_HOME": str(_home()),
        "ANSIBLE_COLLECTIONS_PATH": collections_root(),
        "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "task_results",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOLOR": "true",
    }


def _program() -> str:
    path = os.path.dirname(sys.executable) + os.pathsep + os.environ.get("PATH", os.defpath)
    program = shutil.which("ansible-playbook", path=path)
    if program is None:
        raise RuntimeError("ansible-playbook is not installed beside this Python")
    return program


def _read_results(record: Path) -> list[dict[str, Any]]:
    if not record.exists():
        return []
    return [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
