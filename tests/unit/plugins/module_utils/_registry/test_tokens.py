# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The token flow: what is asked for, what is kept, and what never shows."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.credentials import Credentials
from ansible_collections.strata.containers.plugins.module_utils._registry.challenge import Challenge
from ansible_collections.strata.containers.plugins.module_utils._registry.credential_text import (
    asked_as,
    basic,
    secrets_of,
)
from ansible_collections.strata.containers.plugins.module_utils._registry.errors import (
    Denied,
    RateLimited,
    RegistryError,
    Unauthorized,
)
from ansible_collections.strata.containers.plugins.module_utils._registry.http import ConnectionOptions, HttpClient
from ansible_collections.strata.containers.plugins.module_utils._registry.retry import Clock
from ansible_collections.strata.containers.plugins.module_utils._registry.tokens import (
    BadChallenge,
    BadToken,
    TokenService,
    read_token,
)
from ansible_collections.strata.containers.plugins.module_utils._registry.urls import BadAddress
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.scripted_server import (
    FakeClock,
    ScriptedServer,
)

PULL = "repository:team/app:pull"
PATH = "/token?service=tests&scope=repository%3Ateam%2Fapp%3Apull"
NOW = 1_700_000_000.0  # 2023-11-14T22:13:20Z


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


def _service(
    server: ScriptedServer, credentials: Credentials | None = None, clock: FakeClock | None = None, realm: str = ""
) -> TokenService:
    clock = clock or FakeClock()
    challenge = Challenge("bearer", {"realm": realm or f"{server.url}/token", "service": "tests"})
    return TokenService(
        challenge,
        credentials,
        HttpClient(ConnectionOptions(timeout=5)),
        Clock(clock.now, clock.now, clock.sleep),
        "http://registry.example.com",
    )


def _json(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def test_an_anonymous_token_is_asked_for_without_credentials(server: ScriptedServer) -> None:
    server.expect("GET", PATH, body=_json(token="abc"), requires={"Authorization": None})
    assert _service(server).token((PULL,)).value == "abc"


def test_a_password_goes_along_as_basic_and_the_user_as_account(server: ScriptedServer) -> None:
    expected = "Basic " + base64.b64encode("user:p\u00e4ss:word".encode()).decode()
    server.expect(
        "GET",
        "/token?account=user&" + PATH.partition("?")[2],
        body=_json(access_token="abc"),
        requires={"Authorization": expected},
    )
    assert _service(server, Credentials("user", "p\u00e4ss:word")).token((PULL,)).value == "abc"


def test_an_identity_token_is_exchanged_in_a_form(server: ScriptedServer) -> None:
    server.expect("POST", "/token", body=_json(access_token="abc"), requires={"Authorization": None})
    _service(server, Credentials(identity_token="refresh")).token((PULL,))
    assert dict(parse_qsl(server.requests[0].body.decode())) == {
        "grant_type": "refresh_token",
        "refresh_token": "refresh",
        "client_id": "strata.containers",
        "service": "tests",
        "scope": PULL,
    }


def test_parameters_of_the_realm_are_kept_and_every_scope_is_asked_for(server: ScriptedServer) -> None:
    server.expect("GET", "/token?a=b%2Fc&service=tests&scope=one&scope=two", body=_json(token="abc"))
    _service(server, realm=f"{server.url}/token?a=b%2Fc#part").token(("one", "two"))
    assert parse_qs(urlsplit(server.requests[0].path).query)["a"] == ["b/c"]


def test_a_token_is_kept_for_its_scope_until_it_expires(server: ScriptedServer) -> None:
    server.expect("GET", PATH, body=_json(token="first", expires_in=100))
    server.expect("GET", PATH, body=_json(token="second"))
    server.expect("GET", "/token?service=tests&scope=other", body=_json(token="other"))
    clock = FakeClock()
    service = _service(server, clock=clock)
    assert service.token((PULL,)).value == "first"
    clock.seconds += 99
    assert service.token((PULL,)).value == "first"
    assert service.token(("other",)).value == "other"
    clock.seconds += 1
    assert service.token((PULL,)).value == "second"
    assert sorted(service.secrets()) == ["other", "second"]


def test_a_refused_token_is_forgotten_but_not_its_successor(server: ScriptedServer) -> None:
    server.expect("GET", PATH, body=_json(token="first"))
    server.expect("GET", PATH, body=_json(token="second"))
    service = _service(server)
    first = service.token((PULL,))
    service.forget((PULL,), first)
    assert service.token((PULL,)).value == "second"
    service.forget((PULL,), first)
    assert service.token((PULL,)).value == "second"


def test_threads_that_want_the_same_token_wait_for_one_request(server: ScriptedServer) -> None:
    gate = threading.Event()
    server.expect("GET", PATH, body=_json(token="abc"), gate=gate)
    service = _service(server)
    values: list[str] = []
    threads = [threading.Thread(target=lambda: values.append(service.token((PULL,)).value)) for _count in range(6)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join(10)
    assert values == ["abc"] * 6


@pytest.mark.parametrize(
    ("status", "body", "leaf", "text"),
    [
        (401, _json(details="incorrect username or password"), Unauthorized, "incorrect username or password"),
        (401, b"", Unauthorized, "no token for repository:team/app:pull was given"),
        (401, _json(errors=[{"code": "DENIED", "message": "no"}]), Unauthorized, "denied: no"),
        (403, _json(errors=[{"code": "DENIED", "message": "no"}]), Denied, "denied: no"),
        (403, b"", Denied, "403 Forbidden"),
        (429, b"", RateLimited, "429 Too Many Requests"),
        (503, b"", RegistryError, "503 Service Unavailable"),
    ],
)
def test_a_refusal_names_scope_user_and_origin_and_no_secret(
    server: ScriptedServer, status: int, body: bytes, leaf: type[RegistryError], text: str
) -> None:
    path = "/token?account=user&" + PATH.partition("?")[2]
    server.expect("GET", path, status=status, body=body)
    with pytest.raises(leaf, match=text) as caught:
        _service(server, Credentials("user", "hunter2", origin="/run/auth.json")).token((PULL,))
    assert isinstance(caught.value, leaf) and caught.value.status == status
    assert "asked with the credentials of user from /run/auth.json" in str(caught.value)
    assert "hunter2" not in str(caught.value) + repr(caught.value)
    assert caught.value.retryable is (status == 503)


@pytest.mark.parametrize("secret", ["hunter2", base64.b64encode(b"user:hunter2").decode()])
def test_a_token_service_that_echoes_secrets_is_not_quoted(server: ScriptedServer, secret: str) -> None:
    path = "/token?account=user&" + PATH.partition("?")[2]
    server.expect("GET", path, status=401, body=_json(message=f"you sent {secret}"))
    with pytest.raises(Unauthorized, match=r"you sent \*\*\*") as caught:
        _service(server, Credentials("user", "hunter2")).token((PULL,))
    assert secret not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b"hunter2",
        b"[]",
        b"{}",
        b'{"token": ""}',
        b'{"token": 5}',
        b'{"token": "hunter2\\r\\nX: y"}',
        b'{"token": "\xc3\xa4"}',
    ],
)
def test_an_answer_without_a_usable_token_is_an_error_that_does_not_quote_it(body: bytes) -> None:
    with pytest.raises(BadToken) as caught:
        read_token(body, NOW, "https://auth.example.com/token")
    assert "hunter2" not in str(caught.value) and caught.value.__context__ is None


@pytest.mark.parametrize(
    ("fields", "expires_at"),
    [
        ({}, NOW + 60),
        ({"expires_in": 5}, NOW + 60),
        ({"expires_in": 300}, NOW + 300),
        ({"expires_in": "300"}, NOW + 60),
        ({"expires_in": True}, NOW + 60),
        ({"expires_in": 300, "issued_at": "2023-11-14T22:13:10Z"}, NOW + 290),
        ({"expires_in": 300, "issued_at": "2023-11-15T00:13:10.123456789+02:00"}, NOW + 290),
        ({"expires_in": 300, "issued_at": "2023-11-14T20:13:10-02:00"}, NOW + 290),
        # Clocks that differ: a token of the future, and one that would be dead on arrival.
        ({"expires_in": 300, "issued_at": "2023-11-14T23:13:10Z"}, NOW + 300),
        ({"expires_in": 300, "issued_at": "2023-11-14T21:13:10Z"}, NOW + 300),
        ({"expires_in": 300, "issued_at": "yesterday"}, NOW + 300),
        ({"expires_in": 300, "issued_at": "0000-00-00T00:00:00Z"}, NOW + 300),
        ({"expires_in": 300, "issued_at": 5}, NOW + 300),
    ],
)
def test_a_token_lives_as_long_as_its_service_says_and_a_minute_at_least(
    fields: dict[str, Any], expires_at: float
) -> None:
    token = read_token(_json(token="hunter2", **fields), NOW, "x")
    assert (token.fetched_at, token.expires_at) == (NOW, expires_at)
    assert "hunter2" not in repr(token)


def test_a_body_above_a_mebibyte_is_refused(server: ScriptedServer) -> None:
    server.expect("GET", PATH, body=_json(token="x" * (1 << 20)))
    with pytest.raises(Exception, match="exceeded maximum allowed size of 1048576 bytes"):
        _service(server).token((PULL,))


class TestChallenge:
    @pytest.mark.parametrize(
        ("realm", "registry", "allow_http", "error"),
        [
            ("", "https://r.example.com", False, BadChallenge),
            ("/token", "https://r.example.com", False, BadAddress),
            ("ftp://a.example.com/", "https://r.example.com", False, BadAddress),
            ("http://a.example.com/token", "https://r.example.com", False, BadChallenge),
            ("http://a.example.com/token", "https://r.example.com", True, None),
            ("http://a.example.com/token", "http://r.example.com", False, None),
            ("https://a.example.com/token", "https://r.example.com", False, None),
        ],
    )
    def test_credentials_go_to_a_service_that_is_named_and_no_less_safe(
        self, realm: str, registry: str, allow_http: bool, error: type[Exception] | None
    ) -> None:
        def make() -> TokenService:
            http = HttpClient(ConnectionOptions(allow_http=allow_http))
            return TokenService(Challenge("bearer", {"realm": realm}), None, http, Clock(), registry)

        if error is None:
            assert make().secrets() == []
        else:
            with pytest.raises(error):
                make()


class TestCredentialText:
    def test_basic_needs_both_halves(self) -> None:
        assert basic(Credentials("user", "")) == basic(Credentials("", "x")) == ""
        # skopeo sends these to a registry, and not to a token service.
        assert basic(Credentials("user", ""), half=True) == "Basic dXNlcjo="
        assert basic(Credentials("", "x"), half=True) == "Basic Ong="
        assert basic(Credentials(), half=True) == ""
        assert basic(Credentials("Aladdin", "open sesame")) == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="  # RFC 7617

    def test_secrets_are_listed_in_every_form(self) -> None:
        listed = secrets_of(Credentials("Aladdin", "open sesame"))
        assert {"open sesame", "open%20sesame", "open+sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="} <= set(listed)
        assert secrets_of(Credentials(identity_token="t")) == ["t"]
        assert secrets_of(Credentials()) == []

    @pytest.mark.parametrize(
        ("credentials", "text"),
        [
            (None, " (asked without credentials)"),
            (Credentials(), " (asked without credentials)"),
            (Credentials("u", "p"), " (asked with the credentials of u)"),
            (Credentials(identity_token="t", origin="f"), " (asked with the credentials from f)"),
        ],
    )
    def test_people_are_told_as_whom_was_asked(self, credentials: Credentials | None, text: str) -> None:
        assert asked_as(credentials) == text
