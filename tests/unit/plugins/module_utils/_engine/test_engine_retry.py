# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._engine.retry import Retry
from ansible_collections.strata.containers.plugins.module_utils._errors import DataError, RemoteError
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter


class Flaky:
    """Fails with ``error`` a number of times, then succeeds."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.calls = 0
        self._failures = failures
        self._error = error

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self._failures:
            raise self._error
        return "done"


PASSING = RemoteError("bad gateway", retryable=True)


def _retry(retries: int) -> tuple[Retry, list[float]]:
    pauses: list[float] = []
    return Retry(retries, 1.0, Reporter(), pauses.append), pauses


def test_pauses_double_and_end_with_success() -> None:
    retry, pauses = _retry(3)
    assert retry.run("image", Flaky(3, PASSING)) == "done"
    assert pauses == [1.0, 2.0, 4.0]


def test_no_pause_is_longer_than_a_minute() -> None:
    retry, pauses = _retry(8)
    assert retry.run("image", Flaky(8, PASSING)) == "done"
    assert pauses[-1] == 60.0


@pytest.mark.parametrize("retries", [0, 2])
def test_the_last_failure_is_raised_after_exactly_so_many_repetitions(retries: int) -> None:
    retry, _pauses = _retry(retries)
    action = Flaky(99, PASSING)
    with pytest.raises(RemoteError, match="bad gateway"):
        retry.run("image", action)
    assert action.calls == retries + 1


@pytest.mark.parametrize("error", [RemoteError("unauthorized"), DataError("wrong digest")])
def test_a_failure_that_cannot_pass_is_not_repeated(error: Exception) -> None:
    retry, _pauses = _retry(5)
    action = Flaky(99, error)
    with pytest.raises(type(error)):
        retry.run("image", action)
    assert action.calls == 1
