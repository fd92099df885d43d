# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The verb check: what is wrong in the store, and on request the repair of what can be repaired."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any, Optional

from .._errors import HostError
from .._host.locks import exclusive
from .._report import Reporter
from .._storage.broken_records import (
    COUNTS_UNREADABLE,
    RECORDS_UNREADABLE,
    keep_copies,
    rebuild_counts,
    record_problems,
)
from .._storage.catalog import shared_locks
from .._storage.check_content import SIZE_WRONG, content_problems
from .._storage.check_data import container_problems, image_problems
from .._storage.check_layers import layer_problems
from .._storage.check_orphans import count_problems, link_problems, orphan_problems
from .._storage.check_records import value_problems
from .._storage.doom import Doom, carry_out_doom, doom_of
from .._storage.driver import StoreDriver
from .._storage.edit import open_for_change
from .._storage.last_write import stamp
from .._storage.layout import Layout
from .._storage.lost_records import RECORDS_MISSING, lost_records
from .._storage.mounted import mounted
from .._storage.prepare import prepare_store
from .._storage.problem import LAYER, Elsewhere, Evidence, Problem, look_elsewhere, read_evidence
from .._storage.records import UNKNOWN_TIME, LayerRecord
from .outcome import Outcome

# A repair may bring forth what could not be seen before; what is still there after so many rounds stays.
_ROUNDS = 4
_UNREADABLE = "nothing is repaired while a record file cannot be read or is lost"
# What is repaired all the same.
_FIRST = (RECORDS_UNREADABLE, RECORDS_MISSING, COUNTS_UNREADABLE)
_NEEDS = "remove_containers allows it"


@dataclass(frozen=True)
class CheckRequest:
    """What to look at and what to do: ``deep`` reads contents, ``repair`` mends, ``remove_containers`` lets containers go."""

    deep: bool = False
    repair: bool = False
    remove_containers: bool = False


@dataclass(frozen=True)
class _Finding:
    """A problem with what can be done about it: its own mend, or the going of ``doom``; ``why_not`` where neither may be."""

    problem: Problem
    doom: Optional[Doom]
    why_not: str

    @property
    def remedy(self) -> str | None:
        """What a repair does about it, None where it does nothing."""
        if self.why_not:
            return None
        if self.problem.mend is not None:
            return self.problem.mend.text
        return self.doom.text() if self.doom is not None else None


class _Checker:
    """Checks one store again and again; contents are read once."""

    def __init__(self, layout: Layout, driver: StoreDriver, options: tuple[str, ...], request: CheckRequest) -> None:
        self._layout = layout
        self._driver = driver
        self._options = options
        self._request = request
        self._elsewhere: Elsewhere = look_elsewhere(layout)
        self._contents: list[tuple[LayerRecord, Problem]] = []

    def look(self) -> list[_Finding]:
        """Everything that is wrong, without a trace in the store."""
        with shared_locks(self._layout):
            evidence = read_evidence(self._layout, self._elsewhere)
            problems = self._problems(evidence)
        if not self._request.deep:
            return self._judge(evidence, problems)
        ill = [problem.subject for problem in problems if problem.damaged and problem.damaged[0] == LAYER]
        self._contents = list(
            content_problems(evidence, ill, compare_trees=self._native(), compare_owners=not self._ignores_owners())
        )
        with shared_locks(self._layout):
            # A layer may have been deleted while its contents were read.
            evidence = read_evidence(self._layout, self._elsewhere)
            return self._judge(evidence, self._problems(evidence))

    def look_under_locks(self) -> list[_Finding]:
        """The same while all locks are held by the caller; of contents, what is still so by the records."""
        evidence = read_evidence(self._layout, self._elsewhere)
        return self._judge(evidence, self._problems(evidence))

    def _problems(self, evidence: Evidence) -> list[Problem]:
        problems = [*record_problems(evidence), *lost_records(evidence)]
        if not _lacks_records(problems):
            problems += value_problems(evidence)
            problems += layer_problems(evidence)
            problems += image_problems(evidence, deep=self._request.deep)
            problems += container_problems(evidence, deep=self._request.deep)
            problems += orphan_problems(evidence)
            problems += count_problems(evidence)
            problems += link_problems(evidence)
        contents = ((layer, evidence.catalog.layer(layer.id), problem) for layer, problem in self._contents)
        return problems + [problem for read, now, problem in contents if now and _still_holds(problem, read, now)]

    def _judge(self, evidence: Evidence, problems: list[Problem]) -> list[_Finding]:
        findings = []
        lacking = _lacks_records(problems)
        for problem in problems:
            doom = doom_of(evidence.catalog, *problem.damaged) if problem.damaged else None
            why_not = _UNREADABLE if lacking and problem.kind not in _FIRST else self._why_not(evidence, problem, doom)
            findings.append(_Finding(problem, doom, why_not))
        return findings

    def _why_not(self, evidence: Evidence, problem: Problem, doom: Doom | None) -> str:
        """Why nothing is done about the problem, empty where it is."""
        if problem.information or (problem.mend is None and doom is None):
            return "nothing to do"
        if doom is None or self._request.remove_containers:
            return ""
        if doom.containers:
            return f"containers need it ({', '.join(name[:12] for name in doom.containers)}): {_NEEDS}"
        counts = {layer_id: recorded.count for layer_id, recorded in evidence.catalog.mount_counts.items()}
        points = [layer_id for layer_id in doom.layers if mounted(self._layout, layer_id, counts.get(layer_id, 0))]
        return f"it is mounted (layer {points[0][:12]}): {_NEEDS}" if points else ""

    def _native(self) -> bool:
        with suppress(HostError):
            self._driver.ensure_usable()
            return True
        return False

    def _ignores_owners(self) -> bool:
        return any("ignore_chown_errors" in option for option in self._options)


def check_store(
    layout: Layout,
    driver: StoreDriver,
    options: tuple[str, ...],
    request: CheckRequest,
    reporter: Reporter,
    *,
    check_mode: bool,
) -> Outcome:
    """The problems of the store and, with ``request.repair`` and not ``check_mode``, the repair of those that can be.

    Without a repair nothing is written, not even a lock file. A problem counts as repaired when a second look no longer
    finds it. Raises HostError.
    """
    checker = _Checker(layout, driver, options, request)
    found = checker.look()
    will = request.repair and any(finding.remedy for finding in found)
    if not will or check_mode:
        return _outcome(will, found, _without_remedied(found) if will else found, repaired=False)
    found, left, changed = _repair(checker, layout, driver, found, reporter)
    return _outcome(changed, found, left, repaired=True)


def _repair(
    checker: _Checker, layout: Layout, driver: StoreDriver, found: list[_Finding], reporter: Reporter
) -> tuple[list[_Finding], list[_Finding], bool]:
    """All that was found, what is left of it, and whether anything was done."""
    changed = keep_copies(layout)
    changed = rebuild_counts(layout) or changed
    if _lacks_records(finding.problem for finding in found):
        with shared_locks(layout):
            return found, checker.look_under_locks(), changed
    prepare_store(layout)
    with ExitStack() as held:
        storage = held.enter_context(exclusive(layout.storage_lock))
        tables = held.enter_context(open_for_change(layout, layers=True, mounts=True, images=True, containers=True))
        left = checker.look_under_locks()
        for _round in range(_ROUNDS):
            known = {finding.problem.identity for finding in found}
            found += [
                finding for finding in left if finding.problem.identity not in known and not finding.problem.information
            ]
            todo = [finding for finding in left if finding.remedy]
            if not todo:
                break
            for finding in todo:
                if finding.problem.mend is not None:
                    finding.problem.mend.do(tables, layout, driver)
                    reporter.step("mended", finding.problem.subject, kind=finding.problem.kind)
            doom = _joint(finding.doom for finding in todo if finding.doom is not None and finding.problem.mend is None)
            if doom is not None:
                carry_out_doom(tables, layout, driver, doom)
                for finding in todo:
                    if finding.doom is not None:
                        reporter.step("deleted", finding.problem.subject, kind=finding.problem.kind)
            changed = True
            left = checker.look_under_locks()
        if changed and driver.release_home():
            stamp(storage)
    return found, left, changed


def _lacks_records(problems: Iterable[Problem]) -> bool:
    """Whether records are not to be had, so that nothing that hangs on them can be judged."""
    return any(problem.kind in (RECORDS_UNREADABLE, RECORDS_MISSING) for problem in problems)


def _still_holds(problem: Problem, read: LayerRecord, now: LayerRecord) -> bool:
    """Whether what the contents of a layer told holds, whose record was ``read`` then.

    Another layer of the same ID has another record. What a repair writes into a record makes no other layer of it.
    """
    mended = ["created"] * (now.created == UNKNOWN_TIME) + ["diff-size"] * (problem.kind != SIZE_WRONG)
    return {**now.fields, **{key: read.fields[key] for key in mended if key in read.fields}} == read.fields


def _joint(dooms: Iterable[Doom]) -> Doom | None:
    joint: Doom | None = None
    for doom in dooms:
        joint = doom if joint is None else joint.together_with(doom)
    return joint


def _without_remedied(found: list[_Finding]) -> list[_Finding]:
    return [
        finding for finding in found if not finding.remedy or (finding.problem.mend and not finding.problem.mend.heals)
    ]


def _outcome(changed: bool, found: list[_Finding], left: list[_Finding], *, repaired: bool) -> Outcome:
    remaining = {finding.problem.identity for finding in left}
    problems = [_facts(finding, repaired and finding.problem.identity not in remaining) for finding in found]
    healthy = all(finding.problem.information for finding in (left if repaired else found))
    facts = {"problems": problems, "healthy": healthy}
    return Outcome(changed, facts, _side(found), _side(left))


def _facts(finding: _Finding, repaired: bool) -> dict[str, Any]:
    problem = finding.problem
    needless = problem.information or finding.remedy is not None or not problem.damaged
    return {
        "kind": problem.kind,
        "object": problem.subject,
        "message": problem.message if needless else f"{problem.message}; {finding.why_not}",
        "repair": finding.remedy,
        "repaired": repaired,
        "information": problem.information,
    }


def _side(findings: list[_Finding]) -> dict[str, Any]:
    wrong = [finding.problem for finding in findings if not finding.problem.information]
    return {"problems": [f"{problem.kind} {problem.subject}" for problem in wrong]}
