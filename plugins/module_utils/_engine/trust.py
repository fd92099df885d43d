# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Whether the signature policy of this host lets an image in."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from .._config.paths import ConfigPaths
from .._config.policy_file import find_policy
from .._errors import HostError, RefusedError
from .._host.atomic_files import read_file
from .._model.reference import Reference
from .._model.schema1 import Schema1Manifest
from .._report import Reporter
from .._trust.judge import Verdict, judge, needs_evidence
from .._trust.policy import Policy, parse_policy
from .._trust.refusal import NO_SIGNATURE, UNSUPPORTED
from .._trust.scope import docker_scopes
from .._trust.subject import OpenPgp, Subject, Tools

if TYPE_CHECKING:
    from .._host.gpg import Gpg
    from .._model.openpgp_report import OpenPgpReport
    from .._model.signature import Signature
    from .evidence import ImageEvidence

_TRANSPORT = "docker"
# Bytes; a keyring of all Debian developers has some 30 MB.
_KEYS_LIMIT = 64 << 20


class PolicyRefused(RefusedError):
    """The policy does not accept the image."""

    code = "policy_refused"


@dataclass(frozen=True)
class Admission:
    """What let an image in: the policy's requirement as ``type (scope)``, and the signatures that were verified for it."""

    accepted_by: str
    verified: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Gate:
    """The policy in force, ready to judge images that come from a registry."""

    policy: Policy
    origin: str
    require_signed: bool
    tools: Tools

    def needs_evidence(self, reference: Reference) -> bool:
        """Whether the image must be looked at; where not, the verdict can be had before anybody is asked for anything."""
        return needs_evidence(self.policy, _TRANSPORT, docker_scopes(reference))

    def admit(self, reference: Reference, evidence: ImageEvidence | None, reporter: Reporter) -> Admission:
        """What lets the image named ``reference`` in. Raises PolicyRefused, and what verdict() raises."""
        verdict = self.verdict(reference, evidence, reporter)
        if not verdict.accepted:
            raise self.refusal(reference, verdict)
        return Admission(accepted_by(verdict), verified(verdict))

    def refusal(self, reference: Reference, verdict: Verdict) -> PolicyRefused:
        """The error for an image that ``verdict`` refuses: why, and by which requirement of which file."""
        rule = f"{verdict.requirement} of {verdict.scope}" if verdict.requirement else verdict.scope
        place = f"{rule} in {self.origin}" if rule else self.origin
        return PolicyRefused(f"{verdict.reason.rstrip('.')} [{place}]", subject=str(reference), code=verdict.code)

    def verdict(self, reference: Reference, evidence: ImageEvidence | None, reporter: Reporter) -> Verdict:
        """What the policy says of the image named ``reference``; ``evidence`` is None where it needs none.

        ``reference`` is the name that the user gave, before any mirror or rewriting. Raises what reading signatures raises.
        """
        scopes = docker_scopes(reference)
        verdict = _cannot_be_judged(evidence) if self.needs_evidence(reference) else None
        if verdict is None:
            identity = reference.digest_only().with_default_tag()
            subject = Subject(str(reference), identity, evidence or _NoEvidence())
            verdict = judge(self.policy, _TRANSPORT, scopes, subject, self.tools, require_signed=self.require_signed)
            if verdict.code == NO_SIGNATURE and evidence is not None and evidence.sought:
                verdict = replace(verdict, reason=f"{verdict.reason}; looked in {evidence.sought}")
        reporter.step(
            "judged",
            str(reference),
            policy=self.origin,
            accepted=verdict.accepted,
            scope=verdict.scope,
            requirement=verdict.requirement,
        )
        for text in verdict.steps:
            reporter.step("considered", str(reference), finding=text)
        return verdict


def accepted_by(verdict: Verdict) -> str:
    """The requirement that decided, and where it stands."""
    return f"{verdict.requirement} ({verdict.scope})"


def verified(verdict: Verdict) -> tuple[dict[str, Any], ...]:
    """Each requirement that verified a signature, with what it says of the signer."""
    return tuple({"requirement": met.requirement, "signer": met.signer} for met in verdict.met if met.signer)


def _cannot_be_judged(evidence: ImageEvidence | None) -> Verdict | None:
    """The refusal of a manifest of schema 1, None for all others: it may hold other bytes than those that are hashed."""
    if evidence is None or not isinstance(evidence.parsed, Schema1Manifest):
        return None
    reason = "the policy requires a signature, and none can protect a manifest of schema 1"
    return Verdict(False, UNSUPPORTED, reason, "", "", (), (reason,))


class _NoEvidence:
    """What is not there needs not be asked for."""

    def manifest(self) -> bytes:
        """Nothing."""
        return b""

    def signatures(self) -> Sequence[Signature]:
        """None."""
        return ()


def open_gate(paths: ConfigPaths, reporter: Reporter, *, signature_policy: str | None, require_signed: bool) -> Gate:
    """The gate of the policy file that applies: ``signature_policy``, the user's, or the system's.

    Raises NoPolicy where there is none, and InvalidPolicy.
    """
    origin, data = find_policy(paths, signature_policy)
    policy = parse_policy(data, origin)
    for warning in policy.warnings:
        reporter.warn(warning)
    tools = Tools(read_file=_keys, openpgp=_openpgp(paths), now=time.time)
    return Gate(policy, origin, require_signed, tools)


def _openpgp(paths: ConfigPaths) -> OpenPgp:
    """gpg, found when the first signature is to be checked; one for the whole task, because it remembers keyrings."""

    @cache
    def gpg() -> Gpg:
        from .._host.commands import SystemCommands
        from .._host.gpg import Gpg, gpg_environment

        return Gpg(SystemCommands(gpg_environment(paths.environment_of_programs())))

    def check(keyrings: Sequence[bytes], message: bytes) -> OpenPgpReport:
        return gpg()(keyrings, message)

    return check


def _keys(path: str) -> bytes:
    data = read_file(path, _KEYS_LIMIT)
    if data is None:
        raise HostError("there is no such file of keys", subject=path)
    return data
