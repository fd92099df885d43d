# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._host.xattrs import list_xattrs, set_xattr
from ansible_collections.strata.containers.plugins.module_utils._storage import mount_program
from ansible_collections.strata.containers.plugins.module_utils._storage.driver import DriverUnsupported, MountRequest
from ansible_collections.strata.containers.plugins.module_utils._storage.drivers import open_driver
from ansible_collections.strata.containers.plugins.module_utils._storage.fuse_overlay import FuseOverlayDriver
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.mount_program import (
    note_mount_program,
    note_native,
    uses_mount_program,
)
from ansible_collections.strata.containers.plugins.module_utils._storage.overlay import OverlayDriver


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(str(tmp_path / "root"), str(tmp_path / "run"))
    os.makedirs(os.path.join(layout.diff("one"), "etc"))
    return layout


@pytest.mark.parametrize(("note", "expected"), [(b"true", True), (b"true\n", True), (b"false", False), (b"", False)])
def test_the_note_decides(note: bytes, expected: bool, layout: Layout) -> None:
    Path(layout.has_mount_program).write_bytes(note)
    assert uses_mount_program(layout) is expected


def test_a_store_that_does_not_exist_needs_none(tmp_path: Path) -> None:
    assert not uses_mount_program(Layout(str(tmp_path / "absent"), str(tmp_path)))


def test_without_a_note_plain_layers_need_none(layout: Layout) -> None:
    os.symlink("/", os.path.join(layout.diff("one"), "loop"))
    assert not uses_mount_program(layout)
    assert not os.path.exists(layout.has_mount_program)


def test_without_a_note_a_whiteout_file_tells(layout: Layout) -> None:
    Path(layout.diff("one"), "etc", ".wh.removed").write_bytes(b"")
    assert uses_mount_program(layout)


@pytest.mark.parametrize("name", [b"user.fuseoverlayfs.opaque", b"user.containers.override_stat"])
def test_without_a_note_an_attribute_of_a_directory_tells(name: bytes, layout: Layout) -> None:
    set_xattr(os.path.join(layout.diff("one"), "etc"), name, b"y")
    assert uses_mount_program(layout)


def test_the_answer_is_noted_as_upstream_does(layout: Layout) -> None:
    note_native(layout)
    assert Path(layout.has_mount_program).read_bytes() == b"false"
    assert os.stat(layout.has_mount_program).st_mode & 0o7777 == 0o600


def test_a_note_that_is_there_stays(layout: Layout) -> None:
    Path(layout.has_mount_program).write_bytes(b"true")
    note_native(layout)
    assert Path(layout.has_mount_program).read_bytes() == b"true"


def test_the_driver_refuses_such_a_store(layout: Layout) -> None:
    Path(layout.has_mount_program).write_bytes(b"true")
    driver = OverlayDriver(layout)
    calls = [
        driver.ensure_usable,
        driver.check_support,
        lambda: driver.create_writable("new", None),
        lambda: driver.adopt_layer("new", None, layout.diff("one"), False),
        lambda: driver.mount("one", MountRequest(read_only=True)),
    ]
    for call in calls:
        with pytest.raises(DriverUnsupported) as raised:
            call()
        assert raised.value.code == "driver_unsupported"
        assert raised.value.subject == layout.has_mount_program
    assert sorted(os.listdir(layout.driver_home)) == [".has-mount-program", "one"]


@pytest.mark.parametrize("note", [b"false", b"", None])
def test_a_program_is_noted_whatever_was_before(note: bytes | None, layout: Layout) -> None:
    if note is not None:
        Path(layout.has_mount_program).write_bytes(note)
    note_mount_program(layout)
    assert Path(layout.has_mount_program).read_bytes() == b"true"
    assert os.stat(layout.has_mount_program).st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("note", "options", "kind"),
    [
        (b"false", (), OverlayDriver),
        (b"true", (), FuseOverlayDriver),
        (b"false", ("overlay.mount_program=/bin/true",), FuseOverlayDriver),
        (b"true", ("mount_program=",), FuseOverlayDriver),
    ],
)
def test_the_note_or_the_option_chooses_the_driver(
    note: bytes, options: tuple[str, ...], kind: type[OverlayDriver], layout: Layout
) -> None:
    Path(layout.has_mount_program).write_bytes(note)
    assert open_driver(layout, options).__class__ is kind
    assert Path(layout.has_mount_program).read_bytes() == note


@pytest.mark.parametrize(("option", "found"), [("/nowhere/fuse", "not there"), ("/etc/passwd", "not executable")])
def test_a_program_that_cannot_be_run_is_named(option: str, found: str, layout: Layout) -> None:
    driver = FuseOverlayDriver(layout, (f"overlay.mount_program={option}",))
    for call in (driver.ensure_usable, driver.check_support, lambda: driver.create_writable("new", None)):
        with pytest.raises(DriverUnsupported) as raised:
            call()
        assert raised.value.found == f"{option}, which is {found}"
    assert os.listdir(layout.driver_home) == ["one"]


def test_without_a_program_in_the_path_such_a_store_is_refused(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    Path(layout.has_mount_program).write_bytes(b"true")
    with pytest.raises(DriverUnsupported, match="and there is none") as raised:
        open_driver(layout).ensure_usable()
    assert raised.value.subject == layout.has_mount_program


def test_what_is_staged_is_no_layer_yet(layout: Layout) -> None:
    staged = Path(layout.tempdirs, "temp-dir-1", "0")
    staged.mkdir(parents=True)
    (staged / ".wh.gone").write_bytes(b"")
    assert not uses_mount_program(layout)


def test_a_directory_that_is_deleted_meanwhile_tells_nothing(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    def list_and_delete(path: str) -> tuple[bytes, ...]:
        names = list_xattrs(path)
        if path == layout.diff("one"):
            os.rmdir(os.path.join(path, "etc"))
            os.rmdir(path)
        return names

    monkeypatch.setattr(mount_program, "list_xattrs", list_and_delete)
    assert not uses_mount_program(layout)
