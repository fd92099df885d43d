# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What this machine and this process are."""

from __future__ import annotations

import os
import re
from functools import cache

_CPUINFO = "/proc/cpuinfo"
_UID_MAP = "/proc/self/uid_map"
# In the first namespace every ID is itself, and there are so many.
_ALL_IDS = ["0", "0", "4294967295"]


def machine() -> str:
    """The hardware name, as ``uname -m`` prints it."""
    return os.uname().machine


def kernel_version() -> tuple[int, int]:
    """The first two numbers of the kernel's release."""
    numbers = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)


def cpuinfo() -> str:
    """The text of /proc/cpuinfo, empty where it cannot be read; its form differs between architectures."""
    try:
        with open(_CPUINFO, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""


def module_parameter(module: str, name: str) -> str | None:
    """The value of a parameter of a kernel module, None where the module is not loaded or has no such parameter."""
    try:
        with open(f"/sys/module/{module}/parameters/{name}", encoding="ascii", errors="replace") as stream:
            return stream.read().strip()
    except OSError:
        return None


def kernel_setting(name: str) -> str | None:
    """The value of a setting such as ``user.max_user_namespaces``, None where the kernel does not have it."""
    try:
        with open(f"/proc/sys/{name.replace('.', '/')}", encoding="ascii", errors="replace") as stream:
            return stream.read().strip()
    except OSError:
        return None


def usable_processors() -> int:
    """How many processors this process may run on."""
    return len(os.sched_getaffinity(0))


def is_root() -> bool:
    """Whether the process acts with the user ID 0."""
    return os.geteuid() == 0


@cache
def in_user_namespace() -> bool:
    """Whether the process is in another user namespace than the first: as root it is that of the namespace alone.

    Read once; who enters one calls ``in_user_namespace.cache_clear()``.
    """
    try:
        with open(_UID_MAP, encoding="ascii") as stream:
            return stream.read().split() != _ALL_IDS
    except OSError:
        # A kernel without user namespaces.
        return False
