# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The four runs of a module: check, do, check again, do again; through Ansible, or the module alone.

A test file that takes ``store``, ``play`` and ``alone`` imports them as fixtures.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .modules import run_module
from .playbook import PlaybookRunner, PlayResult
from .stores import Store
from .trees import snapshot

Play = Callable[..., PlayResult]


@pytest.fixture
def store(make_store: Callable[[str], Store]) -> Store:
    return make_store("store")


@pytest.fixture
def play(run_playbook: PlaybookRunner, store: Store, pull_options: dict[str, Any]) -> Play:
    """Runs one task of the collection on the scratch store, with the store's options from the action group."""

    def run(module: str, check: bool = False, **arguments: Any) -> PlayResult:
        defaults = {
            "group/strata.containers.store": store.module_options(),
            "strata.containers.image_pull": pull_options,
        }
        task = {"name": "task", f"strata.containers.{module}": arguments}
        return run_playbook([task], check=check, diff=True, verbosity=3, play={"module_defaults": defaults})

    return run


@pytest.fixture
def alone(store: Store, pull_options: dict[str, Any]) -> Play:
    """The same by the module alone, for what has been seen through Ansible: a play takes seconds."""

    def run(module: str, check: bool = False, **arguments: Any) -> PlayResult:
        defaults = {**store.module_options(), **(pull_options if module == "image_pull" else {})}
        ran = run_module(module, {**defaults, **arguments}, check=check)
        status = "failed" if ran.failed else "ok"
        names = {"_task": "task", "_action": f"strata.containers.{module}", "_status": status}
        return PlayResult(2 if ran.failed else 0, [{**ran.data, **names}], ran.text)

    return run


def state(store: Store) -> tuple[Any, Any]:
    """Every file of the store as it is; equal only where nothing was written, not even a lock file."""
    return snapshot(store.root), snapshot(store.run_root)


def four_ways(play: Play, store: Store, module: str, **arguments: Any) -> dict[str, Any]:
    """The result of the module, which was asked four times: check (predicts, writes nothing), do, check and do again (nothing)."""
    untouched = state(store)
    predicted = play(module, check=True, **arguments)
    assert predicted.rc == 0, predicted.stdout
    assert predicted.changed
    assert state(store) == untouched
    done = play(module, **arguments)
    assert done.rc == 0, done.stdout
    result = done.result("task")
    assert result["changed"] and result["steps"]
    assert set(predicted.result("task")) == set(result)
    assert predicted.result("task")["diff"] == result["diff"]
    settled = state(store)
    for check in (True, False):
        again = play(module, check=check, **arguments)
        assert again.rc == 0 and not again.changed, again.stdout
        assert state(store) == settled
    return result


def reads_only(play: Play, store: Store, module: str, **arguments: Any) -> dict[str, Any]:
    """The result of a module that reads: the same in check mode and in earnest, nothing written."""
    untouched = state(store)
    results = [play(module, check=check, **arguments) for check in (True, False)]
    assert [result.rc for result in results] == [0, 0], results[1].stdout
    first, second = (result.result("task") for result in results)
    assert first == second and not first["changed"]
    assert state(store) == untouched
    return second
