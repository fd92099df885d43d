# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config import rootless_driver
from ansible_collections.strata.containers.plugins.module_utils._config.rootless_driver import choose_driver


@pytest.fixture
def fuse(tmp_path: Path) -> str:
    """A directory of programs with fuse-overlayfs in it."""
    program = tmp_path / "bin" / "fuse-overlayfs"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    return str(program.parent)


def test_a_kernel_that_mounts_overlay_for_users(monkeypatch: pytest.MonkeyPatch, fuse: str) -> None:
    monkeypatch.setattr(rootless_driver, "kernel_version", lambda: (5, 11))
    assert choose_driver("", ("a=b",), "/nonexistent", {"PATH": fuse}) == ("overlay", ("a=b",))
    assert choose_driver("vfs", (), "/nonexistent", {"PATH": fuse}) == ("vfs", ())


def test_a_program_does_it_for_older_kernels(monkeypatch: pytest.MonkeyPatch, fuse: str) -> None:
    monkeypatch.setattr(rootless_driver, "kernel_version", lambda: (5, 10))
    program = f"overlay.mount_program={fuse}/fuse-overlayfs"
    for driver in ("", "overlay"):
        assert choose_driver(driver, ("a=b",), "/nonexistent", {"PATH": fuse}) == ("overlay", ("a=b", program))
        chosen = (".mount_program=/opt/other",)
        assert choose_driver(driver, chosen, "/nonexistent", {"PATH": fuse}) == ("overlay", chosen)


def test_without_it_trees_are_copied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(rootless_driver, "kernel_version", lambda: (4, 18))
    assert choose_driver("", (), "/nonexistent", {"PATH": str(tmp_path)}) == ("vfs", ())
    # Who chose overlay is told that it does not work.
    assert choose_driver("overlay", (), "/nonexistent", {"PATH": str(tmp_path)}) == ("overlay", ())


@pytest.mark.parametrize(
    ("made", "wanted"), [("vfs", "vfs"), ("overlay", "overlay"), ("btrfs", "btrfs"), ("zfs", "overlay")]
)
def test_a_store_keeps_its_driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made: str, wanted: str) -> None:
    monkeypatch.setattr(rootless_driver, "kernel_version", lambda: (6, 1))
    os.mkdir(tmp_path / made)
    assert choose_driver("", (), str(tmp_path), "") == (wanted, ())
