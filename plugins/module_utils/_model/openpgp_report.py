# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What an OpenPGP program said of a message. Made where programs are run, and judged where signatures are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OpenPgpReport:
    """What the program said; nothing of it is judged yet.

    ``imported`` has the primary fingerprints of each keyring, ``exit_status`` is that of the verification, ``status`` its
    machine-readable lines without their mark, and ``content`` what it gave as the signed content, to be believed only where
    all is well.
    """

    imported: tuple[tuple[str, ...], ...]
    exit_status: int
    status: tuple[str, ...]
    content: bytes
