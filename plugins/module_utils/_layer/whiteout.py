# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The names by which a layer deletes what lies below it (OCI image-spec, layer.md, "Whiteouts")."""

from __future__ import annotations

from enum import Enum

PREFIX = b".wh."
OPAQUE_MARKER = b".wh..wh..opq"


class Whiteout(Enum):
    """What a base name asks for: nothing, that its directory hides the lower one, or that one name is removed."""

    NONE = 0
    OPAQUE = 1
    REMOVE = 2


def classify(base: bytes) -> Whiteout:
    """What the base name of a member asks for."""
    if not base.startswith(PREFIX):
        return Whiteout.NONE
    return Whiteout.OPAQUE if base == OPAQUE_MARKER else Whiteout.REMOVE
