# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order in which locks are taken, as strace sees it: ours is the one of docs/formats/locks.md, and fits together with podman's.

Two tools that each hold what the other waits for would wait for ever. That cannot be when all take the locks in one order.
podman takes two of them late, and is alone with them then: whoever else wants them needs the lock of the layers first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from lab.commands import run
from lab.configured_store import ConfiguredStore
from lab.fixtures import push
from lab.lock_trace import Taken, read_trace, traced
from lab.modules import run_module
from lab.odd_images import PLAIN, Entry, ImageLayout, make_tar
from lab.registry import Registry
from lab.stores import Store

# The locks by what they are of, first to last; ``other`` is an additional image store.
STORAGE, USERNS, LAYERS, MOUNTS, OTHER_LAYERS, IMAGES, OTHER_IMAGES, CONTAINERS = ORDER = (
    "storage",
    "userns",
    "layers",
    "mountpoints",
    "other layers",
    "images",
    "other images",
    "containers",
)

# podman takes these again while it holds the locks of images or containers, and those of the layers exclusively.
MAY_COME_LATER = {MOUNTS, OTHER_LAYERS}


class Bench:
    """A store beside an additional one with the image ``base``, and a registry that has the same and ``app`` above it."""

    def __init__(self, store: ConfiguredStore, other: Store, registry: Registry, log: str) -> None:
        self.store = store
        self.other = other
        self.log = log
        self.base = registry.reference("order/base:1")
        self.app = registry.reference("order/app:1")

    def ours(self, module: str, check: bool = False, **arguments: Any) -> list[Taken]:
        """The locks that the module takes, which must succeed."""
        options = {**self.store.module_options(), **arguments}
        result = run_module(module, options, check=check, prefix=traced(self.log))
        assert not result.failed, result.text
        return self._taken()

    def podman(self, *arguments: str) -> list[Taken]:
        run([*traced(self.log), *self.store.podman_command(*arguments)])
        return self._taken()

    def kind(self, lock: Taken) -> str:
        """Which of ORDER the lock is."""
        name = os.path.basename(lock.path)[: -len(".lock")]
        return f"other {name}" if lock.path.startswith(self.other.root) else name

    def exclusive(self, taken: Sequence[Taken]) -> set[str]:
        return {self.kind(lock) for lock in taken if lock.exclusive}

    def _taken(self) -> list[Taken]:
        found = read_trace(self.log, [self.store.root, self.store.run_root, self.other.root])
        os.unlink(self.log)
        return [lock for lock in found if self.kind(lock) in ORDER]


@pytest.fixture
def bench(make_store: Callable[[str], Store], registry: Registry, tmp_path: Path) -> Bench:
    layout = ImageLayout(str(tmp_path / "layout"))
    one, two = ((make_tar([Entry(name, content=name.encode() * 50)]), PLAIN) for name in ("one", "two"))
    layout.add_image("base", [one])
    layout.add_image("app", [one, two])
    for name in ("base", "app"):
        push(layout, name, registry.reference(f"order/{name}:1"))
    other = make_store("other")
    other.podman("pull", "--quiet", "--tls-verify=false", registry.reference("order/base:1"))
    store = ConfiguredStore(make_store("store").base, options=[f'additionalimagestores = ["{other.root}"]'])
    store.configure()
    return Bench(store, other, registry, str(tmp_path / "trace"))


def leftwards(bench: Bench, taken: Sequence[Taken]) -> list[tuple[str, str]]:
    """Each lock that was taken while one was held that comes after it, or itself, with that one."""
    return [
        (bench.kind(lock), bench.kind(held))
        for lock in taken
        for held in lock.held
        if ORDER.index(bench.kind(held)) >= ORDER.index(bench.kind(lock))
    ]


def unguarded(bench: Bench, taken: Sequence[Taken]) -> list[Taken]:
    """Where the lock of the mount counts was taken beside others and that of the layers does not keep everybody else out."""
    return [
        lock
        for lock in taken
        if bench.kind(lock) == MOUNTS
        and lock.held
        and not any(bench.kind(held) == LAYERS and held.exclusive >= lock.exclusive for held in lock.held)
    ]


def test_our_verbs_take_their_locks_in_the_order_of_all_tools(bench: Bench, pull_options: dict[str, Any]) -> None:
    box = {"image": bench.base, "name": "box"}
    change = {LAYERS, IMAGES, CONTAINERS}
    # Which locks must be held exclusively: those that upstream holds for the same change.
    steps: list[tuple[set[str], str, dict[str, Any]]] = [
        (set(), "image_info", {}),
        ({LAYERS, IMAGES}, "image_pull", {**pull_options, "name": bench.app}),
        ({IMAGES}, "image_tag", {"name": bench.app, "target_names": ["tagged"]}),
        (change, "container_create", box),
        ({STORAGE, LAYERS, MOUNTS}, "container_mount", {"name": "box"}),
        (set(), "container_info", {}),
        ({LAYERS, MOUNTS}, "container_mount", {"name": "box", "state": "unmounted"}),
        ({*change, MOUNTS}, "container_create", {**box, "recreate": "always"}),
        ({STORAGE, LAYERS, MOUNTS}, "image_mount", {"name": bench.app}),
        ({LAYERS, MOUNTS}, "image_mount", {"name": bench.app, "state": "unmounted"}),
        ({*change, MOUNTS}, "container_create", {"name": "box", "state": "absent"}),
        ({*change, USERNS}, "container_create", {**box, "name": "mapped", "uidmap": ["0:100000:65536"]}),
        ({STORAGE, LAYERS, MOUNTS}, "container_mount", {"name": "mapped"}),
        ({*change, MOUNTS}, "container_create", {"name": "mapped", "state": "absent", "force": True}),
        (set(), "store_check", {"deep": True}),
        ({*change, MOUNTS}, "image_remove", {"name": ["tagged"]}),
        ({*change, MOUNTS}, "image_prune", {"all": True}),
        ({*change, MOUNTS, STORAGE}, "store_check", {"repair": True}),
    ]
    seen: set[str] = set()
    for wanted, module, options in steps:
        if module == "store_check" and options.get("repair"):
            os.mkdir(os.path.join(bench.store.root, "overlay", "a" * 64))
        taken = bench.ours(module, **options)
        assert leftwards(bench, taken) == [], module
        assert unguarded(bench, taken) == [], module
        exclusive = bench.exclusive(taken)
        assert wanted <= exclusive and (wanted or not exclusive), (module, exclusive)
        seen |= {bench.kind(lock) for lock in taken}
    assert seen == {*ORDER}


def test_a_wipe_of_unreadable_records_takes_their_lock_first(bench: Bench) -> None:
    bench.store.podman("images")
    records = Path(bench.store.root, "overlay-images", "images.json")
    records.write_text("[{", encoding="ascii")
    taken = bench.ours("store_wipe", confirm=bench.store.root, force=True)
    assert leftwards(bench, taken) == []
    assert bench.exclusive(taken) == {STORAGE, LAYERS, MOUNTS, IMAGES, CONTAINERS}
    first = next(lock for lock in taken if lock.exclusive)
    assert (bench.kind(first), first.held) == (IMAGES, ())
    assert records.read_text(encoding="ascii") == "[]"


def test_check_mode_takes_no_exclusive_lock(bench: Bench, pull_options: dict[str, Any]) -> None:
    bench.ours("image_pull", **pull_options, name=bench.app)
    steps: list[tuple[str, dict[str, Any]]] = [
        ("image_tag", {"name": bench.app, "target_names": ["tagged"]}),
        ("container_create", {"image": bench.base, "name": "box"}),
        ("container_create", {"image": bench.base, "name": "mapped", "uidmap": ["0:100000:65536"]}),
        ("image_mount", {"name": bench.app}),
        ("image_remove", {"name": [bench.app]}),
        ("store_wipe", {"confirm": bench.store.root}),
    ]
    for module, options in steps:
        assert bench.exclusive(bench.ours(module, check=True, **options)) == set(), module


@pytest.fixture
def one_copy_at_a_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """podman copies one layer after the other: strace cannot tell which of several at once holds a lock."""
    settings = tmp_path / "containers.conf"
    lab = Path(os.environ["CONTAINERS_CONF"]).read_text(encoding="ascii")
    settings.write_text(f"{lab}image_parallel_copies = 1\n", encoding="ascii")
    monkeypatch.setenv("CONTAINERS_CONF", str(settings))


@pytest.mark.usefixtures("one_copy_at_a_time")
def test_podmans_order_is_ours_but_for_what_the_lock_of_the_layers_guards(bench: Bench) -> None:
    commands = (
        ["pull", "--quiet", "--tls-verify=false", bench.app],
        ["tag", bench.app, "tagged"],
        ["create", "--name", "box", bench.base, "true"],
        ["mount", "box"],
        ["umount", "box"],
        ["image", "mount", bench.app],
        ["image", "umount", bench.app],
        ["rm", "box"],
        ["rmi", "--force", bench.app],
    )
    exceptions: set[str] = set()
    for command in commands:
        taken = bench.podman(*command)
        assert bench.exclusive(taken) >= {STORAGE}
        assert unguarded(bench, taken) == [], command
        late = [lock for lock in taken if leftwards(bench, [lock])]
        unlike = [lock for lock in late if not any(bench.kind(held) == LAYERS and held.exclusive for held in lock.held)]
        assert unlike == [], command
        exceptions |= {bench.kind(lock) for lock in late}
    assert exceptions == MAY_COME_LATER
