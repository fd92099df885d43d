# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every attack on image trust by its number, and what people are told of a signature that proves nothing."""

from __future__ import annotations

import json

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import UsageError
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.attack_table import (
    ATTACKS,
    ELSEWHERE,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.stage import (
    OTHER,
    G,
    RecordedWorld,
    Row,
    Sig,
    signed_by,
)


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(name: str) -> None:
    row = ATTACKS[name]
    if row.code == "invalid_reference":
        with pytest.raises(UsageError):
            row.verdict(RecordedWorld())
    else:
        assert row.outcome(RecordedWorld()) == row.code


def test_no_attack_is_left_out() -> None:
    numbers = {int(name.split()[0]) for name in ATTACKS} | set(ELSEWHERE)
    assert numbers == set(range(1, 48))


@pytest.mark.parametrize("kind", ["good", "changed", "expired key", "unsigned", "two signatures", "text mode"])
def test_attack_47_a_payload_that_was_not_verified_is_never_shown(kind: str) -> None:
    lie = "registry.example.com/believe/me:v1"
    verdict = Row([signed_by(G)], signatures=[Sig(lie, key=OTHER, kind=kind), Sig(lie, key=OTHER, kind=kind)]).verdict(
        RecordedWorld()
    )
    assert not verdict.accepted
    assert "believe" not in verdict.reason + json.dumps(verdict.steps)


def test_attack_47_a_key_that_was_not_verified_is_called_a_claim() -> None:
    reason = Row([signed_by(G)], signatures=[Sig(key=OTHER)]).verdict(RecordedWorld()).reason
    assert "claims to be by the key" in reason and "none of the trusted ones" in reason


def test_attack_47_a_name_that_was_signed_is_shown_on_one_line() -> None:
    reason = Row([signed_by(G)], signatures=[Sig("a\nb\u202ec" + "d" * 1000)]).verdict(RecordedWorld()).reason
    assert "'a\\nb\\u202ecd" in reason and reason.isprintable() and len(reason) < 600
