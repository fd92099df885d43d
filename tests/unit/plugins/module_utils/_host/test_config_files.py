# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configuration files for everybody."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._host.config_files import write_configuration


@pytest.fixture(params=[0o000, 0o077])
def any_umask(request: pytest.FixtureRequest) -> None:
    old = os.umask(request.param)
    request.addfinalizer(lambda: os.umask(old))


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_a_new_file_and_its_directories_are_for_everybody_to_read(tmp_path: Path, any_umask: None) -> None:
    path = tmp_path / "a" / "b" / "file"
    write_configuration(str(path), b"x")
    assert path.read_bytes() == b"x"
    assert [mode(part) for part in (path.parent.parent, path.parent, path)] == [0o755, 0o755, 0o644]


def test_a_file_that_was_there_keeps_mode_and_owner(tmp_path: Path, any_umask: None) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o640)
    owner = (12345, 23456) if os.geteuid() == 0 else (os.getuid(), os.getgid())
    os.chown(path, *owner)
    write_configuration(str(path), b"new")
    assert (path.read_bytes(), mode(path)) == (b"new", 0o640)
    assert (path.stat().st_uid, path.stat().st_gid) == owner
    assert os.listdir(tmp_path) == ["file"]


def test_a_link_stays_and_its_target_is_written(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "file"
    target.write_bytes(b"old")
    link = tmp_path / "link"
    link.symlink_to("real/file")
    write_configuration(str(link), b"new")
    assert link.is_symlink() and target.read_bytes() == b"new"
    assert os.listdir(target.parent) == ["file"]


def test_a_dangling_link_does_not_choose_where_a_new_file_goes(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    write_configuration(str(link), b"new")
    assert not link.is_symlink() and link.read_bytes() == b"new"
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_where_a_directory_is_needed_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(HostError, match="file/x"):
        write_configuration(str(tmp_path / "file" / "x"), b"new")
