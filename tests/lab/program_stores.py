# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scratch stores whose layers are mounted by fuse-overlayfs."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .stores import Store
from .user_world import UserStore

PROGRAM = shutil.which("fuse-overlayfs") or "/usr/bin/fuse-overlayfs"
OPTION = f"overlay.mount_program={PROGRAM}"


@dataclass(frozen=True)
class ProgramStore(Store):
    """As Store; every command names the mount program, ours too, and podman and ours the ``force_mask`` where there is one."""

    mask: str = ""

    @property
    def options(self) -> list[str]:
        """The options of the driver."""
        return [OPTION, *([f"overlay.force_mask={self.mask}"] if self.mask else [])]

    def podman_command(self, *arguments: str) -> list[str]:
        return super().podman_command(*(f"--storage-opt={option}" for option in self.options), *arguments)

    def buildah(self, *arguments: str) -> str:
        return super().buildah("--storage-opt", OPTION, *arguments)

    def module_options(self) -> dict[str, Any]:
        return {**super().module_options(), "driver_options": self.options}

    @property
    def bracket(self) -> str:
        return super().bracket.replace("]", f":{OPTION}]")


@dataclass(frozen=True)
class UserProgramStore(ProgramStore, UserStore):
    """The same for a store of a user without rights."""


def by_program(store: Store) -> ProgramStore:
    """The same store, with the option."""
    return ProgramStore(store.base, store.run, store.driver)


def native(store: Store) -> Store:
    """The same store, without the option."""
    return Store(store.base, store.run, store.driver)


def note(store: Store) -> str:
    """What the driver's home says of mount programs, empty for nothing."""
    path = Path(store.root, "overlay", ".has-mount-program")
    return path.read_text(encoding="ascii") if path.exists() else ""


def programs_below(directory: str) -> dict[int, str]:
    """The command lines of the running fuse-overlayfs processes that mount below ``directory``, by process."""
    found: dict[int, str] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            line = Path("/proc", name, "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if line.startswith(PROGRAM) and directory in line:
            found[int(name)] = line
    return found


def program_below(directory: str) -> tuple[int, str]:
    """The process and the command line of the one of them that there is."""
    found = programs_below(directory)
    assert len(found) == 1, found
    return next(iter(found.items()))


def wait_until(what: Callable[[], bool], seconds: float = 60) -> None:
    """Returns when ``what`` says yes, and fails when it does not in time."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
