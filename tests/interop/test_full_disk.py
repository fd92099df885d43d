# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A disk that fills up, in its bytes or in its inodes: a clear error, everything as it was, and the room given back.

What is left free is drawn from a seed between nothing and a little more than the task needs.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lab.fault_bench import FaultBench, fault_bench
from lab.fixtures import ACCEPT_ALL, scratch_stores
from lab.modules import ModuleResult, run_module
from lab.mount_table import mounts_at
from lab.odd_images import Entry, make_tar
from lab.scripted_registry import make_image, small_layer
from lab.small_disk import SmallDisk, small_disk
from lab.stores import mounts_below
from lab.trees import describe_tree
from lab.twins import picture

LONG = bool(os.environ.get("STRATA_TEST_LONG"))
SEED = 41
MIB = 1 << 20
OLD, BOX = "localhost/old:1", "box"
BLOCK = 4096
# What is left for a task that needs a few blocks only.
NARROW = range(0, 14 * BLOCK, BLOCK) if LONG else (0, BLOCK, 3 * BLOCK, 13 * BLOCK)


def _layer(seed: int, files: int, size: int) -> bytes:
    """A gzip layer of ``files`` files with ``size`` bytes each, in a few directories."""
    content = random.Random(seed)
    entries = [Entry(f"d{seed}.{n % 5}/f{n}", content=content.randbytes(size)) for n in range(files)]
    return gzip.compress(make_tar(entries), 1, mtime=0)


@dataclass(frozen=True)
class World:
    """A store on a small disk with an image and a container of it, and a registry that has a larger image besides."""

    bench: FaultBench
    disk: SmallDisk

    @property
    def new(self) -> str:
        return self.bench.registry.reference("2")

    def module(self, module: str, /, **arguments: Any) -> ModuleResult:
        return run_module(module, {**self.bench.store.module_options(), **arguments})

    def done(self, module: str, /, **arguments: Any) -> ModuleResult:
        result = self.module(module, **arguments)
        assert result.changed and not result.failed, result.text
        return result

    def pull(self) -> ModuleResult:
        return self.bench.pull(name=self.new)

    def state(self) -> tuple[Any, ...]:
        """The store as it is but for the last changes of its locks, and what is mounted."""
        store = self.bench.store
        trees = describe_tree(os.path.join(store.root, "overlay"))
        data = {name: facts for name, facts in describe_tree(f"{store.root}/overlay-images").items() if "/" in name}
        # Of all but what is in a layer: entries that came and went change the time of the directory that held them, and the
        # kernel notes in attributes of "diff" and "work" that it tried.
        for name, facts in trees.items():
            if name.count("/") < 2:
                facts.update(mtime_ns=None, xattrs=None)
        return picture(store), trees, data, mounts_below(store.root)

    def squeezed(self, module: str, /, *, left: Any = None, inodes: Any = None, **arguments: Any) -> bool:
        """Whether the module did its work with so much room; if it did not, that is told well and nothing is left of it."""
        used, state = self.disk.used(), self.state()
        with self.disk.filled(left, inodes):
            result = self.pull() if module == "image_pull" else self.module(module, **arguments)
        if not result.failed:
            assert result.changed, result.text
            return True
        assert result.code == "no_space" and not result.changed, result.text
        assert self.disk.point in result["msg"], result["msg"]
        assert re.search(r"found \d+ bytes and \d+ inodes free", result["msg"]), result["msg"]
        assert "Traceback" not in result.text
        assert self.disk.used() == used, (left, inodes, result["msg"])
        assert self.state() == state, (left, inodes, result["msg"])
        return False

    def until_done(self, module: str, /, **arguments: Any) -> None:
        """Has the module do its work with nothing free at first, then with some bytes, until it can.

        With inodes enough, it may be done with no byte free: blocks that it gives back are free again as soon as the kernel
        happens to write its journal.
        """
        assert not self.squeezed(module, left=0, inodes=0, **arguments)
        assert any(self.squeezed(module, left=left, **arguments) for left in NARROW)

    def ensure_sound(self) -> None:
        """With room again, podman has the old image whole, we find nothing to blame, and the new image can be pulled."""
        assert self.module("store_check", deep=True)["problems"] == []
        self._saved(OLD)
        assert self.pull().changed
        assert not self.pull().changed
        self._saved(self.new)
        assert self.module("store_check", deep=True)["problems"] == []

    def _saved(self, name: str) -> None:
        """podman compares each layer with its diff ID, and each blob with its digest, when it saves."""
        archive = os.path.join(self.bench.directory, "saved.tar")
        self.bench.store.podman("save", "--quiet", "--output", archive, name)
        os.unlink(archive)


@pytest.fixture(scope="module")
def world(judges: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("full-disk")
    policy = directory / "policy.json"
    policy.write_text(json.dumps(ACCEPT_ALL), encoding="utf-8")
    with ExitStack() as stack:
        make_store = stack.enter_context(scratch_stores())
        bench = stack.enter_context(fault_bench(make_store("store"), str(policy), directory))
        disk = stack.enter_context(small_disk(str(directory / "disk"), bench.store.root, 24 * MIB, inodes=1024))
        base = _layer(1, 20, 3000)
        larger = make_image([base, _layer(3, 60, 5000), _layer(4, 3, 500_000), small_layer()])
        bench.registry.serve(make_image([base, _layer(2, 10, 20_000)]))
        bench.registry.serve(larger, tag="2")
        # A registry that does not answer HEAD is asked for the manifest itself.
        for tag in ("1", "2"):
            bench.registry.expect("HEAD", bench.registry.manifest_path(tag), status=405, times=None)
        world = World(bench, disk)
        assert bench.pull().changed
        world.done("image_tag", name=bench.registry.reference(), target_names=[OLD])
        world.done("container_create", image=OLD, name=BOX)
        # podman makes its database, which must not count as ours.
        bench.store.podman("images")
        yield world
        world.ensure_sound()


@pytest.fixture(scope="module")
def need(world: World) -> tuple[int, int]:
    """The bytes and inodes that the new image takes; all of them are given back when it is removed."""
    before = world.disk.used()
    assert world.pull().changed
    taken = world.disk.used()
    world.done("image_remove", name=[world.new])
    assert world.disk.used() == before
    return taken[0] - before[0], taken[1] - before[1]


def _points(need: int, count: int) -> list[int]:
    """Amounts between nothing and a tenth more than ``need``: both ends, close below what is needed, and any."""
    choice = random.Random(SEED)
    drawn = [choice.randrange(need) for _number in range(count * 10 if LONG else count)]
    return [0, *sorted(drawn), need - need // 50, need + need // 10]


def test_a_pull_onto_a_disk_that_fills_up(world: World, need: tuple[int, int]) -> None:
    _pulls(world, [{"left": left} for left in _points(need[0], 2)])


def test_a_pull_onto_a_disk_that_runs_out_of_inodes(world: World, need: tuple[int, int]) -> None:
    _pulls(world, [{"inodes": inodes} for inodes in _points(need[1], 1)[1:]])


def _pulls(world: World, rooms: Sequence[dict[str, int]]) -> None:
    stored = []
    for room in rooms:
        stored.append(world.squeezed("image_pull", **room))
        if stored[-1]:
            world.done("image_remove", name=[world.new])
    assert not any(stored[:-2]) and stored[-1]


def test_tasks_that_need_little(world: World) -> None:
    world.until_done("container_create", image=OLD, name="second")
    world.done("container_create", name="second", state="absent")
    world.until_done("image_tag", name=OLD, target_names=["localhost/new-name:1"])
    world.until_done("image_remove", name=["localhost/new-name:1"])
    world.until_done("container_mount", name=BOX)
    world.done("container_mount", name=BOX, state="unmounted")
    assert mounts_below(world.disk.point) == [world.disk.point]


def test_a_mount_that_podman_takes_for_writable_is_refused(world: World) -> None:
    """The kernel mounts on a full disk read-only and says so in its log alone; podman counts that as done, we do not."""
    store = world.bench.store
    world.done("container_create", image=OLD, name="ours")
    store.podman("create", "--name", "theirs", OLD, "true")
    with world.disk.filled(0, 0):
        refused = world.module("container_mount", name="ours")
        assert refused.code == "no_space" and not refused.changed, refused.text
        assert mounts_below(world.disk.point) == [world.disk.point]
        # It can be read.
        assert world.done("container_mount", name="ours", read_only=True)["mount_point"]
        world.done("container_mount", name="ours", state="unmounted")
        point = store.podman("mount", "theirs")
        assert "ro" in mounts_at(point)[-1].super_options
        store.podman("umount", "theirs")
    point = world.done("container_mount", name="ours")["mount_point"]
    Path(point, "written").write_text("x", encoding="utf-8")
    world.done("container_create", name="ours", state="absent", force=True)
    store.podman("rm", "theirs")


def test_reading_needs_no_room(world: World) -> None:
    with world.disk.filled(0, 0):
        for module in ("image_info", "store_check"):
            result = world.module(module)
            assert not result.failed and not result.changed, result.text
        assert not world.bench.pull().changed
