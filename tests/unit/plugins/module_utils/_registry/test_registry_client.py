# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The conversation with a registry, step by step, against a server that plays a script."""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import RemoteError, StrataError
from ansible_collections.strata.containers.plugins.module_utils._model.credentials import Credentials
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._registry.body import BodyTooLarge
from ansible_collections.strata.containers.plugins.module_utils._registry.client import RegistryClient
from ansible_collections.strata.containers.plugins.module_utils._registry.connection import RegistryConnection
from ansible_collections.strata.containers.plugins.module_utils._registry.errors import (
    Denied,
    ManifestUnknown,
    NotARegistry,
    RateLimited,
    RegistryError,
    Unauthorized,
)
from ansible_collections.strata.containers.plugins.module_utils._registry.failures import (
    PlainHttpAnswer,
    RegistryUnreachable,
)
from ansible_collections.strata.containers.plugins.module_utils._registry.http import ConnectionOptions, HttpClient
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.registry_script import (
    BLOB,
    BLOB_PATH,
    DIGEST,
    LATEST,
    OCI,
    TOKEN_PATH,
    basic_ping,
    bearer_ping,
    error_body,
    make_client,
    token_body,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.scripted_server import (
    FakeClock,
    ScriptedServer,
)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


class TestManifest:
    def test_bytes_and_media_type_are_what_the_registry_sent(self, server: ScriptedServer) -> None:
        server.expect("GET", "/v2/", requires={"Authorization": None})
        server.expect("GET", LATEST, body=b"{ }\n", headers={"Content-Type": f"{OCI.upper()}; charset=utf-8"})
        assert make_client(server).manifest("latest") == (b"{ }\n", OCI)
        headers = server.requests[1].headers
        assert headers["accept"].split(", ")[0] == OCI and len(headers["accept"].split(", ")) == 6
        assert headers["docker-distribution-api-version"] == "registry/2.0"
        assert headers["user-agent"] == "strata.containers"

    def test_a_media_type_may_be_missing(self, server: ScriptedServer) -> None:
        server.expect("GET", "/v2/")
        server.expect("GET", f"/v2/team/app/manifests/{DIGEST}", body=b"{}")
        assert make_client(server).manifest(str(DIGEST)) == (b"{}", "")

    @pytest.mark.parametrize(("size", "fits"), [(4 << 20, True), ((4 << 20) + 1, False)])
    def test_four_mebibytes_are_the_limit(self, server: ScriptedServer, size: int, fits: bool) -> None:
        server.expect("GET", "/v2/")
        server.expect("GET", LATEST, body=b"x" * size)
        if fits:
            assert len(make_client(server).manifest("latest").raw) == size
        else:
            with pytest.raises(BodyTooLarge, match=f"{server.host}/team/app:latest: exceeded .* 4194304 bytes"):
                make_client(server).manifest("latest")

    @pytest.mark.parametrize(
        ("status", "body", "leaf"),
        [
            (404, error_body("MANIFEST_UNKNOWN"), ManifestUnknown),
            (404, b"not found", ManifestUnknown),
            (401, error_body("UNAUTHORIZED"), Unauthorized),
            (403, error_body("DENIED"), Denied),
            (500, b"", RegistryError),
        ],
    )
    def test_a_refusal_names_the_image(
        self, server: ScriptedServer, status: int, body: bytes, leaf: type[RemoteError]
    ) -> None:
        server.expect("GET", "/v2/")
        server.expect("GET", LATEST, status=status, body=body)
        with pytest.raises(leaf, match=f"{server.host}/team/app:latest: ") as caught:
            make_client(server).manifest("latest")
        assert caught.value.status == status
        assert ("asked without credentials" in str(caught.value)) is (status in (401, 403))

    def test_a_login_page_is_no_manifest(self, server: ScriptedServer) -> None:
        server.expect("GET", "/v2/")
        server.expect("GET", LATEST, body=b"<html>", headers={"Content-Type": "text/html"})
        with pytest.raises(NotARegistry, match="wanted a manifest, found text/html"):
            make_client(server).manifest("latest")


class TestPing:
    def test_the_registry_is_asked_once_for_all_threads(self, server: ScriptedServer) -> None:
        gate = threading.Event()
        server.expect("GET", "/v2/", gate=gate)
        server.expect("GET", LATEST, body=b"{}", times=4)
        client = make_client(server)
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(client.manifest, "latest") for _count in range(4)]
            gate.set()
            assert {future.result().raw for future in asked} == {b"{}"}

    @pytest.mark.parametrize(
        ("status", "body", "leaf", "retryable"),
        [
            (404, b"nothing here", NotARegistry, False),
            (403, b"", NotARegistry, False),
            (403, error_body("DENIED", "blocked country"), Denied, False),
            (503, b"", RegistryError, True),
        ],
    )
    def test_an_answer_that_is_no_registrys(
        self, server: ScriptedServer, status: int, body: bytes, leaf: type[RemoteError], retryable: bool
    ) -> None:
        server.expect("GET", "/v2/", status=status, body=body)
        with pytest.raises(leaf, match=server.host) as caught:
            make_client(server).manifest("latest")
        assert caught.value.retryable is retryable

    def test_a_failed_ping_is_not_remembered(self, server: ScriptedServer) -> None:
        server.expect("GET", "/v2/", status=503)
        server.expect("GET", "/v2/")
        server.expect("GET", LATEST, body=b"{}")
        client = make_client(server)
        with pytest.raises(RegistryError):
            client.manifest("latest")
        assert client.manifest("latest").raw == b"{}"

    def test_http_is_asked_only_where_it_is_allowed(self, server: ScriptedServer) -> None:
        client = RegistryClient(server.host, "team/app", None, ConnectionOptions(timeout=5))
        with pytest.raises(PlainHttpAnswer, match=server.host):
            client.manifest("latest")
        assert server.requests == []

    def test_the_failure_of_https_is_told_when_http_fails_too(self) -> None:
        client = RegistryClient("no-such-host.invalid", "a", None, ConnectionOptions(allow_http=True))
        with pytest.raises(RegistryUnreachable, match="no-such-host.invalid: the host was not found"):
            client.manifest("latest")

    def test_docker_io_is_served_by_another_host(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = []

        def request(self: HttpClient, method: str, url: str, **options: Any) -> None:
            asked.append(url)
            raise RegistryUnreachable("not today")

        monkeypatch.setattr(HttpClient, "request", request)
        with pytest.raises(RegistryUnreachable):
            RegistryClient("docker.io", "library/x", None, ConnectionOptions()).manifest("latest")
        assert asked == ["https://registry-1.docker.io/v2/"]


class TestAuthorization:
    def test_basic_sends_the_password_with_every_request_but_the_ping(self, server: ScriptedServer) -> None:
        basic_ping(server)
        expected = {"Authorization": "Basic " + base64.b64encode(b"user:hunter2").decode()}
        server.expect("GET", LATEST, body=b"{}", requires=expected)
        server.expect("GET", BLOB_PATH, body=BLOB, requires=expected)
        client = make_client(server, Credentials("user", "hunter2"))
        client.manifest("latest")
        assert b"".join(client.blob(DIGEST)) == BLOB
        assert "authorization" not in server.requests[0].headers

    def test_basic_without_credentials_asks_without(self, server: ScriptedServer) -> None:
        basic_ping(server)
        server.expect("GET", LATEST, status=401, body=error_body("UNAUTHORIZED"), requires={"Authorization": None})
        with pytest.raises(Unauthorized, match="asked without credentials"):
            make_client(server).manifest("latest")

    @pytest.mark.parametrize(("user", "password"), [("token-as-a-name", ""), ("", "token-alone")])
    def test_basic_sends_half_of_a_pair(self, server: ScriptedServer, user: str, password: str) -> None:
        basic_ping(server)
        expected = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        server.expect("GET", LATEST, body=b"{}", requires={"Authorization": expected})
        make_client(server, Credentials(user, password)).manifest("latest")

    def test_credentials_are_not_sent_to_who_does_not_ask(self, server: ScriptedServer) -> None:
        server.expect("GET", "/v2/")
        server.expect("GET", LATEST, body=b"{}", requires={"Authorization": None})
        make_client(server, Credentials("user", "hunter2")).manifest("latest")

    def test_bearer_fetches_one_token_for_the_repository(self, server: ScriptedServer) -> None:
        bearer_ping(server)
        server.expect("GET", TOKEN_PATH, body=token_body("abc"))
        server.expect("GET", LATEST, body=b"{}", requires={"Authorization": "Bearer abc"})
        server.expect("GET", BLOB_PATH, body=BLOB, requires={"Authorization": "Bearer abc"})
        client = make_client(server)
        client.manifest("latest")
        assert b"".join(client.blob(DIGEST)) == BLOB

    def test_a_missing_scope_is_asked_for_once(self, server: ScriptedServer) -> None:
        bearer_ping(server)
        server.expect("GET", TOKEN_PATH, body=token_body("narrow"))
        challenge = 'Bearer realm="x",error="insufficient_scope",scope="repository:team/base:pull"'
        server.expect("GET", LATEST, status=401, headers={"WWW-Authenticate": challenge})
        server.expect("GET", TOKEN_PATH + "&scope=repository%3Ateam%2Fbase%3Apull", body=token_body("wide"))
        server.expect(
            "GET",
            LATEST,
            status=401,
            headers={"WWW-Authenticate": challenge},
            requires={"Authorization": "Bearer wide"},
        )
        with pytest.raises(Unauthorized):
            make_client(server).manifest("latest")

    def test_a_token_that_died_early_is_replaced_once(self, server: ScriptedServer) -> None:
        clock = FakeClock()
        bearer_ping(server)
        server.expect("GET", TOKEN_PATH, body=token_body("old"))
        server.expect("GET", LATEST, body=b"{}")
        server.expect("GET", LATEST, status=401, requires={"Authorization": "Bearer old"})
        server.expect("GET", TOKEN_PATH, body=token_body("new"))
        server.expect("GET", LATEST, body=b"{}", requires={"Authorization": "Bearer new"})
        client = make_client(server, clock=clock)
        client.manifest("latest")
        clock.seconds += 30
        assert client.manifest("latest").raw == b"{}"

    def test_a_fresh_token_that_is_refused_is_refused(self, server: ScriptedServer) -> None:
        bearer_ping(server)
        server.expect("GET", TOKEN_PATH, body=token_body("abc"))
        server.expect("GET", LATEST, status=401, body=error_body("UNAUTHORIZED", "authentication required"))
        with pytest.raises(Unauthorized, match="unauthorized: authentication required"):
            make_client(server).manifest("latest")

    def test_a_challenge_without_realm_is_told(self, server: ScriptedServer) -> None:
        server.expect("GET", "/v2/", status=401, headers={"WWW-Authenticate": "Bearer"})
        with pytest.raises(RemoteError, match="missing realm in bearer auth challenge"):
            make_client(server).manifest("latest")

    def test_a_blob_on_another_host_is_fetched_without_the_token(self, server: ScriptedServer) -> None:
        with ScriptedServer() as storage:
            bearer_ping(server)
            server.expect("GET", TOKEN_PATH, body=token_body("abc"))
            server.expect("GET", BLOB_PATH, status=307, headers={"Location": f"{storage.url}/x?sig=hunter2"})
            storage.expect("GET", "/x?sig=hunter2", body=BLOB, requires={"Authorization": None})
            assert b"".join(make_client(server).blob(DIGEST)) == BLOB


class TestSecrets:
    def test_no_error_log_or_repr_shows_any(
        self, server: ScriptedServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """A registry that echoes password and token in every place it has, and everything that we say about it."""
        caplog.set_level(logging.DEBUG)
        credentials = Credentials("user", "hunter2", origin="/run/auth.json")
        encoded = base64.b64encode(b"user:hunter2").decode()
        echo = f"hunter2 {encoded} t0ken"
        bearer_ping(server)
        path = "/token?account=user&" + TOKEN_PATH.partition("?")[2]
        server.expect("GET", path, body=token_body("t0ken"))
        server.expect("GET", LATEST, status=400, body=error_body("X", echo), headers={"Warning": f'299 - "{echo}"'})
        server.expect("GET", BLOB_PATH, status=404, body=echo.encode())
        warnings: list[str] = []
        client = make_client(server, credentials, warnings=warnings)
        said = [repr(client), repr(vars(client)), repr(credentials)]
        for ask in (lambda: client.manifest("latest"), lambda: list(client.blob(DIGEST))):
            with pytest.raises(StrataError) as caught:
                ask()
            said += [str(caught.value), repr(caught.value), str(caught.value.facts())]
        said += [caplog.text, *capfd.readouterr(), *warnings]
        for secret in ("hunter2", encoded, "t0ken"):
            assert [text for text in said if secret in text] == []
        assert warnings == [f"{server.host}: *** *** ***"]


class TestPatience:
    def test_a_registry_that_wants_a_pause_gets_it(self, server: ScriptedServer) -> None:
        clock = FakeClock()
        server.expect("GET", "/v2/", status=429)
        server.expect("GET", "/v2/")
        server.expect("GET", LATEST, status=429, headers={"Retry-After": "7"})
        server.expect("GET", LATEST, body=b"{}")
        assert make_client(server, clock=clock).manifest("latest").raw == b"{}"
        assert clock.slept == [2.0, 7.0]

    def test_after_five_times_it_is_an_error(self, server: ScriptedServer) -> None:
        server.expect("GET", "/v2/")
        server.expect("GET", LATEST, status=429, body=error_body("TOOMANYREQUESTS", "slow down"), times=5)
        with pytest.raises(RateLimited, match="toomanyrequests: slow down") as caught:
            make_client(server).manifest("latest")
        assert caught.value.retryable

    def test_a_warning_is_handed_on_once(self, server: ScriptedServer) -> None:
        server.expect("GET", "/v2/")
        headers = [("Warning", '299 - "use another \\x1b[1mregistry"'), ("Warning", '199 - "no"'), ("Warning", "299")]
        server.expect("GET", LATEST, body=b"{}", headers=headers, times=2)
        warnings: list[str] = []
        client = make_client(server, warnings=warnings)
        client.manifest("latest")
        client.manifest("latest")
        assert warnings == [f"{server.host}: use another \\x1b[1mregistry"]


class TestDigestOfATag:
    @pytest.mark.parametrize(
        ("status", "headers", "expected"),
        [
            (200, {"Docker-Content-Digest": str(DIGEST)}, DIGEST),
            (200, {}, None),
            (200, {"Docker-Content-Digest": "sha256:short"}, None),
            (405, {}, None),
            (404, {}, None),
            (500, {}, None),
        ],
    )
    def test_it_is_a_hint(
        self, server: ScriptedServer, status: int, headers: dict[str, str], expected: Digest | None
    ) -> None:
        server.expect("GET", "/v2/")
        server.expect("HEAD", LATEST, status=status, headers=headers, body=b"never sent")
        assert make_client(server).manifest_digest("latest") == expected

    def test_a_registry_that_wants_a_pause_is_not_asked_another_way(self, server: ScriptedServer) -> None:
        server.expect("GET", "/v2/")
        server.expect("HEAD", LATEST, status=429, times=5)
        with pytest.raises(RateLimited):
            make_client(server).manifest_digest("latest")


def test_a_closed_client_gives_its_connections_back(server: ScriptedServer) -> None:
    server.expect("GET", "/v2/")
    server.expect("GET", LATEST, body=b"{}")
    client = make_client(server)
    client.manifest("latest")
    client.close()
    client.close()
    assert isinstance(client._connection, RegistryConnection)


class TestBlobSize:
    @pytest.mark.parametrize(("status", "expected"), [(200, 12345), (404, None), (403, None), (405, None)])
    def test_it_is_what_the_answer_to_head_says(
        self, server: ScriptedServer, status: int, expected: int | None
    ) -> None:
        server.expect("GET", "/v2/")
        server.expect("HEAD", BLOB_PATH, status=status, body=bytes(12345))
        assert make_client(server).blob_size(DIGEST) == expected

    def test_a_limit_of_the_registry_is_an_error(self, server: ScriptedServer) -> None:
        server.expect("GET", "/v2/")
        server.expect("HEAD", BLOB_PATH, status=429, times=5)
        with pytest.raises(RateLimited):
            make_client(server).blob_size(DIGEST)
