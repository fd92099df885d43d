# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The storage driver of a user who is not root, where nobody chose one, and how it mounts.

Upstream: ``getRootlessStorageOpts`` in ``types/options.go``. Versions up to 1.43 (podman 4.3) do not look at what is in the store, but
podman then goes by its own records, so that the driver of a store stays what it was with all of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from .._host.machine import kernel_version

_DRIVERS = ("overlay", "vfs", "btrfs")
_PROGRAM = "fuse-overlayfs"
# Since then the kernel mounts overlay in user namespaces, with attributes that users may set.
_NATIVE = (5, 11)
_OPTION = "mount_program="


def choose_driver(
    driver: str, options: tuple[str, ...], graph_root: str, environment: Mapping[str, str]
) -> tuple[str, tuple[str, ...]]:
    """The driver, and its options with the program that mounts overlay where this kernel does not.

    ``driver`` is empty where nobody chose one; programs are looked for in the PATH of ``environment``. Only reads.
    """
    if not driver:
        driver = next((name for name in _DRIVERS if os.path.isdir(f"{graph_root}/{name}")), "")
    if driver not in ("", "overlay") or kernel_version() >= _NATIVE:
        return driver or "overlay", options
    if any(_OPTION in option for option in options):
        return "overlay", options
    from .._host.commands import find_program

    program = find_program(_PROGRAM, environment)
    if program:
        return "overlay", (*options, f"overlay.{_OPTION}{program}")
    return driver or "vfs", options
