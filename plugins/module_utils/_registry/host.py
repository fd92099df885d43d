# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""One registry, asked as one user: where it answers and how it wants to be asked, found out once for all repositories."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._errors import RemoteError
from .._model.credentials import Credentials
from .._model.foreign_text import printable, without
from .body import read_error_body
from .challenge import parse_challenges, usable_challenge
from .credential_text import basic, secrets_of, secrets_of_address
from .errors import NotARegistry, read_entries, registry_error, status_text
from .failures import PlainHttpAnswer
from .http import HttpClient, HttpResponse
from .retry import Clock, send_patiently

if TYPE_CHECKING:
    from .tokens import TokenService

# Docker Hub's images are named docker.io and served elsewhere; credentials and certificates keep the name.
_NETWORK_HOSTS = {"docker.io": "registry-1.docker.io"}
_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')

# By this header of the ping a registry says that it has the extension (OpenShift, Quay).
_SIGNATURES = "X-Registry-Supports-Signatures"

API_VERSION = {"Docker-Distribution-API-Version": "registry/2.0"}


@dataclass(frozen=True)
class Endpoint:
    """What the ping found out: ``tokens`` where the registry asks for Bearer, ``basic`` where it asks for Basic.

    ``keeps_signatures`` tells that it has the extension by which a registry gives signatures out itself.
    """

    base: str
    basic: str = ""
    tokens: TokenService | None = None
    keeps_signatures: bool = False


class RegistryHost:
    """What all repositories of a registry share for one user: connections, the ping, tokens, warnings already told.

    Safe to share between threads; asks nobody before the first question.
    """

    def __init__(
        self,
        name: str,
        credentials: Credentials | None,
        http: HttpClient,
        clock: Clock,
        warn: Callable[[str], None],
    ) -> None:
        self.name = name
        self.credentials = credentials
        self.http = http
        self.clock = clock
        self._warn = warn
        self._warnings: set[str] = set()
        self._lock = threading.Lock()
        self._endpoint: Endpoint | None = None

    def reached(self) -> Endpoint:
        """The endpoint, found by one ping for all threads; a ping that fails is repeated by the next request.

        Raises what a request raises, NotARegistry, and BadChallenge.
        """
        with self._lock:
            if self._endpoint is None:
                self._endpoint = self._ping()
            return self._endpoint

    def pass_warnings_on(self, response: HttpResponse) -> None:
        """Hands on, once each, what the registry wants its users to read (RFC 7234, section 5.5, code 299)."""
        for line in response.header_lines("Warning"):
            match = _WARNING.match(line)
            if match is None:
                continue
            text = printable(without(match[1], self.secrets(response.url)))
            with self._lock:
                fresh = text not in self._warnings
                self._warnings.add(text)
            if fresh:
                self._warn(f"{self.name}: {text}")

    def secrets(self, url: str) -> list[str]:
        """Password, tokens, and the signature that ``url`` may hold, for those who clean the texts that came from there."""
        endpoint = self._endpoint
        tokens = endpoint.tokens.secrets() if endpoint and endpoint.tokens else []
        return [*(secrets_of(self.credentials) if self.credentials else []), *tokens, *secrets_of_address(url)]

    def _ping(self) -> Endpoint:
        host = _NETWORK_HOSTS.get(self.name, self.name)
        try:
            return self._ping_base(f"https://{host}")
        except RemoteError as error:
            secure = error
        if not self.http.options.allow_http:
            raise secure
        try:
            return self._ping_base(f"http://{host}")
        except RemoteError as error:
            plain = error
        # The failure of the scheme that the server does speak is the one that helps.
        raise plain if isinstance(secure, PlainHttpAnswer) else secure

    def _ping_base(self, base: str) -> Endpoint:
        with send_patiently(
            lambda: self.http.request("GET", f"{base}/v2/", headers=API_VERSION), self.clock
        ) as response:
            if response.status not in (200, 401):
                raise self._no_registry(response)
            # Reading the little body keeps the connection for the next request.
            read_error_body(response)
            challenge = usable_challenge(parse_challenges(response.header_lines("WWW-Authenticate")))
            keeps = response.header(_SIGNATURES) == "1"
        if challenge is None:
            return Endpoint(base, keeps_signatures=keeps)
        if challenge.scheme == "basic":
            return Endpoint(base, basic=basic(self.credentials or Credentials(), half=True), keeps_signatures=keeps)
        from .tokens import TokenService

        tokens = TokenService(challenge, self.credentials, self.http, self.clock, base)
        return Endpoint(base, tokens=tokens, keeps_signatures=keeps)

    def _no_registry(self, response: HttpResponse) -> RemoteError:
        body = read_error_body(response)
        if response.status == 429 or response.status >= 500 or read_entries(body):
            return registry_error(response.status, body, subject=self.name)
        return NotARegistry(
            "the server is no registry",
            subject=self.name,
            wanted="status 200 or 401 for /v2/",
            found=status_text(response.status),
            status=response.status,
        )
