# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The whole-copy retry: the same request again, after a growing pause, while its failure may pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from .._errors import RemoteError
from .._report import Reporter

T = TypeVar("T")

# No pause is longer than the one that registries may ask for.
_LONGEST_PAUSE = 60.0


@dataclass(frozen=True)
class Retry:
    """How often a failed copy of an image is repeated, and after how many seconds at first (doubling, a minute at most)."""

    retries: int
    delay: float
    reporter: Reporter
    sleep: Callable[[float], None] = time.sleep

    def run(self, subject: str, action: Callable[[], T]) -> T:
        """What ``action`` returns; a RemoteError that is not retryable, or the last of too many, is raised."""
        pause = self.delay
        for attempt in range(1, self.retries + 1):
            try:
                return action()
            except RemoteError as error:
                if not error.retryable:
                    raise
                self.reporter.step("retrying", subject, attempt=attempt, of=self.retries, reason=str(error))
                self.sleep(min(pause, _LONGEST_PAUSE))
                pause *= 2
        return action()
