# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What a policy can require of an image, and what came of asking: the base of the requirement types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from .refusal import ACCEPTED, NO_SIGNATURE, NONE_ACCEPTED, UNSUPPORTED, Refusal
from .subject import Subject, Tools

S = TypeVar("S")


@dataclass(frozen=True)
class Finding:
    """The answer of one requirement.

    ``code`` is ``accepted`` or one of those of ``refusal``; ``reason`` is a sentence for people. ``signer`` says who made the
    signature that met it, empty where none was verified. ``steps`` tells what came of each signature that was looked at.
    """

    accepted: bool
    code: str
    reason: str
    signer: str = ""
    steps: tuple[str, ...] = ()

    @property
    def verified(self) -> bool:
        """Whether a signature was checked and good."""
        return self.accepted and bool(self.signer)


@dataclass(frozen=True)
class Requirement:
    """One entry of a policy's list. A type that does not say how it judges lets nothing pass."""

    type: ClassVar[str] = ""
    # Whether the type can be judged without the manifest and its signatures.
    needs_evidence: ClassVar[bool] = False

    @property
    def warnings(self) -> tuple[str, ...]:
        """What its author may not have meant, in sentences."""
        return ()

    def judge(self, subject: Subject, tools: Tools) -> Finding:
        """Whether the image ``subject`` meets the requirement."""
        del tools
        reason = f"the policy requires {self.type} for {subject.name}, which nothing can verify"
        return Finding(False, UNSUPPORTED, reason)


def any_of(signatures: Sequence[S], check: Callable[[S], str], missing: str) -> Finding:
    """Accepted by the first signature of which ``check`` gives the signer, instead of raising Refusal.

    With several the refusals are joined into one; without any the reason is ``missing``.
    """
    if not signatures:
        return Finding(False, NO_SIGNATURE, missing)
    refusals: list[Refusal] = []
    steps: list[str] = []
    for number, signature in enumerate(signatures, 1):
        try:
            signer = check(signature)
        except Refusal as refusal:
            refusals.append(refusal)
            steps.append(f"signature {number}: {refusal.reason}")
            continue
        steps.append(f"signature {number}: good, by {signer}")
        return Finding(True, ACCEPTED, f"signed by {signer}", signer, tuple(steps))
    return _all_refused(refusals, tuple(steps))


def _all_refused(refusals: Sequence[Refusal], steps: tuple[str, ...]) -> Finding:
    first, *others = refusals
    if not others:
        return Finding(False, first.code, first.reason, steps=steps)
    codes = {refusal.code for refusal in refusals}
    code = codes.pop() if len(codes) == 1 else NONE_ACCEPTED
    return Finding(False, code, f"none of the signatures is accepted: {'; '.join(steps)}", steps=steps)
