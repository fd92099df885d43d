# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small HTTP proxy: tunnels (RFC 9110, CONNECT) and plain requests in absolute form, and a memory of what it was asked.

It alone knows where a host is: ``routes`` leads names that no name server has to a server of the tests, so that what
arrives there came through the proxy.
"""

from __future__ import annotations

import base64
import select
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Optional
from urllib.parse import quote, urlsplit

from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.loopback_server import (
    LoopbackHandler,
    LoopbackServer,
    tls_of,
)

from .registry import Login

_PATIENCE = 10.0
_OWN_HEADERS = frozenset({"proxy-authorization", "proxy-connection", "connection", "keep-alive"})


@dataclass(frozen=True)
class Asked:
    """A request to the proxy: ``target`` is ``host:port`` of a tunnel, or a whole address."""

    method: str
    target: str
    headers: Sequence[tuple[str, str]]

    def header(self, name: str) -> str:
        """The value of a header, empty where it is missing."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


class Proxy(LoopbackServer):
    """Listens on a free port of the loopback interface while its context is open.

    ``routes`` maps ``host:port`` as it is asked for to the one to connect to. With ``login`` it serves nobody else. With
    ``certificate``, the paths of one for 127.0.0.1 and of its key, it is to be spoken to in TLS.
    """

    def __init__(
        self,
        routes: Mapping[str, str],
        login: Optional[Login] = None,
        certificate: Optional[tuple[str, str]] = None,
    ) -> None:
        super().__init__(_Handler, tls=tls_of(certificate))
        self.routes = routes
        self.login = login
        self.asked: list[Asked] = []

    def url(self, login: Optional[Login] = None) -> str:
        """The address for the variables of the environment, with a user and password if given."""
        user = f"{quote(login.username, safe='')}:{quote(login.password, safe='')}@" if login else ""
        return f"{self.scheme}://{user}{self.host}"

    def environment(self, login: Optional[Login] = None) -> dict[str, str]:
        """The variables that send everything through this proxy."""
        return {"HTTP_PROXY": self.url(login), "HTTPS_PROXY": self.url(login)}

    def requests(self) -> list[str]:
        """``METHOD target`` of every request so far."""
        return [f"{asked.method} {asked.target}" for asked in self.asked]

    def admits(self, authorization: str) -> bool:
        if self.login is None:
            return True
        pair = f"{self.login.username}:{self.login.password}".encode()
        return authorization == "Basic " + base64.b64encode(pair).decode("ascii")


class _Handler(LoopbackHandler):
    server: Proxy

    def do_CONNECT(self) -> None:
        target = self._admitted(self.path)
        if target is None:
            return
        with socket.create_connection(target, _PATIENCE) as upstream:
            self.send_response(200, "Connection established")
            self.end_headers()
            _join(self.connection, upstream)
        self.close_connection = True

    def do_any(self) -> None:
        parts = urlsplit(self.path)
        target = self._admitted(parts.netloc if ":" in parts.netloc else f"{parts.netloc}:80")
        if target is None:
            return
        body = self.request_body()
        upstream = HTTPConnection(*target, timeout=_PATIENCE)
        upstream.putrequest(self.command, f"{parts.path}?{parts.query}" if parts.query else parts.path, True, True)
        for name, value in self.headers.items():
            if name.lower() not in (*_OWN_HEADERS, "transfer-encoding", "content-length"):
                upstream.putheader(name, value)
        if body:
            upstream.putheader("Content-Length", str(len(body)))
        upstream.endheaders(body or None)
        response = upstream.getresponse()
        content = response.read()
        own = (*_OWN_HEADERS, "transfer-encoding", "content-length", "date", "server")
        headers = [(name, value) for name, value in response.getheaders() if name.lower() not in own]
        length = response.getheader("Content-Length") if self.command == "HEAD" else None
        self.begin_answer(response.status, headers, length or str(len(content)))
        if self.command != "HEAD":
            self.wfile.write(content)
        upstream.close()

    do_GET = do_HEAD = do_POST = do_any

    def _admitted(self, authority: str) -> Optional[tuple[str, int]]:
        """Where to connect to; None after a refusal."""
        proxy = self.server
        proxy.asked.append(Asked(self.command, self.path, list(self.headers.items())))
        if not proxy.admits(self.headers.get("Proxy-Authorization", "")):
            self.answer(407, [("Proxy-Authenticate", 'Basic realm="tests"')])
            return None
        route = proxy.routes.get(authority)
        if route is None:
            self.answer(502)
            return None
        host, _colon, port = route.rpartition(":")
        return host, int(port)


def _join(one: socket.socket, other: socket.socket) -> None:
    """Carries bytes both ways until either side ends."""
    while True:
        # What TLS has taken from the socket already shows nowhere else.
        readable = [side for side in (one, other) if isinstance(side, ssl.SSLSocket) and side.pending()]
        readable = readable or select.select([one, other], [], [], _PATIENCE)[0]
        if not readable:
            return
        for source in readable:
            data = source.recv(65536)
            if not data:
                return
            (other if source is one else one).sendall(data)
