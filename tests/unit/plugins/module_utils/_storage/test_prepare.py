# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._host.os_errors import PermissionDenied
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.prepare import (
    NotRoot,
    check_writable,
    make_directory,
    prepare_store,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._storage.store_fakes import layout_in


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_directories_have_their_modes_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    layout = layout_in(tmp_path / "new")
    before = os.umask(umask)
    try:
        prepare_store(layout)
    finally:
        os.umask(before)
    for path, mode in layout.all_directories():
        assert stat.S_IMODE(os.stat(path).st_mode) == mode, path


def test_second_run_changes_nothing(tmp_path: Path) -> None:
    layout = layout_in(tmp_path)
    prepare_store(layout)
    os.chmod(layout.driver_home, 0o755)
    before = {path: os.stat(path) for path, _mode in layout.all_directories()}
    prepare_store(layout)
    assert {path: os.stat(path) for path in before} == before


def test_file_in_place_of_a_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "graph").touch()
    with pytest.raises(HostError) as caught:
        prepare_store(layout_in(tmp_path))
    assert caught.value.subject == str(tmp_path / "graph")


@pytest.mark.parametrize(
    ("user", "kind", "code"), [(0, PermissionDenied, "permission_denied"), (1000, NotRoot, "not_root")]
)
def test_store_that_cannot_be_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int, kind: type[HostError], code: str
) -> None:
    asked: list[str] = []

    def access(path: str, _mode: int, *, effective_ids: bool) -> bool:
        asked.append(path)
        return False

    monkeypatch.setattr(os, "access", access)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    with pytest.raises(kind) as caught:
        check_writable(layout_in(tmp_path / "not" / "there"))
    assert caught.value.code == code
    assert asked == [str(tmp_path)]


def test_a_relative_root_is_below_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    asked: list[str] = []
    monkeypatch.setattr(os, "access", lambda path, _mode, *, effective_ids: not asked.append(path))  # type: ignore[func-returns-value]
    check_writable(Layout("graph", "not/there/run"))
    assert asked[:2] == [str(tmp_path)] * 2


def test_what_belongs_to_a_subordinate_id_in_a_store_of_the_users_is_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = layout_in(tmp_path)
    prepare_store(layout)
    inside = os.path.join(layout.run_root, "overlay")
    owner = os.stat(inside)
    monkeypatch.setattr(os, "geteuid", lambda: owner.st_uid + 1)
    monkeypatch.setattr(
        os, "access", lambda path, _mode, *, effective_ids: path in (layout.graph_root, layout.run_root)
    )
    with pytest.raises(NotRoot, match="overlay"):
        check_writable(layout, lambda uid, gid: False)
    check_writable(layout, lambda uid, gid: (uid, gid) == (owner.st_uid, owner.st_gid))
    # The roots must be the user's own.
    monkeypatch.setattr(os, "access", lambda path, _mode, *, effective_ids: path != layout.run_root)
    with pytest.raises(NotRoot, match="run"):
        check_writable(layout, lambda uid, gid: True)


def test_directory_that_appears_meanwhile_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "new")
    real = os.mkdir

    def mkdir(made: str, mode: int) -> None:
        real(made, 0o711)
        real(made, mode)

    monkeypatch.setattr(os, "mkdir", mkdir)
    make_directory(path)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o711
