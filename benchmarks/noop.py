# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pulls that have nothing to do: modules as Ansible starts them on a target, and our verb in a process that is warm.

The image is in the store, and the registry has the same. What asks the registry is compared with what asks it, and what
does not with what does not; ``ansible.builtin.ping`` is what any module costs.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bundle import forget_bundles
from lab.stores import Store
from measure import Cost, Done, measure
from medians import Spread, spread
from programs import Image, Run, module, podman, pull_options, store, strata, warm
from progress import say

PING, MISSING, ALWAYS = "ansible.builtin.ping", "image_pull, pull: missing", "image_pull, pull: always"
PRESENT, FORCED, COMMAND = "podman_image", "podman_image, force: true", "podman pull, no module"
# What is compared with what: the reference first.
COMPARED = ((MISSING, PRESENT, PING), (ALWAYS, FORCED, COMMAND))
# Whatever its registry says, podman_image calls this a change.
_ALWAYS_CHANGED = (FORCED, COMMAND)
_REPETITIONS = 20


@dataclass(frozen=True)
class Payload:
    """What the controller makes for a task: bytes, and the seconds that the making took, as for the first host."""

    size: int
    seconds: float


@dataclass(frozen=True)
class NoOps:
    """The costs by way, one for each round; the payloads; and seconds of the warm verb: all of it, the network's, the rest."""

    costs: Mapping[str, list[Cost]]
    payloads: Mapping[str, Payload]
    verb: Spread
    network: Spread
    beside: Spread


class NotNothing(Exception):
    """A run that had nothing to do changed something, so its time is that of another thing."""


def measure_no_ops(image: Image, directory: str, rounds: int) -> NoOps:
    """Pulls ``image`` into a store in ``directory``, and then has nothing to do in all ways, in turn.

    Raises MeasuredFailed and NotNothing.
    """
    first = strata(image, directory)
    measure(first.command, first.environment)
    runs, payloads = _runs(image, directory)
    costs: dict[str, list[Cost]] = {way: [] for way in runs}
    warmed: list[tuple[float, float]] = []
    for number in range(rounds):
        for way in rotated(list(runs), number):
            done = measure(runs[way].command, runs[way].environment)
            if way not in _ALWAYS_CHANGED:
                _expect_nothing(way, done)
            costs[way].append(done.cost)
        warmed.append(_warm(image, directory))
        words = ", ".join(f"{way} {1000 * found[-1].wall:.0f} ms" for way, found in costs.items())
        say(f"no-op pulls, round {number + 1}: {words}, warm verb {1000 * warmed[-1][0]:.0f} ms")
    verbs, network = ([pair[place] for pair in warmed] for place in (0, 1))
    return NoOps(costs, payloads, spread(verbs), spread(network), spread([verb - asked for verb, asked in warmed]))


def rotated(names: Sequence[str], number: int) -> list[str]:
    """``names`` in the order of round ``number``: each round begins with another one."""
    start = number % len(names)
    return [*names[start:], *names[:start]]


def _runs(image: Image, directory: str) -> tuple[dict[str, Run], dict[str, Payload]]:
    ours, theirs = "strata.containers.image_pull", "containers.podman.podman_image"
    options = pull_options(image, directory)
    their_options = {"name": image.name, "validate_certs": False}
    tasks = {
        PING: ("ansible.builtin.ping", {}),
        MISSING: (ours, {**options, "pull": "missing"}),
        ALWAYS: (ours, {**options, "pull": "always"}),
        PRESENT: (theirs, their_options),
        FORCED: (theirs, {**their_options, "force": True}),
    }
    environment = {"CONTAINERS_STORAGE_CONF": _storage_conf(directory)}
    runs: dict[str, Run] = {}
    payloads: dict[str, Payload] = {}
    for number, (way, (name, arguments)) in enumerate(tasks.items()):
        forget_bundles()
        begin = time.monotonic()
        runs[way], size = module(name, arguments, os.path.join(directory, f"module{number}.py"), environment)
        payloads[way] = Payload(size, time.monotonic() - begin)
    runs[COMMAND] = podman(image, directory)
    return runs, payloads


def _storage_conf(directory: str) -> str:
    """The store of a run as podman's module can be told of it: it has no option for that."""
    where = Store(directory)
    if where.root != store(directory):
        raise ValueError(f"{where.root} is not the store of the run")
    path = os.path.join(directory, "storage.conf")
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(f'[storage]\ndriver = "overlay"\ngraphroot = "{where.root}"\nrunroot = "{where.run_root}"\n')
    return path


def _warm(image: Image, directory: str) -> tuple[float, float]:
    """Median seconds of the verb that asks the registry, in a process that has done it before, and of the same requests alone."""
    tag = image.name.rpartition(":")[2]
    paths = [("GET", "/v2/"), ("HEAD", f"/v2/{image.repository}/manifests/{tag}")]
    pair: list[tuple[str, dict[str, object]]] = [
        ("image_pull", {**pull_options(image, directory), "pull": "always"}),
        ("requests", {"host": image.host, "requests": paths}),
    ]
    run = warm(pair * (_REPETITIONS + 1), directory)
    lines = measure(run.command, run.environment).output.splitlines()
    told = [json.loads(line) for line in lines][2:]
    if any(line["changed"] for line in told):
        raise NotNothing(f"the verb changed something: {told}")
    verbs, network = ([line["wall"] for line in told[place::2]] for place in (0, 1))
    return statistics.median(verbs), statistics.median(network)


def _expect_nothing(way: str, done: Done) -> None:
    answer = json.loads(done.output)
    if answer.get("failed") or answer.get("changed"):
        raise NotNothing(f"{way} had nothing to do, and says {str(answer)[:2000]}")
