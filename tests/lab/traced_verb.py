# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a verb as a process, with strace on one of its parts, and kills that part at a call."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from . import verb_process
from .collection import collections_root
from .stores import Store
from .strace import Call, attached, write_interpreter

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
    with _process(verb, options) as process, ExitStack() as tracers:
        for line in _lines(process):
            word, _space, rest = line.partition(" ")
            if word == "ready" and role == MAIN:
                tracers.enter_context(attached(process.pid, logs[0], kill_at))
            if word == "thread":
                mine = kill_at if kill_at is not None and kill_at.thread == len(logs) else None
                logs.append(os.path.join(store.base, f"log-{len(logs)}"))
                tracers.enter_context(attached(int(rest), logs[-1], mine))
            if word in ("ready", "thread"):
                _answer(process)
            else:
                said = json.loads(line)
        status = process.wait()
        errors = process.stderr.read().decode() if process.stderr else ""
    assert "Traceback" not in errors, errors
    _wait_for_helpers(store)
    return Ended(status, said, tuple(logs))


@contextmanager
def _process(verb: str, options: Mapping[str, Any]) -> Iterator[subprocess.Popen[bytes]]:
    paths = [collections_root(), *(path for path in sys.path if path.endswith("-packages"))]
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment.update({"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"})
    process = subprocess.Popen(
        [sys.executable, str(verb_process.__file__), verb, json.dumps(options)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    watch = threading.Timer(_PATIENCE, process.kill)
    watch.start()
    try:
        yield process
    finally:
        watch.cancel()
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def _lines(process: subprocess.Popen[bytes]) -> Iterator[str]:
    if process.stdout is None:
        raise RuntimeError("the process has no standard output")
    for line in process.stdout:
        yield line.decode().rstrip("\n")


def _answer(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is None:
        raise RuntimeError("the process has no standard input")
    process.stdin.write(b"\n")
    process.stdin.flush()


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
