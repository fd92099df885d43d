# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mounts that we and the other tools share: podman and containers-storage mount and unmount what we do, in turns."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import tarfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._host.mounts import bind_private, mount, unmount
from ansible_collections.strata.containers.plugins.module_utils._storage import mounting
from ansible_collections.strata.containers.plugins.module_utils._storage.catalog import Catalog, read_catalog
from ansible_collections.strata.containers.plugins.module_utils._storage.driver import MountRequest
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.mounting import MountState, ReadOnlyConflict
from ansible_collections.strata.containers.plugins.module_utils._storage.overlay import OverlayDriver
from lab.podman_service import podman_service
from lab.stores import Store, mounts_below

IMAGE = "localhost/probe:1"
CONTAINER = "probe"


@dataclass(frozen=True)
class Shared:
    """A store that podman filled with one image and one container, and our hands on it."""

    store: Store

    @property
    def layout(self) -> Layout:
        return Layout(self.store.root, self.store.run_root)

    @property
    def catalog(self) -> Catalog:
        return read_catalog(self.layout)

    @property
    def layer(self) -> str:
        return self.catalog.container(CONTAINER).layer

    @property
    def merged(self) -> str:
        return self.layout.merged(self.layer)

    def driver(self, *options: str) -> OverlayDriver:
        return OverlayDriver(self.layout, options)

    def mount(self, read_only: bool = False, options: tuple[str, ...] = ()) -> tuple[MountState, bool]:
        record = self.catalog.container(CONTAINER)
        return mounting.mount(self.layout, self.driver(), record.id, record.layer, MountRequest(read_only, options))

    def unmount(self, force: bool = False) -> tuple[MountState, bool]:
        record = self.catalog.container(CONTAINER)
        return mounting.unmount(self.layout, self.driver(), record.id, record.layer, force=force)

    def state(self) -> MountState:
        catalog = self.catalog
        record = catalog.container(CONTAINER)
        return mounting.mount_state(self.layout, catalog, record.id, record.layer)

    def counts(self) -> list[int]:
        """What the file of the tools says."""
        with open(self.layout.mountpoints_json, encoding="utf-8") as stream:
            return [entry["count"] for entry in json.load(stream)]

    def points(self) -> list[str]:
        """Every mount below the store, the latest first."""
        return mounts_below(self.store.base)


@pytest.fixture
def shared(make_store: Callable[[str], Store], tmp_path: Path) -> Shared:
    store = make_store("store")
    archive = tmp_path / "layer.tar"
    (tmp_path / "file").write_text("from the image\n", encoding="utf-8")
    with tarfile.open(archive, "w") as tar:
        tar.add(tmp_path / "file", "file")
    store.podman("import", "--quiet", str(archive), IMAGE)
    store.podman("create", "--name", CONTAINER, IMAGE, "true")
    return Shared(store)


class TestTakingTurns:
    def test_podman_joins_our_mount_and_leaves_it(self, shared: Shared) -> None:
        state, changed = shared.mount()
        assert (state, changed) == (MountState(shared.merged, 1, True, False), True)
        Path(shared.merged, "written").write_text("by us", encoding="utf-8")
        assert shared.store.podman("mount", CONTAINER) == shared.merged
        assert shared.counts() == [2]
        assert Path(shared.merged, "written").read_text(encoding="utf-8") == "by us"
        assert shared.points().count(shared.merged) == 1
        shared.store.podman("umount", CONTAINER)
        assert shared.state() == state
        assert shared.unmount() == (MountState(None, 0, False, None), True)
        assert shared.points() == []
        assert shared.counts() == []

    def test_we_join_podmans_mount_and_leave_it(self, shared: Shared) -> None:
        assert shared.store.podman("mount", CONTAINER) == shared.merged
        assert shared.unmount() == (MountState(shared.merged, 1, False, False), False)
        assert shared.mount() == (MountState(shared.merged, 2, True, False), True)
        assert shared.mount()[1] is False
        assert shared.points().count(shared.merged) == 1
        assert shared.unmount() == (MountState(shared.merged, 1, False, False), True)
        assert os.path.exists(os.path.join(shared.merged, "file"))
        shared.store.podman("umount", CONTAINER)
        assert shared.points() == []

    def test_podman_leaves_first_and_the_mount_is_ours(self, shared: Shared) -> None:
        shared.store.podman("mount", CONTAINER)
        shared.mount()
        shared.store.podman("umount", CONTAINER)
        assert shared.state() == MountState(shared.merged, 1, True, False)
        shared.unmount()
        assert shared.points() == []

    def test_containers_storage_takes_turns_too(self, shared: Shared) -> None:
        shared.mount()
        assert shared.store.containers_storage("mount", shared.layer) == shared.merged
        assert shared.unmount()[0] == MountState(shared.merged, 1, False, False)
        shared.store.containers_storage("unmount", shared.layer)
        # It leaves its own bind of the home behind; we do not.
        assert shared.points() == [shared.layout.driver_home]
        assert shared.store.containers_storage("mount", CONTAINER) == shared.merged
        assert shared.mount()[0].mount_count == 2
        shared.store.containers_storage("unmount", CONTAINER)
        assert shared.state() == MountState(shared.merged, 1, True, False)
        shared.unmount()
        assert shared.points() == []

    def test_force_takes_podmans_count_too(self, shared: Shared) -> None:
        shared.store.podman("mount", CONTAINER)
        shared.mount()
        assert shared.unmount(force=True) == (MountState(None, 0, False, None), True)
        assert shared.points() == []
        # podman notices and mounts anew.
        assert shared.store.podman("mount", CONTAINER) == shared.merged
        assert os.path.exists(os.path.join(shared.merged, "file"))
        shared.store.podman("umount", CONTAINER)

    def test_a_mount_that_podman_made_after_it_took_our_count_is_podmans(self, shared: Shared) -> None:
        shared.mount()
        shared.store.containers_storage("unmount", CONTAINER)
        assert shared.state() == MountState(None, 0, False, None)
        shared.store.podman("mount", CONTAINER)
        assert shared.state() == MountState(shared.merged, 1, False, False)
        assert shared.unmount()[1] is False
        assert shared.mount()[0] == MountState(shared.merged, 2, True, False)
        shared.unmount()
        shared.store.podman("umount", CONTAINER)
        assert shared.points() == []

    def test_what_is_written_is_there_after_a_remount_by_podman(self, shared: Shared) -> None:
        shared.mount()
        Path(shared.merged, "written").write_text("by us", encoding="utf-8")
        os.unlink(os.path.join(shared.merged, "file"))
        shared.unmount()
        assert os.listdir(shared.merged) == []
        shared.store.podman("mount", CONTAINER)
        assert os.listdir(shared.merged) == ["written"]
        shared.store.podman("umount", CONTAINER)

    def test_podman_deletes_what_we_unmounted(self, shared: Shared) -> None:
        shared.mount()
        shared.unmount()
        shared.store.podman("rm", CONTAINER)
        shared.store.podman("rmi", IMAGE)
        assert os.listdir(shared.layout.driver_links) == []
        assert shared.points() == []

    def test_everybody_at_once_ends_with_nothing_mounted(self, shared: Shared) -> None:
        failures: list[BaseException] = []

        def repeat(*actions: Callable[[], object]) -> None:
            try:
                for _round in range(6):
                    for action in actions:
                        action()
            except BaseException as error:
                failures.append(error)

        store = shared.store
        threads = [
            threading.Thread(target=repeat, args=pair)
            for pair in (
                (shared.mount, shared.unmount),
                (lambda: store.podman("mount", CONTAINER), lambda: store.podman("umount", CONTAINER)),
                (lambda: store.podman("image", "mount", IMAGE), lambda: store.podman("image", "umount", IMAGE)),
            )
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert shared.counts() == []
        store.podman("info")  # the last to leave takes its own bind away
        assert shared.points() == []


class TestReadOnly:
    def test_nothing_can_be_written(self, shared: Shared) -> None:
        assert shared.mount(read_only=True)[0].read_only is True
        with pytest.raises(OSError) as raised:
            Path(shared.merged, "written").write_bytes(b"")
        assert raised.value.errno == errno.EROFS
        assert Path(shared.merged, "file").read_text(encoding="utf-8") == "from the image\n"
        shared.unmount()

    def test_podmans_writable_mount_is_in_the_way(self, shared: Shared) -> None:
        shared.store.podman("mount", CONTAINER)
        with pytest.raises(ReadOnlyConflict):
            shared.mount(read_only=True)
        assert shared.counts() == [1]
        shared.store.podman("umount", CONTAINER)

    def test_an_image_is_shared_with_podman_image_mount(self, shared: Shared) -> None:
        image = shared.catalog.image(IMAGE)
        arguments: tuple[Any, ...] = (shared.layout, shared.driver(), image.id, image.layer)
        state, changed = mounting.mount(*arguments, MountRequest(read_only=True))
        assert changed
        assert shared.store.podman("image", "mount", IMAGE) == state.mount_point
        assert shared.counts() == [2]
        assert mounting.unmount(*arguments, force=False)[0].mount_count == 1
        # podman's image mount is read-only, as ours.
        assert mounting.mount(*arguments, MountRequest(read_only=True))[0].mount_count == 2
        mounting.unmount(*arguments, force=False)
        shared.store.podman("image", "umount", IMAGE)
        assert shared.points() == []


class TestTheHome:
    def test_podman_does_not_hide_our_mount(self, shared: Shared) -> None:
        shared.mount()
        # Each start of podman binds its home unless it is bound, each exit unbinds it unless something is mounted.
        shared.store.podman("images")
        assert sorted(shared.points()) == [shared.layout.driver_home, shared.merged]
        assert shared.state().mount_point == shared.merged
        shared.unmount()

    def test_a_mount_that_a_later_bind_hides_counts_as_absent(self, shared: Shared) -> None:
        shared.mount()
        bind_private(shared.layout.driver_home)
        assert shared.state().mount_point is None
        unmount(shared.layout.driver_home)
        assert shared.state().mount_point == shared.merged
        shared.unmount()

    def test_a_file_system_of_its_own_stays(self, shared: Shared, tmp_path: Path) -> None:
        home = shared.layout.driver_home
        other = tmp_path / "other"
        os.rename(home, other)
        os.mkdir(home)
        mount("tmpfs", home, "tmpfs")
        subprocess.run(["cp", "-a", f"{other}/.", home], check=True)
        shared.mount()
        shared.unmount()
        assert shared.points() == [home]

    def test_no_mount_of_its_own_is_made_when_the_options_say_so(self, shared: Shared) -> None:
        record = shared.catalog.container(CONTAINER)
        driver = shared.driver("overlay.skip_mount_home=true")
        mounting.mount(shared.layout, driver, record.id, record.layer, MountRequest())
        assert shared.points() == [shared.merged]
        mounting.unmount(shared.layout, driver, record.id, record.layer, force=False)
        assert shared.points() == []

    def test_a_running_podman_service_mounts_after_us(self, shared: Shared) -> None:
        with podman_service(shared.store) as ask:
            ask("GET", "images/json")
            shared.mount()
            shared.unmount()
            ask("POST", f"containers/{CONTAINER}/mount")
            assert shared.state() == MountState(shared.merged, 1, False, False)
            assert shared.layout.driver_home in shared.points()
            ask("POST", f"containers/{CONTAINER}/unmount")
        assert shared.counts() == []


class TestLeftOvers:
    def test_a_mount_that_somebody_took_away_is_made_again(self, shared: Shared) -> None:
        shared.mount()
        for point in shared.points():
            unmount(point)
        assert shared.state() == MountState(None, 1, True, None)
        assert shared.mount() == (MountState(shared.merged, 1, True, False), True)
        shared.unmount()
        assert shared.points() == []

    def test_lost_links_are_made_again(self, shared: Shared) -> None:
        before = {name: os.readlink(shared.layout.link(name)) for name in os.listdir(shared.layout.driver_links)}
        for name in before:
            os.unlink(shared.layout.link(name))
        shared.mount()
        assert os.path.exists(os.path.join(shared.merged, "file"))
        found = {name: os.readlink(shared.layout.link(name)) for name in os.listdir(shared.layout.driver_links)}
        assert found == before
        shared.unmount()

    def test_a_volatile_mount_that_crashed_is_no_obstacle(self, shared: Shared) -> None:
        os.makedirs(f"{shared.layout.work(shared.layer)}/work/incompat/volatile")
        assert shared.mount()[0].mount_point == shared.merged
        shared.unmount()

    def test_a_missing_mount_point_is_made(self, shared: Shared) -> None:
        os.rmdir(shared.merged)
        assert shared.mount()[0].mount_point == shared.merged
        assert os.stat(shared.layout.driver_layer(shared.layer)).st_mode & 0o7777 == 0o700
        shared.unmount()
        assert os.stat(shared.merged).st_mode & 0o7777 == 0o700

    def test_options_of_the_container_reach_the_kernel(self, shared: Shared) -> None:
        shared.mount(options=("nodev", "noexec"))
        assert os.statvfs(shared.merged).f_flag & (os.ST_NODEV | os.ST_NOEXEC) == os.ST_NODEV | os.ST_NOEXEC
        shared.unmount()
