# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What a verb hands to whoever asked for it."""

from __future__ import annotations

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
