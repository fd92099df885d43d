# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files for one user's eyes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._host.private_files import (
    is_private,
    make_private,
    private_mode_of,
    write_private,
)


@pytest.fixture(params=[0o000, 0o077])
def any_umask(request: pytest.FixtureRequest) -> None:
    old = os.umask(request.param)
    request.addfinalizer(lambda: os.umask(old))


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_directories_that_are_missing_are_made_for_the_owner_alone(tmp_path: Path, any_umask: None) -> None:
    tmp_path.chmod(0o755)
    path = tmp_path / "a" / "b" / "file"
    write_private(str(path), b"x")
    assert path.read_bytes() == b"x"
    assert [mode(part) for part in (tmp_path, path.parent.parent, path.parent, path)] == [0o755, 0o700, 0o700, 0o600]


def test_a_file_that_was_there_gets_the_mode_and_keeps_the_owner(tmp_path: Path, any_umask: None) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o644)
    owner = (12345, 23456) if os.geteuid() == 0 else (os.getuid(), os.getgid())
    os.chown(path, *owner)
    write_private(str(path), b"new")
    assert (path.read_bytes(), mode(path)) == (b"new", 0o600)
    assert (path.stat().st_uid, path.stat().st_gid) == owner
    assert os.listdir(tmp_path) == ["file"]


def test_a_link_is_replaced_and_its_target_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"old")
    link = tmp_path / "link"
    link.symlink_to(target)
    write_private(str(link), b"new")
    assert target.read_bytes() == b"old"
    assert not link.is_symlink() and link.read_bytes() == b"new"


def test_a_file_where_a_directory_is_needed_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(HostError):
        write_private(str(tmp_path / "file" / "x"), b"new")


@pytest.mark.parametrize(
    ("value", "wanted"), [(0o600, True), (0o400, True), (0o644, False), (0o640, False), (0o700, False), (0o4600, False)]
)
def test_private_is_what_only_the_owner_reads_and_writes(value: int, wanted: bool) -> None:
    assert is_private(value) is wanted


def test_the_mode_is_read_and_corrected(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert private_mode_of(str(path)) is None
    path.write_bytes(b"x")
    path.chmod(0o644)
    inode = path.stat().st_ino
    assert private_mode_of(str(path)) == 0o644
    make_private(str(path))
    assert (mode(path), path.stat().st_ino) == (0o600, inode)
