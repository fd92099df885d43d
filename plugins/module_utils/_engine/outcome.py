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


def joint_failure(failures: Sequence[StrataError], asked: int, done: str) -> StrataError | None:
    """The failure of a task that ``asked`` for so many images: None where all were ``done`` (pulled, inspected).

    That of the one image unchanged; of several, one that lists all failures, with the code of the first.
    """
    if not failures:
        return None
    if asked == 1:
        return failures[0]
    lines = "; ".join(str(failure) for failure in failures)
    return StrataError(f"{len(failures)} of {asked} images could not be {done}: {lines}", code=failures[0].code)
