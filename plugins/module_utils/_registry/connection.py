# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""One repository of a registry: requests that carry what the registry wants to see, and what it refuses.

The steps are those of containers/image (docker/docker_client.go): a ping without credentials finds the scheme and the
challenge, which then holds for every request; Basic sends the password along, Bearer fetches a token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from .body import read_error_body
from .challenge import missing_scope, parse_challenges
from .credential_text import asked_as
from .errors import RegistryError, registry_error
from .host import API_VERSION, RegistryHost
from .http import HttpResponse
from .retry import send_patiently

if TYPE_CHECKING:
    from .tokens import TokenService


class RegistryConnection:
    """Sends the requests of one repository. Safe to share between threads; asks nobody before the first request.

    Without a ``repository`` they are about the registry itself, and tokens are asked for without a scope.
    """

    def __init__(self, host: RegistryHost, repository: str) -> None:
        self._host = host
        self._scopes = (f"repository:{repository}:pull",) if repository else ()

    def send(self, method: str, path: str, headers: Mapping[str, str] | None = None) -> HttpResponse:
        """The answer to a request without a body for ``path`` (from ``/v2/`` on), whatever its status.

        Raises what a request, the ping and the token service raise: RemoteError in its leaves.
        """
        endpoint = self._host.reached()

        def attempt(authorization: str) -> HttpResponse:
            return send_patiently(
                lambda: self._host.http.request(
                    method,
                    endpoint.base + path,
                    headers={**API_VERSION, **(headers or {})},
                    authorization=authorization,
                ),
                self._host.clock,
            )

        tokens = endpoint.tokens
        response = self._send_with_token(tokens, attempt) if tokens else attempt(endpoint.basic)
        self._host.pass_warnings_on(response)
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
            suffix=asked_as(self._host.credentials) if response.status in (401, 403) else "",
            secrets=self._host.secrets(response.url),
        )

    def _send_with_token(self, tokens: TokenService, attempt: Callable[[str], HttpResponse]) -> HttpResponse:
        started = self._host.clock.now()
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
