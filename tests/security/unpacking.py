# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unpacks single layers with the real unpacker, and looks at the processes that take part."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.strata.containers.plugins.module_utils._report import Reporter
from ansible_collections.strata.containers.plugins.module_utils._storage.unpacker import UnpackedLayer, Unpacker


@dataclass(frozen=True)
class Layer:
    """What became of a blob: the facts that the unpacker tells, the directory, and the file of tar-split data."""

    facts: UnpackedLayer
    tree: str
    tar_split: str


def unpack(unpacker: Unpacker, staging: str, name: str, blob: bytes) -> Layer:
    """Unpacks ``blob`` into the directory ``name``. Raises what the unpacker raises."""
    tar_split = os.path.join(staging, f"{name}.tar-split.gz")
    feed = unpacker.start(name, tar_split)
    try:
        feed.write(blob)
        return Layer(feed.finish(), os.path.join(staging, name), tar_split)
    finally:
        feed.abort()


def unpack_one(staging: str, blob: bytes) -> Layer:
    """Unpacks ``blob`` with an unpacker of its own."""
    with Unpacker(staging, Reporter()) as unpacker:
        return unpack(unpacker, staging, "layer", blob)


def descendants(process: int) -> list[int]:
    """The processes below ``process``, as the kernel lists them; those that only wait to be collected are left out."""
    parents: dict[int, int] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as stream:
                state, parent = stream.read().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state != "Z":
            parents[int(name)] = int(parent)
    found: list[int] = []
    level = {process}
    while level:
        level = {child for child, parent in parents.items() if parent in level}
        found += sorted(level)
    return found


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Whether ``condition`` came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
