# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Text that another program wrote, as it may stand in an error of ours: short, on one line, and without secrets."""

from __future__ import annotations

from collections.abc import Iterable

_LIMIT = 300


def printable(text: str, limit: int = _LIMIT) -> str:
    """The beginning of ``text`` on one line, at most ``limit`` characters, without those that could steer a terminal."""
    line = " ".join(text.split())
    shown = "".join(character for character in line if character.isprintable())
    return shown if len(shown) <= limit else f"{shown[:limit]}..."


def without(text: str, secrets: Iterable[str]) -> str:
    """``text`` with stars in place of ``secrets``. To be used before a cut: half a secret is not recognised."""
    # The longest first, as one may be a part of another.
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
