# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one command costs: wall time, processor time of all its processes, and the memory of them together."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_PR_SET_CHILD_SUBREAPER = 36
_SHORTEST_PAUSE = 0.03
# Looking at a process costs near a millisecond of a processor, and may take no more than this part of one.
_SHARE = 0.05


@dataclass(frozen=True)
class Cost:
    """Seconds of wall and processor time (user and system), and the largest memory in bytes that was seen, 0 if not looked."""

    wall: float
    cpu: float
    memory: int = 0


class MeasuredFailed(Exception):
    """A measured command did not succeed, so its time says nothing."""


@dataclass(frozen=True)
class Done:
    """The cost of a command, and what it wrote to its standard output."""

    cost: Cost
    output: bytes


def measure(command: Sequence[str], environment: Mapping[str, str], *, watch_memory: bool = False) -> Done:
    """Runs ``command`` and gives its cost and output. Raises MeasuredFailed.

    Memory is the sum of Pss over the process and all that descends from it, sampled from 33 times a second to 5 times where
    the processes are many: the looking takes a twentieth of one processor at most.
    """
    adopt_orphans()
    before = _processes()
    begin = time.monotonic()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    )
    output, errors = _Reader(process.stdout), _Reader(process.stderr)
    watcher = _Watcher(before) if watch_memory else None
    _pid, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    memory = watcher.stop() if watcher else 0
    printed, complaint = output.all(), errors.all()
    if process.returncode:
        said = (complaint or printed).decode(errors="replace")
        raise MeasuredFailed(f"{' '.join(command)[:200]}: status {process.returncode}: {said[-2000:]}")
    return Done(Cost(wall, usage.ru_utime + usage.ru_stime, memory), printed)


def told_cost(done: Done) -> Cost:
    """The cost that a command told of a part of its work, as JSON in its last line; the memory is that of all of it."""
    told = json.loads(done.output.splitlines()[-1])
    return Cost(told["wall"], told["cpu"], done.cost.memory)


def adopt_orphans() -> None:
    """Lets processes whose parent ended become children of this one, so that none leaves the tree."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class _Reader:
    """Takes all that comes out of a pipe, so that nobody waits for it."""

    def __init__(self, pipe: object) -> None:
        self._pipe = pipe
        self._data = b""
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def all(self) -> bytes:
        """What came, when the last writer has ended."""
        self._thread.join()
        return self._data

    def _read(self) -> None:
        with self._pipe as pipe:  # type: ignore[attr-defined]
            self._data = pipe.read()


class _Watcher:
    """Looks at the memory of all processes that descend from this one and were not there ``before``."""

    def __init__(self, before: set[int]) -> None:
        self._others = before
        self._peak = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def stop(self) -> int:
        """The most bytes that were seen."""
        self._ended.set()
        self._thread.join()
        return self._peak

    def _watch(self) -> None:
        pause = _SHORTEST_PAUSE
        while not self._ended.wait(pause):
            begin = time.thread_time()
            self._peak = max(self._peak, self._memory())
            pause = max(_SHORTEST_PAUSE, (time.thread_time() - begin) / _SHARE)

    def _memory(self) -> int:
        there = _processes()
        # A number that was given back may be given to one of ours.
        self._others &= there
        parents = {pid: _parent(pid) for pid in there - self._others}
        return sum(_pss(pid) for pid in parents if _descends(pid, parents))


def _processes() -> set[int]:
    return {int(name) for name in os.listdir("/proc") if name.isdigit()}


def _descends(pid: int, parents: Mapping[int, int]) -> bool:
    while pid in parents:
        pid = parents[pid]
    return pid == os.getpid()


def _parent(pid: int) -> int:
    """The parent of a process, 0 where the process has ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
            return int(stream.read().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def _pss(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as stream:
            for line in stream:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
