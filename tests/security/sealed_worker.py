# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real worker, and after the change of root any import is an error: nothing may be left to be found on disk then."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Optional

from ansible_collections.strata.containers.plugins.module_utils._storage import unpack_child

TASKS = unpack_child.TASKS

# Looked for wherever they are of use, and absent on many hosts.
_OPTIONAL = {"bz2", "lzma", "isal", "fastcrc", "zstandard", "compression", "compression.zstd", "isal.isal_zlib"}


class _Refuse:
    """Stands before all other ways of finding a module."""

    def find_spec(
        self, name: str, path: Optional[Sequence[str]], target: Optional[ModuleType] = None
    ) -> Optional[ModuleSpec]:
        if name in _OPTIONAL:
            return None
        raise RuntimeError(f"{name} is imported after the change of root")


def prepare() -> None:
    unpack_child.prepare()
    sys.meta_path.insert(0, _Refuse())
