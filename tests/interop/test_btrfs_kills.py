# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verbs that are killed in a store of the btrfs driver, where subvolumes are made and removed by calls of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lab.commands import CommandFailed
from lab.kill_bench import Bench, kill_bench
from lab.kill_scenarios import FURTHER, VERBS, Scenario
from lab.traced_verb import MAIN
from lab.whole_trees import LONG

SCENARIOS = [one for one in VERBS + FURTHER if MAIN in one.roles]


@pytest.fixture(scope="module")
def bench(judges: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with kill_bench(tmp_path_factory.mktemp("kills"), "btrfs") as bench:
        yield bench


@pytest.mark.parametrize(
    "scenario", SCENARIOS if LONG else [one for one in SCENARIOS if one.name == "create"], ids=lambda one: one.name
)
def test_kills_leave_a_valid_store_and_the_verb_converges(bench: Bench, scenario: Scenario) -> None:
    points = [point for point in bench.clean(scenario).points if point.role == MAIN]
    # The calls that other drivers do not make.
    of_btrfs = [point for point in points if point.call.name == "ioctl"]
    assert of_btrfs or LONG
    failed = []
    for number, point in enumerate(points if LONG else of_btrfs[:1]):
        try:
            bench.strike(point, podman_first=bool(number % 2))
        except (AssertionError, CommandFailed) as error:
            failed.append(f"{point}\n{error}")
    assert failed == []
