# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Medians, and ratios that are taken inside a round."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))

from measure import Cost
from medians import Spread, plain, rows, spread


def costs(*walls: float) -> list[Cost]:
    return [Cost(wall, wall / 2, int(wall * 100)) for wall in walls]


@pytest.mark.parametrize(
    "values, median, low, high",
    [([5.0], 5.0, 5.0, 5.0), ([9.0, 1.0, 4.0], 4.0, 1.0, 9.0), ([4.0, 1.0, 2.0, 9.0], 3.0, 1.0, 9.0)],
)
def test_a_spread_is_the_middle_and_both_ends(values: list[float], median: float, low: float, high: float) -> None:
    assert spread(values) == Spread(median, low, high)


def test_a_ratio_is_taken_inside_a_round() -> None:
    """A machine that was slow for a round was slow for both: 2, 4 and 3 times, where the medians would say 4 times."""
    found = rows({"ours": costs(1, 10, 100), "other": costs(2, 40, 300)}, "ours")
    assert found["other"].wall.value == Spread(40, 2, 300)
    assert found["other"].wall.ratio == Spread(3, 2, 4)
    assert found["ours"].wall.ratio == Spread(1, 1, 1)


def test_each_quantity_has_its_own_ratio() -> None:
    ours = [Cost(1.0, 4.0, 50), Cost(1.0, 4.0, 50)]
    other = [Cost(3.0, 8.0, 25), Cost(3.0, 8.0, 25)]
    row = rows({"ours": ours, "other": other}, "ours")["other"]
    assert (row.wall.ratio.median, row.cpu.ratio.median, row.memory.ratio.median) == (3.0, 2.0, 0.5)


def test_what_nobody_looked_at_has_no_ratio() -> None:
    row = rows({"ours": [Cost(1.0, 1.0)], "other": [Cost(2.0, 2.0)]}, "ours")["other"]
    assert row.memory.ratio.median == 0


def test_a_program_that_lacks_a_round_is_an_error() -> None:
    with pytest.raises(ValueError, match="other has 1 rounds, and 2 were wanted"):
        rows({"ours": costs(1, 2), "other": costs(1)}, "ours")


def test_json_has_every_figure() -> None:
    found = plain(rows({"ours": costs(1, 3), "other": costs(2, 12)}, "ours")["other"])
    assert found["wall"] == {"median": 7, "low": 2, "high": 12}
    assert found["wall_ratio"] == {"median": 3, "low": 2, "high": 4}
    assert set(found) == {"wall", "wall_ratio", "cpu", "cpu_ratio", "memory", "memory_ratio"}
