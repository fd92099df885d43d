# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._layer.tar_reader import TarReader
from ansible_collections.strata.containers.plugins.module_utils._storage.check_tree import TreeCheck

MTIME = 1_700_000_000


def _archive() -> bytes:
    """A directory, a file in it, one in a directory without a header, two links, and a whiteout."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, kind, link in (
            ("dir", tarfile.DIRTYPE, ""),
            ("dir/file", tarfile.REGTYPE, ""),
            ("implied/file", tarfile.REGTYPE, ""),
            ("symbolic", tarfile.SYMTYPE, "dir/file"),
            ("hard", tarfile.LNKTYPE, "dir/file"),
            ("dir/.wh.gone", tarfile.REGTYPE, ""),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.mtime = kind, link, MTIME
            member.mode = 0o755 if kind == tarfile.DIRTYPE else 0o640
            member.uid, member.gid = os.getuid(), os.getgid()
            archive.addfile(member)
    return data.getvalue()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What GNU tar and the whiteout's rule make of it, without the device, which needs root rights."""
    root = tmp_path / "tree"
    root.mkdir()
    with tarfile.open(fileobj=io.BytesIO(_archive())) as archive:
        archive.extractall(root, [member for member in archive if ".wh." not in member.name])  # noqa: S202
    os.utime(root / "dir", (MTIME, MTIME))
    return root


def _differences(tree: Path, archive: bytes = b"") -> list[str]:
    check = TreeCheck(str(tree), owners=True, directory_times=True)
    for member in TarReader([archive or _archive()]):
        check.expect(member)
    return check.differences()


def test_a_tree_as_it_was_unpacked_has_no_differences(tree: Path) -> None:
    assert _differences(tree) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda tree: (tree / "implied/file").chmod(0o4640), "implied/file has another mode"),
        (lambda tree: os.utime(tree / "implied/file", (1, 1)), "implied/file has another time"),
        (lambda tree: (tree / "implied/file").unlink(), "implied/file is missing"),
        (lambda tree: (tree / "planted").touch(), "planted should not be there"),
        (lambda tree: (tree / "planted").mkdir(), "planted should not be there"),
        (lambda tree: (tree / "dir").chmod(0o777), "dir has another mode"),
        (lambda tree: _replace(tree / "symbolic", "/etc"), "symbolic has another target"),
        (lambda tree: _replace(tree / "implied/file", "/etc/passwd"), "implied/file has another type"),
    ],
)
def test_a_change_is_told(change: Callable[[Path], object], told: str, tree: Path) -> None:
    change(tree)
    assert _differences(tree) == [told]


def test_a_link_by_another_way_settles_owner_and_mode(tmp_path: Path) -> None:
    """The target of a hard link may be named by way of a symbolic link to its directory: it is one file all the same."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, kind, target, mode in (
            ("usr/lib/one", tarfile.REGTYPE, "", 0o600),
            ("lib", tarfile.SYMTYPE, "usr/lib", 0o777),
            ("two", tarfile.LNKTYPE, "lib/one", 0o4755),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.mode, member.mtime = kind, target, mode, MTIME
            member.uid, member.gid = os.getuid(), os.getgid()
            archive.addfile(member)
    (tmp_path / "usr/lib").mkdir(parents=True)
    (tmp_path / "usr/lib/one").touch()
    (tmp_path / "lib").symlink_to("usr/lib")
    os.link(tmp_path / "lib/one", tmp_path / "two")
    (tmp_path / "two").chmod(0o4755)
    assert _differences(tmp_path, data.getvalue()) == []
    (tmp_path / "two").unlink()
    assert "two is missing" in _differences(tmp_path, data.getvalue())


def _replace(path: Path, target: str) -> None:
    path.unlink()
    path.symlink_to(target)
