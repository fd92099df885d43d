# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.id_map import UNMAPPED, IdMap, IdMaps
from ansible_collections.strata.containers.plugins.module_utils._model.owner_shift import UnmappedOwner, owner_shift

OVERFLOW = (65534, 65533)
ONE = IdMaps((IdMap(0, 1000, 10),), (IdMap(0, 2000, 10),))
OTHER = IdMaps((IdMap(0, 5000, 5),), (IdMap(0, 6000, 10),))


def test_owners_go_through_the_container() -> None:
    """Upstream's LChown: from the host to the container by the old map, and back by the new one."""
    shift = owner_shift(ONE, OTHER, OVERFLOW)
    assert shift((1000, 2000)) == (5000, 6000)
    assert shift((1004, 2009)) == (5004, 6009)


def test_without_a_map_ids_are_those_of_the_host() -> None:
    assert owner_shift(UNMAPPED, ONE, OVERFLOW)((3, 4)) == (1003, 2004)
    assert owner_shift(ONE, UNMAPPED, OVERFLOW)((1003, 2004)) == (3, 4)


def test_who_has_no_id_afterwards_is_nobody() -> None:
    shift = owner_shift(UNMAPPED, ONE, OVERFLOW)
    assert shift((10, 9)) == (65534, 2009)
    assert shift((0, 4_000_000)) == (1000, 65533)


def test_only_the_hosts_root_may_be_unknown_before() -> None:
    shift = owner_shift(ONE, OTHER, OVERFLOW)
    assert shift((0, 0)) == (5000, 6000)
    for stranger in ((0, 2000), (1000, 0), (1010, 2000), (7, 7)):
        with pytest.raises(UnmappedOwner) as caught:
            shift(stranger)
        assert caught.value.code == "unmapped_owner"
