# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verbs that are killed at a system call, one after the other at each that changes the store, and what must be true afterwards.

A verb runs as a process of its own on a copy of a small store, under strace. A run that nobody kills gives the list of the
calls and the state to which each killed run must come when it is repeated. podman and containers-storage are the judges.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Optional

import pytest
from ansible_collections.strata.containers.plugins.module_utils._engine.inspect import inspect_images
from ansible_collections.strata.containers.plugins.module_utils._engine.list_containers import list_containers
from ansible_collections.strata.containers.plugins.module_utils._host.locks import is_held

from .check_bench import check_here, layout_of
from .commands import CommandFailed, run
from .fixtures import ACCEPT_ALL, scratch_stores
from .flaky_registry import FlakyRegistry
from .kill_scenarios import Scenario
from .kill_store import APP, BOX, KEEPER, KEPT, app_layers, fill_kept
from .odd_images import ImageLayout
from .store_state import ensure_same, records, state, without_rooms
from .stores import Store, mounts_below
from .strace import Call, hit_by, read_log
from .traced_verb import HELPER, THREADS, Ended, run_verb
from .twins import copy_files, twin_of

# What a check may find right after a kill: left-overs, and nothing that is damaged or lost.
_LEFT_BEHIND = {
    "leftover",
    "layer_incomplete",
    "layer_abandoned",
    "container_layer_missing",
    "unused_layer",
    "orphan_image_directory",
    "orphan_container_directory",
    "mount_count_stale",
    "stale_link",
}


_ATTEMPTS = 3


@dataclass(frozen=True)
class Point:
    """A place to kill at: whom, and at which call."""

    scenario: Scenario
    role: str
    call: Call

    def __str__(self) -> str:
        thread = f" {self.call.thread}" if self.role == THREADS else ""
        return f"{self.scenario.name}, {self.role}{thread}: {self.call.name} {self.call.number}: {self.call.text}"


@dataclass(frozen=True)
class Clean:
    """A run that nobody killed: the state before and after, the images and names that podman lists, and where one can kill."""

    before: dict[str, Any]
    after: dict[str, Any]
    listed: list[tuple[str, str]]
    points: tuple[Point, ...]
    # Calls of a helper's child that no kill can reach, since another child makes as many before.
    hidden: tuple[Call, ...]


@dataclass
class Bench:
    """Two model stores, with and without the image of the registry, and a place for copies."""

    registry: FlakyRegistry
    layout: ImageLayout
    make: Callable[[str], Store]
    without_app: Store
    with_app: Store
    options: dict[str, Any]
    _clean: dict[str, Clean] = field(default_factory=dict)
    _number: int = 0

    @property
    def app(self) -> str:
        """The full name of the image of the registry."""
        return self.registry.reference(APP)

    def clean(self, scenario: Scenario) -> Clean:
        """The run of ``scenario`` that nobody kills; made once."""
        if scenario.name not in self._clean:
            self._clean[scenario.name] = self._run_clean(scenario)
        return self._clean[scenario.name]

    @contextmanager
    def store(self, scenario: Scenario) -> Iterator[Store]:
        """A copy of the model for ``scenario``, ready for its verb, and taken away afterwards."""
        self._number += 1
        store = self.make(f"s{self._number}")
        try:
            if not scenario.empty:
                twin_of(self.with_app if scenario.with_app else self.without_app, store)
            scenario.prepare(self, store)
            yield store
        finally:
            store.destroy()

    def do(self, store: Store, verb: str, **options: Any) -> None:
        """Runs a verb that changes something, and that nobody kills."""
        ended = run_verb(store, verb, {**self.options, **options})
        assert ended.said == {"changed": True}, (verb, ended.said)

    def put_layers(self, store: Store, count: int) -> None:
        """Gives the store an image of the first ``count`` layers of the one that comes and goes."""
        self.layout.add_image(f"part-{count}", app_layers()[:count])
        name = f"{store.bracket}example.com/part:{count}"
        run(["skopeo", "--insecure-policy", "copy", f"oci:{self.layout.directory}:part-{count}", name])
        # skopeo leaves its mount of the driver's home, and podman takes it away when it ends.
        store.podman("images")

    def _run_clean(self, scenario: Scenario) -> Clean:
        points: list[Point] = []
        hidden: list[Call] = []
        for role in scenario.roles:
            with self.store(scenario) as store:
                before = {} if scenario.empty else state(store)
                ended = self._run(scenario, store, role=role)
                assert ended.said == {"changed": True}, (scenario.name, ended.said)
                for call, reachable in _changing(role, ended, store):
                    if reachable:
                        points.append(Point(scenario, role, call))
                    else:
                        hidden.append(call)
                after = state(store)
                listed = _podman_images(store)
        return Clean(before, after, listed, tuple(points), tuple(hidden))

    def _run(self, scenario: Scenario, store: Store, role: str = "", kill_at: Optional[Call] = None) -> Ended:
        options = {**self.options, **scenario.options(self)}
        return run_verb(store, scenario.verb, options, role=role, kill_at=kill_at)

    def strike(self, point: Point, *, podman_first: bool) -> None:
        """Kills at ``point`` and repeats the verb; fails where anything is not as it must be.

        With ``podman_first`` podman works on the store before the verb is repeated, and may take left-overs away; else it
        looks at a copy.
        """
        # How much comes out of a pipe at once is chance, and with it the number of calls: a run may end before the point.
        for _attempt in range(_ATTEMPTS):
            missed = self._strike(point, podman_first)
            if not missed:
                return
        pytest.fail(f"not reached: {point}\n{missed}")

    def _strike(self, point: Point, podman_first: bool) -> str:
        """What the run was like, where it did not come to ``point``; else nothing is told."""
        scenario, clean = point.scenario, self.clean(point.scenario)
        with self.store(scenario) as store:
            ended = self._run(scenario, store, point.role, point.call)
            calls = read_log(ended.logs[point.call.thread if point.role == THREADS else 0])
            hit = hit_by(calls, point.call.name, point.call.number)
            if hit is None or not hit.changes:
                assert ended.status in (0, -signal.SIGKILL), ended
                return f"hit {hit}, said {ended.said}, the last of {len(calls)} calls: {calls[-1:]}"
            if point.role == HELPER:
                self._helper_was_killed(ended, store, clean)
            else:
                assert (ended.status, ended.said) == (-signal.SIGKILL, {})
            self._look(scenario, store, podman_first)
            ended = self._run(scenario, store)
            assert ended.status == 0 and "changed" in ended.said, ended.said
            ensure_same(clean.after, state(store))
            self._is_settled(scenario, store, clean)
        return ""

    def _helper_was_killed(self, ended: Ended, store: Store, clean: Clean) -> None:
        """The engine lives, says what happened, and has taken everything away."""
        assert ended.status == 0
        if "code" in ended.said:
            assert ended.said["code"] == "unpack_failed" and ended.said["message"], ended.said
            if clean.before:
                ensure_same(without_rooms(clean.before), without_rooms(state(store)))
        else:
            # It had done its work.
            ensure_same(clean.after, state(store))
        assert _problems(store) == []

    def _look(self, scenario: Scenario, store: Store, podman_first: bool) -> None:
        """We and podman read the store, and what was there before the verb is there."""
        assert set(_problems(store)) <= _LEFT_BEHIND | scenario.may_find, check_here(store)["problems"]
        images = _images(store)
        self._kept_is_there(scenario, store)
        with ExitStack() as stack:
            looked_at = store
            if not podman_first:
                self._number += 1
                looked_at = self.make(f"c{self._number}")
                stack.callback(looked_at.destroy)
                _copy(store, looked_at)
            with _old_library(looked_at):
                looked_at.containers_storage("layers")
                # In this order: podman takes away its own mount of the driver's home when it ends.
                assert _ids(_podman_images(looked_at)) == images
                assert scenario.empty or not scenario.spares or KEEPER in _podman_containers(looked_at)
        self._kept_is_there(scenario, store)

    def _kept_is_there(self, scenario: Scenario, store: Store) -> None:
        if scenario.empty or not scenario.spares:
            return
        was, now = self.clean(scenario).before, state(store)
        image = _named(was["images"], KEPT)
        container = _named(was["containers"], KEEPER)
        assert _named(now["containers"], KEEPER) == container
        # The other image may have taken the name back that it had lent.
        assert _nameless(_named(now["images"], KEPT)) == _nameless(image)
        needed = {image["layer"], container["layer"], *_below(was["layers"], image["layer"])}
        for layer in was["layers"]:
            if layer["id"] in needed:
                assert layer in now["layers"]
        for path, entry in was["files"].items():
            if any(part in needed or part == image["id"] or KEEPER in part for part in path.split("/")):
                assert now["files"].get(path) == entry, path

    def _is_settled(self, scenario: Scenario, store: Store, clean: Clean) -> None:
        """Nothing is left behind, nobody holds a lock, and podman sees what we see."""
        assert _problems(store) == []
        assert not any(is_held(lock) for lock in _lock_files(store))
        listed = _podman_images(store)
        assert listed == clean.listed
        assert _ids(listed) == _images(store)
        ensure_same(clean.after["mounts"], state(store)["mounts"])


@contextmanager
def kill_bench(directory: Path, driver: str = "overlay") -> Iterator[Bench]:
    """A bench with stores of the driver; leaving it takes all of them away."""
    with FlakyRegistry() as registry, scratch_stores(driver) as make:
        layout = ImageLayout(str(directory / "layout"))
        layout.add_image("app", app_layers())
        registry.add(layout, "app", APP.partition(":")[0])
        files = {"policy": json.dumps(ACCEPT_ALL), "registries_conf": "", "authfile": '{"auths": {}}'}
        options: dict[str, Any] = {"force": False, "recreate": "never", "uidmap": None}
        for name, text in files.items():
            options[name] = str(directory / name)
            Path(options[name]).write_text(text, encoding="utf-8")
        bench = Bench(registry, layout, make, make("without"), make("with"), options)
        fill_kept(bench.without_app, layout, lent=bench.app)
        twin_of(bench.without_app, bench.with_app)
        bench.with_app.podman("pull", "--quiet", "--tls-verify=false", bench.app)
        bench.do(bench.with_app, "create", image=bench.app, name=BOX)
        yield bench


@contextmanager
def _old_library(store: Store) -> Iterator[None]:
    """Lets tools fail that cannot finish what the record of a layer says somebody has begun.

    Before 1.46 containers/storage cannot where the tree of such a layer is missing in a store of btrfs: its own driver insists
    on the tree, at the removal of a layer too.
    """
    begun = [layer["id"] for layer in records(store, "layers") if layer.get("flags", {}).get("incomplete")]
    home = os.path.join(store.root, "btrfs")
    trees = [os.path.join(home, "subvolumes", layer_id) for layer_id in begun]
    lost = [path for path in trees if store.driver == "btrfs" and not os.path.exists(path)]
    try:
        yield
    except CommandFailed as error:
        if not any(f"stat {path}: no such file or directory" in str(error) for path in lost):
            raise
    finally:
        # What podman takes away when it comes to its end, which it does not then, even where it says nothing.
        for point in mounts_below(home) if lost else ():
            run(["umount", point])


def _changing(role: str, ended: Ended, store: Store) -> Iterator[tuple[Call, bool]]:
    """The calls of a run that change the store, and whether a kill can strike there."""
    for number, log in enumerate(ended.logs):
        calls = read_log(log)
        for call in calls:
            # The helper sees the store from inside, where paths are short.
            if call.changes and (role == HELPER or store.base in call.text):
                reachable = role != HELPER or hit_by(calls, call.name, call.number) is call
                yield (replace(call, thread=number) if role == THREADS else call), reachable


def _copy(store: Store, twin: Store) -> None:
    """A copy of graph root and run root, without what is mounted in them, and without podman's database of the original."""
    for source, target in ((store.root, twin.root), (store.run_root, twin.run_root)):
        if os.path.isdir(source):
            copy_files(store, source, target)
    run(["rm", "-rf", os.path.join(twin.root, "libpod")])


def _problems(store: Store) -> list[str]:
    return [problem["kind"] for problem in check_here(store, deep=True)["problems"]]


def _images(store: Store) -> list[str]:
    """The IDs of the images as we read them, with all that we tell of each."""
    layout = layout_of(store)
    list_containers(layout, None)
    images = inspect_images(layout, None, ("config", "manifest"), _no_short_names).facts["images"]
    return sorted(image["id"] for image in images)


def _no_short_names() -> Any:
    raise AssertionError("no short name is asked for")


def _podman_images(store: Store) -> list[tuple[str, str]]:
    """ID and name of each image by podman, which lists an image once for each name; all at once."""
    found = store.podman_json("images", "--all", "--format", "json") or []
    return sorted({(image["Id"], name) for image in found for name in image.get("Names") or [""]})


def _ids(listed: list[tuple[str, str]]) -> list[str]:
    return sorted({image_id for image_id, _name in listed})


def _podman_containers(store: Store) -> list[str]:
    found = store.podman_json("ps", "--all", "--external", "--format", "json") or []
    return sorted(name for container in found for name in container["Names"])


def _named(found: list[dict[str, Any]], name: str) -> dict[str, Any]:
    (record,) = (record for record in found if name in record.get("names", []))
    return record


def _nameless(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if not key.startswith("names")}


def _below(layers: list[dict[str, Any]], layer_id: str) -> Iterator[str]:
    parents = {layer["id"]: layer.get("parent", "") for layer in layers}
    while layer_id:
        yield layer_id
        layer_id = parents.get(layer_id, "")


def _lock_files(store: Store) -> Iterator[str]:
    for root in (store.root, store.run_root):
        for directory, _directories, names in os.walk(root):
            yield from (os.path.join(directory, name) for name in names if name.endswith(".lock"))
