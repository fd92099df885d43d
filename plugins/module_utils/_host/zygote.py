# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The zygote and its children: what runs in the fresh interpreter (see ``zygote_client``).

The order of things is the protection: imports and first uses, then namespaces, then the root directory, then in the child its
own root directory, descriptors, limits, capabilities and Landlock, and only then the first byte that came from outside. What
the kernel refuses is noted in the child's answer; only a change of root and a loss of capabilities are indispensable.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, NoReturn, Optional, Protocol, cast

from .._errors import HostError, StrataError
from . import confine
from .error_document import describe_error
from .mounts import bind_private, make_private, restrict_bind
from .os_errors import reporting
from .pipes import write_all

_MESSAGE = 64 * 1024
_MOST_DESCRIPTORS = 8
_STANDARD_STREAMS = (0, 1, 2)
# Descriptors of the zygote: two pipes of each child that runs, and little else.
_ZYGOTE_DESCRIPTORS = 1024
_CHILD_DESCRIPTORS = 64
# A child takes 30 to 50 MB, and 128 MiB more for the largest window of zstd.
_CHILD_MEMORY = 2 << 30

_NAMESPACES = {
    "mount_namespace": confine.CLONE_NEWNS,
    "network_namespace": confine.CLONE_NEWNET,
    "ipc_namespace": confine.CLONE_NEWIPC,
    "uts_namespace": confine.CLONE_NEWUTS,
}
_IN_FORCE = "in force"


class Task(NamedTuple):
    """One kind of work that children do, and its rights.

    ``run`` is a function of its descriptors and options, both from the caller, whose result can be said in JSON.
    """

    run: Callable[[Sequence[int], Mapping[str, Any]], dict[str, Any]]
    capabilities: frozenset[int]


class Worker(Protocol):
    """What the module offers that does the work."""

    TASKS: Mapping[str, Task]

    def prepare(self) -> None:
        """Imports, and uses once, whatever needs files of the system."""


class Channel:
    """One end of a connection between two processes; messages keep their borders and can carry descriptors."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    @classmethod
    def pair(cls) -> tuple[Channel, Channel]:
        """Both ends of a new connection."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return cls(ours), cls(theirs)

    @classmethod
    def adopt(cls, descriptor: int) -> Channel:
        """The end that another process made and left open as ``descriptor``."""
        return cls(socket.socket(fileno=descriptor))

    def fileno(self) -> int:
        """The descriptor of this end."""
        return self._end.fileno()

    def send(self, message: Mapping[str, Any], descriptors: Sequence[int] = ()) -> None:
        """Sends ``message`` and copies of ``descriptors``. Raises OSError."""
        socket.send_fds(self._end, [json.dumps(message).encode()], list(descriptors))

    def receive(self) -> Optional[tuple[dict[str, Any], list[int]]]:
        """The next message and its descriptors; None when the other end is closed."""
        try:
            data, descriptors = self._take()
        except ConnectionError:
            # The other end was closed with a message in it that nobody read. The kernel says so once, before what that end
            # had sent; the next look finds that, or the end.
            data, descriptors = self._take()
        return (json.loads(data), descriptors) if data else None

    def _take(self) -> tuple[bytes, list[int]]:
        data, descriptors, _flags, _address = socket.recv_fds(self._end, _MESSAGE, _MOST_DESCRIPTORS)
        return data, descriptors

    def close(self) -> None:
        """Closes the connection, even where another process has a copy of this end. May be called again."""
        with suppress(OSError):
            self._end.shutdown(socket.SHUT_RDWR)
        self._end.close()

    def release(self) -> None:
        """Closes this end and leaves the connection to the process that has a copy of it."""
        self._end.close()


def main(descriptor: int) -> NoReturn:
    """The life of the zygote."""
    status = 1
    try:
        # A Ctrl-C in the caller's terminal is the caller's to answer.
        os.setsid()
        confine.close_inherited({*_STANDARD_STREAMS, descriptor})
        channel = Channel.adopt(descriptor)
        received = channel.receive()
        if received is not None:
            # Not before the caller has spoken: until then another process may be the parent, which ends soon.
            confine.die_with_parent(signal.SIGKILL)
            first = received[0]
            status = _start(channel, first["worker"], {"pid_namespace": first["pid_namespace"] or _IN_FORCE})
    except BaseException as error:
        # The caller reads this when nothing comes over the channel.
        os.write(_STANDARD_STREAMS[2], f"{type(error).__name__}: {error}".encode("utf-8", "backslashreplace"))
    finally:
        os._exit(status)


def _start(channel: Channel, worker: str, measures: dict[str, str]) -> int:
    try:
        loaded = cast(Worker, importlib.import_module(worker))
        loaded.prepare()
        received = channel.receive()
        if received is None:
            # There was nothing to unpack.
            return 0
        directory = received[0]["directory"]
        measures.update(_isolate(directory))
    except Exception as error:
        channel.send({"error": describe_error(error, "start the unpacking process")})
        return 1
    return _serve(channel, loaded, directory, measures)


def _isolate(directory: str) -> dict[str, str]:
    """New namespaces, and a view of ``directory`` in which no device can be opened; tells what is in force."""
    measures = {name: _attempt(partial(confine.unshare, flag)) for name, flag in _NAMESPACES.items()}
    if measures["mount_namespace"] == _IN_FORCE:
        measures["nodev"] = _attempt(partial(_hide_devices, directory))
    else:
        # Mounting now would change what every process of the host sees.
        measures["nodev"] = measures["mount_namespace"]
    return measures


def _hide_devices(directory: str) -> None:
    make_private("/", recursive=True)
    bind_private(directory)
    restrict_bind(directory)


def _serve(channel: Channel, worker: Worker, directory: str, measures: dict[str, str]) -> int:
    try:
        _enter(directory, measures)
        os.dup2(_STANDARD_STREAMS[0], _STANDARD_STREAMS[2])
        _set_what_children_inherit()
        confine.limit_descriptors(_ZYGOTE_DESCRIPTORS)
        measures["no_new_privileges"] = _attempt(confine.forbid_new_privileges)
        measures["bounding_set"] = _attempt(confine.drop_bounding_set)
        measures["tracing"] = _attempt(confine.forbid_tracing)
    except StrataError as error:
        channel.send({"error": describe_error(error, "")})
        return 1
    channel.send({"ready": True})
    _Server(channel, worker, measures).serve()
    return 0


def _enter(directory: str, measures: dict[str, str]) -> None:
    """Makes ``directory`` the root. Raises HostError where neither way works."""
    if measures["nodev"] == _IN_FORCE:
        measures["pivot_root"] = _attempt(partial(confine.pivot_root, directory))
        if measures["pivot_root"] == _IN_FORCE:
            return
    with reporting("make it the root directory of the unpacking process", directory):
        confine.change_root(directory)


def _set_what_children_inherit() -> None:
    """What a child would have to do for itself; each memory page that it does not write to is one that it need not copy."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.umask(0o022)
    with reporting("limit the memory of", "the unpacking process"):
        confine.limit_memory(_CHILD_MEMORY)


class _Server:
    """Forks a child for each request, and tells of its end through the pipe that came with the request."""

    def __init__(self, channel: Channel, worker: Worker, measures: Mapping[str, str]) -> None:
        self._channel = channel
        self._worker = worker
        self._measures = measures
        # Of each task, the capabilities of its children as the kernel wants to be told them.
        self._rights = {name: confine.capability_sets(_allowed(task, measures)) for name, task in worker.TASKS.items()}
        # Of each child that runs: its number, and the pipe that takes word of its end.
        self._children: dict[int, tuple[int, int]] = {}

    def serve(self) -> None:
        """Returns when the caller has closed its end, or died, and no child is left."""
        ended = self._notice_ends()
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        poll.register(ended, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _events in poll.poll()}
            if ended in ready:
                os.read(ended, 4096)
                self._reap()
            if self._channel.fileno() in ready:
                received = self._channel.receive()
                if received is None:
                    self._end_all()
                    return
                self._answer(*received)

    def _notice_ends(self) -> int:
        """A pipe that can be read when a child has ended."""
        reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.signal(signal.SIGCHLD, lambda _signal, _frame: None)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        return reading

    def _answer(self, request: dict[str, Any], descriptors: list[int]) -> None:
        if "kill" in request:
            for pid, (number, _status) in self._children.items():
                if number == request["kill"]:
                    # Its process ID is not given to another before it was waited for, which only this loop does.
                    os.kill(pid, signal.SIGKILL)
            return
        *handed_over, status = descriptors
        try:
            pid = os.fork()
        except OSError as error:
            write_all(status, f"no process can be made: {error.strerror}".encode())
            os.close(status)
        else:
            if pid == 0:
                self._be_child(request, handed_over)
            self._children[pid] = (request["number"], status)
        for descriptor in handed_over:
            os.close(descriptor)

    def _reap(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            # As the first process of its namespace the zygote also gets the orphans.
            if pid in self._children:
                self._tell_end(pid, status)

    def _tell_end(self, pid: int, status: int) -> None:
        _number, pipe = self._children.pop(pid)
        # The caller may not want to know any more.
        with suppress(OSError):
            write_all(pipe, _end_text(status).encode())
        os.close(pipe)

    def _end_all(self) -> None:
        """Ends the children where no PID namespace does it."""
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
        for pid in self._children:
            os.waitpid(pid, 0)

    def _be_child(self, request: Mapping[str, Any], descriptors: list[int]) -> NoReturn:
        *inputs, result = descriptors
        task = request["task"]
        status = 1
        try:
            try:
                landlock = _confine(request["name"], descriptors, self._rights[task])
                document = self._worker.TASKS[task].run(inputs, request["options"])
                document["confinement"] = {
                    **self._measures,
                    "landlock": landlock,
                    "root": _IN_FORCE,
                    "capabilities": _IN_FORCE,
                }
            except BaseException as error:
                document = {"error": describe_error(error, "unpack the layer")}
            write_all(result, json.dumps(document).encode())
            status = 0
        finally:
            os._exit(status)


def _allowed(task: Task, measures: Mapping[str, str]) -> frozenset[int]:
    """The capabilities that the children of ``task`` keep."""
    if measures["nodev"] == _IN_FORCE:
        return task.capabilities
    # A device node that can be made can be opened here: it would be a way to the disks.
    return task.capabilities - {confine.CAP_MKNOD}


def _confine(name: str, descriptors: list[int], rights: bytes) -> str:
    """Gives up, for good, all but the directory ``name``, ``descriptors`` and ``rights``; tells what Landlock is in force.

    Raises HostError where the root directory or the capabilities cannot be changed.
    """
    # The end of a child is told to the zygote alone.
    signal.set_wakeup_fd(-1)
    confine.die_with_parent(signal.SIGKILL)
    with reporting("make it the root directory of the unpacking process", name):
        confine.change_root(name)
    confine.close_descriptors({*_STANDARD_STREAMS, *descriptors}, _ZYGOTE_DESCRIPTORS)
    with reporting("give up rights in", name):
        confine.limit_descriptors(_CHILD_DESCRIPTORS)
        confine.set_capabilities(rights)
    return _landlock()


def _landlock() -> str:
    try:
        return confine.landlock_below_current_directory()
    except OSError as error:
        return f"not available: {error.strerror}"


def _attempt(measure: Callable[[], None]) -> str:
    """Takes a measure that can be done without, and says whether it is in force."""
    try:
        measure()
    except OSError as error:
        return f"not available: {error.strerror}"
    except HostError as error:
        return f"not available: {error.message}"
    return _IN_FORCE


def _end_text(status: int) -> str:
    """How a process ended, from its wait status: ``status <n>`` or the name of a signal."""
    code = os.waitstatus_to_exitcode(status)
    return f"status {code}" if code >= 0 else signal.Signals(-code).name
