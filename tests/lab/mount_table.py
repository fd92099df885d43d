# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kernel says of mounts, for comparing those of two tools."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Mounted:
    """One mount: its kind, the options of the mount point and those of the file system (proc(5), mountinfo)."""

    fstype: str
    options: tuple[str, ...]
    super_options: tuple[str, ...]


def mounts_at(point: str) -> list[Mounted]:
    """Every mount at exactly this path, the earliest first."""
    found = []
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        for line in table:
            place, _separator, rest = line.rstrip("\n").partition(" - ")
            fields = place.split(" ")
            if _unescaped(fields[4]) != point:
                continue
            fstype, _source, super_options = rest.split(" ", 2)
            found.append(Mounted(fstype, tuple(fields[5].split(",")), tuple(super_options.split(","))))
    return found


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
