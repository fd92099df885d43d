# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""A single-threaded helper process that forks confined children on request: the caller's side.

    caller (threads, network, secrets)
      └─ zygote  execve of a fresh interpreter, pid 1 of its PID namespace; all imports done, the staging area is its root
           └─ child, one for each request: its root is one directory of the staging area

A fork of the caller would carry along its locks, its connections, its secrets and the pipes of its other children; the fresh
interpreter has none of them. Nothing but the interpreter's search path stands in its arguments, which everybody can read.
Whichever way the caller ends, its end of the channel closes, and the zygote and all that it made go with it.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

from .._errors import HostError, StrataError
from .adoption import fork_into_pid_namespace
from .error_document import revive_error
from .os_errors import reporting
from .pipes import read_chunks
from .zip_imports import compile_once
from .zygote import Channel, main

# How long a thread that was joined may take to vanish from the process.
_THREAD_END_SECONDS = 1.0

_BOOT = (
    "import sys; sys.path[:] = sys.argv[2:]; from {zip_imports} import compile_once; compile_once(); "
    "from {zygote} import main; main(int(sys.argv[1]))"
)
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}


class ZygoteFailed(HostError):
    """The helper process could not be started, or is gone."""

    code = "unpack_failed"


@dataclass(frozen=True)
class Outcome:
    """What a child said, and how it ended: ``end`` is empty for a child that ended by itself and said all."""

    document: bytes
    end: str


class Zygote:
    """The helper process of one staging area: ``start`` it, let it ``enter`` the area, then ask for children from any thread."""

    def __init__(self, worker: str) -> None:
        """``worker`` names a module with ``prepare()`` and ``TASKS``.

        ``prepare`` is called before the change of root, for all that is out of reach afterwards; ``TASKS`` is a mapping
        of names to Task.
        """
        self._worker = worker
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._ready = False
        self._start_failure: StrataError | None = None
        self._pid = 0
        self._complaints = -1

    def start(self) -> None:
        """Starts the helper and does not wait for it. The caller must not have another thread. Raises ZygoteFailed.

        Its imports take as long as some requests do, and need no directory: the sooner it is started the better.
        """
        _require_single_thread()
        if not sys.executable:
            raise ZygoteFailed("the path of the Python interpreter is not known")
        self._channel, theirs = Channel.pair()
        self._complaints, complaints = os.pipe2(os.O_CLOEXEC)
        try:
            execute = partial(_execute, theirs.fileno(), complaints)
            self._pid, hindrance = fork_into_pid_namespace(execute)
            without = f"not available: {hindrance}" if hindrance else ""
            self._channel.send({"worker": self._worker, "pid_namespace": without})
        except OSError as error:
            self.close()
            raise ZygoteFailed(f"the helper process cannot be started: {error.strerror}") from error
        finally:
            theirs.release()
            os.close(complaints)

    def enter(self, directory: str) -> None:
        """Makes ``directory`` the root of the helper, for good, and does not wait for it."""
        # One that is gone is found out, with the reason, when a child does not answer.
        with suppress(OSError):
            self._channel.send({"directory": directory})

    def spawn(
        self, task: str, name: str, descriptors: Sequence[int], options: Mapping[str, Any] | None = None
    ) -> Child:
        """Has a new child do ``task`` with ``options`` in the directory ``name``; it gets copies of ``descriptors``.

        The caller then closes its own: nobody but the child must hold them. Does not wait for a helper that is still
        starting: what the child is to read can be fetched meanwhile. Raises ZygoteFailed.
        """
        with self._lock:
            number = next(self._numbers)
            with reporting("make the pipes of", name):
                result, their_result = os.pipe2(os.O_CLOEXEC)
                status, their_status = os.pipe2(os.O_CLOEXEC)
            child = Child(self, number, result, status)
            failure = None
            try:
                request = {"number": number, "task": task, "name": name, "options": options or {}}
                self._channel.send(request, [*descriptors, their_result, their_status])
            except OSError as error:
                failure = ZygoteFailed(f"the helper process is gone: {error.strerror}")
            finally:
                os.close(their_result)
                os.close(their_status)
        if failure:
            child.close()
            self.ensure_started()
            raise failure
        return child

    def kill(self, number: int) -> None:
        """Has the child killed; nothing happens when it has ended."""
        with self._lock:
            try:
                self._channel.send({"kill": number})
            except OSError:
                return

    def ensure_started(self) -> None:
        """Returns when the helper is ready, or has been so; for when a child's pipe broke. Raises why it could not start."""
        with self._lock:
            if not self._ready and self._start_failure is None and self._complaints >= 0:
                self._start_failure = self._first_word()
                self._ready = self._start_failure is None
        if self._start_failure:
            raise self._start_failure

    def close(self) -> None:
        """Ends the helper and its children, and returns when none of them is left. May be called again."""
        if self._complaints < 0:
            return
        with self._lock:
            self._channel.close()
            os.close(self._complaints)
            self._complaints = -1
        if self._pid:
            # It ends after every other process of its namespace.
            with suppress(ChildProcessError):
                os.waitpid(self._pid, 0)

    def _first_word(self) -> StrataError | None:
        """Why the helper could not start; None when it says that it is ready."""
        received = self._channel.receive()
        if received is None:
            return ZygoteFailed("the helper process did not start", found=_last_line(self._complaints))
        return revive_error(received[0]["error"]) if "error" in received[0] else None


class Child:
    """A confined child at work. Exactly one thread uses it, and ends with ``outcome`` or ``kill``."""

    def __init__(self, zygote: Zygote, number: int, result: int, status: int) -> None:
        self._zygote = zygote
        self._number = number
        self._result = result
        self._status = status

    def outcome(self, limit: int) -> Outcome:
        """What the child said, when it has ended. One that says more than ``limit`` bytes is killed.

        Raises why the helper could not start where that is the reason that the child said nothing.
        """
        if self._status < 0:
            return Outcome(b"", "it was ended")
        pieces = []
        length = 0
        for piece in read_chunks(self._result):
            length += len(piece)
            if length > limit:
                self.kill()
                return Outcome(b"", f"said more than {limit} bytes")
            pieces.append(piece)
        end = self._wait()
        self.close()
        if end:
            self._zygote.ensure_started()
        return Outcome(b"".join(pieces), end)

    def ensure_begun(self) -> None:
        """Raises why the helper could not start, if that is so: then there never was a child."""
        self._zygote.ensure_started()

    def kill(self) -> None:
        """Ends the child if it has not ended, and returns when it is gone. May be called again."""
        if self._status >= 0:
            self._zygote.kill(self._number)
            self._wait()
            self.close()

    def close(self) -> None:
        """Lets go of the pipes. May be called again."""
        if self._status >= 0:
            os.close(self._result)
            os.close(self._status)
            self._status = -1

    def _wait(self) -> str:
        # The zygote writes here when the child has ended, and dies with all children otherwise.
        said = b"".join(read_chunks(self._status)).decode("ascii", "backslashreplace")
        return "" if said == "status 0" else said or "the helper process is gone"


def _require_single_thread() -> None:
    """A process that forks beside a thread inherits the locks that the thread holds."""
    deadline = time.monotonic() + _THREAD_END_SECONDS
    while len(os.listdir("/proc/self/task")) > 1:
        if time.monotonic() > deadline:
            raise ZygoteFailed("the helper process must be started before the first thread")
        time.sleep(0.002)


def _execute(channel: int, complaints: int) -> NoReturn:
    """Becomes a fresh interpreter that has nothing but its end of the channel, and complains to ``complaints``."""
    arguments = [
        sys.executable,
        "-I",
        "-S",
        "-B",
        "-X",
        "utf8",
        "-c",
        _BOOT.format(zip_imports=compile_once.__module__, zygote=main.__module__),
    ]
    arguments += [str(channel), *_search_path()]
    try:
        # Output of the caller is its own; and whoever waits for the end of it must not wait for us.
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor, source in enumerate((nothing, nothing, complaints)):
            os.dup2(source, descriptor)
        os.set_inheritable(channel, True)
        os.execve(sys.executable, arguments, _ENVIRONMENT)
    finally:
        os._exit(127)


def _search_path() -> list[str]:
    """Where the fresh interpreter finds this package (a folder or a zip), the standard library and optional libraries.

    It starts without site-packages, so the caller's own path is handed over.
    """
    root = os.path.abspath(__file__)
    for _level in __name__.split("."):
        root = os.path.dirname(root)
    return list(dict.fromkeys([root, *filter(os.path.isabs, sys.path)]))


def _last_line(complaints: int) -> str:
    """The last thing that an interpreter said which could not start."""
    said = b"".join(read_chunks(complaints)).decode("utf-8", "backslashreplace").strip()
    return said.rpartition("\n")[2][:1000]
