# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""How many signatures an image may have, and how long each may be, wherever they come from.

The figures are those of containers/image (``maxLookasideSignatures``, ``iolimits.MaxSignatureBodySize``), which sets no
number for signatures that do not lie in a lookaside; each costs whoever verifies it a process, so that one holds for all.
"""

from __future__ import annotations

from .._errors import DataError

SIGNATURE_LIMIT = 4 * 1024 * 1024
MOST_SIGNATURES = 127


class TooManySignatures(DataError):
    """A place gives out more signatures of an image than anybody makes."""

    code = "too_many_signatures"


def require_few(count: int, where: str) -> None:
    """Raises TooManySignatures for a ``count`` above the limit; ``where`` names the place."""
    if count > MOST_SIGNATURES:
        raise TooManySignatures(
            "unreasonably many signatures", subject=where, wanted=f"at most {MOST_SIGNATURES}", found=str(count)
        )
