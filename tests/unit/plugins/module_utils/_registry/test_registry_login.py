# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a registry takes a user: the questions it is asked, and what its answers mean."""

from __future__ import annotations

import base64
import traceback

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import RemoteError
from ansible_collections.strata.containers.plugins.module_utils._model.credentials import Credentials
from ansible_collections.strata.containers.plugins.module_utils._registry.http import ConnectionOptions
from ansible_collections.strata.containers.plugins.module_utils._registry.login import check_login
from ansible_collections.strata.containers.plugins.module_utils._registry.retry import Clock
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.registry_script import (
    basic_ping,
    bearer_ping,
    error_body,
    token_body,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.scripted_server import (
    FakeClock,
    ScriptedServer,
)

PASSWORD = "hunter2-s3cr3t"
USER = Credentials("user", PASSWORD, origin="the options of the task")
BASIC = "Basic " + base64.b64encode(f"user:{PASSWORD}".encode()).decode()
# Without a scope: the login is for no repository (distribution, docs/spec/auth/token.md).
TOKEN_PATH = "/token?account=user&service=tests"


def check(server: ScriptedServer, credentials: Credentials = USER) -> None:
    clock = FakeClock()
    options = ConnectionOptions(timeout=5, allow_http=True)
    check_login(server.host, credentials, options, clock=Clock(clock.now, clock.now, clock.sleep))


def test_basic_sends_the_password_along() -> None:
    with ScriptedServer() as server:
        basic_ping(server)
        server.expect("GET", "/v2/", requires={"Authorization": BASIC})
        check(server)


def test_bearer_asks_for_a_token_without_a_scope() -> None:
    with ScriptedServer() as server:
        bearer_ping(server)
        server.expect("GET", TOKEN_PATH, body=token_body("t"), requires={"Authorization": BASIC})
        server.expect("GET", "/v2/", requires={"Authorization": "Bearer t"})
        check(server)


def test_an_identity_token_is_sent_in_a_form() -> None:
    with ScriptedServer() as server:
        bearer_ping(server)
        server.expect("POST", "/token", body=token_body("t"), requires={"Authorization": None})
        server.expect("GET", "/v2/", requires={"Authorization": "Bearer t"})
        check(server, Credentials(identity_token="i"))
        (form,) = [request.body for request in server.requests if request.method == "POST"]
        assert form == b"grant_type=refresh_token&refresh_token=i&client_id=strata.containers&service=tests"


def test_a_registry_that_asks_nobody_takes_everybody() -> None:
    with ScriptedServer() as server:
        server.expect("GET", "/v2/", times=2, requires={"Authorization": None})
        check(server)


def refused_by_registry(server: ScriptedServer, status: int, body: bytes) -> None:
    basic_ping(server)
    server.expect("GET", "/v2/", status=status, body=body, times=None, requires={"Authorization": BASIC})


def refused_by_token_service(server: ScriptedServer, status: int, body: bytes) -> None:
    bearer_ping(server)
    server.expect("GET", TOKEN_PATH, status=status, body=body)


@pytest.mark.parametrize("refuse", [refused_by_registry, refused_by_token_service])
@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, error_body("UNAUTHORIZED", f"no {PASSWORD}"), "unauthorized"),
        (401, b"", "unauthorized"),
        (403, error_body("DENIED"), "denied"),
        (404, b"", "registry_error"),
        (500, b"", "registry_error"),
        (400, f'{{"details": "bad {BASIC}"}}'.encode(), "registry_error"),
    ],
)
def test_a_refusal_says_whose_and_shows_no_secret(refuse: object, status: int, body: bytes, code: str) -> None:
    with ScriptedServer() as server:
        refuse(server, status, body)  # type: ignore[operator]
        with pytest.raises(RemoteError) as caught:
            check(server)
        error = caught.value
        assert (error.code, error.status) == (code, status)
        if status in (401, 403):
            assert "user from the options of the task" in error.message
        shown = "".join(traceback.format_exception(type(error), error, error.__traceback__)) + repr(error.facts())
        assert PASSWORD not in shown and BASIC not in shown


def test_a_server_that_is_no_registry_is_told_no_password() -> None:
    with ScriptedServer() as server:
        server.expect("GET", "/v2/", status=404, requires={"Authorization": None})
        with pytest.raises(RemoteError) as caught:
            check(server)
        assert caught.value.code == "not_a_registry"
