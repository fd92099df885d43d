# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Whether this process may change a store at all."""

from __future__ import annotations

from .._host.machine import is_root
from .._storage.layout import Layout
from .._storage.prepare import NotRoot, check_writable


def require_rights(layout: Layout) -> None:
    """Raises NotRoot unless the process is root, and PermissionDenied where even root may not write to the store.

    Writes nothing itself, so that check mode can ask too.
    """
    if not is_root():
        raise NotRoot("changing a store needs root rights: run the task with become", subject=layout.graph_root)
    check_writable(layout)
