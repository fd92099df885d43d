# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.id_map import (
    IdMap,
    IdMaps,
    InvalidIdMap,
    check_id_maps,
    id_maps,
    parse_id_map,
    to_container,
    to_host,
)
from hypothesis import given
from hypothesis import strategies as st

LAST = (1 << 32) - 1


def test_a_map_is_read_and_written_as_containers_storage_has_it() -> None:
    id_map = parse_id_map("0:100000:65536")
    assert id_map == IdMap(container_id=0, host_id=100000, size=65536)
    assert id_map.to_json() == {"container_id": 0, "host_id": 100000, "size": 65536}
    assert list(id_map.to_json()) == ["container_id", "host_id", "size"]


@pytest.mark.parametrize("text", [f"0:0:{LAST}", f"{LAST - 1}:0:1", f"0:{LAST - 1}:1", "0:1000:1"])
def test_ids_go_to_the_last_one_that_the_kernel_knows(text: str) -> None:
    assert parse_id_map(text).size > 0


def test_without_a_size_it_is_one_id() -> None:
    assert parse_id_map("0:1000") == IdMap(0, 1000, 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "0:0:",
        "0:0:1:1",
        "0:0:0",
        "-1:0:1",
        "a:0:1",
        "0: 0:1",
        "0:0:1\n",
        "+0:0:1",
        "0:0:\u0661",
        f"0:0:{LAST + 1}",
        f"{LAST}:0:1",
        f"0:{LAST}:1",
        "99999999999:0:1",
    ],
)
def test_what_is_no_map_is_refused(text: str) -> None:
    with pytest.raises(InvalidIdMap) as caught:
        parse_id_map(text)
    assert caught.value.code == "invalid_id_map"


@given(st.integers(0, LAST), st.integers(0, LAST), st.integers(1, LAST))
def test_a_map_that_fits_survives_being_written_and_read(container_id: int, host_id: int, size: int) -> None:
    text = f"{container_id}:{host_id}:{size}"
    if max(container_id, host_id) + size > LAST:
        with pytest.raises(InvalidIdMap):
            parse_id_map(text)
    else:
        assert parse_id_map(text) == IdMap(container_id, host_id, size)


def parsed(*texts: str) -> tuple[IdMap, ...]:
    return tuple(map(parse_id_map, texts))


@pytest.mark.parametrize(
    "texts",
    [
        ("0:100:10", "5:200:10"),
        ("0:100:10", "10:105:10"),
        ("0:100:10", "0:100:10"),
        # Nobody is root.
        ("1:100:10",),
        ("5:100:2",),
        tuple(f"{number}:{number}:1" for number in range(341)),
    ],
)
def test_ranges_that_do_not_go_together_are_refused(texts: tuple[str, ...]) -> None:
    with pytest.raises(InvalidIdMap) as caught:
        check_id_maps("uidmap", parsed(*texts))
    assert caught.value.subject == "uidmap"


@pytest.mark.parametrize(
    "texts",
    [
        (),
        ("0:100:10",),
        ("0:100:10", "10:90:10", "20:110:5"),
        # A single ID is root, whatever it is called inside: GetRootUIDGID.
        ("5:100:1",),
        tuple(f"{number}:{number}:1" for number in range(340)),
    ],
)
def test_ranges_that_go_together_are_taken(texts: tuple[str, ...]) -> None:
    check_id_maps("uidmap", parsed(*texts))


def test_groups_map_like_users_where_only_one_is_told() -> None:
    one, other = parsed("0:100:10"), parsed("0:200:10")
    assert id_maps(None, None) is None
    assert id_maps(one, None) == id_maps(None, one) == IdMaps(one, one)
    assert id_maps(one, other) == IdMaps(one, other)
    assert id_maps((), None) == IdMaps() and not IdMaps()


@pytest.mark.parametrize(
    ("texts", "root"), [((), 0), (("0:100:10",), 100), (("5:100:1",), 100), (("1:200:9", "0:100:1"), 100)]
)
def test_root_of_the_container_is_who_stands_for_0(texts: tuple[str, ...], root: int) -> None:
    assert IdMaps(parsed(*texts), parsed(*texts)).root == (root, root)


def test_ids_go_there_and_back() -> None:
    maps = parsed("0:100000:10", "10:5:1", "65534:200000:2")
    assert [to_host(maps, number) for number in (0, 9, 10, 65535)] == [100000, 100009, 5, 200001]
    assert [to_host(maps, number) for number in (11, 65533, 65536)] == [None, None, None]
    assert [to_container(maps, number) for number in (100000, 5, 200001, 0)] == [0, 10, 65535, None]
    assert to_host((), 7) == to_container((), 7) == 7
