# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The promises of the HTTP client: secrets stay home, bodies are whole, failures are ours."""

from __future__ import annotations

import os
import socket
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import MissingLibraryError, RemoteError
from ansible_collections.strata.containers.plugins.module_utils._registry import http
from ansible_collections.strata.containers.plugins.module_utils._registry.body import (
    read_body,
)
from ansible_collections.strata.containers.plugins.module_utils._registry.errors import NotARegistry
from ansible_collections.strata.containers.plugins.module_utils._registry.failures import (
    PlainHttpAnswer,
    RegistryUnreachable,
)
from ansible_collections.strata.containers.plugins.module_utils._registry.http import (
    ConnectionOptions,
    HttpClient,
    UnsafeRedirect,
)
from ansible_collections.strata.containers.plugins.module_utils._registry.tls import BadCertificateFile
from ansible_collections.strata.containers.plugins.module_utils._registry.urls import BadAddress
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.raw_server import RawServer
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.scripted_server import (
    ScriptedServer,
)

SECRET = "Basic c2VjcmV0OnNlY3JldA=="
SIGNATURE = "sig=hunter2"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def elsewhere() -> Iterator[ScriptedServer]:
    """Another origin: the same host and another port."""
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def client() -> Iterator[HttpClient]:
    client = HttpClient(ConnectionOptions(timeout=5))
    yield client
    client.close()


class TestSecrets:
    def test_authorization_follows_a_redirect_within_the_origin(
        self, server: ScriptedServer, client: HttpClient
    ) -> None:
        server.expect("GET", "/a", status=307, headers={"Location": "/b"}, requires={"Authorization": SECRET})
        server.expect("GET", "/b", requires={"Authorization": SECRET})
        assert client.request("GET", server.url + "/a", authorization=SECRET).status == 200

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_authorization_does_not_follow_a_redirect_elsewhere(
        self, server: ScriptedServer, elsewhere: ScriptedServer, client: HttpClient, status: int
    ) -> None:
        server.expect("GET", "/a", status=status, headers={"Location": elsewhere.url + "/blob?sig=x"})
        elsewhere.expect("GET", "/blob?sig=x", requires={"Authorization": None, "Range": "bytes=5-"})
        response = client.request("GET", server.url + "/a", headers={"Range": "bytes=5-"}, authorization=SECRET)
        assert response.status == 200

    def test_authorization_does_not_come_back_by_way_of_another_host(
        self, server: ScriptedServer, elsewhere: ScriptedServer, client: HttpClient
    ) -> None:
        server.expect("GET", "/a", status=302, headers={"Location": elsewhere.url + "/b"})
        elsewhere.expect("GET", "/b", status=302, headers={"Location": server.url + "/c"})
        server.expect("GET", "/c", requires={"Authorization": None})
        assert client.request("GET", server.url + "/a", authorization=SECRET).status == 200

    def test_a_form_is_not_sent_elsewhere(
        self, server: ScriptedServer, elsewhere: ScriptedServer, client: HttpClient
    ) -> None:
        server.expect("POST", "/token", status=307, headers={"Location": elsewhere.url + "/token"})
        with pytest.raises(UnsafeRedirect):
            client.request("POST", server.url + "/token", form=[("refresh_token", "secret")])
        assert elsewhere.requests == []

    def test_a_form_is_a_body_and_303_drops_it(self, server: ScriptedServer, client: HttpClient) -> None:
        server.expect("POST", "/token", status=303, headers={"Location": "/done"})
        server.expect("GET", "/done")
        client.request("POST", server.url + "/token", form=[("a", "1 2"), ("b", "&")])
        first, second = server.requests
        assert (first.body, second.body) == (b"a=1+2&b=%26", b"")
        assert first.headers["content-type"] == "application/x-www-form-urlencoded"

    def test_a_password_in_a_location_is_refused(self, server: ScriptedServer, client: HttpClient) -> None:
        server.expect("GET", "/a", status=302, headers={"Location": f"http://u:hunter2@{server.host}/b"})
        with pytest.raises(BadAddress) as caught:
            client.request("GET", server.url + "/a")
        assert "hunter2" not in str(caught.value)

    def test_netrc_is_not_read(
        self, server: ScriptedServer, client: HttpClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login u password hunter2\n", encoding="utf-8")
        monkeypatch.setenv("NETRC", str(netrc))
        server.expect("GET", "/", requires={"Authorization": None})
        assert client.request("GET", server.url + "/").status == 200

    def test_cookies_are_not_kept(self, server: ScriptedServer, client: HttpClient) -> None:
        server.expect("GET", "/1", headers={"Set-Cookie": "a=b; Path=/"})
        server.expect("GET", "/2", requires={"Cookie": None})
        for path in ("/1", "/2"):
            with client.request("GET", server.url + path) as response:
                response.read(1)

    def test_no_exception_carries_the_request(self, client: HttpClient) -> None:
        url = f"http://127.0.0.1:{_closed_port()}/v2/?{SIGNATURE}"
        with pytest.raises(RegistryUnreachable) as caught:
            client.request("GET", url, authorization=SECRET)
        error = caught.value
        assert error.__cause__ is None and error.__context__ is None
        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        assert "hunter2" not in text and SECRET not in text + repr(error) + str(error.facts())


class TestRedirects:
    def test_ten_are_followed(self, server: ScriptedServer, client: HttpClient) -> None:
        for count in range(10):
            server.expect("GET", f"/{count}", status=302, headers={"Location": f"/{count + 1}"})
        server.expect("GET", "/10")
        response = client.request("GET", server.url + "/0")
        assert (response.status, response.url) == (200, server.url + "/10")

    def test_an_eleventh_is_not(self, server: ScriptedServer, client: HttpClient) -> None:
        server.expect("GET", "/", status=302, headers={"Location": "/"}, times=11)
        with pytest.raises(UnsafeRedirect, match="stopped after 10 redirects"):
            client.request("GET", server.url + "/")

    def test_another_scheme_is_refused(self, server: ScriptedServer, client: HttpClient) -> None:
        server.expect("GET", "/", status=302, headers={"Location": "file:///etc/passwd"})
        with pytest.raises(BadAddress):
            client.request("GET", server.url + "/")

    def test_https_does_not_become_http(self, client: HttpClient) -> None:
        with pytest.raises(UnsafeRedirect, match="from https to http"):
            client._check_redirect("https://a.example.com/", "http://a.example.com/")
        lenient = HttpClient(ConnectionOptions(allow_http=True))
        lenient._check_redirect("https://a/", "http://a/")
        with pytest.raises(UnsafeRedirect, match="from https to http"):
            lenient._check_redirect("https://a/", "http://a/", may_downgrade=False)
        client._check_redirect("http://a.example.com/", "https://a.example.com/")

    def test_a_redirect_without_location_is_an_answer(self, server: ScriptedServer, client: HttpClient) -> None:
        server.expect("GET", "/", status=304)
        server.expect("GET", "/", status=302)
        assert [client.request("GET", server.url + "/").status for _count in range(2)] == [304, 302]

    def test_head_stays_head(self, server: ScriptedServer, client: HttpClient) -> None:
        server.expect("HEAD", "/a", status=303, headers={"Location": "/b"})
        server.expect("HEAD", "/b", body=b"never sent")
        with client.request("HEAD", server.url + "/a") as response:
            assert response.read(10) == b""


class TestFailures:
    @pytest.mark.parametrize(
        ("url", "text", "retryable"),
        [
            ("http://127.0.0.1:{closed}/", "Connection refused", True),
            ("http://no-such-host.invalid/", "the host was not found", False),
        ],
    )
    def test_no_connection(self, client: HttpClient, url: str, text: str, retryable: bool) -> None:
        with pytest.raises(RegistryUnreachable, match=text) as caught:
            client.request("GET", url.format(closed=_closed_port()))
        assert caught.value.code == "registry_unreachable"
        assert caught.value.retryable is retryable

    def test_silence(self) -> None:
        client = HttpClient(ConnectionOptions(timeout=1))
        with RawServer(b"", stay=True) as url, pytest.raises(RegistryUnreachable, match="1 seconds") as caught:
            client.request("GET", url)
        assert caught.value.retryable

    def test_a_connection_closed_without_an_answer(self, client: HttpClient) -> None:
        with RawServer(b"") as url, pytest.raises(RegistryUnreachable, match="without an answer") as caught:
            client.request("GET", url)
        assert caught.value.retryable

    def test_an_answer_that_is_not_http(self, client: HttpClient) -> None:
        with RawServer(b"220 mail.example.com ESMTP\r\n") as url, pytest.raises(NotARegistry):
            client.request("GET", url)

    @pytest.mark.parametrize(
        "header",
        [
            b"".join(b"X-%d: 1\r\n" % number for number in range(101)),
            b"X: " + b"x" * 65536 + b"\r\n",
        ],
    )
    def test_a_header_that_is_too_large_has_a_code_word(self, client: HttpClient, header: bytes) -> None:
        answer = b"HTTP/1.1 200 OK\r\n" + header + b"Content-Length: 0\r\n\r\n"
        with RawServer(answer) as url, pytest.raises(RemoteError, match="header") as caught:
            client.request("GET", url)
        assert (caught.value.code, caught.value.retryable) == ("too_large", False)

    def test_plain_http_where_https_is_wanted(self, client: HttpClient) -> None:
        with RawServer(b"HTTP/1.1 400 Bad Request\r\n\r\n") as url, pytest.raises(PlainHttpAnswer) as caught:
            client.request("GET", url.replace("http:", "https:"))
        assert caught.value.code == "tls_failed" and not caught.value.retryable

    @pytest.mark.parametrize("label", ["a" * 64, "a..b"])
    def test_a_host_that_is_no_name(self, client: HttpClient, label: str) -> None:
        with pytest.raises(RemoteError):
            client.request("GET", f"http://{label}.example.com/")

    def test_a_missing_library_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(http, "HAS_URLLIB3", False)
        with pytest.raises(MissingLibraryError, match="urllib3 is needed to talk to a registry"):
            HttpClient(ConnectionOptions())

    def test_a_bad_certificate_file_is_named(self, tmp_path: Path) -> None:
        bad = tmp_path / "bad.crt"
        bad.write_text("no certificate", encoding="utf-8")
        missing = str(tmp_path / "missing.crt")
        for options in (
            ConnectionOptions(ca_files=(str(bad),)),
            ConnectionOptions(client_certificate=(str(bad), missing)),
        ):
            with pytest.raises(BadCertificateFile, match=r"bad\.crt"):
                HttpClient(options)
        with pytest.raises(BadCertificateFile, match="No such file"):
            HttpClient(ConnectionOptions(ca_files=(missing,)))


class TestProxies:
    def test_the_environment_names_the_proxy(
        self, server: ScriptedServer, client: HttpClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _proxy(monkeypatch, server.url)
        server.expect("GET", "http://registry.example.com/v2/", requires={"Host": "registry.example.com"})
        assert client.request("GET", "http://registry.example.com/v2/").status == 200

    def test_no_proxy_leaves_it_out(
        self, server: ScriptedServer, client: HttpClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _proxy(monkeypatch, server.url)
        monkeypatch.setenv("NO_PROXY", ".invalid")
        with pytest.raises(RegistryUnreachable, match="not found"):
            client.request("GET", "http://registry.invalid/")

    def test_loopback_is_never_asked_through_a_proxy(
        self, server: ScriptedServer, client: HttpClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _proxy(monkeypatch, f"http://127.0.0.1:{_closed_port()}")
        server.expect("GET", "/", times=2)
        for host in ("127.0.0.1", "localhost"):
            assert client.request("GET", server.url.replace("127.0.0.1", host) + "/").status == 200

    def test_a_proxy_that_refuses_is_told_without_its_password(
        self, client: HttpClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with RawServer(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n") as url:
            _proxy(monkeypatch, url.replace("http://", "http://user:hunter2@"))
            with pytest.raises(RegistryUnreachable, match="407") as caught:
                client.request("GET", "https://registry.example.com/")
        assert "hunter2" not in str(caught.value)


class TestConnections:
    @pytest.mark.parametrize("reset", [False, True])
    def test_one_that_the_server_closed_is_replaced(
        self, server: ScriptedServer, client: HttpClient, reset: bool
    ) -> None:
        """skopeo asks again, too; of a new connection that ends so, the registry is out of reach."""
        _keep(server, client, 2)
        server.expect("GET", "/", raw=None if reset else b"", reset=reset, times=2)
        server.expect("GET", "/", body=b"hello")
        with client.request("GET", server.url + "/") as response:
            assert response.read(9) == b"hello"
        server.expect("GET", "/new", raw=None if reset else b"", reset=reset)
        with HttpClient(ConnectionOptions(timeout=5)).request("GET", server.url + "/kept") as response:
            assert response.status == 200
        with pytest.raises(RegistryUnreachable):
            HttpClient(ConnectionOptions(timeout=5)).request("GET", server.url + "/new")

    def test_a_form_is_not_sent_twice(self, server: ScriptedServer, client: HttpClient) -> None:
        _keep(server, client, 1)
        server.expect("POST", "/", raw=b"")
        with pytest.raises(RegistryUnreachable):
            client.request("POST", server.url + "/", form=[("a", "b")])

    def test_two_requests_at_once_have_two(self, server: ScriptedServer, client: HttpClient) -> None:
        server.expect("GET", "/", body=b"hello", times=2)
        with client.request("GET", server.url + "/") as first, client.request("GET", server.url + "/") as second:
            assert (first.read(9), second.read(9)) == (b"hello", b"hello")
        assert server.connections == 2

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_one_serves_the_requests_of_many_threads_after_each_other(
        self, server: ScriptedServer, client: HttpClient, method: str
    ) -> None:
        server.expect(method, "/", status=302, headers={"Location": "/there"}, body=b"over there", times=4)
        server.expect(method, "/there", body=b"hello", times=4)

        def ask() -> None:
            with client.request(method, server.url + "/") as response:
                read_body(response, 10, "x")

        for _count in range(4):
            thread = threading.Thread(target=ask)
            thread.start()
            thread.join()
        assert server.connections == 1

    def test_one_whose_body_was_left_is_not_used_again(self, server: ScriptedServer, client: HttpClient) -> None:
        server.expect("GET", "/", body=b"x" * 1_000_000, times=2)
        for _count in range(2):
            with client.request("GET", server.url + "/") as response:
                assert response.read(1) == b"x"
        assert server.connections == 2


def _keep(server: ScriptedServer, client: HttpClient, count: int) -> None:
    """Leaves ``client`` with ``count`` connections that nobody uses."""
    server.expect("GET", "/kept", body=b"x", times=None)
    responses = [client.request("GET", server.url + "/kept") for _count in range(count)]
    for response in responses:
        with response:
            read_body(response, 9, "x")


def _proxy(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, url)


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
