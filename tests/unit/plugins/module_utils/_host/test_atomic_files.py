# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._host.atomic_files import (
    FileTooLarge,
    read_file,
    replace_file,
    temporary_of,
)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_replaced_file_has_the_mode_asked_for_whatever_the_umask(tmp_path: Path, umask: int, mode: int) -> None:
    path = tmp_path / "records.json"
    before = os.umask(umask)
    try:
        replace_file(str(path), b"[]", mode)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert path.read_bytes() == b"[]"


def test_replaced_file_is_a_new_file_so_that_readers_keep_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "records.json"
    path.write_bytes(b"old")
    with open(path, "rb") as reader:
        replace_file(str(path), b"new", sync=False)
        assert reader.read() == b"old"
    assert os.listdir(tmp_path) == ["records.json"]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "no_space"),
        (errno.EDQUOT, "no_space"),
        (errno.EROFS, "permission_denied"),
        (errno.EACCES, "permission_denied"),
        (errno.EIO, "host"),
    ],
)
@pytest.mark.parametrize("call", ["write", "fdatasync", "fchmod", "rename"])
def test_a_failing_call_leaves_the_old_file_alone_and_no_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, code: str
) -> None:
    path = tmp_path / "records.json"
    path.write_bytes(b"old")

    def fail(*_arguments: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(HostError, match=os.strerror(number)) as caught:
        replace_file(str(path), b"new")
    monkeypatch.undo()
    assert caught.value.code == code
    assert caught.value.subject == str(path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["records.json"]


def test_content_is_synced_before_the_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    for name in ("fdatasync", "fchmod", "rename"):
        real = getattr(os, name)

        def record(*arguments: object, name: str = name, real: object = real) -> object:
            calls.append(name)
            return real(*arguments)  # type: ignore[operator]

        monkeypatch.setattr(os, name, record)
    replace_file(str(tmp_path / "a"), b"")
    replace_file(str(tmp_path / "b"), b"", sync=False)
    assert calls == ["fdatasync", "fchmod", "rename", "fchmod", "rename"]


def test_interrupted_write_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fdatasync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        replace_file(str(tmp_path / "a"), b"new")
    assert os.listdir(tmp_path) == []


def test_temporary_file_has_the_name_that_other_tools_ignore(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    real = os.rename

    def rename(source: str, target: str) -> None:
        seen.append(os.path.basename(source))
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    replace_file(str(tmp_path / "layers.json"), b"[]")
    assert seen[0].startswith(".tmp-layers.json")
    assert seen[0][len(".tmp-layers.json") :].isdecimal()


def test_under_a_lock_what_a_kill_left_has_one_name_and_is_written_over(tmp_path: Path) -> None:
    path = str(tmp_path / "layers.json")
    left = temporary_of(path)
    Path(left).write_bytes(b"half of something longer")
    Path(left).chmod(0o400)
    replace_file(path, b"[]", locked=True)
    assert (os.listdir(tmp_path), read_file(path)) == (["layers.json"], b"[]")
    assert re.fullmatch(r"\.tmp-layers\.json[0-9]+", os.path.basename(left))


def test_under_a_lock_a_link_is_not_followed(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", str(tmp_path / "layers.json")
    victim.write_bytes(b"mine")
    os.symlink(victim, temporary_of(path))
    replace_file(path, b"[]", locked=True)
    assert (victim.read_bytes(), read_file(path)) == (b"mine", b"[]")


def test_absent_file_reads_as_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert read_file(str(tmp_path / "absent")) is None
    assert read_file(str(tmp_path / "file" / "below")) is None


def test_large_file_is_read_whole(tmp_path: Path) -> None:
    data = os.urandom(3 << 20)
    (tmp_path / "large").write_bytes(data)
    assert read_file(str(tmp_path / "large")) == data


@pytest.mark.parametrize(("size", "fits"), [(9, True), (10, True), (11, False)])
def test_limit_is_the_largest_size_that_is_read(tmp_path: Path, size: int, fits: bool) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * size)
    if fits:
        assert read_file(str(path), limit=10) == b"x" * size
    else:
        with pytest.raises(FileTooLarge, match="at most 10 bytes"):
            read_file(str(path), limit=10)


def test_directory_in_place_of_a_file_is_a_host_error(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="Is a directory"):
        read_file(str(tmp_path))
    (tmp_path / "directory").mkdir()
    with pytest.raises(HostError, match="Is a directory"):
        replace_file(str(tmp_path / "directory"), b"")
    assert os.listdir(tmp_path) == ["directory"]


def test_pipe_in_place_of_a_file_is_an_error_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(HostError, match="named pipe"):
        read_file(str(tmp_path / "pipe"))
