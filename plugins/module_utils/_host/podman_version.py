# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Which podman is installed, for the few things that its versions do differently and that nothing on the disk tells."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress

from .._errors import HostError
from .commands import SystemCommands

_SECONDS = 30.0
_VERSION = re.compile(rb"podman version ([0-9]+)\.")


def podman_major(environment: Mapping[str, str]) -> int | None:
    """The first number of the version of podman in the PATH of ``environment``; None where there is none or it does not say."""
    try:
        directory = tempfile.mkdtemp(prefix="podman-")
    except OSError:
        # Then podman has no place to say it from, either.
        return None
    try:
        # Even for this podman makes a directory in the runtime directory, and without a place for it says nothing.
        passing = {"PATH": environment.get("PATH", os.defpath), "HOME": directory, "XDG_RUNTIME_DIR": directory}
        with suppress(HostError):
            finished = SystemCommands(passing)(["podman", "--version"], b"", _SECONDS)
            found = _VERSION.match(finished.output) if finished else None
            return int(found[1]) if found else None
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return None
