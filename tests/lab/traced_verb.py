# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a verb as a process, with strace on one of its parts, and kills that part at a call."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Optional

from . import verb_process
from .collection import collections_root
from .modules import python_path
from .stores import Store
from .strace import Call, attached, write_interpreter
from .warm_python import WarmPython

# What is traced, and whom a kill strikes: the first thread of the engine's process, each other thread by itself, or the
# helper that unpacks with all its children.
MAIN, THREADS, HELPER = "main", "threads", "helper"
ROLES = (MAIN, THREADS, HELPER)
_PATIENCE = 60


@dataclass(frozen=True)
class Ended:
    """How a verb ended: the exit status, what it said (nothing where it was killed), and the logs, one for each thread."""

    status: int
    said: dict[str, Any]
    logs: tuple[str, ...]


def run_verb(
    store: Store, verb: str, options: Mapping[str, Any], *, role: str = "", kill_at: Optional[Call] = None
) -> Ended:
    """Runs ``verb`` on ``store`` to its end, and to that of its helpers.

    With a ``role`` that part is traced, and killed at ``kill_at`` if given; of THREADS its ``thread`` counts from 0.
    """
    options = {**options, "root": store.root, "run_root": store.run_root, "driver": store.driver}
    options["stop_threads"] = role == THREADS
    logs = [os.path.join(store.base, "log")] if role in (MAIN, HELPER) else []
    if role == HELPER:
        path = os.path.join(store.base, "interpreter")
        options["interpreter"] = write_interpreter(path, sys.executable, logs[0], kill_at)
    said: dict[str, Any] = {}
    with _Process(verb, options) as process, ExitStack() as tracers:
        for line in process.lines():
            word, _space, rest = line.partition(" ")
            if word == "ready" and role == MAIN:
                tracers.enter_context(attached(int(rest), logs[0], kill_at))
            if word == "thread":
                mine = kill_at if kill_at is not None and kill_at.thread == len(logs) else None
                logs.append(os.path.join(store.base, f"log-{len(logs)}"))
                tracers.enter_context(attached(int(rest), logs[-1], mine))
            if word in ("ready", "thread"):
                process.answer()
            else:
                said = json.loads(line)
        status, errors = process.ended()
    assert "Traceback" not in errors, errors
    _wait_for_helpers(store)
    return Ended(status, said, tuple(logs))


class _Process:
    """A verb in a process that is forked from one with all imports done: what it says, and how it ends."""

    def __init__(self, verb: str, options: Mapping[str, Any]) -> None:
        command = [str(verb_process.__file__), verb, json.dumps(options)]
        given, answers = os.pipe()
        said, answered = os.pipe()
        self._files = ExitStack()
        self._answers = self._files.enter_context(os.fdopen(answers, "wb", buffering=0))
        self._said = self._files.enter_context(os.fdopen(said, "rb"))
        self._pid = 0
        self._pool = ThreadPoolExecutor(1)
        self._end = self._pool.submit(self._run, command, given, answered)
        self._watch = threading.Timer(_PATIENCE, self._kill)
        self._watch.start()

    def lines(self) -> Iterator[str]:
        """The lines that it says, until its end."""
        for line in self._said:
            text = line.decode().rstrip("\n")
            if text.startswith("ready "):
                self._pid = int(text.partition(" ")[2])
            yield text

    def answer(self) -> None:
        """Lets it go on after a line for which it waits to be answered."""
        self._answers.write(b"\n")

    def ended(self) -> tuple[int, str]:
        """Its exit status, and what stands on its standard error."""
        return self._end.result()

    def __enter__(self) -> _Process:
        return self

    def __exit__(self, *_raised: object) -> None:
        self._watch.cancel()
        self._kill()
        # Whoever still waits for an answer is gone by now, so the thread comes to its end.
        self._pool.shutdown()
        self._files.close()

    def _run(self, command: Sequence[str], given: int, answered: int) -> tuple[int, str]:
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        with os.fdopen(given, "rb") as stdin, os.fdopen(answered, "wb") as stdout, tempfile.TemporaryFile() as errors:
            status = _warm().run(command, stdin=stdin, stdout=stdout, stderr=errors, env=environment)
            errors.seek(0)
            return status, errors.read().decode()

    def _kill(self) -> None:
        if self._pid and not self._end.done():
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)


@cache
def _warm() -> WarmPython:
    """The process from which verbs are forked, with the whole engine in its memory."""
    root = Path(collections_root())
    files = root.glob("ansible_collections/strata/containers/plugins/module_utils/_[a-z]*/*.py")
    modules = [".".join(file.relative_to(root).with_suffix("").parts) for file in sorted(files)]
    return WarmPython(["lab.verb_process", *modules], {"PYTHONPATH": python_path(), "PYTHONDONTWRITEBYTECODE": "1"})


def _wait_for_helpers(store: Store) -> None:
    """The kernel ends the helper processes of a killed verb; their search path tells that they are ours."""
    deadline = time.monotonic() + _PATIENCE
    while any(store.root in line for line in _command_lines()):
        assert time.monotonic() < deadline, "a helper process is left"
        time.sleep(0.01)


def _command_lines() -> Iterator[str]:
    for entry in filter(str.isdecimal, os.listdir("/proc")):
        try:
            yield Path("/proc", entry, "cmdline").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
