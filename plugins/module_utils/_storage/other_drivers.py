# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Whether a store belongs to another driver than overlay, for settings that name none.

Upstream: ``scanPriorDrivers`` in ``drivers/driver.go``. A directory of vfs does not count there: nobody becomes its driver by
having been there before.
"""

from __future__ import annotations

import os

_OTHERS = ("aufs", "btrfs", "zfs")


def other_drivers(graph_root: str) -> list[str]:
    """The drivers besides overlay that have a directory below ``graph_root``. Only reads."""
    return [name for name in _OTHERS if os.path.isdir(f"{graph_root}/{name}")]
