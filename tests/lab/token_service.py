# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A token service for docker-registry: checks a password, and signs what the user may do (distribution, docs/spec/auth/jwt.md).

Tokens are JSON Web Tokens, signed with RS256 by a key whose certificate the registry trusts; openssl does the signing.
Besides the password, an identity token opens (docs/spec/auth/oauth.md), which is sent in a form.
"""

from __future__ import annotations

import base64
import json
import os
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Optional
from urllib.parse import parse_qs, urlsplit

from .commands import run
from .recording_server import read_request_body
from .registry import Login, Registry, make_certificates, running_registry

SERVICE = "tests"
ISSUER = "tests-issuer"


@dataclass
class TokenService:
    """A running service. ``asked`` are the queries and forms it was sent, ``issued`` the tokens that it gave.

    ``identity_token`` opens as the password does. ``ca_file`` is the authority of its certificate, if it speaks https.
    """

    directory: str
    login: Login
    realm: str = ""
    life: int = 300
    identity_token: str = "identity-of-the-tests"
    ca_file: Optional[str] = None
    asked: list[dict[str, list[str]]] = field(default_factory=list)
    issued: list[str] = field(default_factory=list)

    def answer(self, query: dict[str, list[str]], authorization: str) -> tuple[int, dict[str, Any]]:
        """Status and body. Everybody may pull from ``public/``; the user may do everything; a wrong password is 401."""
        self.asked.append(query)
        known = self._is_login(authorization)
        if authorization and not known:
            return 401, {"details": "incorrect username or password"}
        return 200, {"token": self._issue(query.get("scope", []), known), "expires_in": self.life}

    def answer_form(self, form: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        """Status and body for a form: the identity token may do what the password may; scopes are one text with spaces."""
        self.asked.append(form)
        if (form.get("grant_type"), form.get("refresh_token")) != (["refresh_token"], [self.identity_token]):
            return 401, {"details": "incorrect refresh token"}
        scopes = [scope for text in form.get("scope", []) for scope in text.split(" ")]
        return 200, {"access_token": self._issue(scopes, True), "expires_in": self.life, "scope": " ".join(scopes)}

    def _issue(self, scopes: list[str], known: bool) -> str:
        self.issued.append(self._signed([entry for scope in scopes for entry in _access(scope, known)]))
        return self.issued[-1]

    def _is_login(self, authorization: str) -> bool:
        pair = f"{self.login.username}:{self.login.password}".encode()
        return authorization == "Basic " + base64.b64encode(pair).decode()

    def _signed(self, access: list[dict[str, Any]]) -> str:
        now = int(time.time())
        with open(os.path.join(self.directory, "token.crt"), encoding="ascii") as stream:
            certificate = "".join(line.strip() for line in stream if "-----" not in line)
        header = {"typ": "JWT", "alg": "RS256", "x5c": [certificate]}
        claims = {
            "iss": ISSUER,
            "sub": "",
            "aud": SERVICE,
            "exp": now + self.life,
            "nbf": now - 10,
            "iat": now,
            "jti": str(len(self.issued)),
            "access": access,
        }
        payload = f"{_encoded(json.dumps(header).encode())}.{_encoded(json.dumps(claims).encode())}"
        message = os.path.join(self.directory, f"message-{threading.get_ident()}")
        with open(message, "w", encoding="ascii") as stream:
            stream.write(payload)
        key = os.path.join(self.directory, "token.key")
        run(["openssl", "dgst", "-sha256", "-sign", key, "-out", f"{message}.sig", message])
        with open(f"{message}.sig", "rb") as signature:
            return f"{payload}.{_encoded(signature.read())}"


@contextmanager
def running_token_registry(directory: str, login: Login, tls: bool = False) -> Iterator[tuple[Registry, TokenService]]:
    """A registry that wants tokens, and the service that gives them; anybody may pull from its ``public/`` repositories.

    With ``tls`` both speak https, each with an authority of its own.
    """
    os.makedirs(directory, exist_ok=True)
    certificate = os.path.join(directory, "token.crt")
    run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tokens"]
        + ["-keyout", os.path.join(directory, "token.key"), "-out", certificate]
    )
    service = TokenService(directory, login)
    server = _Server(("127.0.0.1", 0), _Handler)
    server.service = service
    if tls:
        service.ca_file, own, key = make_certificates(directory)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(own, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    service.realm = f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}/token?kept=yes"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    token = {"realm": service.realm, "service": SERVICE, "issuer": ISSUER, "rootcertbundle": certificate}
    try:
        with running_registry(os.path.join(directory, "registry"), tls=tls, token=token) as registry:
            yield registry, service
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    service: TokenService

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: a client that does not trust our certificate is part of a test."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        self._answer(*self.server.service.answer(query, self.headers.get("Authorization", "")))

    def do_POST(self) -> None:
        # As Go's Request.Form, which services use: parameters of the address count too (podman sends them in both places).
        query = parse_qs(urlsplit(self.path).query)
        form = parse_qs(read_request_body(self).decode("ascii"))
        self._answer(*self.server.service.answer_form({**query, **form}))

    def _answer(self, status: int, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Says nothing: the queries are in ``asked``."""


def _access(scope: str, known: bool) -> list[dict[str, Any]]:
    kind, name, actions = scope.split(":")
    allowed = actions.split(",") if known else ["pull"] if name.startswith("public/") else []
    return [{"type": kind, "name": name, "actions": allowed}] if allowed else []


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
