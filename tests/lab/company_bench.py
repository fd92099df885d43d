# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A company on one store: processes of ours and podmans, each with its own seeded list of tasks, all at once.

What each did is an :class:`Event`; what may go wrong where many change one store is said here, with its reason.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from .check_bench import check_here, wrong
from .collection import collections_root
from .modules import run_module
from .stores import Store, mounts_below

# Errors of ours that another member of the company brought about, the modules that may meet them, and how that comes. Pulling and
# listing have none.
CONFLICTS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "unknown_image": (
        ("image_tag", "image_mount", "container_create"),
        "another deleted the image, or took its name",
    ),
    "unknown_container": (("container_mount",), "another deleted the container"),
    "name_in_use": (("container_create",), "another made a container of this name between our look and our lock"),
    "image_in_use": (("image_remove",), "a container is made from the image"),
    "image_mounted": (("image_remove",), "the image is mounted"),
    "container_mounted": (("container_create",), "the container that is to go is mounted"),
    "in_use": (
        ("container_create", "image_remove", "image_prune"),
        "what is to go was mounted between our look and our lock",
    ),
}

# Known errors of podman 4.3: a part of the message, and what brings them about. Each happens without us too; the last ones where
# a look of podman and its lock are apart.
PODMANS: Mapping[str, tuple[str, str]] = {
    "no such container": ("no such container", "another removed the container, or it was never made"),
    "image not known": ("image not known", "another removed the image, or took its name"),
    "name in use": ("that name is already in use", "it made a container of this name before"),
    "image in use": ("image is in use by a container", "a container is made from the image"),
    "container mounted": ("is mounted and cannot be removed", "another mounted the container"),
    "layer not known": ("layer not known", "it goes through the layers of an image without the lock that keeps them"),
    "image went": ("identifier is not a", "it looked the image up, which another removed before it took the lock"),
    "tree went": ("no such file or directory", "another removed the layer whose tree it looks at"),
    "container went": (
        "determining buildah container",
        "it lists the containers of the storage, of which another removed one before it looked at that",
    ),
    "name went": ("parsing named reference", "another took the only name of the image between two of its looks"),
}

# Seconds, the name of a module, and its options.
OurTask = tuple[float, str, dict[str, Any]]

# A task of ours is done in a fraction of the time that podman takes to start; so all stay until the end.
_LONGEST_PAUSE = 0.4
# Who waits longer waits for ever: this many seconds are many times what all tasks of a member need.
_PATIENCE = 300


@dataclass(frozen=True)
class Event:
    """One task of the member ``who`` (``ours 0``, ``podman 0``, ...) and what came of it: nothing in ``code`` where it went well.

    For podman ``code`` is one of the keys of PODMANS, or ``other``.
    """

    who: str
    task: str
    code: str
    message: str


@dataclass(frozen=True)
class Plan:
    """The tasks of each member: modules with options for ours, command lines of podman for podman's."""

    ours: Sequence[Sequence[OurTask]]
    podmans: Sequence[Sequence[Sequence[str]]]


class Planner:
    """Makes plans of one seed. All members work on the same ``images``; containers and tags have few names, so that they meet."""

    def __init__(self, seed: int, images: Sequence[str], pull_options: Mapping[str, Any], store: Store) -> None:
        self._random = random.Random(seed)
        self._images = images
        self._pull_options = dict(pull_options)
        self._options = store.module_options()

    def plan(self, ours: int, podmans: int, each: int) -> Plan:
        """A plan for that many members with ``each`` tasks for every one of them."""
        return Plan(
            [[self._our_task() for _step in range(each)] for _member in range(ours)],
            [[self._podman_task(member, alone=not ours) for _step in range(each)] for member in range(podmans)],
        )

    def quarrel(self, podmans: int, rounds: int) -> Plan:
        """A plan in which podmans alone bring one image and take it away, where their looks and their locks are apart."""
        image = self._images[0]
        steps = (
            *[["pull", "--quiet", "--tls-verify=false", image]] * 3,
            ["tag", image, "localhost/quarrel:1"],
            ["create", "--pull=never", image, "true"],
            ["rm", "--all"],
            *[["rmi", "--force", image]] * 3,
        )
        return Plan([], [[self._random.choice(steps) for _step in range(rounds)] for _member in range(podmans)])

    def _our_task(self) -> OurTask:
        image, tag, box = self._image(), self._tag(), self._box()
        force = self._random.random() < 0.3
        tasks: list[tuple[int, str, dict[str, Any]]] = [
            (16, "image_pull", {**self._pull_options, "name": [image]}),
            (10, "image_tag", {"name": image, "target_names": [tag]}),
            (16, "container_create", {"image": image, "name": box}),
            (4, "container_create", {"image": image, "name": box, "recreate": "always", "force": force}),
            (14, "container_mount", {"name": box}),
            (12, "container_mount", {"name": box, "state": "unmounted", "force": force}),
            (4, "image_mount", {"name": image}),
            (4, "image_mount", {"name": image, "state": "unmounted"}),
            (10, "container_create", {"name": box, "state": "absent", "force": force}),
            (6, "image_remove", {"name": [image]}),
            (4, "image_remove", {"name": [tag]}),
            (2, "image_prune", {}),
            (5, "image_info", {}),
            (5, "container_info", {}),
        ]
        _weight, module, options = self._random.choices(tasks, [weight for weight, _module, _options in tasks])[0]
        return self._random.random() * _LONGEST_PAUSE, module, {**self._options, **options}

    def _podman_task(self, member: int, *, alone: bool) -> list[str]:
        image, tag, box = self._image(), self._tag(), self._box()
        # Its containers of its own are two, so that it meets them again. Without us those of all are made by podman.
        own = f"podman{member}-{self._random.randrange(2)}"
        either = self._random.choice((box, own))
        new = either if alone else own
        tasks: list[tuple[int, list[str]]] = [
            (14, ["pull", "--quiet", "--tls-verify=false", image]),
            (8, ["tag", image, tag]),
            (14, ["create", "--pull=never", "--name", new, image, "true"]),
            (12, ["mount", either]),
            (12, ["umount", either]),
            (3, ["image", "mount", image]),
            (3, ["image", "umount", image]),
            (8, ["rm", either]),
            (8, ["rmi", self._random.choice((image, tag))]),
            (6, ["images", "--no-trunc"]),
            (6, ["ps", "--all", "--external"]),
        ]
        return self._random.choices([task for _weight, task in tasks], [weight for weight, _task in tasks])[0]

    def _image(self) -> str:
        return self._random.choice(self._images)

    def _tag(self) -> str:
        return f"localhost/tag{self._random.randrange(4)}:1"

    def _box(self) -> str:
        return f"box{self._random.randrange(4)}"


def run_company(store: Store, plan: Plan) -> list[Event]:
    """Everything that the members of ``plan`` did, all of them at once.

    Raises AssertionError where a process of ours ends otherwise than after its last task, and TimeoutExpired where somebody
    waits for ever.
    """
    with ThreadPoolExecutor(len(plan.ours) + len(plan.podmans)) as pool:
        members = [pool.submit(_ours, f"ours {number}", tasks) for number, tasks in enumerate(plan.ours)]
        members += [pool.submit(_podman, store, f"podman {number}", tasks) for number, tasks in enumerate(plan.podmans)]
        return [event for member in members for event in member.result()]


def tally(events: Sequence[Event]) -> Counter[tuple[str, str]]:
    """How often each kind of member met each error."""
    return Counter((event.who.partition(" ")[0], event.code) for event in events if event.code)


def unwanted(events: Sequence[Event]) -> list[Event]:
    """The errors that nothing excuses."""
    return [event for event in events if event.code and not _excused(event)]


def _excused(event: Event) -> bool:
    if event.who.startswith("podman"):
        return event.code in PODMANS
    modules, _reason = CONFLICTS.get(event.code, ((), ""))
    return event.task.partition(" ")[0] in modules


def at_odds(store: Store) -> list[str]:
    """What is wrong in the store when everybody has gone: damage, remains, and answers of podman that differ from ours."""
    found = [f"store_check: {kind} {name}" for kind, name in wrong(check_here(store, deep=True))]
    found += [f"left behind: {path}" for path in _left_behind(store)]
    options = store.module_options()
    images = {image["id"]: sorted(image["names"]) for image in run_module("image_info", options)["images"]}
    podmans = store.podman_json("images", "--all", "--no-trunc", "--format", "json")
    if images != {image["Id"]: sorted(image.get("Names") or []) for image in podmans}:
        found.append(f"images: ours {images}, podman's {podmans}")
    containers = {record["id"]: record["names"] for record in run_module("container_info", options)["containers"]}
    podmans = store.podman_json("ps", "--all", "--external", "--no-trunc", "--format", "json")
    if containers != {record["Id"]: record["Names"] for record in podmans}:
        found.append(f"containers: ours {containers}, podman's {podmans}")
    return found + _miscounted(store)


def _left_behind(store: Store) -> list[str]:
    """What somebody staged, and temporary files beside records."""
    staged = [os.path.join(store.root, *parts) for parts in (("overlay", "tempdirs"), ("overlay-layers", "tmp"))]
    rooms = [f"overlay-{kind}" for kind in ("layers", "images", "containers")]
    temporary = [
        os.path.join(place, name)
        for root in (store.root, store.run_root)
        for room in rooms
        for place, _directories, names in os.walk(os.path.join(root, room))
        for name in names
        if name.startswith(".tmp-")
    ]
    return [path for path in staged if os.path.exists(path)] + temporary


def _miscounted(store: Store) -> list[str]:
    """Where the counts of mounts and the kernel differ: each layer that is mounted has a count, and none else."""
    with open(os.path.join(store.run_root, "overlay-layers", "mountpoints.json"), encoding="utf-8") as stream:
        counted = {record["path"]: record["count"] for record in json.load(stream)}
    home = os.path.join(store.root, "overlay")
    points = [point for point in mounts_below(home) if point != home]
    found = [f"mounted {points.count(point)} times: {point}" for point in set(points) if points.count(point) != 1]
    if set(points) != {path for path, count in counted.items() if count > 0}:
        found.append(f"mounts: counted {counted}, mounted {points}")
    if (home in mounts_below(home)) != bool(points):
        found.append(f"the driver's home is mounted, and {len(points)} layers are")
    return found


def _ours(who: str, tasks: Sequence[OurTask]) -> list[Event]:
    paths = [collections_root(), *sys.path]
    done = subprocess.run(
        [sys.executable, "-m", "lab.company_worker"],
        input=json.dumps(tasks).encode(),
        capture_output=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        check=False,
        timeout=_PATIENCE,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and len(lines) == len(tasks), (done.returncode, done.stderr.decode())
    return [
        Event(who, f"{module} {_shown(options)}", line.get("code", ""), line.get("message", ""))
        for (_pause, module, options), line in zip(tasks, lines)
    ]


def _podman(store: Store, who: str, tasks: Sequence[Sequence[str]]) -> list[Event]:
    events = []
    for task in tasks:
        done = subprocess.run(store.podman_command(*task), capture_output=True, check=False, timeout=_PATIENCE)
        message = done.stderr.decode(errors="replace").strip()
        code = _cause(message) if done.returncode else ""
        events.append(Event(who, " ".join(task), code, message))
    return events


def _cause(message: str) -> str:
    # What podman logged on the way stands before its error.
    error = message.rpartition("Error: ")[2]
    return next((code for code, (part, _reason) in PODMANS.items() if part in error), "other")


def _shown(options: Mapping[str, Any]) -> str:
    hidden = ("root", "runroot", "signature_policy", "validate_certs")
    return json.dumps({name: value for name, value in options.items() if name not in hidden})
