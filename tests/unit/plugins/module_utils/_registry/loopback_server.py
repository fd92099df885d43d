# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the web servers of the tests have in common: a free port of the loopback interface, threads, TLS, and silence.

Each has a class of its own for what it answers, with a handler that finds it as ``self.server``.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Optional, TypeVar

S = TypeVar("S", bound="LoopbackServer")


class LoopbackServer(ThreadingHTTPServer):
    """Listens on a free port of ``address`` while its context is open; speaks https where ``tls`` is given."""

    daemon_threads = True
    # A connection that its client keeps open must not hold up the end of a test.
    block_on_close = False

    def __init__(
        self, handler: type[LoopbackHandler], *, address: str = "127.0.0.1", tls: Optional[ssl.SSLContext] = None
    ) -> None:
        super().__init__((address, 0), handler)
        self.tls = tls
        self.scheme = "https" if tls else "http"
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def host(self) -> str:
        """The address with the port."""
        return f"{self.server_address[0]!s}:{self.server_address[1]}"

    def reference(self, name: str) -> str:
        """The name of an image here."""
        return f"{self.host}/{name}"

    def __enter__(self: S) -> S:
        self._thread.start()
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: a client that does not trust our certificate is part of a test."""


class LoopbackHandler(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    protocol_version = "HTTP/1.1"
    server: LoopbackServer

    def setup(self) -> None:
        if self.server.tls:
            # Here and not in the thread that accepts: a client that says nothing holds up nobody else.
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self) -> None:
        # A client that saw enough may hang up.
        with suppress(ConnectionError):
            super().handle()

    def finish(self) -> None:
        super().finish()
        if self.server.tls:
            # The server closes the socket that it accepted, which is no longer this one.
            self.request.close()

    def request_body(self) -> bytes:
        """The body of the request; Go's tools send forms in chunks, without a length."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while True:
            size = int(self.rfile.readline(), 16)
            body += self.rfile.read(size)
            self.rfile.readline()
            if not size:
                return body

    def begin_answer(self, status: int, headers: Iterable[tuple[str, str]], length: Optional[str]) -> None:
        """Sends all that comes before the body; with None the body ends with the connection."""
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", length)
        self.end_headers()

    def answer(self, status: int, headers: Iterable[tuple[str, str]] = (), body: bytes = b"") -> None:
        """Sends a whole answer, to HEAD without the body."""
        self.begin_answer(status, headers, str(len(body)))
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Says nothing: servers remember what they were asked."""


def tls_of(certificate: Optional[tuple[str, str]]) -> Optional[ssl.SSLContext]:
    """What a server needs to speak TLS with the files of a certificate and its key; None without any."""
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context
