# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import fcntl
import os
import stat
import struct
import threading
from contextlib import closing
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._host.locks import (
    exclusive,
    shared,
    try_exclusive,
)

FLOCK = struct.Struct("hhqqi0q")


def posix_lock_is_free(path: Path, kind: int) -> bool:
    """Whether another process could take a POSIX record lock, as containers/storage does."""
    child = os.fork()
    if child == 0:
        try:
            descriptor = os.open(path, os.O_RDWR)
            fcntl.fcntl(descriptor, fcntl.F_SETLK, FLOCK.pack(kind, os.SEEK_SET, 0, 0, 0))
            os._exit(0)
        except OSError:
            os._exit(1)
    _pid, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0


def test_exclusive_lock_keeps_posix_readers_and_writers_out(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with exclusive(str(path)):
        assert not posix_lock_is_free(path, fcntl.F_WRLCK)
        assert not posix_lock_is_free(path, fcntl.F_RDLCK)
    assert posix_lock_is_free(path, fcntl.F_WRLCK)


def test_shared_lock_keeps_only_posix_writers_out(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    path.touch()
    with shared(str(path)):
        assert not posix_lock_is_free(path, fcntl.F_WRLCK)
        assert posix_lock_is_free(path, fcntl.F_RDLCK)


def test_exclusive_lock_creates_its_file_with_mode_0644(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    before = os.umask(0o022)
    try:
        with exclusive(str(path)):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_shared_lock_of_an_absent_file_creates_nothing(tmp_path: Path) -> None:
    for path in (tmp_path / "a.lock", tmp_path / "no" / "such" / "a.lock"):
        with shared(str(path)):
            pass
    assert list(tmp_path.iterdir()) == []


def test_closing_another_descriptor_of_the_file_does_not_drop_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with exclusive(str(path)):
        with closing(open(path, "rb")):
            pass
        assert not posix_lock_is_free(path, fcntl.F_WRLCK)


def test_lock_descriptor_is_closed_on_exec(tmp_path: Path) -> None:
    with exclusive(str(tmp_path / "a.lock")) as descriptor:
        assert not os.get_inheritable(descriptor)


def test_unlocking_takes_effect_while_a_forked_child_still_has_the_descriptor(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    reader, writer = os.pipe()
    with exclusive(str(path)):
        child = os.fork()
        if child == 0:
            os.close(writer)
            os.read(reader, 1)
            os._exit(0)
    try:
        assert posix_lock_is_free(path, fcntl.F_WRLCK)
    finally:
        os.close(writer)
        os.close(reader)
        os.waitpid(child, 0)


def test_two_threads_exclude_one_another(tmp_path: Path) -> None:
    path = str(tmp_path / "a.lock")
    inside = 0
    most = 0

    def work() -> None:
        nonlocal inside, most
        for _round in range(50):
            with exclusive(path):
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _count in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_try_exclusive_gives_none_while_another_holds_the_lock(tmp_path: Path) -> None:
    path = str(tmp_path / "a.lock")
    with exclusive(path):
        assert try_exclusive(path) is None
    held = try_exclusive(path)
    assert held is not None
    assert try_exclusive(path) is None
    held.release()
    held.release()
    again = try_exclusive(path)
    assert again is not None
    again.release()


def test_try_exclusive_makes_only_new_files_and_only_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    assert try_exclusive(str(path)) is None
    assert not path.exists()
    held = try_exclusive(str(path), create=True)
    assert held is not None
    assert try_exclusive(str(path), create=True) is None
    held.remove()
    assert not path.exists()


def test_try_exclusive_does_not_follow_a_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "target").touch()
    (tmp_path / "a.lock").symlink_to("target")
    with pytest.raises(HostError):
        try_exclusive(str(tmp_path / "a.lock"))


def test_exclusive_lock_in_a_missing_directory_names_the_file(tmp_path: Path) -> None:
    path = str(tmp_path / "missing" / "a.lock")
    with pytest.raises(HostError, match="No such file") as caught, exclusive(path):
        pass
    assert caught.value.subject == path
