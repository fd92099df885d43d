# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""strace as the hand that kills: which system calls of a process change files, and the kill of it at one of them.

A process that is killed at a call dies before the call does anything (ptrace(2): a fatal signal at the entry of a system call
keeps the call from being run). strace counts calls for each thread apart; where it traces several, the first one to reach the
count is the one that is hit.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

# Everything by which a program changes files, directories, mounts, or what of them is on the disk. Not every architecture
# has all of them, which the question mark allows for.
CALLS = (
    *("rename", "renameat", "renameat2", "mkdir", "mkdirat", "mknod", "mknodat", "symlink", "symlinkat"),
    *("link", "linkat", "unlink", "unlinkat", "rmdir", "truncate", "ftruncate", "fallocate"),
    *("write", "writev", "pwrite64", "pwritev", "sendfile", "copy_file_range"),
    *("sync", "syncfs", "fsync", "fdatasync", "sync_file_range"),
    *("chmod", "fchmod", "fchmodat", "chown", "lchown", "fchown", "fchownat"),
    *("utime", "utimes", "utimensat", "futimesat"),
    *("setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr"),
    *("mount", "umount2", "move_mount", "open_tree", "mount_setattr", "pivot_root"),
    *("open", "openat", "openat2", "creat", "ioctl"),
)
_OPENING = ("open", "openat", "openat2", "creat")

_LINE = re.compile(r"(?:(\d+) +)?(?:(\w+)\((.*)|(\+\+\+|---|<\.\.\.) .*)")
_NO_FILE = re.compile(r"^\d+<(?:pipe|socket|UNIX|TCP|anon_inode|/dev/|/proc/)")


@dataclass(frozen=True)
class Call:
    """The ``number``-th call (from 1) of the system call ``name`` by the thread ``thread`` (0: the only one that was traced).

    ``text`` is what strace says of it.
    """

    thread: int
    name: str
    number: int
    text: str

    @property
    def changes(self) -> bool:
        """Whether it can change a file: an opening call when it creates or truncates, a call to a device only one for Btrfs."""
        if self.name in _OPENING:
            return "O_CREAT" in self.text or "O_TRUNC" in self.text
        if self.name == "ioctl":
            return "BTRFS_IOC_" in self.text
        return not _NO_FILE.match(self.text)


def read_log(path: str) -> list[Call]:
    """The calls of a log, in order."""
    counts: dict[tuple[int, str], int] = {}
    calls = []
    with open(path, encoding="utf-8", errors="replace") as log:
        for line in log:
            match = _LINE.match(line)
            if match is None or match[2] is None:
                continue
            key = (int(match[1] or 0), match[2])
            counts[key] = counts.get(key, 0) + 1
            calls.append(Call(*key, counts[key], match[3].rstrip("\n")))
    return calls


def hit_by(calls: Sequence[Call], name: str, number: int) -> Call | None:
    """The call at which a kill at the ``number``-th call of ``name`` strikes: that of the thread that comes there first."""
    return next((call for call in calls if (call.name, call.number) == (name, number)), None)


def arguments(log: str, kill_at: Call | None) -> list[str]:
    """Options of strace that log all calls of interest and kill whoever makes the call ``kill_at``."""
    options = [
        "-qq",
        "-y",
        "-s",
        "0",
        "-o",
        log,
        "-e",
        "signal=none",
        "-e",
        f"trace={','.join(f'?{n}' for n in CALLS)}",
    ]
    if kill_at is not None:
        options += ["-e", f"inject={kill_at.name}:signal=KILL:when={kill_at.number}"]
    return options


@contextmanager
def attached(thread: int, log: str, kill_at: Call | None) -> Iterator[None]:
    """Traces one thread, told by its ID, from now on; the log is whole when the context is left, and the thread has ended."""
    # Without -q strace tells when it has taken hold.
    options = [option for option in arguments(log, kill_at) if option != "-qq"]
    tracer = subprocess.Popen(["strace", *options, "-p", str(thread)], stderr=subprocess.PIPE)
    if tracer.stderr is None:
        raise RuntimeError("the tracer has no standard error")
    first = tracer.stderr.readline().decode()
    if "attached" not in first:
        raise RuntimeError(f"strace: {first}{tracer.stderr.read().decode()}")
    try:
        yield
    finally:
        tracer.stderr.read()
        tracer.wait()


def write_interpreter(path: str, interpreter: str, log: str, kill_at: Call | None) -> str:
    """Makes a program at ``path`` that is ``interpreter`` with a tracer on it and on all that it starts; returns the path.

    The tracer is no parent of the program: who waits for it, or for its parent's death, finds everything as usual.
    """
    words = ["strace", "-D", "-f", *arguments(log, kill_at), interpreter]
    quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
    with open(path, "w", encoding="utf-8") as script:
        script.write(f'#!/bin/sh\nexec {quoted} "$@"\n')
    os.chmod(path, 0o755)
    return path
