# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verbs that are killed in stores of drivers whose trees are whole; subvolumes are made and removed by calls of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lab.commands import CommandFailed
from lab.kill_bench import Bench, kill_bench
from lab.kill_scenarios import FURTHER, VERBS, Scenario
from lab.long_run import LONG
from lab.traced_verb import MAIN

SCENARIOS = [one for one in VERBS + FURTHER if MAIN in one.roles]
# The short run kills at a call that other drivers do not make: vfs has none, and its records are those of overlay.
CASES = [
    (driver, scenario)
    for driver in ("vfs", "btrfs")
    for scenario in SCENARIOS
    if LONG or (driver, scenario.name) == ("btrfs", "create")
]


@pytest.fixture(scope="module")
def bench(judges: None, driver: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with kill_bench(tmp_path_factory.mktemp("kills"), driver) as bench:
        yield bench


@pytest.mark.parametrize(
    ("driver", "scenario"), CASES, indirect=["driver"], ids=lambda one: one.name if isinstance(one, Scenario) else one
)
def test_kills_leave_a_valid_store_and_the_verb_converges(bench: Bench, scenario: Scenario) -> None:
    points = [point for point in bench.clean(scenario).points if point.role == MAIN]
    if not LONG:
        points = [point for point in points if point.call.name == "ioctl"][:1]
        assert points
    failed = []
    for number, point in enumerate(points):
        try:
            bench.strike(point, podman_first=bool(number % 2))
        except (AssertionError, CommandFailed) as error:
            failed.append(f"{point}\n{error}")
    assert failed == []
