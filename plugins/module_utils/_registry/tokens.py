# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Bearer tokens: asked for once for each scope, kept while they are valid, shared by all threads.

The protocol is the "Token Authentication Specification" of distribution (docs/spec/auth/token.md and oauth.md).
"""

from __future__ import annotations

import calendar
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from .._errors import RemoteError
from .._model.credentials import Credentials
from .._model.json_text import BadJson, parse_json
from .body import TOKEN_LIMIT, read_body, read_error_body
from .challenge import Challenge
from .credential_text import asked_as, basic, secrets_of
from .errors import RegistryError, Unauthorized, registry_error
from .http import HttpClient, HttpResponse
from .retry import Clock
from .urls import origin, redacted, without_spaces

# Also what a token without "expires_in" lives, and the least that is believed.
_SHORTEST_LIFE = 60
_CLIENT_ID = "strata.containers"
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
# What may stand in a header; a line break would let the token service write headers of its own.
_TOKEN = re.compile(r"[\x21-\x7e]+")

Scopes = tuple[str, ...]


class BadChallenge(RemoteError):
    """The registry asks for tokens in a way that cannot be followed."""

    code = "bad_challenge"


class BadToken(RegistryError):
    """The token service answered without a usable token."""

    code = "bad_token"


@dataclass(frozen=True)
class Token:
    """A secret for certain scopes; the times are in seconds, by our clock."""

    value: str = field(repr=False)
    fetched_at: float
    expires_at: float


class TokenService:
    """Where the tokens of one registry come from, asked as one user. Safe to share between threads.

    ``challenge`` is the registry's. Raises BadChallenge where it names no service that credentials may be sent to.
    """

    def __init__(
        self, challenge: Challenge, credentials: Credentials | None, http: HttpClient, clock: Clock, registry: str
    ) -> None:
        self._realm = _realm(challenge, registry, http.options.allow_http)
        self._service = challenge.parameters.get("service", "")
        self._credentials = credentials or Credentials()
        self._http = http
        self._clock = clock
        self._lock = threading.Lock()
        self._slots: dict[Scopes, _Slot] = {}

    def token(self, scopes: Scopes) -> Token:
        """A valid token for ``scopes``; while one thread fetches it, others that want the same one wait.

        Raises Unauthorized, Denied, RateLimited, RegistryError, and what a request raises.
        """
        with self._lock:
            slot = self._slots.setdefault(scopes, _Slot())
        with slot.lock:
            if slot.token is None or slot.token.expires_at <= self._clock.now():
                slot.token = self._fetch(scopes)
            return slot.token

    def forget(self, scopes: Scopes, token: Token) -> None:
        """Drops ``token``, which the registry refused; a newer one that another thread fetched meanwhile stays."""
        with self._lock:
            slot = self._slots.setdefault(scopes, _Slot())
        with slot.lock:
            if slot.token is token:
                slot.token = None

    def secrets(self) -> list[str]:
        """The tokens held, for those who clean texts."""
        with self._lock:
            tokens = [slot.token for slot in self._slots.values()]
        return [token.value for token in tokens if token]

    def _fetch(self, scopes: Scopes) -> Token:
        with self._ask(scopes) as response:
            if response.status != 200:
                raise self._refusal(response, scopes)
            body = read_body(response, TOKEN_LIMIT, redacted(self._realm))
        return read_token(body, self._clock.now(), redacted(self._realm))

    def _ask(self, scopes: Scopes) -> HttpResponse:
        credentials = self._credentials
        service = [("service", self._service)] if self._service else []
        if credentials.identity_token:
            form = [
                ("grant_type", "refresh_token"),
                ("refresh_token", credentials.identity_token),
                ("client_id", _CLIENT_ID),
                *service,
                *([("scope", " ".join(scopes))] if scopes else []),
            ]
            return self._http.request("POST", self._realm, form=form)
        account = [("account", credentials.username)] if credentials.username else []
        query = urlencode([*account, *service, *(("scope", scope) for scope in scopes)])
        return self._http.request("GET", _with_query(self._realm, query), authorization=basic(credentials))

    def _refusal(self, response: HttpResponse, scopes: Scopes) -> RegistryError:
        error = registry_error(
            response.status,
            read_error_body(response),
            subject=redacted(self._realm),
            prefix=f"no token for {' '.join(scopes) or 'a login'} was given: ",
            suffix=asked_as(self._credentials),
            secrets=secrets_of(self._credentials),
        )
        if response.status == 401 and not isinstance(error, Unauthorized):
            return Unauthorized(error.message, subject=error.subject, status=401)
        return error


class _Slot:
    """A token, or the place of one that is being fetched; ``token`` is guarded by ``lock``."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.token: Token | None = None


def read_token(body: bytes, now: float, subject: str) -> Token:
    """The token in the answer ``body`` of a token service. Raises BadToken, which does not quote the body."""
    try:
        value = parse_json(body, subject)
    except BadJson:
        value = None
    if not isinstance(value, dict):
        # Without the parser's words, and not as its consequence: they could quote the token.
        raise BadToken("the token service did not answer with a JSON object", subject=subject)
    token = value.get("token") or value.get("access_token")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise BadToken("the answer of the token service has no usable token", subject=subject)
    life = max(_SHORTEST_LIFE, _seconds(value))
    issued_at = _timestamp(value.get("issued_at"))
    # A token that would be of the future, or dead on arrival, only says that two clocks differ.
    if issued_at is None or not issued_at <= now < issued_at + life:
        issued_at = now
    return Token(token, now, issued_at + life)


def _realm(challenge: Challenge, registry: str, allow_http: bool) -> str:
    realm = without_spaces(challenge.parameters.get("realm", ""))
    if not realm:
        raise BadChallenge("missing realm in bearer auth challenge", subject=redacted(registry))
    if origin(realm)[0] == "http" and origin(registry)[0] == "https" and not allow_http:
        raise BadChallenge("the token service of an https registry speaks http", subject=redacted(realm))
    return realm


def _with_query(url: str, query: str) -> str:
    """``url`` with ``query`` after the parameters that it may have already."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query="&".join(text for text in (parts.query, query) if text), fragment=""))


def _seconds(value: Mapping[str, Any]) -> int:
    seconds = value.get("expires_in")
    return seconds if isinstance(seconds, int) and not isinstance(seconds, bool) else 0


def _timestamp(value: Any) -> float | None:
    """The seconds since 1970 of an RFC 3339 time; None where it is missing or malformed."""
    match = _TIMESTAMP.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(text) for text in match.groups()[:6])
    try:
        seconds = calendar.timegm((year, month, day, hour, minute, second))
    except (ValueError, OverflowError):
        return None
    if match[7]:
        offset = int(match[8]) * 3600 + int(match[9]) * 60
        seconds -= offset if match[7] == "+" else -offset
    return float(seconds)
