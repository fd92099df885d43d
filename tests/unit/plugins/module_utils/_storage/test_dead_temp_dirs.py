# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

from ansible_collections.strata.containers.plugins.module_utils._host.locks import exclusive, is_held
from ansible_collections.strata.containers.plugins.module_utils._storage.temp_dirs import dead_temp_dirs, temp_dir


def test_a_lock_is_held_while_its_holder_lives_and_looking_makes_no_file(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    assert not is_held(path) and os.listdir(tmp_path) == []
    with exclusive(path):
        assert is_held(path)
    assert not is_held(path)


def test_temporary_directories_are_dead_without_a_holder(tmp_path: Path) -> None:
    root = str(tmp_path / "tempdirs")
    assert dead_temp_dirs(root) == []
    with temp_dir(root):
        (tmp_path / "tempdirs" / "temp-dir-1").mkdir()
        (tmp_path / "tempdirs" / "lock-2").touch()
        assert sorted(dead_temp_dirs(root)) == [f"{root}/lock-2", f"{root}/temp-dir-1"]
