# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The counting, with a driver that mounts nothing; the interop tests do the same with podman and real mounts."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._storage import mounting
from ansible_collections.strata.containers.plugins.module_utils._storage.catalog import UnknownContainer, read_catalog
from ansible_collections.strata.containers.plugins.module_utils._storage.driver import MountRequest
from ansible_collections.strata.containers.plugins.module_utils._storage.edit import open_for_change
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.mount_marker import mount_identity
from ansible_collections.strata.containers.plugins.module_utils._storage.mounted import Mounted
from ansible_collections.strata.containers.plugins.module_utils._storage.mounting import MountState, ReadOnlyConflict
from ansible_collections.strata.containers.plugins.module_utils._storage.records import LayerRecord

OWNER, LAYER, OTHER_LAYER = "c" * 64, "f" * 64, "e" * 64


class Killed(BaseException):
    """The process ends here."""


class FakeDriver:
    """Remembers what is mounted; ``step`` is called before each change."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.table: dict[str, bool] = {}
        self.home = False
        self.mounts_made = 0
        self.label = ""
        self.step: Callable[[], None] = lambda: None

    def read_only(self, request: MountRequest) -> bool:
        return request.read_only or "ro" in request.options

    def hold_home(self) -> None:
        self.step()
        self.home = True

    def make_mount_point(self, layer_id: str) -> None:
        self.step()
        os.makedirs(self._layout.merged(layer_id), exist_ok=True)

    def mount(self, layer_id: str, request: MountRequest, owners: object) -> str:
        self.step()
        assert self.home, "the home must be bound before anything is mounted in it"
        self.table[layer_id] = self.read_only(request)
        self.mounts_made += 1
        self.label = request.label
        return self._layout.merged(layer_id)

    def unmount(self, layer_id: str) -> None:
        self.step()
        self.table.pop(layer_id, None)

    def release_home(self) -> bool:
        self.step()
        if self.table or not self.home:
            return False
        self.home = False
        return True

    def renew_mount_point(self, layer_id: str) -> None:
        self.step()
        before = mount_identity(self._layout, layer_id)
        # The clock of the file system may tick more slowly than this test runs.
        while mount_identity(self._layout, layer_id) == before:
            os.rmdir(self._layout.merged(layer_id))
            os.mkdir(self._layout.merged(layer_id))


class Bench:
    """A store with two container layers, our calls on it, and those of another tool."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.driver = FakeDriver(layout)

    def mount(self, read_only: bool = False, options: Sequence[str] = ()) -> tuple[MountState, bool]:
        return mounting.mount(
            self.layout,
            self.driver,
            OWNER,
            LAYER,
            MountRequest(read_only, options),
        )

    def unmount(self, force: bool = False) -> tuple[MountState, bool]:
        return mounting.unmount(self.layout, self.driver, OWNER, LAYER, force=force)  # type: ignore[arg-type]

    def state(self) -> MountState:
        return mounting.mount_state(self.layout, read_catalog(self.layout), OWNER, LAYER)

    def recorded(self) -> int:
        count = read_catalog(self.layout).mount_counts.get(LAYER)
        return count.count if count else 0

    def others_mount(self, layer_id: str = LAYER) -> None:
        """As containers/storage does."""
        with open_for_change(self.layout, storage=True, layers=True, mounts=True) as tables:
            record = tables.mounts.get(layer_id)
            if layer_id not in self.driver.table:
                os.makedirs(self.layout.merged(layer_id), exist_ok=True)
                self.driver.home = True
                self.driver.table[layer_id] = False
            tables.mounts.put(layer_id, self.layout.merged(layer_id), (record.count if record else 0) + 1)
            tables.save_mounts()

    def others_unmount(self, force: bool = False) -> None:
        """As containers/storage does."""
        with open_for_change(self.layout, layers=True, mounts=True) as tables:
            record = tables.mounts.get(LAYER)
            left = 0 if force or record is None else record.count - 1
            if left == 0:
                self.driver.table.pop(LAYER, None)
                self.driver.renew_mount_point(LAYER)
            tables.mounts.put(LAYER, self.layout.merged(LAYER), left)
            tables.save_mounts()

    def reboot(self) -> None:
        """The mounts are gone, the run root is not."""
        self.driver.table.clear()
        self.driver.home = False


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    layout = Layout(str(tmp_path / "root"), str(tmp_path / "run"))
    with open_for_change(layout, layers=True) as tables:
        for layer_id in (LAYER, OTHER_LAYER):
            os.makedirs(layout.diff(layer_id))
            tables.layers.add(LayerRecord.of(id=layer_id, mountlabel=f"label-{layer_id[0]}"))
        tables.save_layers()
    bench = Bench(layout)

    def mounted(_layout: Layout, layer_id: str, _count: int) -> Mounted | None:
        if layer_id not in bench.driver.table:
            return None
        return Mounted(layout.merged(layer_id), bench.driver.table[layer_id])

    monkeypatch.setattr(mounting, "mounted", mounted)
    return bench


def snapshot(layout: Layout) -> dict[str, tuple[int, int]]:
    """Inode and time of change of everything in the store."""
    found = {}
    for root in (layout.graph_root, layout.run_root):
        for directory, _folders, files in os.walk(root):
            for path in [directory, *(os.path.join(directory, name) for name in files)]:
                found[path] = (os.lstat(path).st_ino, os.lstat(path).st_ctime_ns)
    return found


NOT_MOUNTED = MountState(None, 0, False, None)


class TestAlone:
    def test_mounted_twice_is_one_count(self, bench: Bench) -> None:
        point = bench.layout.merged(LAYER)
        assert bench.mount() == (MountState(point, 1, True, False), True)
        before = snapshot(bench.layout)
        assert bench.mount() == (MountState(point, 1, True, False), False)
        assert snapshot(bench.layout) == before
        assert bench.recorded() == 1

    def test_the_record_is_that_of_upstream(self, bench: Bench) -> None:
        bench.mount()
        text = Path(bench.layout.mountpoints_json).read_text(encoding="utf-8")
        assert text == json.dumps(
            [{"id": LAYER, "path": bench.layout.merged(LAYER), "count": 1}], separators=(",", ":")
        )
        bench.unmount()
        assert Path(bench.layout.mountpoints_json).read_text(encoding="utf-8") == "[]"

    def test_unmounted_twice_changes_once(self, bench: Bench) -> None:
        bench.mount()
        assert bench.unmount() == (NOT_MOUNTED, True)
        before = snapshot(bench.layout)
        assert bench.unmount() == (NOT_MOUNTED, False)
        assert bench.unmount(force=True) == (NOT_MOUNTED, False)
        assert snapshot(bench.layout) == before

    def test_unmounting_what_was_never_mounted_writes_nothing(self, bench: Bench) -> None:
        before = snapshot(bench.layout)
        assert bench.unmount() == (NOT_MOUNTED, False)
        assert snapshot(bench.layout) == before

    def test_the_home_is_released_with_the_last_mount(self, bench: Bench) -> None:
        bench.mount()
        record = Path(bench.layout.storage_lock).read_bytes()
        bench.unmount()
        assert not bench.driver.home
        # By the record other processes learn that they have to bind it again.
        assert Path(bench.layout.storage_lock).read_bytes() != record
        assert len(Path(bench.layout.storage_lock).read_bytes()) == 64

    def test_the_home_stays_while_another_layer_is_mounted(self, bench: Bench) -> None:
        bench.mount()
        bench.others_mount(OTHER_LAYER)
        bench.unmount()
        assert bench.driver.home

    def test_the_label_of_the_layer_is_used(self, bench: Bench) -> None:
        bench.mount()
        assert bench.driver.label == "label-f"

    def test_a_layer_that_is_gone_is_an_error(self, bench: Bench) -> None:
        with open_for_change(bench.layout, layers=True) as tables:
            tables.layers.remove(LAYER)
            tables.save_layers()
        with pytest.raises(UnknownContainer):
            bench.mount()
        assert bench.driver.mounts_made == 0


class TestWithOthers:
    def test_we_join_a_mount_of_others(self, bench: Bench) -> None:
        bench.others_mount()
        state, changed = bench.mount()
        assert (state.mount_count, state.mounted_here, changed) == (2, True, True)
        assert bench.driver.mounts_made == 0

    def test_ours_is_given_back_and_theirs_stays(self, bench: Bench) -> None:
        bench.others_mount()
        bench.mount()
        assert bench.unmount() == (MountState(bench.layout.merged(LAYER), 1, False, False), True)
        assert bench.unmount() == (MountState(bench.layout.merged(LAYER), 1, False, False), False)
        assert LAYER in bench.driver.table

    def test_theirs_is_not_given_back(self, bench: Bench) -> None:
        bench.others_mount()
        assert bench.unmount() == (MountState(bench.layout.merged(LAYER), 1, False, False), False)

    def test_force_takes_everybodys(self, bench: Bench) -> None:
        bench.others_mount()
        bench.others_mount()
        bench.mount()
        assert bench.unmount(force=True) == (NOT_MOUNTED, True)
        assert bench.recorded() == 0
        assert not bench.driver.home

    def test_force_takes_theirs_when_we_hold_none(self, bench: Bench) -> None:
        bench.others_mount()
        assert bench.unmount(force=True) == (NOT_MOUNTED, True)

    def test_a_count_that_others_took_from_us_is_taken_anew(self, bench: Bench) -> None:
        bench.mount()
        bench.others_unmount()
        assert bench.state() == NOT_MOUNTED
        assert bench.mount() == (MountState(bench.layout.merged(LAYER), 1, True, False), True)

    def test_a_mount_that_others_made_after_they_took_ours_is_theirs(self, bench: Bench) -> None:
        bench.mount()
        bench.others_unmount(force=True)
        bench.others_mount()
        assert bench.state() == MountState(bench.layout.merged(LAYER), 1, False, False)
        assert bench.unmount()[1] is False
        assert bench.mount()[0].mount_count == 2

    def test_the_mode_that_is_there_cannot_be_changed(self, bench: Bench) -> None:
        bench.others_mount()
        before = snapshot(bench.layout)
        with pytest.raises(ReadOnlyConflict) as raised:
            bench.mount(read_only=True)
        assert raised.value.code == "read_only_conflict"
        assert (raised.value.wanted, raised.value.found.split()[0]) == ("read-only", "writable")
        assert snapshot(bench.layout) == before

    def test_the_mode_of_our_own_mount_cannot_be_changed(self, bench: Bench) -> None:
        bench.mount(read_only=True)
        assert bench.state().read_only is True
        assert bench.mount(read_only=True)[1] is False
        with pytest.raises(ReadOnlyConflict):
            bench.mount(read_only=False)

    def test_a_container_whose_options_say_read_only_agrees_with_itself(self, bench: Bench) -> None:
        assert bench.mount(options=("ro",))[0].read_only is True
        assert bench.mount(options=("ro",))[1] is False


class TestAfterACrash:
    def test_a_reboot_that_keeps_the_run_root_takes_the_mount_only(self, bench: Bench) -> None:
        bench.mount()
        bench.reboot()
        assert bench.state() == MountState(None, 1, True, None)
        assert bench.mount() == (MountState(bench.layout.merged(LAYER), 1, True, False), True)
        assert bench.unmount() == (NOT_MOUNTED, True)

    def test_what_outlived_its_mount_is_given_back(self, bench: Bench) -> None:
        bench.mount()
        bench.reboot()
        assert bench.unmount() == (NOT_MOUNTED, True)
        assert bench.unmount() == (NOT_MOUNTED, False)

    def test_counts_of_others_are_theirs_to_give_back(self, bench: Bench) -> None:
        bench.others_mount()
        bench.mount()
        bench.reboot()
        assert bench.mount()[0].mount_count == 2
        assert bench.unmount()[0] == MountState(bench.layout.merged(LAYER), 1, False, False)

    def test_a_run_root_that_was_emptied_does_not_lead_to_a_second_mount(self, bench: Bench) -> None:
        bench.mount()
        with open_for_change(bench.layout, mounts=True) as tables:
            tables.mounts.remove(LAYER)
            tables.save_mounts()
        assert bench.mount() == (MountState(bench.layout.merged(LAYER), 1, True, False), True)
        assert bench.driver.mounts_made == 1


def kill_at(bench: Bench, monkeypatch: pytest.MonkeyPatch, number: int) -> list[int]:
    """Ends the process before the change with this number; the list has one entry for each change that was begun."""
    begun: list[int] = []

    def step() -> None:
        if len(begun) == number:
            raise Killed
        begun.append(len(begun))

    def counted(action: Callable[..., None]) -> Callable[..., None]:
        def wrapper(*arguments: object) -> None:
            step()
            action(*arguments)

        return wrapper

    bench.driver.step = step
    for name in ("write_marker", "remove_marker", "_record", "stamp"):
        monkeypatch.setattr(mounting, name, counted(getattr(mounting, name)))
    return begun


STEPS = range(10)


@pytest.mark.parametrize("others", [0, 1])
@pytest.mark.parametrize("number", STEPS)
class TestAKillAtEveryChange:
    def test_while_mounting_is_made_good_by_mounting(
        self, number: int, others: int, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self._mount_and_die(bench, others, number)
        assert bench.mount()[0] == MountState(bench.layout.merged(LAYER), 1 + others, True, False)
        assert bench.driver.mounts_made == 1 - others
        self._ends_clean(bench, others)

    def test_while_mounting_is_made_good_by_unmounting(
        self, number: int, others: int, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self._mount_and_die(bench, others, number)
        self._ends_clean(bench, others)

    def test_while_mounting_is_made_good_by_unmounting_by_force(
        self, number: int, others: int, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As the deletion of a container does it: not even the home stays mounted."""
        self._mount_and_die(bench, others, number)
        bench.unmount(force=True)
        assert (bench.recorded(), bench.driver.table, bench.driver.home) == (0, {}, False)

    def test_while_unmounting_is_made_good_by_unmounting(
        self, number: int, others: int, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self._unmount_and_die(bench, others, number)
        self._ends_clean(bench, others)

    def test_while_unmounting_is_made_good_by_mounting(
        self, number: int, others: int, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self._unmount_and_die(bench, others, number)
        assert bench.mount()[0] == MountState(bench.layout.merged(LAYER), 1 + others, True, False)
        self._ends_clean(bench, others)

    @staticmethod
    def _mount_and_die(bench: Bench, others: int, number: int) -> None:
        for _other in range(others):
            bench.others_mount()
        with pytest.MonkeyPatch.context() as patch:
            kill_at(bench, patch, number)
            with suppress(Killed):
                bench.mount()
        bench.driver.step = lambda: None

    @staticmethod
    def _unmount_and_die(bench: Bench, others: int, number: int) -> None:
        for _other in range(others):
            bench.others_mount()
        bench.mount()
        with pytest.MonkeyPatch.context() as patch:
            kill_at(bench, patch, number)
            with suppress(Killed):
                bench.unmount()
        bench.driver.step = lambda: None

    @staticmethod
    def _ends_clean(bench: Bench, others: int) -> None:
        bench.unmount()
        assert bench.unmount()[1] is False
        assert bench.recorded() == others
        assert (LAYER in bench.driver.table) is bool(others)
        assert bench.driver.home is bool(others)
        for _other in range(others):
            bench.others_unmount()
        assert bench.recorded() == 0


def test_the_kills_reach_every_change(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for action in (bench.mount, bench.unmount):
        with monkeypatch.context() as patch:
            begun = kill_at(bench, patch, 1000)
            action()
        assert 3 < len(begun) <= len(STEPS)
