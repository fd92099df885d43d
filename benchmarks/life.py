# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of a container (created, mounted, unmounted, deleted) by the engine, by our modules, and by four podman commands."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from lab.stores import Store
from measure import Cost, Done, measure
from noop import rotated
from programs import Image, Run, module, strata, warm
from progress import say

ENGINE, AGAIN, MODULES, PODMAN = "engine, first time", "engine, again", "four modules", "four podman commands"
_BOX = "box"
_LIVES = 5


class NothingDone(Exception):
    """A step of a life changed nothing, so its time is that of another thing."""


def measure_lives(image: Image, directory: str, rounds: int) -> dict[str, list[Cost]]:
    """The costs by way, one for each round, of a container of ``image`` in a store in ``directory``.

    The engine's are those of the four verbs in a process whose imports are done; *again* is the last of some lives there.
    Raises MeasuredFailed and NothingDone.
    """
    first = strata(image, directory)
    measure(first.command, first.environment)
    lives = {ENGINE: _engine(image, directory), MODULES: _modules(image, directory), PODMAN: _podman(image, directory)}
    costs: dict[str, list[Cost]] = {ENGINE: [], AGAIN: [], MODULES: [], PODMAN: []}
    for number in range(rounds):
        for way in rotated(list(lives), number):
            done = [measure(run.command, run.environment) for run in lives[way]]
            if way == ENGINE:
                steps = [_told(line) for line in done[0].output.splitlines()]
                costs[ENGINE].append(_sum(steps[:4]))
                costs[AGAIN].append(_sum(steps[-4:]))
            else:
                costs[way].append(_sum([_cost(way, step) for step in done]))
        words = ", ".join(f"{way} {1000 * found[-1].wall:.0f} ms" for way, found in costs.items())
        say(f"a container's life, round {number + 1}: {words}")
    return costs


def _steps(image: Image, directory: str) -> list[tuple[str, dict[str, object]]]:
    """The four tasks of our modules."""
    where = Store(directory).module_options()
    box: dict[str, object] = {**where, "name": _BOX}
    return [
        ("container_create", {**box, "image": image.name}),
        ("container_mount", box),
        ("container_mount", {**box, "state": "unmounted"}),
        ("container_create", {**box, "state": "absent"}),
    ]


def _engine(image: Image, directory: str) -> list[Run]:
    return [warm(_steps(image, directory) * _LIVES, directory)]


def _modules(image: Image, directory: str) -> list[Run]:
    return [
        module(f"strata.containers.{name}", options, os.path.join(directory, f"step{number}.py"))[0]
        for number, (name, options) in enumerate(_steps(image, directory))
    ]


def _podman(image: Image, directory: str) -> list[Run]:
    store = Store(directory)
    commands = [("create", "--name", _BOX, image.name, "true"), ("mount", _BOX), ("umount", _BOX), ("rm", _BOX)]
    return [Run(store.podman_command(*command)) for command in commands]


def _told(line: bytes) -> Cost:
    told = json.loads(line)
    if not told["changed"]:
        raise NothingDone(f"a verb of the engine changed nothing: {line.decode()}")
    return Cost(told["wall"], told["cpu"])


def _cost(way: str, done: Done) -> Cost:
    if way == MODULES and not json.loads(done.output)["changed"]:
        raise NothingDone(f"a module changed nothing: {done.output.decode()[:2000]}")
    return done.cost


def _sum(costs: Sequence[Cost]) -> Cost:
    return Cost(sum(cost.wall for cost in costs), sum(cost.cpu for cost in costs))
