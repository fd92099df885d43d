# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._host.rooted_tree import RootedTree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree beside a file that no name in it may reach."""
    (tmp_path / "secret").write_text("outside")
    top = tmp_path / "top"
    (top / "usr" / "lib").mkdir(parents=True)
    (top / "usr" / "lib" / "a").write_text("a")
    (top / "usr" / "lib" / "b").write_text("b")
    (top / "secret").write_text("inside")
    (top / "file").write_text("file")
    (top / "lib").symlink_to("usr/lib")
    (top / "absolute").symlink_to("/usr/lib")
    (top / "usr" / "up").symlink_to("../../../../secret")
    (top / "usr" / "host").symlink_to(str(tmp_path / "secret"))
    (top / "loop").symlink_to("loop")
    (top / "first").symlink_to("second")
    (top / "second").symlink_to("usr/lib/b")
    os.mkfifo(top / "pipe")
    return top


def read(tree: RootedTree, name: bytes) -> str | None:
    descriptor = tree.open_file(name)
    if descriptor is None:
        return None
    with os.fdopen(descriptor, "r") as file:
        return file.read()


NAMES = [
    (b"file", "file"),
    (b"./file", "file"),
    (b"/file", "file"),
    (b"usr/lib/a", "a"),
    (b"usr//lib/./a", "a"),
    (b"lib/a", "a"),
    (b"absolute/b", "b"),
    (b"first", "b"),
    (b"usr/lib/../lib/b", "b"),
    (b"../../secret", "inside"),
    (b"usr/up", "inside"),
    (b"usr/host", None),
    (b"nothing", None),
    (b"file/below", None),
    (b"usr/lib", None),
    (b"pipe", None),
    (b"", None),
    (b"a\0b", None),
    (b"\0/a", None),
]


@pytest.mark.parametrize(("name", "expected"), NAMES)
def test_name_is_resolved_as_if_the_tree_were_the_whole_file_system(
    tree: Path, name: bytes, expected: str | None
) -> None:
    with RootedTree(str(tree)) as rooted:
        assert read(rooted, name) == expected


def test_names_do_not_depend_on_what_was_opened_before(tree: Path) -> None:
    with RootedTree(str(tree)) as rooted:
        for first, _text in NAMES:
            for second, expected in NAMES:
                read(rooted, first)
                assert read(rooted, second) == expected, (first, second)


def test_loop_of_links_is_an_error(tree: Path) -> None:
    with RootedTree(str(tree)) as rooted, pytest.raises(HostError, match="symbolic links"):
        rooted.open_file(b"loop")


def test_nothing_stays_open(tree: Path) -> None:
    before = set(os.listdir("/proc/self/fd"))
    with RootedTree(str(tree)) as rooted:
        for name, _text in NAMES:
            read(rooted, name)
    assert set(os.listdir("/proc/self/fd")) == before


def test_tree_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HostError) as caught:
        RootedTree(str(tmp_path / "absent"))
    assert caught.value.subject == str(tmp_path / "absent")
