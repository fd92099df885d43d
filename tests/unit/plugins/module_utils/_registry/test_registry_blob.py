# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Blobs: their chunks, lost connections, and blobs that are kept elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.credentials import Credentials
from ansible_collections.strata.containers.plugins.module_utils._registry.blob import WrongRange, read_blob
from ansible_collections.strata.containers.plugins.module_utils._registry.errors import (
    BlobUnknown,
)
from ansible_collections.strata.containers.plugins.module_utils._registry.failures import (
    ConnectionLost,
)
from ansible_collections.strata.containers.plugins.module_utils._registry.retry import Clock
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.registry_script import (
    BLOB,
    BLOB_PATH,
    DIGEST,
    TOKEN_PATH,
    bearer_ping,
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


class TestBlob:
    def test_chunks_are_bounded_and_nothing_is_asked_before_they_are_wanted(self, server: ScriptedServer) -> None:
        chunks = make_client(server).blob(DIGEST)
        assert server.requests == []
        server.expect("GET", "/v2/")
        server.expect("GET", BLOB_PATH, body=BLOB, requires={"Range": None})
        lengths = [len(chunk) for chunk in chunks]
        assert sum(lengths) == len(BLOB) and max(lengths) <= 256 * 1024

    def test_a_missing_blob_is_named(self, server: ScriptedServer) -> None:
        server.expect("GET", "/v2/")
        server.expect("GET", BLOB_PATH, status=404)
        with pytest.raises(BlobUnknown, match=f"{server.host}/team/app@{DIGEST}"):
            list(make_client(server).blob(DIGEST))

    def test_a_reader_that_stops_early_closes_the_connection(self, server: ScriptedServer) -> None:
        server.expect("GET", "/v2/")
        server.expect("GET", BLOB_PATH, body=BLOB, times=2)
        client = make_client(server)
        chunks = client.blob(DIGEST)
        next(chunks)
        chunks.close()  # type: ignore[attr-defined]
        assert b"".join(client.blob(DIGEST)) == BLOB


class TestResume:
    def _rest(self, server: ScriptedServer, offset: int, **answer: Any) -> None:
        answer.setdefault("status", 206)
        answer.setdefault("headers", {"Content-Range": f"bytes {offset}-{len(BLOB) - 1}/{len(BLOB)}"})
        answer.setdefault("body", BLOB[offset:])
        server.expect("GET", BLOB_PATH, requires={"Range": f"bytes={offset}-"}, **answer)

    def _cut(self, server: ScriptedServer, at: int, **answer: Any) -> None:
        server.expect("GET", "/v2/", times=None)
        server.expect("GET", BLOB_PATH, body=BLOB, cut=at, requires={"Range": None}, **answer)

    @pytest.mark.parametrize("total", [str(len(BLOB)), "*"])
    def test_the_rest_is_asked_for(self, server: ScriptedServer, total: str) -> None:
        clock = FakeClock()
        self._cut(server, 300_000)
        self._rest(server, 300_000, headers={"Content-Range": f"bytes 300000-{len(BLOB) - 1}/{total}"})
        assert b"".join(make_client(server, clock=clock).blob(DIGEST)) == BLOB
        assert len(clock.slept) == 1 and 1.0 <= clock.slept[0] <= 1.1

    def test_a_token_that_expired_meanwhile_is_replaced(self, server: ScriptedServer) -> None:
        clock = FakeClock()
        bearer_ping(server)
        server.expect("GET", TOKEN_PATH, body=token_body("old"))
        server.expect("GET", TOKEN_PATH, body=token_body("new"))
        server.expect("GET", BLOB_PATH, body=BLOB, cut=600_000, requires={"Authorization": "Bearer old"})
        chunks = make_client(server, clock=clock).blob(DIGEST)
        start = next(chunks)
        clock.seconds += 3600
        server.expect(
            "GET",
            BLOB_PATH,
            status=206,
            headers={"Content-Range": f"bytes 600000-{len(BLOB) - 1}/{len(BLOB)}"},
            body=BLOB[600_000:],
            requires={"Authorization": "Bearer new"},
        )
        assert start + b"".join(chunks) == BLOB

    def test_a_server_without_ranges_sends_all_again_and_the_start_is_skipped(self, server: ScriptedServer) -> None:
        self._cut(server, 300_000)
        self._rest(server, 300_000, status=200, headers={}, body=BLOB)
        assert b"".join(make_client(server).blob(DIGEST)) == BLOB

    def test_a_body_without_length_is_resumed_when_the_descriptor_tells_it(self, server: ScriptedServer) -> None:
        self._cut(server, 300_000, length=None)
        self._rest(server, 300_000)
        assert b"".join(make_client(server).blob(DIGEST, len(BLOB))) == BLOB

    def test_a_second_cut_without_progress_is_given_up(self, server: ScriptedServer) -> None:
        self._cut(server, 300_000)
        self._rest(server, 300_000, cut=10_000)
        with pytest.raises(ConnectionLost) as caught:
            list(make_client(server).blob(DIGEST))
        # As containers/common has it (pkg/retry): an end in order is not repeated, for it will come again.
        assert not caught.value.retryable

    def test_a_second_cut_after_a_minute_is_resumed(self, server: ScriptedServer) -> None:
        clock = FakeClock()
        self._cut(server, 300_000)
        self._rest(server, 300_000, cut=300_000)
        self._rest(server, 600_000)
        received = b""
        for chunk in make_client(server, clock=clock).blob(DIGEST):
            received += chunk
            clock.seconds += 61
        assert received == BLOB

    @pytest.mark.parametrize(
        "content_range",
        [
            "",
            "bytes 0-1048575/1048576",
            "bytes 300001-1048575/1048576",
            "bytes 300000-1048574/1048576",
            "bytes 300000-1048574/1048575",
            "bytes 300000-1048575/1048577",
            "bytes 300000-1048575/x",
            "bytes 300000-1048576/*",
        ],
    )
    def test_another_range_than_the_one_asked_for_is_refused(self, server: ScriptedServer, content_range: str) -> None:
        self._cut(server, 300_000)
        self._rest(server, 300_000, headers={"Content-Range": content_range})
        with pytest.raises(WrongRange, match="wanted bytes 300000-1048575"):
            list(make_client(server).blob(DIGEST))

    def test_a_refusal_on_the_way_is_told(self, server: ScriptedServer) -> None:
        self._cut(server, 300_000)
        self._rest(server, 300_000, status=404, headers={}, body=b"")
        with pytest.raises(BlobUnknown):
            list(make_client(server).blob(DIGEST))

    def test_a_blob_that_became_shorter_is_not_completed(self, server: ScriptedServer) -> None:
        self._cut(server, 300_000)
        self._rest(server, 300_000, status=200, headers={}, body=BLOB[:200_000])
        with pytest.raises(ConnectionLost, match="shorter than before"):
            list(make_client(server).blob(DIGEST))

    def test_a_server_that_says_nothing_more_is_not_asked_for_ever(self) -> None:
        clock = FakeClock()
        asked: list[int] = []

        class Silent:
            """An answer that brings a byte at first, and then lets more than a minute pass without any."""

            url, status, remaining = "http://registry.example.com/", 206, None

            def __init__(self, offset: int) -> None:
                self.left = b"x" if offset == 0 else b""

            def __enter__(self) -> Any:
                return self

            def __exit__(self, *_details: object) -> None:
                return

            def header(self, _name: str) -> str:
                return "bytes 1-9/10"

            def read(self, _size: int) -> bytes:
                data, self.left = self.left, b""
                if not data:
                    clock.seconds += 61
                    raise ConnectionLost("no answer within 61 seconds", retryable=True)
                return data

        def open_at(offset: int) -> Any:
            asked.append(offset)
            return Silent(offset)

        with pytest.raises(ConnectionLost) as caught:
            list(read_blob(open_at, 10, Clock(clock.now, clock.now, clock.sleep)))
        assert asked == [0, 1] and caught.value.retryable


class TestForeignBlobs:
    def test_the_first_address_that_works_serves_it_without_credentials(self, server: ScriptedServer) -> None:
        with ScriptedServer() as elsewhere:
            challenge = 'Basic realm="give me your password"'
            elsewhere.expect("GET", "/1", status=401, headers={"WWW-Authenticate": challenge})
            elsewhere.expect("GET", "/2", body=BLOB)
            urls = ["ftp://a/", f"{elsewhere.url}/1", f"{elsewhere.url}/2", f"{elsewhere.url}/3"]
            chunks = make_client(server, Credentials("user", "hunter2")).foreign_blob(urls)
            assert chunks is not None and b"".join(chunks) == BLOB
            assert [request for request in elsewhere.requests if "authorization" in request.headers] == []
        assert server.requests == []

    def test_the_last_failure_is_told(self, server: ScriptedServer) -> None:
        server.expect("GET", "/1?sig=hunter2", status=404)
        with pytest.raises(BlobUnknown, match=f"{server.url}/1: ") as caught:
            make_client(server).foreign_blob(["http://127.0.0.1:1/", f"{server.url}/1?sig=hunter2"])
        assert "hunter2" not in str(caught.value)

    def test_none_that_can_be_asked_is_none(self, server: ScriptedServer) -> None:
        assert make_client(server).foreign_blob(["ftp://a/", "https://u:p@a/"]) is None
