# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Whether a policy lets an image in (containers-policy.json(5); containers/image, ``signature/policy_eval.go``).

The checks, in order; the numbers are repeated below:

1. One list applies: that of the first scope of the transport that the policy knows, else the default. Lists are never
   merged.
2. The requirements of the list are asked in order, and the first that is not met ends it. One that looks at signatures is
   not met by an image that was asked for by another digest than a sha256 one: containers/image takes none of these for the
   digest of a manifest, and signatures name no other.
3. A list without requirements accepts nothing.
4. Where signed images are demanded, one requirement must have verified a signature.

For the caller: to name the image as the user did, before any mirror; to use the very bytes of the manifest that were
judged; to check digests of config and layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .policy import Policy, Requirements
from .refusal import OTHER_DIGEST, REFUSED
from .requirement import Finding, Requirement
from .requirement_reject import Reject
from .subject import Subject, Tools

_DEFAULT = "default"


@dataclass(frozen=True)
class Verdict:
    """What was decided, and why.

    ``code`` is ``accepted`` or one of those of ``refusal``. ``requirement`` is the type that decided, ``scope`` the place of
    the list in the policy file (``default``, or as in ``transports.docker["quay.io"]``). ``met`` has an entry for each
    requirement that was met: its type, and who signed, if anybody. ``steps`` says, numbered as above, what was done.
    """

    accepted: bool
    code: str
    reason: str
    requirement: str
    scope: str
    met: tuple[Met, ...]
    steps: tuple[str, ...]


@dataclass(frozen=True)
class Met:
    """A requirement that was met; ``signer`` names the key or certificate, and is empty where none was needed."""

    requirement: str
    signer: str


def judge(
    policy: Policy,
    transport: str,
    scopes: Sequence[str],
    subject: Subject,
    tools: Tools,
    *,
    require_signed: bool = False,
) -> Verdict:
    """The verdict on ``subject``, an image in a place that ``scopes`` speak of, best one first.

    Raises what the evidence and the tools raise when they cannot be had.
    """
    scope, requirements = _applicable(policy, transport, scopes)  # 1
    steps = [f"1: the list of {scope} applies"]
    findings: list[Finding] = []
    for requirement in requirements:  # 2
        finding = _finding(requirement, subject, tools)
        findings.append(finding)
        steps += [f"2: {requirement.type}: {step}" for step in (*finding.steps, finding.reason)]
        if not finding.accepted:
            break
    conclusion, number = _conclusion(findings, subject, require_signed)
    steps.append(f"{number}: {conclusion.code}: {conclusion.reason}")
    return Verdict(
        accepted=conclusion.accepted,
        code=conclusion.code,
        reason=conclusion.reason,
        requirement=requirements[len(findings) - 1].type if findings else "",
        scope=scope,
        met=tuple(
            Met(requirement.type, finding.signer)
            for requirement, finding in zip(requirements, findings)
            if finding.accepted
        ),
        steps=tuple(steps),
    )


def _finding(requirement: Requirement, subject: Subject, tools: Tools) -> Finding:
    digest = subject.identity.digest if subject.identity else None
    if requirement.needs_evidence and digest is not None and digest.algorithm != "sha256":
        return Finding(
            False, OTHER_DIGEST, f"signatures are by sha256 digests, and {subject.name} is asked for by another"
        )
    return requirement.judge(subject, tools)


def needs_evidence(policy: Policy, transport: str, scopes: Sequence[str]) -> bool:
    """Whether a verdict may depend on manifest and signatures; where not, it can be had before anything is fetched."""
    _scope, requirements = _applicable(policy, transport, scopes)
    for requirement in requirements:
        if requirement.needs_evidence:
            return True
        if requirement.type == Reject.type:
            return False
    return False


def _applicable(policy: Policy, transport: str, scopes: Sequence[str]) -> tuple[str, Requirements]:
    known = policy.transports.get(transport, {})
    for scope in scopes:
        if scope in known:
            return f'transports.{transport}["{scope}"]', known[scope]
    return _DEFAULT, policy.default


def _conclusion(findings: Sequence[Finding], subject: Subject, require_signed: bool) -> tuple[Finding, int]:
    """The finding that is the verdict, and the number of the rule that makes it so."""
    if not findings:
        return Finding(False, REFUSED, f"the policy has no requirement for {subject.name}, which accepts nothing"), 3
    last = findings[-1]
    if last.accepted and require_signed and not any(finding.verified for finding in findings):
        reason = f"a signature is demanded, and the policy accepts {subject.name} without verifying one"
        return Finding(False, REFUSED, reason), 4
    return last, 2
