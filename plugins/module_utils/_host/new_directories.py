# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Directories that are made because a file is to be written in them."""

from __future__ import annotations

import os


def make_missing_directories(directory: str, mode: int) -> None:
    """Makes ``directory``, and those above it that are missing, with ``mode`` whatever the umask. Raises OSError.

    Each by a ``mkdir`` that must succeed: one that somebody else made meanwhile is theirs.
    """
    missing = []
    while directory and not os.path.lexists(directory):
        missing.append(directory)
        directory = os.path.dirname(directory)
    for path in reversed(missing):
        os.mkdir(path, mode)
        os.chmod(path, mode)
