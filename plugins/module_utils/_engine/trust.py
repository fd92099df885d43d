# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Whether the signature policy of this host lets an image in."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from .._config.paths import ConfigPaths
from .._config.policy_file import find_policy
from .._errors import HostError, RefusedError
from .._model.reference import Reference
from .._model.signature import Signature
from .._report import Reporter
from .._trust.judge import judge
from .._trust.policy import Policy, parse_policy
from .._trust.scope import docker_scopes
from .._trust.subject import Subject, Tools


class PolicyRefused(RefusedError):
    """The policy does not accept the image."""

    code = "policy_refused"


@dataclass(frozen=True)
class Gate:
    """The policy in force, ready to judge images that come from a registry."""

    policy: Policy
    origin: str
    require_signed: bool

    def admit(self, reference: Reference, reporter: Reporter) -> str:
        """The requirement that the image named ``reference`` met, as ``type (scope)``.

        ``reference`` is the name that the user gave, before any mirror or rewriting. Raises PolicyRefused.
        """
        scopes = docker_scopes(reference)
        subject = Subject(str(reference), reference.digest_only().with_default_tag(), _NoEvidence())
        tools = Tools(read_file=_unavailable, openpgp=lambda keyrings, message: _unavailable(), now=time.time)
        verdict = judge(self.policy, "docker", scopes, subject, tools, require_signed=self.require_signed)
        reporter.step(
            "judged",
            str(reference),
            policy=self.origin,
            accepted=verdict.accepted,
            scope=verdict.scope,
            requirement=verdict.requirement,
        )
        if not verdict.accepted:
            raise PolicyRefused(verdict.reason, subject=str(reference), code=verdict.code)
        return f"{verdict.requirement} ({verdict.scope})"


class _NoEvidence:
    """No requirement of this release looks at signatures."""

    def manifest(self) -> bytes:
        """Nothing."""
        return b""

    def signatures(self) -> Sequence[Signature]:
        """None."""
        return ()


def _unavailable(*_arguments: object) -> NoReturn:
    raise HostError("signatures cannot be verified by this release")


def open_gate(paths: ConfigPaths, reporter: Reporter, *, signature_policy: str | None, require_signed: bool) -> Gate:
    """The gate of the policy file that applies: ``signature_policy``, the user's, or the system's.

    Raises NoPolicy where there is none, and InvalidPolicy.
    """
    origin, data = find_policy(paths, signature_policy)
    policy = parse_policy(data, origin)
    for warning in policy.warnings:
        reporter.warn(warning)
    return Gate(policy, origin, require_signed)
