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
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Optional
from urllib.parse import parse_qs, urlsplit

from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.loopback_server import (
    LoopbackHandler,
    LoopbackServer,
    tls_of,
)

from .commands import run
from .registry import Login, Registry, make_certificates, running_registry

SERVICE = "tests"
ISSUER = "tests-issuer"


class TokenService(LoopbackServer):
    """A running service. ``asked`` are the queries and forms it was sent, ``issued`` the tokens that it gave.

    ``identity_token`` opens as the password does. Tokens live for ``life`` seconds and are signed by the key in ``directory``.
    ``ca_file`` is the authority of its certificate, if it speaks https.
    """

    def __init__(self, directory: str, login: Login, tls: bool) -> None:
        certificate = None
        self.ca_file: Optional[str] = None
        if tls:
            self.ca_file, *certificate = make_certificates(directory)
        super().__init__(_Handler, tls=tls_of(certificate))
        self.directory = directory
        self.login = login
        self.realm = f"{self.scheme}://{self.host}/token?kept=yes"
        self.life = 300
        self.identity_token = "identity-of-the-tests"
        self.asked: list[dict[str, list[str]]] = []
        self.issued: list[str] = []

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
    with TokenService(directory, login, tls) as service:
        token = {"realm": service.realm, "service": SERVICE, "issuer": ISSUER, "rootcertbundle": certificate}
        with running_registry(os.path.join(directory, "registry"), tls=tls, token=token) as registry:
            yield registry, service


class _Handler(LoopbackHandler):
    server: TokenService

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        self._say(*self.server.answer(query, self.headers.get("Authorization", "")))

    def do_POST(self) -> None:
        # As Go's Request.Form, which services use: parameters of the address count too (podman sends them in both places).
        query = parse_qs(urlsplit(self.path).query)
        form = parse_qs(self.request_body().decode("ascii"))
        self._say(*self.server.answer_form({**query, **form}))

    def _say(self, status: int, answer: dict[str, Any]) -> None:
        self.answer(status, [("Content-Type", "application/json")], json.dumps(answer).encode())


def _access(scope: str, known: bool) -> list[dict[str, Any]]:
    kind, name, actions = scope.split(":")
    allowed = actions.split(",") if known else ["pull"] if name.startswith("public/") else []
    return [{"type": kind, "name": name, "actions": allowed}] if allowed else []


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
