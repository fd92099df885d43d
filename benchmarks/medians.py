# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Medians, and ratios inside a round, of the costs that were measured."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from measure import Cost


@dataclass(frozen=True)
class Spread:
    """The median of some values, the lowest and the highest."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Figure:
    """One quantity of one program: its values, and their ratios to the reference program, each inside one round."""

    value: Spread
    ratio: Spread


@dataclass(frozen=True)
class Row:
    """What one program cost over all rounds: seconds, and bytes."""

    wall: Figure
    cpu: Figure
    memory: Figure


Rows = dict[str, Row]


def spread(values: Sequence[float]) -> Spread:
    """Median, lowest and highest of ``values``, of which there is one at least."""
    return Spread(statistics.median(values), min(values), max(values))


def rows(costs: Mapping[str, Sequence[Cost]], reference: str) -> Rows:
    """A row for each program of ``costs``, which has one cost for each round; ``reference`` is one of the programs.

    A ratio of 3 means three times what the reference took in the same round. Raises ValueError where a program lacks rounds.
    """
    return {program: _row(program, found, costs[reference]) for program, found in costs.items()}


def _row(program: str, costs: Sequence[Cost], reference: Sequence[Cost]) -> Row:
    if len(costs) != len(reference):
        raise ValueError(f"{program} has {len(costs)} rounds, and {len(reference)} were wanted")

    def figure(quantity: Callable[[Cost], float]) -> Figure:
        ratios = [_ratio(quantity(cost), quantity(base)) for cost, base in zip(costs, reference)]
        return Figure(spread([quantity(cost) for cost in costs]), spread(ratios))

    return Row(figure(lambda cost: cost.wall), figure(lambda cost: cost.cpu), figure(lambda cost: cost.memory))


def _ratio(value: float, base: float) -> float:
    """0 where there is nothing to compare with: a quantity that nobody looked at."""
    return value / base if base else 0.0


def plain(row: Row) -> dict[str, Any]:
    """A row as JSON has it."""
    return {
        name: {"median": value.median, "low": value.low, "high": value.high}
        for quantity in ("wall", "cpu", "memory")
        for name, value in (
            (quantity, getattr(row, quantity).value),
            (f"{quantity}_ratio", getattr(row, quantity).ratio),
        )
    }
