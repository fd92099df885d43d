# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A web server that plays a script: which request is expected, what is answered, and where the connection breaks.

    with ScriptedServer() as server:
        server.expect("GET", "/v2/", status=401, headers={"WWW-Authenticate": 'Basic realm="tests"'})
        ...

Leaving the context fails the test when a request came that no step expected, or when a step was never asked for.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Optional, Union

from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.loopback_server import (
    LoopbackHandler,
    LoopbackServer,
)

Headers = Union[Mapping[str, str], Sequence[tuple[str, str]]]

UNEXPECTED = 599

# What an endless body stops at, so that a client without a limit fails a test and does not fill a memory.
_FAR_TOO_MUCH = 64 * 1024 * 1024


@dataclass(frozen=True)
class Request:
    """A request as it came. Names of headers are in lower case; ``moment`` is in seconds of the monotonic clock."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    moment: float = field(default_factory=time.monotonic, compare=False)


@dataclass
class Step:
    """An expected request and its answer.

    ``requires`` are headers that the request must have with just that value, or must not have where the value is None.
    ``cut`` closes the connection after that many bytes of the body; with ``reset`` it does so by a TCP reset, and with
    ``silent`` not before the client hangs up. ``endless`` sends the body again and again. ``raw`` is sent as it is, in place
    of an answer. ``times`` is None for any number of requests. ``sent`` counts the bytes of bodies that a client took.
    """

    method: str
    path: str
    status: int = 200
    headers: Headers = ()
    body: bytes = b""
    requires: Mapping[str, Optional[str]] = field(default_factory=dict)
    cut: Optional[int] = None
    length: Optional[str] = ""
    times: Optional[int] = 1
    gate: Optional[threading.Event] = None
    reset: bool = False
    silent: bool = False
    endless: bool = False
    raw: Optional[bytes] = None
    sent: int = 0

    def answers(self, request: Request) -> bool:
        if (self.method, self.path) != (request.method, request.path) or self.times == 0:
            return False
        return all(request.headers.get(name.lower()) == value for name, value in self.requires.items())


class ScriptedServer(LoopbackServer):
    """Plays its steps while its context is open; speaks https where ``tls`` is given.

    ``connections`` counts those that were accepted, whatever became of them.
    """

    def __init__(self, tls: Optional[ssl.SSLContext] = None) -> None:
        super().__init__(_Handler, tls=tls)
        self.connections = 0
        self.requests: list[Request] = []
        self.unexpected: list[Request] = []
        self._steps: list[Step] = []
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}"

    def expect(self, method: str, path: str, **answer: Any) -> Step:
        """Adds a step; of several that fit a request, the first that is not used up answers."""
        step = Step(method, path, **answer)
        self._steps.append(step)
        return step

    def paths(self) -> list[str]:
        """``METHOD path`` of every request so far."""
        return [f"{request.method} {request.path}" for request in self.requests]

    def take(self, request: Request) -> Optional[Step]:
        with self._lock:
            self.requests.append(request)
            for step in self._steps:
                if step.answers(request):
                    if step.times is not None:
                        step.times -= 1
                    return step
            self.unexpected.append(request)
            return None

    def get_request(self) -> tuple[socket.socket, Any]:
        accepted = super().get_request()
        self.connections += 1
        return accepted

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        super().__exit__(kind, error, trace)
        if error is None:
            assert self.unexpected == []
            assert [step for step in self._steps if step.times] == [], "never asked for"


class _Handler(LoopbackHandler):
    server: ScriptedServer

    def do_any(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self.request_body())
        step = self.server.take(request)
        if step is None:
            self._play(Step("", "", status=UNEXPECTED))
            return
        if step.gate:
            step.gate.wait(10)
        self._play(step)

    do_GET = do_HEAD = do_POST = do_CONNECT = do_any

    def _play(self, step: Step) -> None:
        if step.raw is not None:
            self.wfile.write(step.raw)
            self.close_connection = True
            return
        if step.reset and step.cut is None:
            self._reset()
            return
        pairs = step.headers.items() if isinstance(step.headers, Mapping) else step.headers
        self.begin_answer(
            step.status, pairs, step.length if step.length is None else step.length or str(len(step.body))
        )
        if self.command != "HEAD":
            self._send_body(step)
        if step.cut is not None or step.length is None:
            self.close_connection = True
        if step.silent:
            self.rfile.read(1)
        if step.reset:
            self._reset()

    def _send_body(self, step: Step) -> None:
        body = step.body if step.cut is None else step.body[: step.cut]
        while True:
            self.wfile.write(body)
            step.sent += len(body)
            if not step.endless or step.sent > _FAR_TOO_MUCH:
                return

    def _reset(self) -> None:
        # What was sent before must have arrived: a reset overtakes what still waits.
        time.sleep(0.05)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()
        self.close_connection = True


@dataclass
class FakeClock:
    """Seconds that pass only when somebody sleeps."""

    seconds: float = 1_700_000_000.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.seconds

    def sleep(self, duration: float) -> None:
        self.slept.append(duration)
        self.seconds += duration
