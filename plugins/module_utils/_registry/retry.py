# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Two of the three layers of retry: requests that a registry wants later, and the question which failures may pass.

The layers are kept apart as in containers/image. A request is repeated here for status 429 alone; a blob that is cut
off is resumed in ``blob``; repeating a whole copy is for the caller, who asks ``retryable``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import mktime_tz, parsedate_tz
from http import HTTPStatus

from .._errors import StrataError
from .http import HttpResponse

_ATTEMPTS = 5
_FIRST_DELAY = 2.0
_LONGEST_DELAY = 60.0


@dataclass(frozen=True)
class Clock:
    """The time, in seconds, and a way to let it pass; tests bring their own."""

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


SYSTEM_CLOCK = Clock()


def send_patiently(send: Callable[[], HttpResponse], clock: Clock) -> HttpResponse:
    """The answer to a request without a body, repeated while it is 429, five times in all.

    The pause is what ``Retry-After`` says, else 2 s doubling, and never above 60 s.
    """
    delay = _FIRST_DELAY
    for _attempt in range(_ATTEMPTS - 1):
        response = send()
        if response.status != HTTPStatus.TOO_MANY_REQUESTS:
            return response
        with response:
            asked = retry_after(response.header("Retry-After"), clock.now())
        clock.sleep(min(delay if asked is None else asked, _LONGEST_DELAY))
        delay *= 2
    return send()


def retry_after(value: str, now: float) -> float | None:
    """The seconds that a ``Retry-After`` header asks for, as a number or as a date; None where it cannot be read."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value)
    date = parsedate_tz(value)
    if date is None:
        return None
    try:
        return max(0.0, mktime_tz(date) - now)
    except (ValueError, OverflowError):
        return None


def retryable(error: BaseException) -> bool:
    """Whether the same copy may succeed later: the network or the registry failed in a way that passes."""
    return isinstance(error, StrataError) and bool(getattr(error, "retryable", False))
