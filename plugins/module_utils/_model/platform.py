# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Operating system, CPU architecture and variant of an image, in Go's spelling (containers/image pkg/platform)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .._errors import UsageError

_COMPONENT = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)

# Other spellings of an architecture, with the variant that they imply.
_SPELLINGS = {
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "i386": ("386", ""),
    "i686": ("386", ""),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "arm": ("arm", "v7"),
}
# Variants, from the most to the least capable.
_VARIANTS = {"arm": ("v8", "v7", "v6", "v5"), "arm64": ("v8",)}

# What uname -m says where Go says something else. The kernel has one name for both byte orders of MIPS, and
# distributions only make the little-endian one.
_MACHINES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "i386": "386",
    "i486": "386",
    "i586": "386",
    "i686": "386",
    "loongarch64": "loong64",
    "mips64": "mips64le",
}
# "CPU architecture" of /proc/cpuinfo. Kernels that do not know the number of an ARMv7 write it in brackets.
_ARM_VARIANTS = {
    "8": "v8",
    "aarch64": "v8",
    **dict.fromkeys(("7", "7m", "?(12)", "?(13)", "?(14)", "?(15)", "?(16)", "?(17)"), "v7"),
    **dict.fromkeys(("6", "6tej"), "v6"),
    **dict.fromkeys(("5", "5t", "5te", "5tej"), "v5"),
    **dict.fromkeys(("4", "4t"), "v4"),
    "3": "v3",
}


class InvalidPlatform(UsageError):
    """The text is no platform."""

    code = "invalid_platform"


@dataclass(frozen=True)
class Platform:
    """``os``, ``architecture`` and ``variant`` (empty where there is none)."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        variant = f"/{self.variant}" if self.variant else ""
        return f"{self.os}/{self.architecture}{variant}"

    def acceptable(self) -> tuple[Platform, ...]:
        """The platforms whose images run here, best first.

        A variant is followed by the lesser ones and by none; without a variant, none comes first and then all of them.
        """
        known = _VARIANTS.get(self.architecture, ())
        if not self.variant:
            variants: tuple[str, ...] = ("", *known)
        elif self.variant in known:
            variants = (*known[known.index(self.variant) :], "")
        else:
            variants = (self.variant, "")
        return tuple(Platform(self.os, self.architecture, variant) for variant in variants)


def parse_platform(text: str) -> Platform:
    """The platform written as ``os/architecture[/variant]``, in Go's spelling or that of ``uname``.

    The architecture may imply a variant (``armhf`` is ``arm/v7``, as is plain ``arm``), one that is written wins, and the
    only one of arm64 counts as none. Raises InvalidPlatform.
    """
    parts = text.split("/")
    if len(parts) not in (2, 3) or not all(_COMPONENT.fullmatch(part) for part in parts):
        raise InvalidPlatform(
            "this is no platform", subject=repr(text), wanted="os/architecture[/variant]", found=repr(text)
        )
    os, architecture, *rest = (part.lower() for part in parts)
    architecture, implied = _SPELLINGS.get(architecture, (architecture, ""))
    return Platform("darwin" if os == "macos" else os, architecture, _variant(architecture, *rest) or implied)


def _variant(architecture: str, variant: str = "") -> str:
    """The usual spelling of ``variant``: with its ``v``, and empty for the least that every such machine has."""
    if architecture in _VARIANTS and f"v{variant}" in _VARIANTS[architecture]:
        variant = f"v{variant}"
    return "" if (architecture, variant) in (("arm64", "v8"), ("amd64", "v1")) else variant


def host_platform(machine: str, cpuinfo: str) -> Platform:
    """The platform of a Linux host whose ``uname -m`` is ``machine`` and whose /proc/cpuinfo is ``cpuinfo``.

    The variant is that of the first processor, and empty except on ARM.
    """
    if machine.startswith("arm") and machine != "arm64":
        return Platform("linux", "arm", _arm_variant(cpuinfo))
    architecture = _MACHINES.get(machine, machine)
    return Platform("linux", architecture, _arm_variant(cpuinfo) if architecture == "arm64" else "")


def _arm_variant(cpuinfo: str) -> str:
    facts: dict[str, str] = {}
    for line in cpuinfo.splitlines():
        key, _colon, value = line.partition(":")
        facts.setdefault(key.strip().lower(), value.strip().lower())
    variant = _ARM_VARIANTS.get(facts.get("cpu architecture", ""), "")
    # The first Raspberry Pi claims 7, by its kind of memory management, and tells the truth in its model name.
    if variant == "v7" and facts.get("model name", "").startswith("armv6-compatible"):
        return "v6"
    return variant
