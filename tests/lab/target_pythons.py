# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pythons as targets have them: another version than the tests' own, with nothing but what the collection asks of a target."""

from __future__ import annotations

import fcntl
import functools
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

# README, "Requirements": what a pull of gzip layers takes.
_LIBRARIES = ("urllib3", 'tomli; python_version < "3.11"')
_TOOLS = Path(__file__).resolve().parents[2] / "tools"


@functools.cache
def installed_versions() -> tuple[str, ...]:
    """The Python versions of targets that are installed here, the oldest first: that one is the lane of ansible-test's too."""
    finder = _finder()
    return tuple(version for version in finder["TARGET_PYTHONS"] if finder["real_python"](version))


def target_python(version: str, cache: str) -> str:
    """An interpreter of ``version`` with the libraries; made on the first call, and kept in the directory ``cache``.

    That takes some seconds, and the package index; a second process that wants it meanwhile waits.
    """
    directory = Path(cache, "targets", version)
    directory.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{directory}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = directory / "libraries"
        wanted = "\n".join(_LIBRARIES)
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
            _make(_finder()["real_python"](version), directory)
            stamp.write_text(wanted, encoding="utf-8")
    return str(directory / "bin" / "python")


def _make(python: str, directory: Path) -> None:
    subprocess.run([python, "-m", "venv", "--clear", "--without-pip", directory], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(directory / "bin" / "python"), "--disable-pip-version-check"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([*pip, "install", "--quiet", *_LIBRARIES], env=environment, check=True)


@functools.cache
def _finder() -> dict[str, Any]:
    return runpy.run_path(str(_TOOLS / "ansible_test.py"))
