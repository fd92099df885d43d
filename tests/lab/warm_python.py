# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Python programs without the imports of their start: a process that has done these, and forks for each program.

A test's module spends half of its time on imports of libraries, and a play of one task the same on those of Ansible. A forked
process runs the very file that would have been started, to its very end, with arguments, directory, umask, environment and
standard files of its own; it inherits what the libraries made of themselves when they were imported.

    python = WarmPython(["urllib3"])
    status = python.run(["program.py", "argument"], stdout=file)
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Optional

# Job, status, and the three standard files.
_FILES = 5
# The next job goes to the socket in one piece, as the files do that it comes with.
_GO = b"!"


class WarmPython:
    """A server that has imported ``modules`` in the environment ``env``; it ends with the process that started it.

    ``prefix`` is a command that runs the server; whatever it takes away from it, its programs do not have either.
    """

    def __init__(
        self, modules: Sequence[str], env: Optional[Mapping[str, str]] = None, prefix: Sequence[str] = ()
    ) -> None:
        self._control, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with control:
            self._process = subprocess.Popen(
                [*prefix, sys.executable, "-m", "lab.warm_python", str(control.fileno()), *modules],
                # Not by its path: the folder of a script comes first where Python looks for modules.
                cwd=Path(__file__).parent.parent,
                env={**os.environ, **(env or {})},
                pass_fds=[control.fileno()],
            )
        atexit.register(self.close)

    def run(
        self,
        command: Sequence[str],
        *,
        stdin: Optional[IO[bytes]] = None,
        stdout: IO[bytes],
        stderr: Optional[IO[bytes]] = None,
        cwd: Optional[Path] = None,
        env: Optional[Mapping[str, str]] = None,
    ) -> int:
        """The status of ``command``, a Python file and its arguments, as of :func:`subprocess.run`.

        Standard input is empty where it is not given, and errors go where the output goes. Several threads may call it at once.
        """
        mask = os.umask(0o077)
        os.umask(mask)
        job: dict[str, Any] = {"command": list(command), "cwd": str(cwd or os.getcwd()), "umask": mask}
        job["env"] = dict(os.environ if env is None else env)
        ended, status = os.pipe()
        with tempfile.TemporaryFile() as note, open(os.devnull, "rb") as nothing, os.fdopen(ended, "rb") as answer:
            note.write(json.dumps(job).encode())
            note.seek(0)
            files = [note, stdin or nothing, stdout, stderr or stdout]
            try:
                socket.send_fds(self._control, [_GO], [status, *(file.fileno() for file in files)])
            finally:
                os.close(status)
            text = answer.read()
        if not text:
            raise RuntimeError(f"{command[0]} was not run, or its server was killed")
        return int(text)

    def close(self) -> None:
        """Ends the server; programs that run go on."""
        self._control.close()
        self._process.wait()


def _serve(control: socket.socket) -> Optional[list[str]]:
    """Forks for each job until nobody sends one. Returns a command in the process that is to run it, and there only."""
    while True:
        message, files, _flags, _address = socket.recv_fds(control, len(_GO), _FILES)
        if not message:
            while _reap(0):
                pass
            return None
        if os.fork() == 0:
            control.close()
            return _tend(*files)
        for file in files:
            os.close(file)
        while _reap(os.WNOHANG):
            pass


def _reap(options: int) -> bool:
    try:
        return os.waitpid(-1, options)[0] != 0
    except ChildProcessError:
        return False


def _tend(status: int, note: int, *files: int) -> list[str]:
    """Forks the process of the job and tells its end; returns in that process, as the job wants it."""
    child = os.fork()
    if child:
        for file in files:
            os.close(file)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.write(status, str(code).encode())
        os._exit(0)
    os.close(status)
    with os.fdopen(note, "rb") as stream:
        job: dict[str, Any] = json.load(stream)
    for target, file in enumerate(files):
        os.dup2(file, target)
        os.close(file)
    os.chdir(job["cwd"])
    os.umask(job["umask"])
    os.environ.clear()
    os.environ.update(job["env"])
    command: list[str] = job["command"]
    return command


def main(control: str, *modules: str) -> None:
    """Serves at the socket with the number ``control``."""
    for module in modules:
        # What is not installed here is for the program to miss.
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(module)
    # Collecting what was imported would make each process copy the memory that they share.
    gc.collect()
    gc.freeze()
    command = _serve(socket.socket(fileno=int(control)))
    if command:
        sys.argv = command
        sys.path[0] = os.path.dirname(command[0])
        runpy.run_path(command[0], run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
