# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every scenario of image trust by its number."""

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.scenario_table import (
    ELSEWHERE,
    SCENARIOS,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.stage import RecordedWorld


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name: str) -> None:
    assert SCENARIOS[name].outcome(RecordedWorld()) == SCENARIOS[name].code


def test_no_scenario_is_left_out() -> None:
    numbers = {int(name.split()[0]) for name in SCENARIOS} | set(ELSEWHERE)
    assert numbers == set(range(1, 61))
