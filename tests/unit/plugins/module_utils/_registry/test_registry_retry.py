# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The 429 layer, by a fake clock."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import DataError, RemoteError
from ansible_collections.strata.containers.plugins.module_utils._registry.http import ConnectionOptions, HttpClient
from ansible_collections.strata.containers.plugins.module_utils._registry.retry import (
    Clock,
    retry_after,
    retryable,
    send_patiently,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.scripted_server import (
    FakeClock,
    ScriptedServer,
)

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        (formatdate(NOW + 30, usegmt=True), 30.0),
        (formatdate(NOW - 30, usegmt=True), 0.0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("\u0663", None),
        ("Mon, 32 Foo 99999999999 00:00:00 GMT", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(value: str, expected: float | None) -> None:
    assert retry_after(value, NOW) == expected


@pytest.mark.parametrize(
    ("headers", "slept"),
    [
        ([{}] * 5, [2.0, 4.0, 8.0, 16.0]),
        ([{"Retry-After": "3"}] * 5, [3.0, 3.0, 3.0, 3.0]),
        ([{"Retry-After": "3600"}] * 5, [60.0, 60.0, 60.0, 60.0]),
        ([{"Retry-After": "1"}, {}, {"Retry-After": "x"}, {}, {}], [1.0, 4.0, 8.0, 16.0]),
    ],
)
def test_five_requests_are_sent_and_the_last_answer_is_given(headers: list[dict[str, str]], slept: list[float]) -> None:
    clock = FakeClock()
    with ScriptedServer() as server:
        for values in headers:
            server.expect("GET", "/", status=429, headers=values, body=b"wait")
        client = HttpClient(ConnectionOptions())
        response = send_patiently(lambda: client.request("GET", server.url + "/"), _clock(clock))
    assert (response.status, clock.slept) == (429, slept)


def test_another_answer_ends_the_waiting() -> None:
    clock = FakeClock()
    with ScriptedServer() as server:
        server.expect("GET", "/", status=429)
        server.expect("GET", "/", status=503)
        client = HttpClient(ConnectionOptions())
        response = send_patiently(lambda: client.request("GET", server.url + "/"), _clock(clock))
    assert (response.status, clock.slept) == (503, [2.0])


def test_only_what_says_so_is_retryable() -> None:
    assert retryable(RemoteError("x", retryable=True))
    assert not retryable(RemoteError("x"))
    assert not retryable(DataError("x"))
    assert not retryable(ValueError("x"))


def _clock(fake: FakeClock) -> Clock:
    return Clock(now=fake.now, monotonic=fake.now, sleep=fake.sleep)
