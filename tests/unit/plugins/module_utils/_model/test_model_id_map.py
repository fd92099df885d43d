# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.id_map import IdMap, InvalidIdMap, parse_id_map
from hypothesis import given
from hypothesis import strategies as st

LAST = (1 << 32) - 1


def test_a_map_is_read_and_written_as_containers_storage_has_it() -> None:
    id_map = parse_id_map("0:100000:65536")
    assert id_map == IdMap(container_id=0, host_id=100000, size=65536)
    assert id_map.to_json() == {"container_id": 0, "host_id": 100000, "size": 65536}
    assert list(id_map.to_json()) == ["container_id", "host_id", "size"]


@pytest.mark.parametrize("text", ["0:0:4294967296", f"{LAST}:0:1", f"0:{LAST}:1", "0:1000:1"])
def test_ids_go_to_the_end_of_32_bits(text: str) -> None:
    assert parse_id_map(text).size > 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "0:0",
        "0:0:1:1",
        "0:0:0",
        "-1:0:1",
        "a:0:1",
        "0: 0:1",
        "0:0:1\n",
        "+0:0:1",
        "0:0:\u0661",
        "0:0:4294967297",
        f"{LAST}:0:2",
        f"0:{LAST}:2",
        "99999999999:0:1",
    ],
)
def test_what_is_no_map_is_refused(text: str) -> None:
    with pytest.raises(InvalidIdMap) as caught:
        parse_id_map(text)
    assert caught.value.code == "invalid_id_map"


@given(st.integers(0, LAST), st.integers(0, LAST), st.integers(1, 1 << 32))
def test_a_map_that_fits_survives_being_written_and_read(container_id: int, host_id: int, size: int) -> None:
    text = f"{container_id}:{host_id}:{size}"
    if max(container_id, host_id) + size > 1 << 32:
        with pytest.raises(InvalidIdMap):
            parse_id_map(text)
    else:
        assert parse_id_map(text) == IdMap(container_id, host_id, size)
