# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cases of storage.conf, environment and options, drawn from a seed: any mixture of keys with good, odd and wrong values.

``@`` stands for a directory of the case's own, in which ``more`` is an empty directory and ``file`` a file.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Optional

# Values as TOML spells them.
_STORAGE: dict[str, tuple[str, ...]] = {
    "driver": ('"overlay"',) * 12 + ('"overlay2"', '""', "1"),
    "runroot": ('"@/other-run"', '"@/$NAME/run"', '"@/link"'),
    "graphroot": ('"@/other-graph"', '"@/${NAME}/graph"', '"@/link"', '"@/graph/../graph/"', "1"),
    "rootless_storage_path": ('"@/rootless"', '"relative"'),
    "transient_store": ("true", "false"),
    "imagestore": ('"@/images"', '""'),
    "driver_priority": ('["overlay"]', '["vfs"]', "[]"),
    "unknown": ("1", '"x"'),
}
_OPTIONS: dict[str, tuple[str, ...]] = {
    "additionalimagestores": (
        '["@/more"]',
        "[]",
        '["@/more", "@/graph2"]',
        '["@/none"]',
        '["relative"]',
        '"@/more"',
        "[1]",
    ),
    "additionallayerstores": ('["@/more"]', '["@/more:ref"]', "[]"),
    "size": ('"0"', '"10G"', '""'),
    "mountopt": ('"nodev"', '"nodev,noatime"', '""', '"metacopy=on"'),
    "skip_mount_home": ('"true"', '"false"', '"yes"', "true"),
    "ignore_chown_errors": ('"true"', '"0"', '"maybe"', '""'),
    "force_mask": ("0", '"shared"', "448"),
    "mount_program": ('""', '"@/file"', '"@/none"'),
    "use_composefs": ('"true"', '"false"'),
    "remap-uids": ('"0:100000:65536"', '""'),
    "remap-gids": ('"0:100000:65536"', '""'),
    "disable-volatile": ("true", "false", '"true"'),
    "root-auto-userns-user": ('"containers"',),
    "auto-userns-min-size": ("1024",),
    "pull_options": ('{enable_partial_images = "true"}', '{use_hard_links = "false"}'),
    "thinpool": ("{}",),
}
_OVERLAY: dict[str, tuple[str, ...]] = {
    "mountopt": ('"nodev"', '"nosuid,noexec"', '""', "1"),
    "size": ('"0"', '"1.5GiB"', '"x"', '"-1"', '""'),
    "inodes": ('"0"', '"1000"', '"1k"', '""'),
    "skip_mount_home": ('"1"', '"F"', '"yes"', '""'),
    "ignore_chown_errors": ('"T"', '"maybe"', '""'),
    "force_mask": ('""', '"shared"', '"0700"', '"bogus"'),
    "mount_program": ('""', '"@/none"'),
    "use_composefs": ('"true"', '"false"', '""'),
    "sync": ('"none"', '"filesystem"', '""'),
    "unknown": ('"x"',),
}
_STORAGE_OPTS = (
    "",
    "overlay.mountopt=noexec",
    "overlay.mountopt=noexec,overlay.skip_mount_home=true",
    "overlay2.ignore_chown_errors=1",
    ".size=0",
    "OVERLAY.MountOpt=nosuid",
    "overlay.unknown=1",
    "mountopt",
    "overlay.inodes=5",
    "vfs.ignore_chown_errors=true",
)
# Keys after which we may refuse what podman 4.3 does, for it would not be what newer tools do, or cannot be done by us;
# and what podman 4.3 takes for something it is not.
REFUSED_BY_US = {
    "transient_store": ("true",),
    "imagestore": ('"@/images"',),
    "driver_priority": ('["vfs"]',),
    "additionallayerstores": ('["@/more"]', '["@/more:ref"]'),
    "use_composefs": ('"true"',),
    "remap-uids": ('"0:100000:65536"',),
    "remap-gids": ('"0:100000:65536"',),
    "skip_mount_home": ('"yes"',),
}
# What podman refuses and we do not: the additional store may come later, and the old and other drivers' tables are not read.
TAKEN_BY_US = {"additionalimagestores": ('["@/none"]', '["@/more", "@/graph2"]')}


@dataclass
class Case:
    """One case. ``used`` are the keys that it has with their values."""

    text: str
    environment: dict[str, str]
    options: dict[str, Any]
    used: list[tuple[str, str]] = field(default_factory=list)

    def is_in(self, table: dict[str, tuple[str, ...]]) -> bool:
        """Whether the case has a key with a value that ``table`` lists."""
        return any(value in table.get(key, ()) for key, value in self.used)


def draw(choice: random.Random) -> Case:
    """The next case. About half of them have nothing in them that anybody would refuse."""
    tame = choice.random() < 0.5
    case = Case("", {"NAME": "name"}, {})
    # Both roots are there at first, so that the machine's own store is never meant.
    lines = ["[storage]"]
    lines += _lines(case, choice, {"driver": _STORAGE["driver"]}, 0.95, tame)
    for key, usual in (("graphroot", '"@/graph"'), ("runroot", '"@/run"')):
        given = _lines(case, choice, {key: _STORAGE[key]}, 0.3, tame)
        lines += given or [f"{key} = {usual}"]
    lines += _lines(case, choice, _without(_STORAGE, "driver", "graphroot", "runroot"), 0.1, tame)
    lines += ["[storage.options]", *_lines(case, choice, _OPTIONS, 0.12, tame)]
    lines += ["[storage.options.overlay]", *_lines(case, choice, _OVERLAY, 0.2, tame)]
    case.text = "\n".join([*lines, ""])
    if choice.random() < 0.15:
        case.environment["STORAGE_OPTS"] = choice.choice(_STORAGE_OPTS[:4] if tame else _STORAGE_OPTS)
    if choice.random() < 0.15:
        case.environment["STORAGE_DRIVER"] = choice.choice(("overlay", "overlay2"))
    for option, value in (("root", "@/third"), ("runroot", "@/third-run"), ("driver", "overlay")):
        if choice.random() < 0.1:
            case.options[option] = value
    if choice.random() < 0.1:
        case.options["driver_options"] = ["overlay.mountopt=nosuid"]
    return case


def _lines(case: Case, choice: random.Random, keys: dict[str, tuple[str, ...]], share: float, tame: bool) -> list[str]:
    lines = []
    for key, values in keys.items():
        if choice.random() >= share:
            continue
        value = _tame(key, values, choice) if tame else choice.choice(values)
        if value is not None:
            case.used.append((key, value))
            lines.append(f"{key} = {value}")
    return lines


def _tame(key: str, values: tuple[str, ...], choice: random.Random) -> Optional[str]:
    """A value that nobody refuses, None where there is none."""
    wild = ("1", "true", "[1]", "448", '"relative"', '["relative"]', '"yes"', '"maybe"', '"bogus"', '"10G"', '"1.5GiB"')
    wild += ('"x"', '"-1"', '"1000"', '"1k"', '"@/none"', '"shared"', '"0700"', '["@/none"]', '["@/more", "@/graph2"]')
    own = (*REFUSED_BY_US.get(key, ()), *(() if key in ("transient_store", "disable-volatile") else wild))
    if key == "additionalimagestores":
        own = (*own, '"@/more"')
    if key == "disable-volatile":
        own = (*own, '"true"')
    left = [value for value in values if value not in own]
    return choice.choice(left) if left else None


def _without(keys: dict[str, tuple[str, ...]], *names: str) -> dict[str, tuple[str, ...]]:
    return {key: values for key, values in keys.items() if key not in names}
