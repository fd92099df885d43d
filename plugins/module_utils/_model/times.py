# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Times as Go's JSON has them: RFC 3339 with up to nanoseconds, kept as text."""

from __future__ import annotations

import calendar
import re
import time

_RFC3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})"
    r"(?:\.([0-9]+))?(?:Z|([+-])([0-9]{2}):([0-9]{2}))",
    re.ASCII,
)
_FRACTION = re.compile(r"(\.[0-9]+)?(Z|[+-][0-9:]+)", re.ASCII)
_SECONDS_END = len("2006-01-02T15:04:05")
# The time that Go has where there is none.
ZERO_TIME = "0001-01-01T00:00:00Z"
_NANOSECONDS = 1_000_000_000
_PERIOD, _DAYS_OF_PERIOD = 400, 146_097
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def now_text(nanoseconds: int) -> str:
    """The UTC time ``nanoseconds`` after the epoch, without trailing zeros of the fraction, as Go writes it."""
    seconds, rest = divmod(nanoseconds, _NANOSECONDS)
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{whole}{fraction}Z"


def valid_time(text: str) -> bool:
    """Whether every version of Go reads ``text`` as a time in JSON.

    That is RFC 3339 in capital letters and without leap seconds. Some versions also take a comma, an hour of one digit and
    offsets of more than a day.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        return False
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    offset_hour, offset_minute = int(match[9] or 0), int(match[10] or 0)
    if not 1 <= month <= 12 or not 1 <= day <= _DAYS[month - 1] or (month == 2 and day == 29 and not _leap(year)):
        return False
    return hour < 24 and minute < 60 and second < 60 and offset_hour < 24 and offset_minute < 60


def go_time(text: str | None) -> str:
    """The valid time ``text`` as Go writes it again: at most nanoseconds, no zeros at the end of them, Z for no offset.

    No time at all is Go's zero time, the beginning of the year 1.
    """
    if not text:
        return ZERO_TIME
    whole, rest = text[:_SECONDS_END], text[_SECONDS_END:]
    fraction, offset = _FRACTION.match(rest).groups()  # type: ignore[union-attr]
    digits = (fraction or "")[1:10].rstrip("0")
    return f"{whole}{'.' if digits else ''}{digits}{'Z' if offset[1:] == '00:00' else offset}"


def time_value(text: str) -> int:
    """The nanoseconds from the epoch to a time for which valid_time() holds; digits beyond nanoseconds are dropped.

    Raises ValueError for any other text.
    """
    match = _RFC3339.fullmatch(text)
    if match is None or not valid_time(text):
        raise ValueError(f"{text!r} is no RFC 3339 time")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    # The calendar repeats itself every 400 years, and Python's begins with the year 1.
    seconds = calendar.timegm((year or _PERIOD, month, day, hour, minute, second, 0, 0, 0))
    seconds -= 0 if year else _DAYS_OF_PERIOD * 86_400
    if match[8]:
        offset = int(match[9]) * 3600 + int(match[10]) * 60
        seconds -= offset if match[8] == "+" else -offset
    return seconds * _NANOSECONDS + int((match[7] or "")[:9].ljust(9, "0"))


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
