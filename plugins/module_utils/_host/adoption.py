# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""A child of ours that is the first process of a new PID namespace.

A process enters such a namespace by being born there, to a parent that has asked for it, and whose later children would all be
born there too. So a process in between asks, gives birth and ends at once: the kernel then hands its child to the nearest
ancestor that adopts orphans (PR_SET_CHILD_SUBREAPER of prctl(2), since Linux 3.4), which is us.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from .confine import CLONE_NEWPID, unshare
from .pipes import read_chunks, write_all
from .syscalls import call

# <linux/prctl.h>
_PR_SET_CHILD_SUBREAPER = 36
_PR_GET_CHILD_SUBREAPER = 37


def fork_into_pid_namespace(run: Callable[[], NoReturn]) -> tuple[int, str]:
    """The process ID of a new child that does ``run``, and why it is in our PID namespace, empty where it has its own.

    The child may count on being ours from the first thing on that we tell it. The caller must have a single thread. Raises OSError.
    """
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        with _adopting_orphans():
            between = os.fork()
            if between == 0:
                _give_birth(run, writing)
            os.close(writing)
            said = b"".join(read_chunks(reading)).decode()
            # When it has ended, its child is ours.
            os.waitpid(between, 0)
    finally:
        os.close(reading)
    pid, _space, hindrance = said.partition(" ")
    if not pid:
        raise ChildProcessError(0, "a process ended before it had made another")
    return int(pid), hindrance


def _give_birth(run: Callable[[], NoReturn], writing: int) -> NoReturn:
    try:
        hindrance = ""
        try:
            unshare(CLONE_NEWPID)
        except OSError as error:
            hindrance = error.strerror or str(error)
        pid = os.fork()
        if pid == 0:
            os.close(writing)
            run()
        write_all(writing, f"{pid} {hindrance}".encode())
    finally:
        os._exit(0)


@contextmanager
def _adopting_orphans() -> Iterator[None]:
    before = ctypes.c_int()
    _prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(before))
    _prctl(_PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(1))
    try:
        yield
    finally:
        _prctl(_PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(before.value))


def _prctl(option: int, argument: object) -> None:
    zero = ctypes.c_ulong(0)
    call("prctl", ctypes.c_int(option), argument, zero, zero, zero)
