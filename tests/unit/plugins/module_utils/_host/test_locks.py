# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import fcntl
import os
import signal
import stat
import struct
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._host.locks import (
    exclusive,
    is_held,
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


@pytest.mark.parametrize("umask", [0o022, 0o077, 0])
def test_exclusive_lock_creates_its_file_with_mode_0644(umask: int, tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    before = os.umask(umask)
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


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_no_lock_and_keeps_nobody_waiting(make: Callable[[str], None], tmp_path: Path) -> None:
    path = str(tmp_path / "a.lock")
    make(path)
    for lock in (shared, exclusive):
        with pytest.raises(HostError), lock(path):
            pass
    with pytest.raises(HostError):
        try_exclusive(path)
    assert os.listdir(tmp_path) == ["a.lock"]


class _Stop(Exception):
    """What goes wrong while a lock is held."""


def in_child(work: Callable[[], None]) -> int:
    """The status of a forked child that does ``work``; it is 9 where that raises."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            os._exit(9)
    _pid, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def test_an_exception_releases_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    path.touch()
    for hold in (exclusive, shared):
        with suppress(_Stop), hold(str(path)):
            raise _Stop
        assert posix_lock_is_free(path, fcntl.F_WRLCK)


def test_a_writer_waits_for_the_reader_in_another_thread(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    path.touch()
    order: list[str] = []
    started = threading.Event()

    def write() -> None:
        started.set()
        with exclusive(str(path)):
            order.append("written")

    with shared(str(path)):
        writer = threading.Thread(target=write)
        writer.start()
        started.wait()
        writer.join(0.1)
        order.append("read")
    writer.join()
    assert order == ["read", "written"]


@pytest.mark.parametrize(("first", "second"), [(exclusive, exclusive), (shared, exclusive), (exclusive, shared)])
def test_a_thread_that_would_wait_for_itself_is_told_so(
    first: Callable[[str], object], second: Callable[[str], object], tmp_path: Path
) -> None:
    path = tmp_path / "a.lock"
    path.touch()
    # Another way to the same file is the same lock.
    (tmp_path / "b.lock").symlink_to("a.lock")
    with first(str(path)):  # type: ignore[attr-defined]
        for again in (path, tmp_path / "b.lock"):
            with pytest.raises(RuntimeError, match="wait for itself"), second(str(again)):  # type: ignore[attr-defined]
                pass
        assert not posix_lock_is_free(path, fcntl.F_WRLCK)
    assert posix_lock_is_free(path, fcntl.F_WRLCK)


def test_a_thread_may_read_twice(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    path.touch()
    with shared(str(path)):
        with shared(str(path)):
            assert posix_lock_is_free(path, fcntl.F_RDLCK)
        assert not posix_lock_is_free(path, fcntl.F_WRLCK)


def test_a_child_that_leaves_the_block_does_not_unlock_its_parents_lock(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with suppress(_Stop), exclusive(str(path)):
        child = os.fork()
        if child == 0:
            raise _Stop
        os.waitpid(child, 0)
        assert not posix_lock_is_free(path, fcntl.F_WRLCK)
    if child == 0:
        os._exit(0)
    assert posix_lock_is_free(path, fcntl.F_WRLCK)


def test_a_child_neither_releases_nor_removes_its_parents_lock(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    held = try_exclusive(str(path), create=True)
    assert held is not None
    assert in_child(held.release) == 0
    assert not posix_lock_is_free(path, fcntl.F_WRLCK)
    assert is_held(str(path))
    held.remove()


def test_a_child_can_take_the_lock_after_its_parent(tmp_path: Path) -> None:
    path = str(tmp_path / "a.lock")

    def take() -> None:
        with exclusive(path):
            pass

    with exclusive(path):
        assert in_child(lambda: None if try_exclusive(path) is None else os._exit(1)) == 0
    assert in_child(take) == 0


def test_a_lock_does_not_outlive_its_process_in_a_child(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    reader, writer = os.pipe()
    told, tell = os.pipe()
    parent = os.fork()
    if parent == 0:
        with exclusive(str(path)):
            if os.fork() == 0:
                os.close(writer)
                # It lives until the test closes the pipe.
                os.write(tell, b"x")
                os.read(reader, 1)
                os._exit(0)
            signal.pause()
    os.read(told, 1)
    assert not posix_lock_is_free(path, fcntl.F_WRLCK)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    try:
        assert posix_lock_is_free(path, fcntl.F_WRLCK)
    finally:
        for descriptor in (reader, writer, told, tell):
            os.close(descriptor)


def test_no_child_has_a_lock_that_another_thread_took(tmp_path: Path) -> None:
    done = threading.Event()

    def lock_and_unlock(path: str) -> None:
        while not done.is_set():
            with exclusive(path):
                pass

    def look() -> None:
        for name in os.listdir("/proc/self/fd"):
            with suppress(OSError):
                assert not os.readlink(f"/proc/self/fd/{name}").startswith(str(tmp_path))

    threads = [threading.Thread(target=lock_and_unlock, args=(str(tmp_path / f"{n}.lock"),)) for n in range(2)]
    for thread in threads:
        thread.start()
    try:
        assert {in_child(look) for _round in range(40)} == {0}
    finally:
        done.set()
        for thread in threads:
            thread.join()


def test_asking_whether_a_lock_is_held_is_in_nobodys_way(tmp_path: Path) -> None:
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            for path in list(tmp_path.iterdir()):
                is_held(str(path))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        for number in range(1000):
            held = try_exclusive(str(tmp_path / f"lock-{number}"), create=True)
            assert held is not None, number
            held.remove()
    finally:
        done.set()
        thread.join()


def test_is_held_tells_held_free_and_missing_apart(tmp_path: Path) -> None:
    path = str(tmp_path / "a.lock")
    assert not is_held(path)
    with exclusive(path):
        assert is_held(path)
    assert not is_held(path)
    with shared(path):
        assert not is_held(path)
