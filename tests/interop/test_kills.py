# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any instruction may be the last: a verb that is killed at a system call leaves a valid store, and is done when repeated.

By default one call of each verb is drawn by lot, always the same; the long run takes every call of every scenario.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest
from lab.commands import CommandFailed
from lab.kill_bench import Bench, Point, kill_bench
from lab.kill_scenarios import FURTHER, VERBS, Scenario
from lab.traced_verb import HELPER, MAIN, THREADS

LONG = bool(os.environ.get("STRATA_TEST_LONG"))
SCENARIOS = VERBS + FURTHER if LONG else VERBS


def _scenarios(role: str) -> pytest.MarkDecorator:
    """A test for each scenario in which this part is killed."""
    chosen = [scenario for scenario in SCENARIOS if role in scenario.roles]
    return pytest.mark.parametrize("scenario", chosen, ids=lambda scenario: scenario.name)


@pytest.fixture(scope="module")
def bench(judges: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with kill_bench(tmp_path_factory.mktemp("kills")) as bench:
        yield bench


@_scenarios(MAIN)
def test_a_verb_that_is_killed_leaves_a_valid_store_and_converges(bench: Bench, scenario: Scenario) -> None:
    _strike(bench, _drawn(bench, scenario, MAIN))


@_scenarios(THREADS)
def test_so_does_one_that_is_killed_in_the_thread_of_a_download(bench: Bench, scenario: Scenario) -> None:
    _strike(bench, _drawn(bench, scenario, THREADS))


@_scenarios(HELPER)
def test_a_kill_of_the_unpacking_helper_is_an_error_that_leaves_nothing(bench: Bench, scenario: Scenario) -> None:
    _strike(bench, _drawn(bench, scenario, HELPER))


def test_a_wipe_that_is_killed_while_only_the_home_of_the_driver_is_mounted_is_done_by_the_next(bench: Bench) -> None:
    (wipe,) = (scenario for scenario in FURTHER if scenario.name == "wipe")
    last = [point for point in bench.clean(wipe).points if point.call.name == "umount2"][-1]
    assert '/root/overlay",' in last.call.text
    # podman would take that mount away.
    bench.strike(last, podman_first=False)


def _drawn(bench: Bench, scenario: Scenario, role: str) -> list[Point]:
    points = [point for point in bench.clean(scenario).points if point.role == role]
    return points if LONG else random.Random(f"{scenario.name} {role}").sample(points, 1)


def _strike(bench: Bench, points: list[Point]) -> None:
    """Strikes at each, in turn with podman before the repetition and without; tells of all that fail."""
    failed = []
    for number, point in enumerate(points):
        try:
            bench.strike(point, podman_first=bool((number + len(point.scenario.name)) % 2))
        except (AssertionError, CommandFailed) as error:
            failed.append(f"{point}\n{error}")
    assert not failed, f"{len(failed)} of {len(points)}:\n" + "\n".join(failed)
