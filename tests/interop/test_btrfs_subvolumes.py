# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Subvolumes as the kernel and btrfs(8) have them: made, copied, and removed however they lie in one another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._host.btrfs import (
    create_subvolume,
    is_subvolume,
    snapshot,
)
from ansible_collections.strata.containers.plugins.module_utils._host.remove_tree import InUse, remove_tree
from lab.btrfs import subvolumes
from lab.commands import run
from lab.fixtures import scratch_stores

# Deeper than Python's recursion goes, and the names together longer than a path may be.
_DEEP = 1200


@pytest.fixture(scope="module")
def disk(judges: None) -> Iterator[str]:
    with scratch_stores("btrfs") as make:
        yield os.path.dirname(make("store").base)


@pytest.fixture
def top(disk: str) -> str:
    """A directory; the disk has no subvolume yet."""
    path = os.path.join(disk, "top")
    os.mkdir(path)
    assert subvolumes(disk) == []
    return path


def test_one_is_made_and_copied(disk: str, top: str) -> None:
    first, second = f"{top}/first", f"{top}/second"
    create_subvolume(first)
    Path(first, "file").write_text("before", encoding="ascii")
    os.chmod(first, 0o3751)
    os.chown(first, 1, 2)
    snapshot(first, second)
    Path(first, "file").write_text("after", encoding="ascii")
    assert Path(second, "file").read_text(encoding="ascii") == "before"
    status = os.stat(second)
    assert (status.st_mode & 0o7777, status.st_uid, status.st_gid) == (0o3751, 1, 2)
    assert subvolumes(disk) == ["top/first", "top/second"]
    assert is_subvolume(second) and not is_subvolume(top)
    with pytest.raises(HostError, match="Invalid argument"):
        snapshot(top, f"{top}/third")
    with pytest.raises(HostError, match="File exists"):
        create_subvolume(first)
    remove_tree(top)
    assert subvolumes(disk) == [] and not os.path.exists(top)


def test_elsewhere_none_can_be_made(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="cannot make the subvolume"):
        create_subvolume(str(tmp_path / "one"))


def test_those_inside_go_too_and_what_stands_for_them_in_a_snapshot(disk: str, top: str) -> None:
    for name in ("a", "a/b", "a/b/plain/c", "a/b/plain/c/d"):
        os.makedirs(os.path.dirname(f"{top}/{name}"), exist_ok=True)
        run(["btrfs", "subvolume", "create", f"{top}/{name}"])
        Path(top, name, "file").touch()
    # Two that have a stub, one of them beside a subvolume so that it cannot go at once, and one that nobody can write to.
    run(["btrfs", "subvolume", "snapshot", f"{top}/a", f"{top}/copy"])
    run(["btrfs", "subvolume", "create", f"{top}/copy/inner"])
    os.chmod(f"{top}/copy", 0o555)
    run(["btrfs", "subvolume", "snapshot", "-r", f"{top}/copy", f"{top}/copy/inner/frozen"])
    assert len(subvolumes(disk)) == 7 and os.stat(f"{top}/copy/b").st_ino == 2
    remove_tree(top)
    assert subvolumes(disk) == [] and not os.path.exists(top)


@pytest.mark.parametrize("from_inside", [True, False])
def test_those_that_were_made_read_only_go_with_what_is_in_them(disk: str, top: str, from_inside: bool) -> None:
    names = ("a", "a/b", "a/b/plain/c", "a/d")
    for name in names:
        os.makedirs(os.path.dirname(f"{top}/{name}"), exist_ok=True)
        create_subvolume(f"{top}/{name}")
        Path(top, name, "file").touch()
    for name in names:
        run(["btrfs", "property", "set", f"{top}/{name}", "ro", "true"])
    remove_tree(f"{top}/a" if from_inside else top)
    assert subvolumes(disk) == []
    remove_tree(top)


def test_no_nesting_is_too_deep(disk: str, top: str) -> None:
    here = os.getcwd()
    os.chdir(top)
    try:
        for _level in range(_DEEP):
            create_subvolume("./nested")
            os.chdir("nested")
    finally:
        os.chdir(here)
    remove_tree(top)
    assert subvolumes(disk) == [] and not os.path.exists(top)


def test_what_is_mounted_inside_is_kept_even_if_it_is_a_subvolume(disk: str, top: str) -> None:
    for name in ("outside", "tree", "tree/inner"):
        create_subvolume(f"{top}/{name}")
    Path(top, "outside", "file").touch()
    run(["mount", "--bind", f"{top}/outside", f"{top}/tree/inner"])
    try:
        with pytest.raises(InUse):
            remove_tree(f"{top}/tree")
        assert os.listdir(f"{top}/outside") == ["file"]
    finally:
        run(["umount", f"{top}/tree/inner"])
    remove_tree(top)
    assert subvolumes(disk) == []
