# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Whose a store is by what lies in it, for settings that name no driver.

Upstream: ``New`` and ``scanPriorDrivers`` in ``drivers/driver.go``. A directory of vfs does not count there: nobody becomes its
driver by having been there before.
"""

from __future__ import annotations

import os

from .._errors import HostError

# In upstream's order; the first is taken where nobody was there before.
_DRIVERS = ("overlay", "aufs", "btrfs", "zfs")


class SeveralDrivers(HostError):
    """More than one driver has kept layers in the store, and nobody says whose it is."""

    code = "several_drivers"


def prior_driver(graph_root: str) -> str:
    """The driver that has a directory below ``graph_root``, overlay where none has. Only reads. Raises SeveralDrivers."""
    found = [name for name in _DRIVERS if os.path.isdir(f"{graph_root}/{name}")]
    if len(found) > 1:
        raise SeveralDrivers(
            "several storage drivers have kept layers here: name the one that is meant",
            subject=graph_root,
            wanted="a driver",
            found=", ".join(found),
        )
    return next(iter(found), _DRIVERS[0])
