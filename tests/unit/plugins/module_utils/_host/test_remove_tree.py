# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._host.remove_tree import InUse, remove_tree


def test_removes_files_links_pipes_and_directories(tmp_path: Path) -> None:
    top = tmp_path / "top"
    (top / "a" / "b" / "c").mkdir(parents=True)
    (top / "file").write_bytes(b"x")
    (top / "a" / "file").write_bytes(b"x")
    (top / "a" / "dangling").symlink_to("/nowhere")
    os.mkfifo(top / "a" / "b" / "pipe")
    remove_tree(str(top))
    assert os.listdir(tmp_path) == []


def test_does_not_follow_symbolic_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    top = tmp_path / "top"
    (top / "a").mkdir(parents=True)
    (top / "link").symlink_to("../outside")
    (top / "a" / "link").symlink_to(str(outside))
    remove_tree(str(top))
    (tmp_path / "link").symlink_to("outside")
    remove_tree(str(tmp_path / "link"))
    assert os.listdir(tmp_path) == ["outside"]
    assert os.listdir(outside) == ["kept"]


@pytest.mark.parametrize("mode", [0o555, 0o000, 0o311])
def test_modes_do_not_matter(tmp_path: Path, mode: int) -> None:
    top = tmp_path / "top"
    (top / "a" / "b").mkdir(parents=True)
    (top / "a" / "b" / "file").touch(mode=0)
    for directory in (top / "a" / "b", top / "a", top):
        directory.chmod(mode)
    remove_tree(str(top))
    assert os.listdir(tmp_path) == []


def test_names_that_are_no_text_are_removed(tmp_path: Path) -> None:
    top = os.fsencode(tmp_path / "top")
    os.makedirs(top + b"/\xff\xfe/\xe9")
    os.mkdir(top + b"/0")
    os.close(os.open(top + b"/\xff\xfe/new\nline", os.O_CREAT | os.O_WRONLY))
    remove_tree(os.fsdecode(top))
    assert os.listdir(tmp_path) == []


def test_tree_deeper_than_any_path_is_removed(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    descriptor = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    for _level in range(3000):
        os.mkdir("directory-with-a-name", dir_fd=descriptor)
        below = os.open("directory-with-a-name", os.O_RDONLY | os.O_DIRECTORY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)
    remove_tree(str(top))
    assert os.listdir(tmp_path) == []


def test_directories_with_numbers_for_names_do_not_collide(tmp_path: Path) -> None:
    top = tmp_path / "top"
    for first in range(5):
        for second in range(5):
            (top / str(first) / str(second) / "0").mkdir(parents=True)
            (top / str(first) / str(second) / "file").touch()
    remove_tree(str(top))
    assert os.listdir(tmp_path) == []


def test_absent_path_is_fine(tmp_path: Path) -> None:
    remove_tree(str(tmp_path / "absent"))


def test_other_file_system_inside_is_not_emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top = tmp_path / "top"
    (top / "mounted").mkdir(parents=True)
    (top / "mounted" / "kept").touch()
    real = os.fstat
    inode = (top / "mounted").stat().st_ino

    def fstat(descriptor: int) -> os.stat_result:
        status = real(descriptor)
        if status.st_ino == inode:
            # (mode, inode, device, ...)
            return os.stat_result((status[0], status[1], status[2] + 1, *status[3:]))
        return status

    monkeypatch.setattr(os, "fstat", fstat)
    with pytest.raises(InUse, match="mounted"):
        remove_tree(str(top))
    monkeypatch.undo()
    assert (top / "mounted" / "kept").exists()


def test_failure_is_a_host_error_that_names_the_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top = tmp_path / "top"
    top.mkdir()

    def busy(*_arguments: object, **_options: object) -> None:
        raise OSError(16, "busy")

    monkeypatch.setattr(os, "rmdir", busy)
    with pytest.raises(HostError, match="Device or resource busy") as caught:
        remove_tree(str(top))
    assert caught.value.subject == str(top)
