# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one command costs: wall time, processor time of all its processes, and on request the memory of them together."""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_PR_SET_CHILD_SUBREAPER = 36
_PAUSE = 0.02


@dataclass(frozen=True)
class Cost:
    """Seconds of wall and processor time (user and system), and the largest memory in bytes that was seen, 0 if not looked."""

    wall: float
    cpu: float
    memory: int


class CommandFailed(Exception):
    """A measured command did not succeed, so its time says nothing."""


def measure(command: Sequence[str], environment: Mapping[str, str], *, watch_memory: bool = False) -> Cost:
    """Runs ``command`` and gives its cost. Raises CommandFailed.

    Memory is the sum of Pss over the process and all that descends from it, sampled; sampling costs time itself, so that a
    run with ``watch_memory`` is not one to take the time of.
    """
    adopt_orphans()
    begin = time.monotonic()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **environment},
    )
    output: list[bytes] = []
    reader = threading.Thread(target=lambda: output.append(process.stdout.read() if process.stdout else b""))
    reader.start()
    peak = 0
    while watch_memory and not _has_ended(process.pid):
        peak = max(peak, _memory_of_tree(process.pid))
        time.sleep(_PAUSE)
    _pid, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    reader.join()
    if process.returncode:
        raise CommandFailed(f"{command[0]}: {output[0].decode(errors='replace')[-2000:]}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, peak)


def adopt_orphans() -> None:
    """Lets processes whose parent ended become children of this one, so that none leaves the tree."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _has_ended(pid: int) -> bool:
    """Whether the process is a zombie: looked at without reaping it, for its usage is wanted later."""
    return _stat(pid)[0] in ("Z", "")


def _memory_of_tree(root: int) -> int:
    parents = {pid: int(_stat(pid)[1] or 0) for pid in map(int, filter(str.isdigit, os.listdir("/proc")))}
    return sum(_pss(pid) for pid in parents if _descends(pid, root, parents))


def _descends(pid: int, root: int, parents: Mapping[int, int]) -> bool:
    while pid in parents and pid != root:
        pid = parents[pid]
    return pid == root


def _stat(pid: int) -> tuple[str, str]:
    """State and parent of a process, both empty where there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
            state, parent = stream.read().rpartition(")")[2].split()[:2]
    except (OSError, ValueError):
        return "", ""
    return state, parent


def _pss(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as stream:
            for line in stream:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
