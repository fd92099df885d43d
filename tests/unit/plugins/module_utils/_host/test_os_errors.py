# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._host.os_errors import NoSpace, free_room, host_error


def test_a_full_file_system_is_told_with_what_is_free_there(tmp_path: Path) -> None:
    path = str(tmp_path / "not" / "there")
    error = host_error(OSError(errno.ENOSPC, "x"), "write", path)
    assert isinstance(error, NoSpace) and error.subject == path and error.wanted == "more room"
    size = re.fullmatch(r"(\d+) bytes( and \d+ inodes)? free", error.found)
    assert size is not None and 0 < int(size[1]) <= os.statvfs(tmp_path).f_blocks * os.statvfs(tmp_path).f_frsize


def test_of_a_quota_that_is_used_up_the_file_system_says_nothing(tmp_path: Path) -> None:
    error = host_error(OSError(errno.EDQUOT, "x"), "write", str(tmp_path))
    assert (error.code, error.wanted, error.found) == ("no_space", "", "")


@pytest.mark.parametrize("path", ["", "relative/path", "/proc/self/nowhere", "/"])
def test_no_path_is_too_odd_for_the_question(path: str) -> None:
    assert free_room(path).endswith(" free")


def test_where_nobody_knows_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_path: str) -> None:
        raise OSError(errno.ENOSYS, "no")

    monkeypatch.setattr(os, "statvfs", fail)
    assert free_room("/") == ""
