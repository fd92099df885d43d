# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first process of a new PID namespace is our own child: the kernel tells so, and nobody stays in between."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import pytest
from ansible_collections.strata.containers.plugins.module_utils._host import adoption
from ansible_collections.strata.containers.plugins.module_utils._host.adoption import fork_into_pid_namespace
from security.unpacking import descendants

_PR_GET_CHILD_SUBREAPER = 37


def _wait() -> NoReturn:
    signal.pause()
    os._exit(1)


@contextmanager
def _born() -> Iterator[tuple[int, str]]:
    pid, hindrance = fork_into_pid_namespace(_wait)
    try:
        yield pid, hindrance
    finally:
        os.kill(pid, signal.SIGKILL)
        # It can be waited for by its parent alone.
        assert os.waitpid(pid, 0)[1] == signal.SIGKILL


def test_it_is_ours_and_the_first_of_its_namespace() -> None:
    with _born() as (pid, hindrance):
        assert hindrance == "" and descendants(os.getpid()) == [pid]
        with open(f"/proc/{pid}/status", encoding="utf-8") as stream:
            facts = dict(line.rstrip("\n").split(":\t", 1) for line in stream if ":\t" in line)
        assert facts["PPid"] == str(os.getpid())
        assert facts["NSpid"].split("\t") == [str(pid), "1"]


def test_other_orphans_are_left_to_those_who_had_them_before() -> None:
    for _round in range(2):
        with _born():
            asked = ctypes.c_int(-1)
            assert ctypes.CDLL(None).prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(asked), 0, 0, 0) == 0
            assert asked.value == 0


def test_where_no_namespace_can_be_made_it_is_ours_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(flags: int) -> None:
        raise OSError(errno.EPERM, "not here")

    monkeypatch.setattr(adoption, "unshare", refuse)
    with _born() as (pid, hindrance):
        assert hindrance == "not here" and descendants(os.getpid()) == [pid]
        assert os.stat(f"/proc/{pid}/ns/pid").st_ino == os.stat("/proc/self/ns/pid").st_ino


def test_a_birth_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def die(flags: int) -> None:
        os._exit(0)

    monkeypatch.setattr(adoption, "unshare", die)
    with pytest.raises(OSError, match="ended before"):
        fork_into_pid_namespace(_wait)
