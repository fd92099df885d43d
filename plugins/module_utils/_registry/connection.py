# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""One repository of one registry, asked as one user: where it answers, how it wants to be asked, what it refuses.

The steps are those of containers/image (docker/docker_client.go): a ping without credentials finds the scheme and the
challenge, which then holds for every request; Basic sends the password along, Bearer fetches a token.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .._errors import RemoteError
from .._model.credentials import Credentials
from .body import read_error_body
from .challenge import missing_scope, parse_challenges, usable_challenge
from .credential_text import asked_as, basic, secrets_of
from .errors import NotARegistry, RegistryError, printable, read_entries, registry_error, status_text, without
from .failures import PlainHttpAnswer
from .http import HttpClient, HttpResponse
from .retry import Clock, send_patiently
from .tokens import TokenService

# Docker Hub's images are named docker.io and served elsewhere; credentials and certificates keep the name.
_NETWORK_HOSTS = {"docker.io": "registry-1.docker.io"}
_API_VERSION = {"Docker-Distribution-API-Version": "registry/2.0"}
_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class _Endpoint:
    """What the ping found out: ``tokens`` where the registry asks for Bearer, ``basic`` where it asks for Basic."""

    base: str
    basic: str = ""
    tokens: TokenService | None = None


class RegistryConnection:
    """Sends the requests of one repository. Safe to share between threads; asks nobody before the first request.

    Without a ``repository`` they are about the registry itself, and tokens are asked for without a scope.
    """

    def __init__(
        self,
        host: str,
        repository: str,
        credentials: Credentials | None,
        http: HttpClient,
        clock: Clock,
        warn: Callable[[str], None],
    ) -> None:
        self._host = host
        self._scopes = (f"repository:{repository}:pull",) if repository else ()
        self._credentials = credentials
        self._http = http
        self._clock = clock
        self._warn = warn
        self._warnings: set[str] = set()
        self._lock = threading.Lock()
        self._endpoint: _Endpoint | None = None

    def send(self, method: str, path: str, headers: Mapping[str, str] | None = None) -> HttpResponse:
        """The answer to a request without a body for ``path`` (from ``/v2/`` on), whatever its status.

        Raises what a request, the ping and the token service raise: RemoteError in its leaves.
        """
        endpoint = self._reached()

        def attempt(authorization: str) -> HttpResponse:
            return send_patiently(
                lambda: self._http.request(
                    method,
                    endpoint.base + path,
                    headers={**_API_VERSION, **(headers or {})},
                    authorization=authorization,
                ),
                self._clock,
            )

        tokens = endpoint.tokens
        response = self._send_with_token(tokens, attempt) if tokens else attempt(endpoint.basic)
        self._pass_warnings_on(response)
        return response

    def refusal(self, response: HttpResponse, subject: str, not_found: type[RegistryError]) -> RegistryError:
        """The error that ``response`` is for ``subject``; ``not_found`` is the leaf of a 404. Closes the response."""
        with response:
            body = read_error_body(response)
        return registry_error(
            response.status,
            body,
            subject=subject,
            not_found=not_found,
            suffix=asked_as(self._credentials) if response.status in (401, 403) else "",
            secrets=self._secrets(),
        )

    def _send_with_token(self, tokens: TokenService, attempt: Callable[[str], HttpResponse]) -> HttpResponse:
        started = self._clock.now()
        scopes: tuple[str, ...] = self._scopes
        token = tokens.token(scopes)
        response = attempt(f"Bearer {token.value}")
        if response.status != 401:
            return response
        wider = missing_scope(parse_challenges(response.header_lines("WWW-Authenticate")))
        if wider and wider not in scopes:
            scopes = (*scopes, wider)
        elif token.fetched_at >= started:
            return response
        else:
            # It was kept from an earlier request, and the registry's clock may be ahead of ours.
            tokens.forget(scopes, token)
        response.close()
        return attempt(f"Bearer {tokens.token(scopes).value}")

    def _reached(self) -> _Endpoint:
        """The endpoint, found by one ping for all threads; a ping that fails is repeated by the next request."""
        with self._lock:
            if self._endpoint is None:
                self._endpoint = self._ping()
            return self._endpoint

    def _ping(self) -> _Endpoint:
        host = _NETWORK_HOSTS.get(self._host, self._host)
        try:
            return self._ping_base(f"https://{host}")
        except RemoteError as error:
            secure = error
        if not self._http.options.allow_http:
            raise secure
        try:
            return self._ping_base(f"http://{host}")
        except RemoteError as error:
            plain = error
        # The failure of the scheme that the server does speak is the one that helps.
        raise plain if isinstance(secure, PlainHttpAnswer) else secure

    def _ping_base(self, base: str) -> _Endpoint:
        with send_patiently(
            lambda: self._http.request("GET", f"{base}/v2/", headers=_API_VERSION), self._clock
        ) as response:
            if response.status not in (200, 401):
                raise self._no_registry(response)
            # Reading the little body keeps the connection for the next request.
            read_error_body(response)
            challenge = usable_challenge(parse_challenges(response.header_lines("WWW-Authenticate")))
        if challenge is None:
            return _Endpoint(base)
        if challenge.scheme == "basic":
            return _Endpoint(base, basic=basic(self._credentials or Credentials()))
        return _Endpoint(base, tokens=TokenService(challenge, self._credentials, self._http, self._clock, base))

    def _no_registry(self, response: HttpResponse) -> RemoteError:
        body = read_error_body(response)
        if response.status == 429 or response.status >= 500 or read_entries(body):
            return registry_error(response.status, body, subject=self._host)
        return NotARegistry(
            "the server is no registry",
            subject=self._host,
            wanted="status 200 or 401 for /v2/",
            found=status_text(response.status),
            status=response.status,
        )

    def _pass_warnings_on(self, response: HttpResponse) -> None:
        """Hands on, once each, what the registry wants its users to read (RFC 7234, section 5.5, code 299)."""
        for line in response.header_lines("Warning"):
            match = _WARNING.match(line)
            if match is None:
                continue
            text = printable(without(match[1], self._secrets()))
            with self._lock:
                fresh = text not in self._warnings
                self._warnings.add(text)
            if fresh:
                self._warn(f"{self._host}: {text}")

    def _secrets(self) -> list[str]:
        endpoint = self._endpoint
        tokens = endpoint.tokens.secrets() if endpoint and endpoint.tokens else []
        return [*(secrets_of(self._credentials) if self._credentials else []), *tokens]
