# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.id_map import IdMap
from ansible_collections.strata.containers.plugins.module_utils._model.id_ranges import (
    Range,
    free_map,
    size_of,
    union,
    without,
)
from hypothesis import given
from hypothesis import strategies as st

RANGES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6)


def ids(ranges: list[Range] | tuple[Range, ...]) -> set[int]:
    return {number for start, end in ranges for number in range(start, end)}


@given(RANGES, RANGES)
def test_sets_of_ids_are_sets(one: list[Range], other: list[Range]) -> None:
    assert ids(union([*one, *other])) == ids(one) | ids(other)
    left = without(one, other)
    assert ids(left) == ids(one) - ids(other)
    assert size_of(one) == len(ids(one))
    # Ascending, and with something in between.
    assert all(before[1] < after[0] for before, after in zip(left, left[1:]))


# The cases are those of TestGetAutoUserNSMapping in userns_test.go of containers/storage, their numbers ours.
@pytest.mark.parametrize(
    ("size", "available", "used", "additional", "expected"),
    [
        (10, [(1000, 2000)], [], [], [(0, 1000, 10)]),
        # Behind what another container has.
        (10, [(1000, 2000)], [(0, 1000, 100)], [], [(0, 1100, 10)]),
        # In the gap between two others, and the rest behind them.
        (30, [(1000, 2000)], [(0, 1000, 10), (10, 1020, 10)], [], [(0, 1010, 10), (10, 1030, 20)]),
        # Outside of what is available nobody is in the way.
        (10, [(1000, 2000)], [(0, 0, 500)], [], [(0, 1000, 10)]),
        (20, [(1000, 1010), (5000, 5010)], [], [], [(0, 1000, 10), (10, 5000, 10)]),
        (10, [(1000, 2000)], [], [(0, 7, 1)], [(1, 1000, 9), (0, 7, 1)]),
        (10, [(1000, 2000)], [], [(5, 1000, 2)], [(0, 1002, 5), (7, 1007, 3), (5, 1000, 2)]),
        (10, [(1000, 2000)], [], [(500, 7, 1)], [(0, 1000, 10), (500, 7, 1)]),
        (11, [(1000, 1010)], [], [], None),
        (5, [(1000, 1010)], [(0, 1000, 6)], [], None),
        (1, [], [], [], None),
    ],
)
def test_the_lowest_free_ids_are_taken(
    size: int,
    available: list[Range],
    used: list[tuple[int, int, int]],
    additional: list[tuple[int, int, int]],
    expected: list[tuple[int, int, int]] | None,
) -> None:
    found = free_map(size, available, [IdMap(*entry) for entry in used], [IdMap(*entry) for entry in additional])
    assert found == (None if expected is None else tuple(IdMap(*entry) for entry in expected))
