# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a command of the distribution and gives its output, or an error that says what it printed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Optional


class CommandFailed(Exception):
    """A command ended with another status than 0."""


def run(command: Sequence[str], *, env: Optional[Mapping[str, str]] = None, stdin: Optional[bytes] = None) -> str:
    """What ``command`` printed on its standard output. Raises CommandFailed."""
    done = subprocess.run(
        list(command),
        input=stdin,
        capture_output=True,
        env={**os.environ, **(env or {})},
        check=False,
    )
    if done.returncode:
        raise CommandFailed(f"{' '.join(command)}: status {done.returncode}: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode(errors="surrogateescape")


def missing_judges(names: Sequence[str]) -> list[str]:
    """Those of ``names`` that are not installed."""
    return [name for name in names if shutil.which(name) is None]
