# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which locks of a store a command takes, and which it holds meanwhile: what strace sees of it, whoever made the command."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# Of the lines of strace -f -y: a lock asked for, its outcome (at once, or later), and the close of a descriptor.
_LOCK = re.compile(r"^(\d+) +fcntl\(\d+<([^>]*)>, F_(?:OFD_)?SETLKW?, \{l_type=F_(RDLCK|WRLCK|UNLCK)")
_RESUMED = re.compile(r"^(\d+) +<\.\.\. fcntl resumed>")
_CLOSE = re.compile(r"^\d+ +close\(\d+<([^>]*)>")
_DONE = re.compile(r"= 0$")


@dataclass(frozen=True)
class Taken:
    """A lock that was taken: its file, whether exclusively, and the same of the locks that were held then, in order."""

    path: str
    exclusive: bool
    held: tuple[Taken, ...] = ()


def traced(log: str) -> list[str]:
    """The words before a command that have it write to ``log`` what read_trace() reads."""
    # By the filter of seccomp only these calls stop the command.
    return [
        "strace",
        "-f",
        "--seccomp-bpf",
        "-y",
        "-qq",
        "-e",
        "trace=fcntl,close",
        "-e",
        "signal=none",
        "-s",
        "0",
        "-o",
        log,
    ]


def read_trace(log: str, below: Sequence[str]) -> list[Taken]:
    """The locks that were taken of files ``*.lock`` in the directories ``below`` and deeper, in order.

    All processes of the command count as one holder, as its threads are. A lock ends with its unlocking or with the close of
    a descriptor of its file, which for a POSIX lock is the same.
    """
    held: list[Taken] = []
    taken = []
    for step, path, exclusive in _steps(log):
        if not path.endswith(".lock") or not any(path.startswith(os.path.join(root, "")) for root in below):
            continue
        if step == "taken":
            taken.append(Taken(path, exclusive, tuple(held)))
            held.append(Taken(path, exclusive))
        else:
            held = [lock for lock in held if lock.path != path]
    return taken


def _steps(log: str) -> Iterator[tuple[str, str, bool]]:
    waiting: dict[str, tuple[str, str]] = {}
    with open(log, encoding="utf-8", errors="replace") as lines:
        for line in map(str.rstrip, lines):
            asked, resumed, closed = _LOCK.match(line), _RESUMED.match(line), _CLOSE.match(line)
            if closed:
                yield "released", closed[1], False
            elif asked and line.endswith("<unfinished ...>"):
                waiting[asked[1]] = (asked[2], asked[3])
            elif (asked or resumed) and _DONE.search(line):
                path, kind = (asked[2], asked[3]) if asked else waiting.pop(line.partition(" ")[0], ("", ""))
                yield ("released" if kind == "UNLCK" else "taken"), path, kind == "WRLCK"
