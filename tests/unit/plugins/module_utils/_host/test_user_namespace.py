# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._host import machine
from ansible_collections.strata.containers.plugins.module_utils._host.own_files import import_all, is_seen, own_file
from ansible_collections.strata.containers.plugins.module_utils._host.pause_process import pause_process
from ansible_collections.strata.containers.plugins.module_utils._host.user_namespace import (
    MappedRange,
    is_mapped,
    parse_map,
)

# As user_namespaces(7) shows it: fields of a fixed width, a line for each range.
MAP = "         0       1000          1\n         1     100000      65536\n"


def test_the_ranges_of_a_map() -> None:
    assert parse_map(MAP) == (MappedRange(0, 1000, 1), MappedRange(1, 100000, 65536))
    assert parse_map("") == ()


@pytest.mark.parametrize(("number", "wanted"), [(0, True), (1, True), (65536, True), (65537, False), (100000, False)])
def test_what_a_map_has_inside(number: int, wanted: bool) -> None:
    assert is_mapped(number, parse_map(MAP)) is wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("         0          0 4294967295\n", False),
        (MAP, True),
        ("0 1000 1", True),
        ("0 0 4294967294", True),
        ("", True),
    ],
)
def test_whether_the_namespace_is_the_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, wanted: bool
) -> None:
    (tmp_path / "uid_map").write_text(text, encoding="ascii")
    monkeypatch.setattr(machine, "_UID_MAP", str(tmp_path / "uid_map"))
    machine.in_user_namespace.cache_clear()
    try:
        assert machine.in_user_namespace() is wanted
    finally:
        machine.in_user_namespace.cache_clear()


def test_a_kernel_without_user_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_UID_MAP", "/nonexistent/uid_map")
    machine.in_user_namespace.cache_clear()
    try:
        assert not machine.in_user_namespace()
    finally:
        machine.in_user_namespace.cache_clear()


@pytest.mark.parametrize("text", ["", "0", "-1", "x", "12 13", "99999999999", f"{2**22 + 1}"])
def test_a_pause_file_that_names_no_process(tmp_path: Path, text: str) -> None:
    (tmp_path / "pause.pid").write_text(text, encoding="ascii")
    assert pause_process(str(tmp_path / "pause.pid"), os.geteuid()) is None


def test_no_pause_file(tmp_path: Path) -> None:
    assert pause_process(str(tmp_path / "pause.pid"), os.geteuid()) is None


def test_a_pause_file_that_names_a_process_of_another_kind(tmp_path: Path) -> None:
    """The number of a dead one may belong to any process by now: this one is in nobody's namespace."""
    (tmp_path / "pause.pid").write_text(str(os.getpid()), encoding="ascii")
    assert pause_process(str(tmp_path / "pause.pid"), 987654) is None


@pytest.mark.parametrize(
    ("release", "wanted"), [("6.1.0-18-amd64", (6, 1)), ("5.11", (5, 11)), ("6.18.44-fc", (6, 18)), ("unknown", (0, 0))]
)
def test_the_version_of_the_kernel(monkeypatch: pytest.MonkeyPatch, release: str, wanted: tuple[int, int]) -> None:
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Linux", "host", release, "#1", "x86_64")))
    assert machine.kernel_version() == wanted


def test_the_files_of_the_program_are_seen_here() -> None:
    path, device, inode = own_file()
    assert is_seen((path, device, inode))
    assert not is_seen((path, device, inode + 1))
    assert not is_seen(("/nonexistent", device, inode))


def test_a_room_is_imported_whole() -> None:
    root = machine.__name__.rpartition("._host")[0]
    import_all(("_model", "_no_such_room"))
    assert f"{root}._model.id_map" in sys.modules and f"{root}._model.times" in sys.modules
