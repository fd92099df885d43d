# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""``reject``: refuses every image (containers-policy.json(5))."""

from __future__ import annotations

from dataclasses import dataclass

from .refusal import REFUSED
from .requirement import Finding, Requirement
from .strict_json import Value
from .subject import Subject, Tools


@dataclass(frozen=True)
class Reject(Requirement):
    """Whatever the image is, it stays out."""

    type = "reject"

    @classmethod
    def parse(cls, value: Value) -> Reject:
        """The requirement in ``value``. Raises InvalidPolicy."""
        value.fields(["type"])
        return cls()

    def judge(self, subject: Subject, tools: Tools) -> Finding:
        """Refused."""
        del tools
        return Finding(False, REFUSED, f"the policy rejects {subject.name}")
