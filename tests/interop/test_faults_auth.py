# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of faults, who asks: passwords, tokens, challenges and helpers that fail, and where secrets must not go."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from lab.fault_bench import EACH_COPY, ONCE, FaultBench, row
from lab.modules import ModuleResult
from lab.scripted_registry import ScriptedRegistry, error_body, make_image, small_layer

IMAGE = make_image([small_layer()])
USER, PASSWORD = "robot", "hunter2-of-the-robot"
BASIC = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
TOKEN = "token-that-nobody-may-see"


@pytest.fixture
def login(bench: FaultBench) -> dict[str, str]:
    """The option that names a file with credentials: what an option holds Ansible would hide, whoever leaks it."""
    return {"authfile": bench.write("login.json", json.dumps({"auths": {bench.registry.host: {"auth": BASIC}}}))}


def _without_secrets(result: ModuleResult) -> ModuleResult:
    for secret in (PASSWORD, BASIC, TOKEN, "signature-of-a-query"):
        assert secret not in result.text
    return result


def test_row_02_a_wrong_password(bench: FaultBench, login: dict[str, str]) -> None:
    path = bench.registry.manifest_path()
    bench.registry.ask_for_basic()
    bench.registry.expect(
        "GET",
        path,
        status=401,
        body=error_body("UNAUTHORIZED", f"bad {BASIC}"),
        requires={"Authorization": f"Basic {BASIC}"},
    )
    result = _without_secrets(bench.pull(**login))
    bench.refused(result, "unauthorized", USER, login["authfile"])
    assert bench.registry.asked(path) == ONCE


def test_row_02_a_wrong_password_for_the_token_service(bench: FaultBench, login: dict[str, str]) -> None:
    path = bench.registry.ask_for_token(account=USER)
    answer = error_body("UNAUTHORIZED", f"no user with {PASSWORD}")
    bench.registry.expect("GET", path, status=401, body=answer, requires={"Authorization": f"Basic {BASIC}"})
    result = _without_secrets(bench.pull(**login))
    bench.refused(result, "unauthorized", USER, login["authfile"])
    assert bench.registry.asked(path) == ONCE
    assert bench.registry.asked(bench.registry.manifest_path()) == 0


def test_row_02_a_refused_identity_token(bench: FaultBench) -> None:
    bench.registry.ask_for_token()
    bench.registry.expect("POST", "/token", status=401, body=f'{{"details": "no {TOKEN}"}}'.encode())
    entry = {"auth": base64.b64encode(b"robot:").decode(), "identitytoken": TOKEN}
    authfile = bench.write("login.json", json.dumps({"auths": {bench.registry.host: entry}}))
    result = _without_secrets(bench.pull(authfile=authfile))
    bench.refused(result, "unauthorized", authfile)
    assert bench.registry.paths().count("POST /token") == ONCE


@pytest.mark.parametrize(
    ("status", "body", "code", "asked"),
    [
        row(4, "403", 403, error_body("DENIED", "not yours"), "denied", ONCE),
        row(4, "403_of_another_form", 403, b'{"details":"not yours"}', "denied", ONCE),
        row(4, "403_page", 403, b"<html>not yours</html>", "denied", ONCE),
        row(4, "404", 404, b"", "registry_error", ONCE),
        row(4, "garbage", 200, b"<html>sign in</html>", "bad_token", ONCE),
        row(4, "no_token", 200, b'{"error": "none"}', "bad_token", ONCE),
        row(4, "a_token_with_a_line_break", 200, b'{"token": "a\\r\\nX-Evil: 1"}', "bad_token", ONCE),
        row(9, "500_of_the_token_service", 500, b"", "registry_error", ONCE),
        row(9, "503_of_the_token_service", 503, b"", "registry_error", EACH_COPY),
        row(8, "429_of_the_token_service", 429, error_body("TOOMANYREQUESTS"), "rate_limited", EACH_COPY),
        row(8, "429_of_the_token_service_in_words", 429, b"slow down", "rate_limited", ONCE),
    ],
)
def test_a_token_service_that_gives_none(bench: FaultBench, status: int, body: bytes, code: str, asked: int) -> None:
    """Its 429 is not repeated for each request, as that of a registry is."""
    path = bench.registry.ask_for_token()
    bench.registry.expect("GET", path, status=status, body=body, headers={"Retry-After": "0"}, times=None)
    bench.refused(bench.pull(), code, f"{bench.registry.url}/token")
    assert bench.registry.asked(path) == asked
    assert bench.registry.asked(bench.registry.manifest_path()) == 0


def test_row_03_a_token_that_does_not_suffice(bench: FaultBench) -> None:
    tokens, path = bench.registry.ask_for_token(), bench.registry.manifest_path()
    bench.registry.expect("GET", tokens, body=json.dumps({"token": TOKEN}).encode())
    answer = error_body("DENIED", f"{TOKEN} may not")
    bench.registry.expect("GET", path, status=401, body=answer, requires={"Authorization": f"Bearer {TOKEN}"})
    bench.refused(_without_secrets(bench.pull()), "denied")
    assert (bench.registry.asked(tokens), bench.registry.asked(path)) == (ONCE, ONCE)


def test_row_03_a_scope_that_is_asked_for_again_and_again_is_fetched_once(bench: FaultBench) -> None:
    tokens, path = bench.registry.ask_for_token(), bench.registry.manifest_path()
    more = 'Bearer realm="x",error="insufficient_scope",scope="repository:team/base:pull"'
    wider = f"{tokens}&scope=repository%3Ateam%2Fbase%3Apull"
    bench.registry.expect("GET", tokens, body=json.dumps({"token": TOKEN}).encode())
    bench.registry.expect("GET", wider, body=json.dumps({"token": f"{TOKEN}2"}).encode())
    bench.registry.expect("GET", path, status=401, headers={"WWW-Authenticate": more}, times=2)
    bench.refused(_without_secrets(bench.pull()), "unauthorized")


@pytest.mark.parametrize(
    ("challenge", "code", "asked"),
    [
        row(7, "no_realm", 'Bearer service="tests"', "bad_challenge", 0),
        row(7, "an_empty_realm", 'Bearer realm="",service="tests"', "bad_challenge", 0),
        row(7, "a_realm_that_is_no_address", 'Bearer realm="ftp://tokens/x"', "bad_address", 0),
        row(7, "an_unknown_scheme", "Negotiate", "unauthorized", ONCE),
        row(7, "no_scheme", "", "unauthorized", ONCE),
        row(7, "a_challenge_nobody_can_read", '"=,,\x7f', "unauthorized", ONCE),
    ],
)
def test_a_challenge_that_cannot_be_answered(
    bench: FaultBench, login: dict[str, str], challenge: str, code: str, asked: int
) -> None:
    """Where no scheme is known, the request goes without credentials, and the registry says what it makes of that."""
    path = bench.registry.manifest_path()
    bench.registry.challenge(challenge)
    bench.registry.expect(
        "GET", path, status=401, body=error_body("UNAUTHORIZED"), requires={"Authorization": None}, times=None
    )
    bench.refused(_without_secrets(bench.pull(**login)), code)
    assert bench.registry.asked(path) == asked


def test_row_03_credentials_do_not_follow_a_redirect(bench: FaultBench, login: dict[str, str]) -> None:
    """Nor does the query of the address that it leads to, which may be a signature, into an error."""
    path = bench.registry.manifest_path()
    with ScriptedRegistry() as other:
        target = f"{other.url}/elsewhere?signature-of-a-query"
        other.expect("GET", "/elsewhere?signature-of-a-query", status=403, requires={"Authorization": None})
        bench.registry.ask_for_basic()
        bench.registry.expect("GET", path, status=307, headers={"Location": target})
        bench.refused(_without_secrets(bench.pull(**login)), "denied")


@pytest.fixture
def helpers(bench: FaultBench) -> dict[str, Any]:
    """The option for a file that names a helper, and an environment in which helpers of the tests are found."""
    path = bench.write("helpers.json", json.dumps({"credHelpers": {bench.registry.host: "lab"}}))
    bench.registry.ask_for_basic()
    return {"authfile": path, "env": {"PATH": f"{bench.directory}:/usr/bin:/bin"}}


def _helper(bench: FaultBench, script: str) -> None:
    path = bench.write("docker-credential-lab", f"#!/bin/sh\n{script}\n")
    (bench.directory / "docker-credential-lab").chmod(0o755)
    assert path


def test_row_40_a_helper_that_is_not_installed(bench: FaultBench, helpers: dict[str, Any]) -> None:
    bench.refused(bench.pull(**helpers), "credential_helper_missing", "docker-credential-lab")
    assert bench.registry.asked(bench.registry.manifest_path()) == 0


@pytest.mark.parametrize(
    ("script", "words"),
    [
        row(40, "that_says_why", "echo the keychain is locked; exit 1", ["the keychain is locked"]),
        row(40, "that_says_nothing", "exit 3", ["3"]),
        row(40, "that_answers_garbage", f"echo {PASSWORD}", []),
    ],
)
def test_a_helper_that_fails(bench: FaultBench, helpers: dict[str, Any], script: str, words: list[str]) -> None:
    _helper(bench, script)
    bench.refused(_without_secrets(bench.pull(**helpers)), "credential_helper_failed", "docker-credential-lab", *words)
    assert bench.registry.asked(bench.registry.manifest_path()) == 0


def test_row_40_what_a_helper_gives_is_shown_to_the_registry_alone(bench: FaultBench, helpers: dict[str, Any]) -> None:
    answer = json.dumps({"ServerURL": bench.registry.host, "Username": USER, "Secret": PASSWORD})
    _helper(bench, f"read server; test \"$server\" = {bench.registry.host} && echo '{answer}'")
    path = bench.registry.manifest_path()
    bench.registry.expect("GET", path, status=403, requires={"Authorization": f"Basic {BASIC}"})
    bench.refused(_without_secrets(bench.pull(**helpers)), "denied", "docker-credential-lab")
