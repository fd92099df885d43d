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
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Optional, Union

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


class ScriptedServer:
    """Listens on a free port of the loopback interface while its context is open; speaks https where ``tls`` is given.

    ``connections`` counts those that were accepted, whatever became of them.
    """

    def __init__(self, tls: Optional[ssl.SSLContext] = None) -> None:
        self.tls = tls
        self.connections = 0
        self.requests: list[Request] = []
        self.unexpected: list[Request] = []
        self._steps: list[Step] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.script = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}"

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

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        if error is None:
            assert self.unexpected == []
            assert [step for step in self._steps if step.times] == [], "never asked for"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A connection that its client keeps open must not hold up the end of a test.
    block_on_close = False
    script: ScriptedServer

    def get_request(self) -> tuple[socket.socket, Any]:
        accepted = super().get_request()
        self.script.connections += 1
        return accepted

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: a handshake that fails is the client's to tell."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        if self.server.script.tls:
            # Here and not in the thread that accepts: a client that says nothing holds up nobody else.
            self.request = self.server.script.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        super().finish()
        if self.server.script.tls:
            # The server closes the socket that it accepted, which is no longer this one.
            self.request.close()

    def handle(self) -> None:
        # A client that saw enough may hang up.
        with suppress(ConnectionError):
            super().handle()

    def do_any(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self.rfile.read(length))
        step = self.server.script.take(request)
        if step is None:
            self._answer(Step("", "", status=UNEXPECTED))
            return
        if step.gate:
            step.gate.wait(10)
        self._answer(step)

    do_GET = do_HEAD = do_POST = do_CONNECT = do_any

    def _answer(self, step: Step) -> None:
        if step.raw is not None:
            self.wfile.write(step.raw)
            self.close_connection = True
            return
        if step.reset and step.cut is None:
            self._reset()
            return
        self.send_response(step.status)
        pairs = step.headers.items() if isinstance(step.headers, Mapping) else step.headers
        for name, value in pairs:
            self.send_header(name, value)
        if step.length is not None:
            self.send_header("Content-Length", step.length or str(len(step.body)))
        self.end_headers()
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

    def log_message(self, format: str, *arguments: Any) -> None:
        """Says nothing: requests are in ``requests``."""


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
