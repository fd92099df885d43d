# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a benchmark ran on and with."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Mapping
from importlib.metadata import version

from lab.commands import run
from programs import ACCELERATORS


def about_this_machine(programs: Iterable[str], collections: Mapping[str, str]) -> dict[str, str]:
    """Processor, memory, kernel, and the versions of all that took part: ours, those of ``collections``, and of ``programs``."""
    return {
        "processor": f"{os.cpu_count()} x {_first('/proc/cpuinfo', 'model name')}",
        "memory": f"{int(_first('/proc/meminfo', 'MemTotal').split()[0]) / (1 << 20):.0f} GiB",
        "kernel": platform.release(),
        "load before": f"{os.getloadavg()[0]:.1f}",
        "python": platform.python_version(),
        **{library: version(library) for library in ACCELERATORS},
        "ansible-core": version("ansible-core"),
        **collections,
        **{program: _version(program) for program in programs},
    }


def _first(path: str, key: str) -> str:
    with open(path, encoding="utf-8") as stream:
        return next((line.partition(":")[2].strip() for line in stream if line.startswith(key)), "unknown")


def _version(program: str) -> str:
    """The first thing that looks like a version in what the program says of itself."""
    found = re.search(r"\d+\.\d+[\w.+~-]*", run([program, "--version"]))
    return found.group() if found else "unknown"
