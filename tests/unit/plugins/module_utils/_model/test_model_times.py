# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.times import (
    now_text,
    time_value,
    valid_time,
)
from hypothesis import given
from hypothesis import strategies as st

# Seconds as GNU date computes them: date -u -d 2026-11-23T16:53:00Z +%s
NOVEMBER = 1795452780
LEAP_DAY = 1709251199


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (100_000_000, "1970-01-01T00:00:00.1Z"),
        (NOVEMBER * 10**9, "2026-11-23T16:53:00Z"),
        (NOVEMBER * 10**9 + 737_394_490, "2026-11-23T16:53:00.73739449Z"),
        (LEAP_DAY * 10**9 + 999_999_999, "2024-02-29T23:59:59.999999999Z"),
    ],
)
def test_a_time_is_written_as_go_writes_it(nanoseconds: int, text: str) -> None:
    assert now_text(nanoseconds) == text


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00Z",
        "0000-02-29T00:00:00Z",
        "9999-12-31T23:59:59.999999999Z",
        "2026-11-23T16:53:00.73739449Z",
        "2026-11-23T16:53:00+02:00",
        "2026-11-23T16:53:00.5-23:59",
        "2024-02-29T00:00:00Z",
        "2000-02-29T00:00:00Z",
        "2026-11-23T16:53:00.0000000001Z",
    ],
)
def test_what_go_reads_is_a_time(text: str) -> None:
    assert valid_time(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-11-23",
        "2026-11-23 16:53:00Z",
        "2026-11-23T16:53:00",
        "2026-11-23T16:53Z",
        "2026-11-23t16:53:00z",
        "2026-11-23T16:53:00z",
        "2026-11-23T16:53:00.Z",
        "2026-11-23T16:53:00,5Z",
        "2026-11-23T6:53:00Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T16:60:00Z",
        "2026-11-23T16:53:60Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-04-00T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-11-23T16:53:00+24:00",
        "2026-11-23T16:53:00+02:60",
        "2026-11-23T16:53:00+0200",
        "2026-11-23T16:53:00Z\n",
        " 2026-11-23T16:53:00Z",
        "12026-11-23T16:53:00Z",
        "\u0662026-11-23T16:53:00Z",
    ],
)
def test_anything_else_is_no_time(text: str) -> None:
    assert not valid_time(text)


@given(st.integers(0, 253_402_300_799 * 10**9))
def test_every_time_that_is_written_is_one_that_go_reads(nanoseconds: int) -> None:
    text = now_text(nanoseconds)
    assert valid_time(text)
    assert not text.endswith((".Z", "0Z")) or "." not in text


@pytest.mark.parametrize(
    ("text", "seconds", "rest"),
    [
        # Seconds as GNU date computes them: date -u -d TEXT +%s
        ("2026-11-23T16:53:00Z", NOVEMBER, 0),
        ("2026-11-23T16:53:00.73739449Z", NOVEMBER, 737_394_490),
        ("2026-11-23T18:53:00.5+02:00", NOVEMBER, 500_000_000),
        ("2026-11-23T11:23:00-05:30", NOVEMBER, 0),
        ("2024-02-29T23:59:59.9999999999Z", LEAP_DAY, 999_999_999),
        ("1969-12-31T23:59:59.25Z", -1, 250_000_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800, 0),
        ("0000-02-29T00:00:00Z", -62_162_121_600, 0),
        ("9999-12-31T23:59:59Z", 253_402_300_799, 0),
    ],
)
def test_a_time_has_its_distance_from_the_epoch(text: str, seconds: int, rest: int) -> None:
    assert time_value(text) == seconds * 10**9 + rest


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-23", "2023-02-29T00:00:00Z"])
def test_what_is_no_time_has_none(text: str) -> None:
    with pytest.raises(ValueError, match="RFC 3339"):
        time_value(text)


@given(st.integers(0, 253_402_300_799 * 10**9))
def test_what_was_written_is_read_back(nanoseconds: int) -> None:
    assert time_value(now_text(nanoseconds)) == nanoseconds
