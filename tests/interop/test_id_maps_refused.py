# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ID maps that no container can have: refused by us before anything is written, and by podman."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from lab.check_bench import layout_of
from lab.commands import CommandFailed
from lab.modules import run_module
from lab.store_state import records
from lab.stores import Store
from lab.twins import fill

LONG = bool(os.environ.get("STRATA_TEST_LONG"))
IMAGE = "example.com/image:1"
# Further maps that are refused, and by podman too.
FURTHER_MAPS: list[tuple[list[str], bool]] = (
    [
        (["0:100000:0"], True),
        (["abc"], True),
        (["5:100000:10"], True),
        (["0:100000:10", "10:100005:10"], True),
        (["0:100000:4294967297"], True),
    ]
    if LONG
    else []
)


@pytest.fixture
def store(make_store: Callable[[str], Store], tmp_path: Path) -> Store:
    store = make_store("store")
    fill(store, tmp_path / "image", [(IMAGE, ["file"], {})])
    return store


@pytest.mark.parametrize(
    ("maps", "podman_too"),
    [
        (["0:100000:65536", "0:300000:10"], True),
        # podman stores this one, and no kernel takes it.
        (["0:4294967290:100"], False),
        *FURTHER_MAPS,
    ],
)
def test_maps_that_podman_refuses_are_refused(store: Store, maps: list[str], podman_too: bool) -> None:
    arguments = {**store.module_options(), "name": "box", "image": IMAGE, "uidmap": maps}
    for check in (True, False) if LONG else (False,):
        assert run_module("container_create", arguments, check=check).code == "invalid_id_map"
    assert not os.path.exists(layout_of(store).containers_json) or records(store, "containers") == []
    if podman_too:
        with pytest.raises(CommandFailed, match=r"mapp|malformed"):
            store.podman("create", *(word for entry in maps for word in ("--uidmap", entry)), IMAGE, "true")
