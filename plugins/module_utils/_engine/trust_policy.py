# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Change one list of requirements of a policy.json: the default, or that of a scope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from .._config.paths import ConfigPaths
from .._config.policy_file import NoPolicy, policy_content, policy_path
from .._errors import UsageError
from .._host.config_files import write_configuration
from .._report import Reporter
from .._trust.dead_scope import why_dead
from .._trust.policy_document import PolicyDocument
from .._trust.strict_json import InvalidPolicy
from .outcome import Outcome

Requirements = Sequence[Mapping[str, Any]]


class InvalidRequirement(UsageError):
    """With what the task wants the policy would be malformed. ``subject`` names the place in the file as it would be."""

    code = "invalid_requirement"


@dataclass(frozen=True)
class ScopeChange:
    """What a scope of a transport shall require; ``requirements`` is None where the policy shall not speak of it."""

    transport: str
    scope: str
    requirements: Optional[Requirements]

    @property
    def place(self) -> str:
        """Where the list is in the file, as errors call it."""
        return f'transports.{self.transport}["{self.scope}"]'

    def applied(self, document: PolicyDocument) -> PolicyDocument:
        """``document`` as it shall be; the same where it is so already."""
        if document.requirements(self.transport, self.scope) == self.requirements:
            return document
        if self.requirements is None:
            return document.without_scope(self.transport, self.scope)
        return document.with_scope(self.transport, self.scope, self.requirements)


def change_policy(
    paths: ConfigPaths,
    reporter: Reporter,
    *,
    path: str | None,
    default: Requirements | None,
    change: ScopeChange | None,
    check_mode: bool,
) -> Outcome:
    """The policy file with the list ``default`` and the list of ``change``, each left alone where it is None.

    Everything else in the file keeps its meaning and its order. Nothing is written where nothing differs, and nothing that the
    parser of the policy would refuse. Raises InvalidPolicy for the file as it is, InvalidRequirement, NoPolicy, HostError.
    """
    origin = policy_path(paths, path)
    before = _read(origin)
    if before is None and change is not None and change.requirements is None:
        return _outcome(origin, None, None, default, change)
    after = _changed(before or _empty(origin, default), default, change)
    _check(after, origin, change, reporter)
    if after != before:
        if not check_mode:
            write_configuration(origin, after.rendered())
        reporter.step("would write" if check_mode else "wrote", origin)
    return _outcome(origin, before, after, default, change)


def _read(origin: str) -> PolicyDocument | None:
    data = policy_content(origin)
    return None if data is None else PolicyDocument.parse(data, origin)


def _empty(origin: str, default: Requirements | None) -> PolicyDocument:
    if default is None:
        raise NoPolicy("there is no such file, and a new policy needs a default", subject=origin)
    return PolicyDocument({})


def _changed(document: PolicyDocument, default: Requirements | None, change: ScopeChange | None) -> PolicyDocument:
    if default is not None and document.values.get("default") != default:
        document = document.with_default(default)
    return change.applied(document) if change is not None else document


def _check(document: PolicyDocument, origin: str, change: ScopeChange | None, reporter: Reporter) -> None:
    try:
        policy = document.check(origin)
    except InvalidPolicy as error:
        # The file was well-formed before, so the fault is the task's.
        raise InvalidRequirement(
            error.message, subject=error.subject, wanted=error.wanted, found=error.found
        ) from error
    for warning in policy.warnings:
        reporter.warn(warning)
    if change is not None and change.requirements is not None:
        reason = why_dead(change.transport, change.scope)
        if reason:
            reporter.warn(f"{origin}: {change.place} is never applied: {reason}")


def _outcome(
    origin: str,
    before: PolicyDocument | None,
    after: PolicyDocument | None,
    default: Requirements | None,
    change: ScopeChange | None,
) -> Outcome:
    facts = {"policy_file": origin, "policy": dict(after.values) if after else None}
    return Outcome(before != after, facts, _lists(before, default, change), _lists(after, default, change))


def _lists(document: PolicyDocument | None, default: Requirements | None, change: ScopeChange | None) -> dict[str, Any]:
    """The lists that the task speaks of, by their places; None for one that is not there."""
    lists: dict[str, Any] = {}
    if default is not None:
        lists["default"] = document.values.get("default") if document else None
    if change is not None:
        lists[change.place] = document.requirements(change.transport, change.scope) if document else None
    return lists
