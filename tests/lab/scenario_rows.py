# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many rows of a table of scenarios in four plays: check, do, check again, do again, each row on a store of its own.

A play of its own for each row would spend most of its time in the start of ansible-playbook; and as a task costs three times
what its module costs, rows that differ from others in the module's eyes only are done by the module alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from .modules import run_module
from .playbook import PlaybookRunner, PlayResult, Task
from .stores import Store
from .trees import snapshot

FOUR = (True, False, True, False)


@dataclass
class Row:
    """What became of one task: its result in each play, and whether that play changed the store by as much as a byte."""

    store: Store
    results: list[dict[str, Any]] = field(default_factory=list)
    wrote: list[bool] = field(default_factory=list)

    @property
    def changed(self) -> list[bool]:
        return [bool(result.get("changed")) for result in self.results]

    @property
    def failed(self) -> list[bool]:
        return [result["_status"] == "failed" for result in self.results]

    @property
    def done(self) -> dict[str, Any]:
        """The result of the first play that was not in check mode."""
        return self.results[1]

    def check_pulled_once(self) -> None:
        """Predicted, done, and then there is nothing left to do: what every row that succeeds must show."""
        plays = len(self.results)
        assert self.failed == [False] * plays, self.results
        assert self.changed == [True, True, False, False][:plays], self.results
        assert self.wrote == [False, True, False, False][:plays]
        assert self.results[0]["diff"] == self.results[1]["diff"]
        assert set(self.results[0]) == set(self.results[1])

    def check_unchanged(self) -> None:
        """Nothing to do, in any mode."""
        assert self.failed == [False] * 4, self.results
        assert self.changed == [False] * 4 and self.wrote == [False] * 4

    def check_refused(self, code: str, *words: str) -> dict[str, Any]:
        """The same error in check mode and in earnest, and nothing written; the result of the latter."""
        for result in self.results:
            assert result["_status"] == "failed" and not result["changed"], result
            assert result["error"]["code"] == code, result["msg"]
            assert all(word in result["msg"] for word in words), result["msg"]
        assert self.wrote == [False] * len(self.results)
        return self.results[-1]


class FourWays:
    """Collects tasks of image_pull as rows, and plays them."""

    def __init__(self, run_playbook: PlaybookRunner, defaults: Mapping[str, Any]) -> None:
        self._run_playbook = run_playbook
        self._defaults = defaults
        self._rows: dict[str, Row] = {}
        self._tasks: dict[str, Task] = {}
        self._plays: dict[str, int] = {}
        self._alone: dict[str, tuple[dict[str, Any], Optional[Mapping[str, str]]]] = {}
        self.output = ""

    def add(
        self,
        row: str,
        store: Store,
        *,
        plays: int = 4,
        refused: bool = False,
        alone: bool = False,
        environment: Optional[Mapping[str, str]] = None,
        **arguments: Any,
    ) -> None:
        """One row, in the first ``plays``; ``refused`` ones fail, and are played twice only (check, do).

        ``alone``: by the module, without Ansible.
        """
        options = {**store.module_options(), **self._defaults, **arguments}
        keywords = {"environment": dict(environment)} if environment else {}
        if alone:
            self._alone[row] = (options, environment)
        self._tasks[row] = {"name": row, "strata.containers.image_pull": options, "ignore_errors": True, **keywords}
        self._rows[row] = Row(store)
        self._plays[row] = 2 if refused else plays

    def play(self, modes: Sequence[bool] = FOUR) -> None:
        """All four plays, or those that ``modes`` lists: True for one in check mode."""
        for number, check in enumerate(modes):
            names = [name for name in self._tasks if number < self._plays[name]]
            before = {name: _state(self._rows[name].store) for name in names}
            results = self._by_ansible([name for name in names if name not in self._alone], check)
            for name in names:
                result = self._by_module(name, check) if name in self._alone else results.result(name)
                self._rows[name].results.append(result)
                self._rows[name].wrote.append(_state(self._rows[name].store) != before[name])

    def __getitem__(self, name: str) -> Row:
        return self._rows[name]

    def _by_ansible(self, names: list[str], check: bool) -> PlayResult:
        if not names:
            return PlayResult(0, [], "")
        tasks = [self._tasks[name] for name in names]
        played = self._run_playbook(tasks, check=check, diff=True, verbosity=3)
        self.output += played.stdout
        assert len(played.results) == len(tasks), played.stdout
        return played

    def _by_module(self, name: str, check: bool) -> dict[str, Any]:
        options, environment = self._alone[name]
        ran = run_module("image_pull", options, check=check, env=environment)
        self.output += ran.text
        return {**ran.data, "_status": "failed" if ran.failed else "ok"}


def _state(store: Store) -> tuple[Any, Any]:
    return snapshot(store.root), snapshot(store.run_root)
