# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Whose a store is where its settings name no driver, and what mounts overlay for a user.

The answer is that of the machine with the store: of what lies in it, of the kernel and of the programs that are there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

from .._config.storage_conf import StoreSettings
from .._errors import HostError
from .._host.machine import kernel_version

# In upstream's order; the first is taken where nobody was there before.
_DRIVERS = ("overlay", "aufs", "btrfs", "zfs")
_DRIVERS_OF_USERS = ("overlay", "vfs", "btrfs")
_PROGRAM = "fuse-overlayfs"
# Since then the kernel mounts overlay in user namespaces, with attributes that users may set.
_NATIVE = (5, 11)
_OPTION = "mount_program="


class SeveralDrivers(HostError):
    """More than one driver has kept layers in the store, and nobody says whose it is."""

    code = "several_drivers"


def choose_driver(settings: StoreSettings, environment: Mapping[str, str]) -> StoreSettings:
    """``settings`` with a driver, and for a user with the program that mounts overlay where this kernel does not.

    Programs are looked for in the PATH of ``environment``. Only reads. Raises SeveralDrivers.
    """
    if settings.rootless:
        return _for_user(settings, environment)
    return settings if settings.driver else replace(settings, driver=_prior_driver(settings.graph_root))


def _prior_driver(graph_root: str) -> str:
    """The driver that has a directory below ``graph_root``, overlay where none has.

    Upstream: ``New`` and ``scanPriorDrivers`` in ``drivers/driver.go``. A directory of vfs does not count there: nobody
    becomes its driver by having been there before.
    """
    found = [name for name in _DRIVERS if os.path.isdir(f"{graph_root}/{name}")]
    if len(found) > 1:
        raise SeveralDrivers(
            "several storage drivers have kept layers here: name the one that is meant",
            subject=graph_root,
            wanted="a driver",
            found=", ".join(found),
        )
    return next(iter(found), _DRIVERS[0])


def _for_user(settings: StoreSettings, environment: Mapping[str, str]) -> StoreSettings:
    """As choose_driver().

    Upstream: ``getRootlessStorageOpts`` in ``types/options.go``. Versions up to 1.43 (podman 4.3) do not look at what is in
    the store, but podman then goes by its own records, so that the driver of a store stays what it was with all of them.
    """
    root, options = settings.graph_root, settings.options
    driver = settings.driver or next((name for name in _DRIVERS_OF_USERS if os.path.isdir(f"{root}/{name}")), "")
    if driver not in ("", "overlay") or kernel_version() >= _NATIVE:
        return replace(settings, driver=driver or "overlay")
    if any(_OPTION in option for option in options):
        return replace(settings, driver="overlay")
    from .._host.commands import find_program

    program = find_program(_PROGRAM, environment)
    if program:
        return replace(settings, driver="overlay", options=(*options, f"overlay.{_OPTION}{program}"))
    return replace(settings, driver=driver or "vfs")
