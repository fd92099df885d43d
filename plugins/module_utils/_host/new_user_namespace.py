# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Makes a user namespace, with mounts of its own, for a user without rights: the kernel gives it to anybody.

Which IDs it has is what two programs with rights set, newuidmap and newgidmap, by what /etc/subuid and /etc/subgid let the
user have. Without them it can have the user's own ID and no other.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import signal
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from .._errors import HostError
from .commands import CommandRunner
from .confine import close_inherited
from .machine import kernel_setting
from .os_errors import reporting
from .pipes import write_all
from .syscalls import call
from .user_namespace import CLONE_NEWNS, CLONE_NEWUSER, MappedRange

_UID_PROGRAM, _GID_PROGRAM = "newuidmap", "newgidmap"
_SECONDS = 30.0
# What may be set against namespaces, and the value that is.
_SWITCHES = (
    ("user.max_user_namespaces", "0"),
    ("kernel.unprivileged_userns_clone", "0"),
    ("kernel.apparmor_restrict_unprivileged_userns", "1"),
)
# 68 years; not every sleep knows a word for more.
_SLEEP = ("sleep", "2147483647")
_PROGRAM_PATH = "/usr/bin:/bin"
# What the process says when it is in the namespaces, instead of an error number, and what it is told when it may go on.
_DONE = b"0"
_MOST_DIGITS = 8


class NamespacesDisabled(HostError):
    """The kernel gives this user no user namespace."""

    code = "user_namespaces_disabled"


class MapProgramMissing(HostError):
    """A program that gives a user namespace its IDs is not installed."""

    code = "newuidmap_missing"


class MapRefused(HostError):
    """The namespace did not get the IDs that it was to have."""

    code = "id_map_refused"


class NewNamespace:
    """A process in a new user namespace and a new mount namespace, which waits to be told what to become.

    ``pid`` is its number. In the end ``stay`` or ``end`` is called.
    """

    def __init__(self) -> None:
        """Makes the process. Raises NamespacesDisabled and HostError."""
        with reporting("make a pipe for", "the user namespace"):
            told, self._tell = os.pipe2(os.O_CLOEXEC)
            self._heard, say = os.pipe2(os.O_CLOEXEC)
        self._pipes = [self._tell, self._heard]
        with reporting("make a process for", "the user namespace"):
            self.pid = os.fork()
        if self.pid == 0:
            # Its end must be the end of the pipe, and ours too.
            self._close()
            _be_holder(told, say)
        os.close(told)
        os.close(say)
        number = os.read(self._heard, _MOST_DIGITS)
        if number != _DONE:
            self.end()
            raise _disabled(int(number or errno.EIO))

    def map_ids(self, uids: Sequence[MappedRange], gids: Sequence[MappedRange], commands: CommandRunner) -> None:
        """Gives the namespace these IDs, which programs with rights must do. Raises MapProgramMissing and MapRefused."""
        for program, ranges in ((_UID_PROGRAM, uids), (_GID_PROGRAM, gids)):
            numbers = [str(number) for entry in ranges for number in (entry.inside, entry.outside, entry.size)]
            finished = commands([program, str(self.pid), *numbers], b"", _SECONDS)
            if finished is None:
                raise MapProgramMissing(
                    "the program is not installed (package uidmap or shadow-utils): without it a user has no "
                    "subordinate IDs",
                    subject=program,
                )
            if finished.status:
                raise MapRefused(
                    f"{program} could not set the IDs of the user namespace",
                    subject=" ".join(numbers),
                    found=finished.errors.decode(errors="replace").strip(),
                )

    def map_own_id(self, uid: int, gid: int) -> None:
        """Makes the user root of the namespace, which has no other ID. Raises MapRefused."""
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            path = f"/proc/{self.pid}/{name}"
            try:
                with open(path, "w", encoding="ascii") as stream:
                    stream.write(text)
            except OSError as error:
                raise MapRefused(
                    f"the user namespace cannot have the user's ID: {error.strerror}", subject=path
                ) from error

    def stay(self) -> None:
        """Makes the process a program that sleeps, for others to join: it has nothing of this one, and outlives it.

        Returns when it is that program. Raises HostError where there is none.
        """
        write_all(self._tell, _DONE)
        # The program has no part in the pipe.
        if os.read(self._heard, 1):
            raise HostError("the user namespace cannot be kept: there is no such program", subject=_SLEEP[0])
        self._close()

    def end(self) -> None:
        """Ends the process. The namespaces go with it unless somebody is in them, or has them open."""
        self._close()
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def _close(self) -> None:
        while self._pipes:
            os.close(self._pipes.pop())


def _be_holder(told: int, say: int) -> NoReturn:
    """The life of the process: says 0 or an error number when it is in the namespaces, and waits to be told what to do."""
    try:
        try:
            call("unshare", ctypes.c_int(CLONE_NEWUSER | CLONE_NEWNS))
            write_all(say, _DONE)
        except OSError as error:
            write_all(say, str(error.errno or errno.EIO).encode())
        else:
            if os.read(told, 1) == _DONE:
                _sleep(say)
                write_all(say, _DONE)
    finally:
        os._exit(127)


def _sleep(say: int) -> None:
    """Becomes a program that keeps nothing open, and so keeps nobody waiting who reads what this process wrote."""
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    os.setsid()
    os.chdir("/")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    close_inherited({0, 1, 2, say})
    program = shutil.which(_SLEEP[0], path=_PROGRAM_PATH)
    if program:
        os.execve(program, list(_SLEEP), {})


def _disabled(number: int) -> NamespacesDisabled:
    found = [f"{name} = {value}" for name, value in _SWITCHES if kernel_setting(name) == value]
    return NamespacesDisabled(
        f"the kernel gives this user no user namespace: {os.strerror(number)}",
        subject=f"user ID {os.geteuid()}",
        wanted="user namespaces for users without rights",
        found=", ".join(found) or "a refusal",
    )
