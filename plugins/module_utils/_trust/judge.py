# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Whether a policy lets an image in (containers-policy.json(5); containers/image, ``signature/policy_eval.go``).

The checks, in order; the numbers are repeated below:

1. One list applies: that of the first scope of the transport that the policy knows, else the default. Lists are never
   merged.
2. The requirements of the list are asked in order, and the first that is not met ends it.
3. A list without requirements accepts nothing.
4. Where signed images are demanded, one requirement must have verified a signature.

For the caller: to name the image as the user did, before any mirror; to use the very bytes of the manifest that were
judged; to check digests of config and layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .policy import Policy, Requirements
from .requirement import REFUSED, Finding

_DEFAULT = "default"


@dataclass(frozen=True)
class Verdict:
    """What was decided, and why.

    ``code`` is ``accepted``, ``policy_refused`` or ``policy_unsupported``. ``requirement`` is the type that decided,
    ``scope`` the place of the list in the policy file (``default``, or as in ``transports.docker["quay.io"]``), and
    ``steps`` says what came of each requirement that was asked.
    """

    accepted: bool
    code: str
    reason: str
    requirement: str
    scope: str
    steps: tuple[str, ...]


def judge(
    policy: Policy, transport: str, scopes: Sequence[str], identity: str, require_signed: bool = False
) -> Verdict:
    """The verdict on the image that the user calls ``identity``, in a place that ``scopes`` speak of, best one first."""
    scope, requirements = _applicable(policy, transport, scopes)  # 1
    findings: list[Finding] = []
    steps: list[str] = []
    for requirement in requirements:  # 2
        finding = requirement.judge(identity)
        findings.append(finding)
        steps.append(f"{scope}: {requirement.type}: {finding.reason}")
        if not finding.accepted:
            break
    conclusion = _conclusion(findings, identity, require_signed)
    return Verdict(
        accepted=conclusion.accepted,
        code=conclusion.code,
        reason=conclusion.reason,
        requirement=requirements[len(findings) - 1].type if findings else "",
        scope=scope,
        steps=tuple(steps),
    )


def _applicable(policy: Policy, transport: str, scopes: Sequence[str]) -> tuple[str, Requirements]:
    known = policy.transports.get(transport, {})
    for scope in scopes:
        if scope in known:
            return f'transports.{transport}["{scope}"]', known[scope]
    return _DEFAULT, policy.default


def _conclusion(findings: Sequence[Finding], identity: str, require_signed: bool) -> Finding:
    if not findings:  # 3
        return Finding(False, False, REFUSED, f"the policy has no requirement for {identity}, which accepts nothing")
    last = findings[-1]
    if last.accepted and require_signed and not any(finding.verified for finding in findings):  # 4
        reason = f"a signature is demanded, and the policy accepts {identity} without verifying one"
        return Finding(False, False, REFUSED, reason)
    return last
