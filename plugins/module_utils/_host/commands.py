# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Runs a helper program and gives what it said.

AnsibleModule.run_command is not used: it has no time limit, and plugins of the controller have no AnsibleModule.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Optional, Protocol

from .._errors import HostError
from .os_errors import reporting


class CommandTimeout(HostError):
    """A program did not end in time, and was killed."""

    code = "command_timeout"


@dataclass(frozen=True)
class Finished:
    """How a program ended (negative: the signal that killed it), and what it wrote; that may be secret."""

    status: int
    output: bytes = field(default=b"", repr=False)
    errors: bytes = field(default=b"", repr=False)


class CommandRunner(Protocol):
    """Something that runs programs: the system, or a test's stand-in."""

    def __call__(self, command: Sequence[str], stdin: bytes, timeout: float) -> Optional[Finished]:
        """How ``command`` ended that was given ``stdin``; None where there is no such program. ``timeout`` is in seconds.

        Raises CommandTimeout and HostError.
        """


class SystemCommands:
    """Runs programs that are found in the PATH of ``environment``, which is all the environment that they get.

    A program is no child of a shell, has no terminal and starts in ``/``; secrets go to its standard input, since everybody
    can read arguments. One that does not end in time is killed with all that it started.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)

    def __call__(self, command: Sequence[str], stdin: bytes, timeout: float) -> Optional[Finished]:
        program = find_program(command[0], self._environment)
        if program is None:
            return None
        with reporting("run", program):
            process = subprocess.Popen(  # pylint: disable=ansible-bad-function
                [program, *command[1:]],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd="/",
                env=self._environment,
                start_new_session=True,
            )
        try:
            output, errors = process.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            output = None
        finally:
            _end(process)
        if output is None:
            # Raised here: the exception of the library carries what the program had said so far.
            raise CommandTimeout(
                "the program did not end in time", subject=program, wanted=f"{timeout:g} seconds at most"
            )
        return Finished(process.returncode, output, errors)


def find_program(name: str, environment: Mapping[str, str]) -> str | None:
    """The path of a program in the PATH of ``environment``, None where there is none; a name with a slash is the path.

    Absolute directories only count: what lies in the working directory is nobody's program.
    """
    directories = environment.get("PATH", os.defpath).split(os.pathsep)
    return shutil.which(name, path=os.pathsep.join(directory for directory in directories if os.path.isabs(directory)))


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kills the session of ``process`` if it is still running, and closes the pipes to it."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            with suppress(OSError):
                pipe.close()
