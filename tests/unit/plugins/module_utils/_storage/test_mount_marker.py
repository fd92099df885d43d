# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.mount_marker import (
    began_mount,
    holds_count,
    mount_identity,
    remove_marker,
    write_marker,
)

OWNER, LAYER = "c" * 64, "f" * 64


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(str(tmp_path / "root"), str(tmp_path / "run"))
    os.makedirs(layout.merged(LAYER))
    return layout


def remount(layout: Layout) -> None:
    """What every tool does to the layer's directory when it unmounts and mounts again."""
    before = mount_identity(layout, LAYER)
    while mount_identity(layout, LAYER) == before:
        os.rmdir(layout.merged(LAYER))
        os.mkdir(layout.merged(LAYER))


def test_nothing_is_ours_without_a_marker(layout: Layout) -> None:
    assert not holds_count(layout, OWNER, LAYER, 1)
    assert not os.path.exists(layout.run_root)


@pytest.mark.parametrize(("marked", "recorded", "ours"), [(1, 0, False), (1, 1, True), (1, 9, True), (3, 2, False)])
def test_a_count_is_ours_when_the_records_have_enough(marked: int, recorded: int, ours: bool, layout: Layout) -> None:
    write_marker(layout, OWNER, LAYER, marked)
    assert holds_count(layout, OWNER, LAYER, recorded) is ours
    assert began_mount(layout, OWNER, LAYER)


def test_a_later_mount_of_the_layer_is_not_ours(layout: Layout) -> None:
    write_marker(layout, OWNER, LAYER)
    remount(layout)
    assert not holds_count(layout, OWNER, LAYER, 1)
    assert not began_mount(layout, OWNER, LAYER)


def test_the_mount_of_another_container_is_not_ours(layout: Layout) -> None:
    write_marker(layout, OWNER, LAYER)
    assert not holds_count(layout, "d" * 64, LAYER, 1)


def test_a_removed_marker_marks_nothing(layout: Layout) -> None:
    write_marker(layout, OWNER, LAYER)
    remove_marker(layout, OWNER)
    remove_marker(layout, OWNER)
    assert not holds_count(layout, OWNER, LAYER, 1)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"mount":"x"}', b'{"mount":1,"count":1}', b"\xff"])
def test_a_marker_that_cannot_be_read_marks_nothing(content: bytes, layout: Layout) -> None:
    write_marker(layout, OWNER, LAYER)
    Path(layout.mount_marker(OWNER)).write_bytes(content)
    assert not holds_count(layout, OWNER, LAYER, 1)


def test_a_layer_without_a_directory_is_not_mounted(layout: Layout) -> None:
    write_marker(layout, OWNER, LAYER)
    assert mount_identity(layout, "0" * 64) == ""
    assert not holds_count(layout, OWNER, "0" * 64, 1)


def test_markers_are_private(layout: Layout) -> None:
    write_marker(layout, OWNER, LAYER)
    assert os.stat(layout.mount_marker(OWNER)).st_mode & 0o7777 == 0o600
    assert os.stat(layout.mount_markers).st_mode & 0o7777 == 0o700


def test_what_a_killed_writer_left_is_cleared(layout: Layout) -> None:
    write_marker(layout, "d" * 64, LAYER)
    Path(layout.mount_markers, f".tmp-{OWNER}123").write_bytes(b"")
    write_marker(layout, OWNER, LAYER)
    assert sorted(os.listdir(layout.mount_markers)) == [OWNER, "d" * 64]
