# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module as Ansible sends it to a target: one file with all that it imports, and its arguments."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from ansible import constants
from ansible.executor.module_common import modify_module
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, module_loader
from ansible.template import Templar


def load_collections(places: Sequence[str] = ()) -> None:
    """Lets Ansible find its collections, those below ``places`` too; once in a process."""
    init_plugin_loader(list(places))


def forget_bundles() -> None:
    """Lets the next module of each name be made anew, as for the first host of a task."""
    place: str = constants.DEFAULT_LOCAL_TMP  # type: ignore[attr-defined]
    shutil.rmtree(os.path.join(place, "ansiballz_cache"), ignore_errors=True)


def bundle(name: str, arguments: Mapping[str, Any], path: str) -> int:
    """Writes the module ``name`` with ``arguments`` to ``path``, to be run by Python, and gives its size in bytes."""
    source = module_loader.find_plugin_with_context(name).plugin_resolved_path
    settings = {
        "_ansible_check_mode": False,
        "_ansible_diff": False,
        "_ansible_verbosity": 0,
        "_ansible_remote_tmp": os.path.dirname(path),
        "_ansible_keep_remote_files": False,
        "_ansible_no_log": False,
        "_ansible_debug": False,
        "_ansible_module_name": name,
        "_ansible_tracebacks_for": [],
        "_ansible_target_log_info": None,
    }
    built: Any = modify_module(
        module_name=name,
        module_path=source,
        module_args={**arguments, **settings},
        templar=Templar(loader=DataLoader()),
        task_vars={"ansible_python_interpreter": "python3"},
        module_compression="ZIP_DEFLATED",
    )
    data = getattr(built, "b_module_data", None) or built[0]
    with open(path, "wb") as stream:
        stream.write(data)
    return len(data)
