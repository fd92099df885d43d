# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The Reporter that verbs speak to: what was done to which object, and what the user should know."""

from __future__ import annotations

from typing import Union

Fact = Union[str, int, float, bool, None]


class Reporter:
    """Collects the steps of a verb and its warnings, in order; safe to share between threads.

    A step is a verb in the past tense, the object it was done to, and facts as plain values. No secret may be handed in.
    """

    def __init__(self) -> None:
        # list.append is atomic in CPython, so the download threads need no lock here.
        self.steps: list[dict[str, Fact]] = []
        self.warnings: list[str] = []

    def step(self, action: str, subject: str, **facts: Fact) -> None:
        """Records that ``action`` was done to ``subject``."""
        self.steps.append({"action": action, "object": subject, **facts})

    def warn(self, message: str) -> None:
        """Records a sentence that the user is shown once."""
        if message not in self.warnings:
            self.warnings.append(message)
