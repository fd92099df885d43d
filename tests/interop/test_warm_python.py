# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program that is forked from a warm Python finds what one finds that is started: Python itself is the judge."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import pytest
from lab.modules import module_process, module_result, run_module
from lab.stores import Store
from lab.warm_python import WarmPython

PROGRAM = """
import __main__, json, os, resource, signal, sys, threading
mask = os.umask(0)
print(json.dumps({
    "arguments": sys.argv, "name": __name__, "file": __main__.__dict__["__file__"], "first place": sys.path[0], "umask": mask,
    "directory": os.getcwd(), "environment": dict(os.environ), "input": sys.stdin.read(), "threads": threading.active_count(),
    "files": sorted(int(name) for name in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + name)),
    "signals": [str(signal.getsignal(number)) for number in sorted(signal.valid_signals())],
    "limits": [resource.getrlimit(limit) for limit in (resource.RLIMIT_NOFILE, resource.RLIMIT_CORE, resource.RLIMIT_AS)],
    "group": os.getpgid(0), "session": os.getsid(0), "users": [os.getresuid(), os.getresgid()],
}, sort_keys=True, indent=1), flush=True)
sys.exit(7) if sys.argv[1] == "status" else 1 // 0
"""


@pytest.fixture(scope="module")
def python() -> Iterator[WarmPython]:
    python = WarmPython(["json", "no_such_module"])
    yield python
    python.close()


@pytest.mark.parametrize("end", ["status", "traceback"])
def test_a_program_finds_what_it_finds_when_it_is_started(python: WarmPython, tmp_path: Path, end: str) -> None:
    script = tmp_path / "program.py"
    script.write_text(PROGRAM, encoding="utf-8")
    command, environment = (
        [str(script), end, "\u00e4"],
        {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "ANY": "\u00e4"},
    )
    answers = []
    old = os.umask(0o051)
    try:
        for warm in (None, python):
            with (
                tempfile.TemporaryFile() as given,
                tempfile.TemporaryFile() as output,
                tempfile.TemporaryFile() as errors,
            ):
                given.write(b"input")
                given.seek(0)
                files: dict[str, Any] = {"stdin": given, "stdout": output, "stderr": errors}
                answers.append((_status(warm, command, tmp_path, environment, files), *map(_text, (output, errors))))
    finally:
        os.umask(old)
    started, forked = answers
    assert started[0] == (7 if end == "status" else 1)
    assert forked[0] == started[0] and forked[1] == started[1]
    # The traceback has the lines of runpy besides.
    assert forked[2].splitlines()[-3:] == started[2].splitlines()[-3:]


def _status(
    warm: Optional[WarmPython], command: list[str], cwd: Path, env: dict[str, str], files: dict[str, Any]
) -> int:
    if warm:
        return warm.run(command, cwd=cwd, env=env, **files)
    return subprocess.run([sys.executable, *command], cwd=cwd, env=env, check=False, **files).returncode


def _text(file: Any) -> str:
    file.seek(0)
    return str(file.read().decode())


def test_a_module_says_the_same(store: Store) -> None:
    for name, arguments in (("store_info", {}), ("image_info", {"name": ["absent"]}), ("image_remove", {"name": 1.5})):
        options = {**store.module_options(), **arguments}
        assert run_module(name, options).data == module_result(name, module_process(name, options)).data


@pytest.fixture
def store(make_store: Any) -> Store:
    store: Store = make_store("store")
    return store
