# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Whether this process may change a store at all."""

from __future__ import annotations

from .._errors import HostError
from .._host.machine import is_root


class NotRoot(HostError):
    """The verb needs root rights, which this process does not have."""

    code = "not_root"


def require_root(what: str) -> None:
    """Raises NotRoot unless the process has the effective user ID 0; ``what`` names the store or the object."""
    if not is_root():
        raise NotRoot("changing a store needs root rights: run the task with become", subject=what)
