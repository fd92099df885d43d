# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.storage_conf import StoreSettings
from ansible_collections.strata.containers.plugins.module_utils._storage import driver_choice
from ansible_collections.strata.containers.plugins.module_utils._storage.driver_choice import (
    SeveralDrivers,
    choose_driver,
)


def store(
    graph_root: object = "/nonexistent", driver: str = "", options: tuple[str, ...] = (), *, user: bool = False
) -> StoreSettings:
    return StoreSettings(str(graph_root), "/run", driver, options, "test", rootless=user)


class TestRoot:
    # What podman 4.3.1 takes where the settings name no driver; it cannot have aufs and zfs on most hosts, and says so.
    @pytest.mark.parametrize(
        ("there", "driver"),
        [
            ("", "overlay"),
            ("vfs", "overlay"),
            ("overlay vfs", "overlay"),
            ("btrfs", "btrfs"),
            ("btrfs vfs", "btrfs"),
            ("zfs", "zfs"),
            ("aufs", "aufs"),
        ],
    )
    def test_who_was_there_before_is_the_driver(self, tmp_path: Path, there: str, driver: str) -> None:
        for name in there.split():
            (tmp_path / name).mkdir()
        assert choose_driver(store(tmp_path, options=("a=b",)), {}) == store(tmp_path, driver, ("a=b",))

    @pytest.mark.parametrize("there", ["overlay btrfs", "overlay zfs vfs"])
    def test_of_several_one_must_be_named(self, tmp_path: Path, there: str) -> None:
        for name in there.split():
            (tmp_path / name).mkdir()
        with pytest.raises(SeveralDrivers) as refused:
            choose_driver(store(tmp_path), {})
        assert refused.value.found == ", ".join(name for name in there.split() if name != "vfs")
        assert choose_driver(store(tmp_path, "overlay"), {}) == store(tmp_path, "overlay")


class TestUsers:
    @pytest.fixture
    def fuse(self, tmp_path: Path) -> str:
        """A directory of programs with fuse-overlayfs in it."""
        program = tmp_path / "bin" / "fuse-overlayfs"
        program.parent.mkdir()
        program.write_text("#!/bin/sh\n", encoding="utf-8")
        program.chmod(0o755)
        return str(program.parent)

    def test_a_kernel_that_mounts_overlay_for_users(self, monkeypatch: pytest.MonkeyPatch, fuse: str) -> None:
        monkeypatch.setattr(driver_choice, "kernel_version", lambda: (5, 11))
        wanted = store(driver="overlay", options=("a=b",), user=True)
        assert choose_driver(store(options=("a=b",), user=True), {"PATH": fuse}) == wanted
        vfs = store(driver="vfs", user=True)
        assert choose_driver(vfs, {"PATH": fuse}) == vfs

    def test_a_program_does_it_for_older_kernels(self, monkeypatch: pytest.MonkeyPatch, fuse: str) -> None:
        monkeypatch.setattr(driver_choice, "kernel_version", lambda: (5, 10))
        program = f"overlay.mount_program={fuse}/fuse-overlayfs"
        for driver in ("", "overlay"):
            with_program = store(driver="overlay", options=("a=b", program), user=True)
            assert choose_driver(store(driver=driver, options=("a=b",), user=True), {"PATH": fuse}) == with_program
            chosen = (".mount_program=/opt/other",)
            with_theirs = store(driver="overlay", options=chosen, user=True)
            assert choose_driver(store(driver=driver, options=chosen, user=True), {"PATH": fuse}) == with_theirs

    def test_without_it_trees_are_copied(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(driver_choice, "kernel_version", lambda: (4, 18))
        environment = {"PATH": str(tmp_path)}
        assert choose_driver(store(user=True), environment).driver == "vfs"
        # Who chose overlay is told that it does not work.
        assert choose_driver(store(driver="overlay", user=True), environment).driver == "overlay"

    @pytest.mark.parametrize(
        ("made", "wanted"), [("vfs", "vfs"), ("overlay", "overlay"), ("btrfs", "btrfs"), ("zfs", "overlay")]
    )
    def test_a_store_keeps_its_driver(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made: str, wanted: str
    ) -> None:
        monkeypatch.setattr(driver_choice, "kernel_version", lambda: (6, 1))
        (tmp_path / made).mkdir()
        assert choose_driver(store(tmp_path, user=True), {}) == store(tmp_path, wanted, user=True)
