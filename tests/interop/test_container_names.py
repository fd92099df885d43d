# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A short name may be how the ID of another container begins: who asks for a container of that name does not mean the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.modules import ModuleResult, run_module
from lab.store_state import records
from lab.stores import Store
from lab.twins import fill

IMAGE = "example.com/app:1"


def test_a_name_is_no_part_of_an_id(make_store: Callable[[str], Store], tmp_path: Path) -> None:
    store = make_store("store")
    fill(store, tmp_path / "layout", [(IMAGE, ("one",), {})])

    def mounted(name: str, **arguments: Any) -> ModuleResult:
        return run_module("container_mount", {**store.module_options(), "name": name, **arguments})

    def task(name: str, **arguments: Any) -> tuple[bool, set[str]]:
        """Whether it changed something, also in check mode, and the containers that are there then."""
        options = {**store.module_options(), "image": IMAGE, "name": name, **arguments}
        foreseen, made = (run_module("container_create", options, check=check) for check in (True, False))
        assert not made.failed and foreseen.changed == made.changed, made.text
        return made.changed, {record["id"] for record in records(store, "containers")}

    other = task("other")[1]
    (other_id,) = other
    assert task(other_id[:4], state="absent") == (False, other)
    assert mounted(other_id[:4]).code == "unknown_container"
    assert mounted(other_id[:12]).changed
    assert not mounted(other_id[:4], state="unmounted").changed
    assert mounted(other_id, state="unmounted").changed
    changed, both = task(other_id[:4])
    assert changed and len(both) == 2
    # podman's own names are as ours.
    (mine,) = both - other
    store.podman("create", "--name", mine[:4], IMAGE, "true")
    assert len(records(store, "containers")) == 3
    # What other tools print of an ID, and all of it, is one.
    assert task(mine[:12], state="absent")[0] and task(other_id, state="absent")[0]
    assert [record["names"] for record in records(store, "containers")] == [[mine[:4]]]
