# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the long run has and the short one has not, or has a sample of.

A skip tells that something is missing. So what waits for the long run is deselected, and never skipped.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from typing import TypeVar

import pytest

LONG = bool(os.environ.get("STRATA_TEST_LONG"))
_SEED = 1
_Case = TypeVar("_Case")

only_long = pytest.mark.only_long


def sample(cases: Iterable[_Case], number: int) -> list[_Case]:
    """All cases in the long run, else ``number`` of them, the same ones in each run."""
    every = list(cases)
    return every if LONG else random.Random(_SEED).sample(every, number)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A hook for a conftest.py: takes the tests that are ``only_long`` out of a short run."""
    waiting = [] if LONG else [item for item in items if item.get_closest_marker(only_long.name)]
    if waiting:
        config.hook.pytest_deselected(items=waiting)
        items[:] = [item for item in items if item not in waiting]
