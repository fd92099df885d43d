# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The files that this program runs from, for when it works where they cannot be seen."""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Sequence
from contextlib import suppress


def own_file() -> tuple[str, int, int]:
    """A file of this program, a module or the archive that it is in, with its device and inode."""
    path = os.path.abspath(__file__)
    while not os.path.exists(path):
        path = os.path.dirname(path)
    status = os.stat(path)
    return path, status.st_dev, status.st_ino


def is_seen(file: tuple[str, int, int]) -> bool:
    """Whether the calling thread sees the same file at the same place."""
    path, device, inode = file
    try:
        status = os.stat(path)
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == (device, inode)


def import_all(rooms: Sequence[str]) -> None:
    """Imports every module of the engine's ``rooms`` that there is; of what Ansible has not sent nothing has a use."""
    root = __name__.rsplit(".", 2)[0]
    for room in rooms:
        with suppress(ImportError):
            package = importlib.import_module(f"{root}.{room}")
            for module in pkgutil.iter_modules(package.__path__):
                # One that a library of the system is missing for is not loaded later either.
                with suppress(ImportError):
                    importlib.import_module(f"{root}.{room}.{module.name}")
