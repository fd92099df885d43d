# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bodies of answers: whole, as sent, within limits, and what remains of them when a connection is lost."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator

import pytest
from ansible_collections.strata.containers.plugins.module_utils._registry.body import (
    BodyTooLarge,
    read_body,
    read_error_body,
)
from ansible_collections.strata.containers.plugins.module_utils._registry.failures import ConnectionLost
from ansible_collections.strata.containers.plugins.module_utils._registry.http import ConnectionOptions, HttpClient
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.raw_server import RawServer
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.scripted_server import (
    ScriptedServer,
)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def client() -> Iterator[HttpClient]:
    client = HttpClient(ConnectionOptions(timeout=5))
    yield client
    client.close()


class TestBodies:
    def test_the_bytes_arrive_as_sent(self, server: ScriptedServer, client: HttpClient) -> None:
        packed = gzip.compress(b"content" * 100)
        server.expect(
            "GET", "/", headers={"Content-Encoding": "gzip"}, body=packed, requires={"Accept-Encoding": "identity"}
        )
        with client.request("GET", server.url + "/") as response:
            assert response.read(1 << 20) == packed

    @pytest.mark.parametrize("name", ["gzip", "X-GZIP ", "identity", ""])
    def test_a_body_that_is_text_is_unpacked_where_the_server_packed_it(
        self, server: ScriptedServer, client: HttpClient, name: str
    ) -> None:
        packed = gzip.compress(b"content" * 100)
        bodies = {packed: b"content" * 100 if "gzip" in name.lower() else packed, b"{}": b"{}"}
        for body, expected in bodies.items():
            server.expect("GET", "/", headers={"Content-Encoding": name}, body=body)
            with client.request("GET", server.url + "/") as response:
                assert read_body(response, 700, "x") == expected

    @pytest.mark.parametrize(("size", "fits"), [(1000, True), (1001, False)])
    def test_the_limit_is_that_of_the_unpacked_body(
        self, server: ScriptedServer, client: HttpClient, size: int, fits: bool
    ) -> None:
        server.expect("GET", "/", headers={"Content-Encoding": "gzip"}, body=gzip.compress(b"x" * size))
        with client.request("GET", server.url + "/") as response:
            if fits:
                assert read_body(response, 1000, "x") == b"x" * size
            else:
                with pytest.raises(BodyTooLarge):
                    read_body(response, 1000, "x")

    def test_spaces_around_a_header_are_none_of_its_value(self, client: HttpClient) -> None:
        with RawServer(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nLocation: /x \t\r\n\r\n") as url:
            assert client.request("GET", url).header("Location") == "/x"

    @pytest.mark.parametrize("cut", [0, 1, 99_999])
    def test_a_short_body_is_an_error_that_will_come_again(
        self, server: ScriptedServer, client: HttpClient, cut: int
    ) -> None:
        server.expect("GET", "/?sig=hunter2", body=b"x" * 100_000, cut=cut)
        with client.request("GET", server.url + "/?sig=hunter2") as response, pytest.raises(ConnectionLost) as caught:
            read_body(response, 1 << 20, "x")
        assert not caught.value.retryable and "hunter2" not in str(caught.value)
        assert caught.value.__cause__ is None and caught.value.__context__ is None

    def test_a_chunked_body_that_is_cut_is_an_error(self, client: HttpClient) -> None:
        answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nwo"
        with RawServer(answer) as url, client.request("GET", url) as response:
            assert response.remaining is None
            with pytest.raises(ConnectionLost):
                read_body(response, 100, "x")

    def test_a_whole_chunked_body_is_read(self, client: HttpClient) -> None:
        answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        with RawServer(answer) as url, client.request("GET", url) as response:
            assert read_body(response, 100, "x") == b"hello"

    def test_silence_within_a_body_ends_it(self) -> None:
        client = HttpClient(ConnectionOptions(timeout=1))
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"
        failure = pytest.raises(ConnectionLost, match="no answer within 1 seconds")
        with RawServer(answer, stay=True) as url:
            with client.request("GET", url) as response:
                with failure:
                    read_body(response, 100, "x")

    def test_a_body_above_its_limit_is_refused_whatever_its_length_says(
        self, server: ScriptedServer, client: HttpClient
    ) -> None:
        server.expect("GET", "/", body=b"x" * 11, length=None)
        server.expect("GET", "/", body=b"x" * 10)
        failure = pytest.raises(BodyTooLarge, match="exceeded maximum allowed size of 10 bytes")
        with client.request("GET", server.url + "/") as response:
            with failure:
                read_body(response, 10, "x")
        with client.request("GET", server.url + "/") as response:
            assert len(read_body(response, 10, "x")) == 10

    def test_a_cut_explanation_explains_nothing_and_harms_nothing(
        self, server: ScriptedServer, client: HttpClient
    ) -> None:
        server.expect("GET", "/", status=500, body=b"x" * 100, cut=10)
        with client.request("GET", server.url + "/") as response:
            assert read_error_body(response) == b""

    @pytest.mark.parametrize("came", [1, 8192, 100_000])
    @pytest.mark.parametrize("form", ["length", "chunks", "neither"])
    def test_what_came_before_a_reset_is_given_out_and_the_failure_is_told_after_it(
        self, client: HttpClient, came: int, form: str
    ) -> None:
        head = {
            "length": b"Content-Length: 1000000\r\n\r\n",
            "chunks": b"Transfer-Encoding: chunked\r\n\r\nF4240\r\n",
            "neither": b"\r\n",
        }[form]
        body = os.urandom(came)
        with RawServer(b"HTTP/1.1 200 OK\r\n" + head + body, reset=True) as url:
            with client.request("GET", url) as response:
                assert response.read(1_000_000) == body
                for _count in range(2):
                    with pytest.raises(ConnectionLost, match="reset") as caught:
                        response.read(1)
                    assert caught.value.retryable

    def test_what_came_before_a_silence_is_given_out(self) -> None:
        client = HttpClient(ConnectionOptions(timeout=1))
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"
        with RawServer(answer, stay=True) as url, client.request("GET", url) as response:
            assert response.read(10) == b"hello"
            with pytest.raises(ConnectionLost):
                response.read(5)

    def test_a_connection_is_used_again_after_its_body_was_read(self, client: HttpClient) -> None:
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        with RawServer(answer, answers=3) as url:
            for _count in range(3):
                with client.request("GET", url) as response:
                    assert read_body(response, 10, "x") == b"ok"

    def test_a_header_may_stand_several_times(self, server: ScriptedServer, client: HttpClient) -> None:
        server.expect("GET", "/", headers=[("WWW-Authenticate", "A"), ("WWW-Authenticate", "B")])
        response = client.request("GET", server.url + "/")
        assert response.header_lines("www-authenticate") == ["A", "B"]
        assert (response.header("Nothing"), response.header_lines("Nothing")) == ("", [])
