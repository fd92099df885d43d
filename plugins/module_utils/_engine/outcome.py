# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What a verb hands to whoever asked for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from .._errors import StrataError


@dataclass(frozen=True)
class Outcome:
    """The result of one verb: whether anything changed (or would), its facts, and the two sides of the difference.

    ``failure`` is set when a part of the work failed after another part was done and stays done.
    """

    changed: bool
    facts: dict[str, Any]
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    failure: Optional[StrataError] = None


class SeveralFailed(StrataError):
    """More than one image was asked for, and some could not be done: code and object are those of the first of these."""

    def __init__(self, failures: Sequence[tuple[str, StrataError]], asked: int, done: str) -> None:
        """``failures`` are the names of the images with what went wrong."""
        name, self._first = failures[0]
        lines = "; ".join(_naming(*failure) for failure in failures)
        message = f"{len(failures)} of {asked} images could not be {done}: {lines}"
        super().__init__(message, subject=self._first.subject or name, code=self._first.code)

    def __str__(self) -> str:
        return self.message

    def facts(self) -> dict[str, Any]:
        """As those of the first, with the message for all."""
        return {**self._first.facts(), "message": self.message, "object": self.subject}


def _naming(name: str, failure: StrataError) -> str:
    text = str(failure)
    return text if name in text else f"{name}: {text}"


def joint_failure(failures: Sequence[tuple[str, StrataError]], asked: int, done: str) -> StrataError | None:
    """The failure of a task that ``asked`` for so many images: None where all were ``done`` (pulled, inspected).

    ``failures`` are the names of images with what went wrong. That of the one image unchanged; of several, SeveralFailed.
    """
    if not failures:
        return None
    return failures[0][1] if asked == 1 else SeveralFailed(failures, asked, done)
