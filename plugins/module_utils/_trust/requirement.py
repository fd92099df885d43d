# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What a policy can require of an image, and what came of asking: the base of the requirement types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

ACCEPTED = "accepted"
REFUSED = "policy_refused"
UNSUPPORTED = "policy_unsupported"


@dataclass(frozen=True)
class Finding:
    """The answer of one requirement. ``verified`` says that a signature was checked and good.

    ``code`` is ``accepted``, ``policy_refused`` or ``policy_unsupported``; ``reason`` is a sentence for people.
    """

    accepted: bool
    verified: bool
    code: str
    reason: str


@dataclass(frozen=True)
class Requirement:
    """One entry of a policy's list. A type that does not say how it judges lets nothing pass."""

    type: ClassVar[str] = ""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What its author may not have meant, in sentences."""
        return ()

    def judge(self, identity: str) -> Finding:
        """Whether the image that the user calls ``identity`` meets the requirement."""
        reason = f"the policy requires {self.type} for {identity}, which this release cannot verify"
        return Finding(False, False, UNSUPPORTED, reason)
