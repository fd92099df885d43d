# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``make bench-rootless``: cold pulls by a user without root rights, ours and podman's, interleaved, from a registry on loopback.

The user exists in namespaces of the benchmark alone, with subordinate IDs and a session. As with ``pull.py`` every run has a fresh
directory, and afterwards the stores are compared.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))

from arguments import parser_of  # noqa: E402
from bundle import load_collections  # noqa: E402
from images import IMAGES, make_images  # noqa: E402
from lab.registry import Registry, running_registry  # noqa: E402
from lab.user_world import UID, UserWorld, user_world  # noqa: E402
from machine import about_this_machine  # noqa: E402
from measure import Cost, measure  # noqa: E402
from medians import rows  # noqa: E402
from noop import rotated  # noqa: E402
from programs import Image, Run, podman, strata  # noqa: E402
from progress import say  # noqa: E402
from room import remove  # noqa: E402
from serve import serve, warm_blobs  # noqa: E402
from tables import cold_table  # noqa: E402
from verify import verify_records, verify_stores  # noqa: E402

PROGRAMS: dict[str, Callable[[Image, str], Run]] = {"strata": strata, "podman": podman}
# Pulled once by both before anything counts: the user's namespaces are there then, and stay.
_FIRST = "deep"
_Costs = dict[str, dict[str, list[Cost]]]


def main() -> int:
    """The exit status: 0 where every result was right."""
    options = parser_of(__doc__, ["mixed"]).parse_args()
    load_collections([])
    layout = make_images(os.path.abspath(options.cache))
    base, storage = (tempfile.mkdtemp(prefix=kind, dir=options.directory) for kind in ("user", "registry"))
    try:
        with running_registry(storage) as registry, user_world(base, os.getcwd()) as world:
            try:
                costs, checks = _measure(options, layout, registry, world)
            finally:
                remove(*(os.path.join(world.home, name) for name in os.listdir(world.home)))
    finally:
        remove(storage)
    _write(options.output, costs, checks, options.rounds)
    return 0


def _measure(
    options: argparse.Namespace, layout: str, registry: Registry, world: UserWorld
) -> tuple[_Costs, list[str]]:
    """The costs by image and program, one for each round, and what was found right afterwards."""
    _round(world, serve(registry, layout, _FIRST), list(PROGRAMS), "first")
    costs: _Costs = {}
    checks = []
    for name in options.images:
        image = serve(registry, layout, name)
        costs[name] = {program: [] for program in PROGRAMS}
        for number in range(options.rounds):
            warm_blobs(image, registry.storage)
            found = _round(world, image, rotated(list(PROGRAMS), number), f"{name}{number}")
            for program, cost in found.items():
                costs[name][program].append(cost)
            say(
                f"{name}, round {number + 1}: "
                + ", ".join(f"{program} {cost.wall:.2f} s" for program, cost in found.items())
            )
        checks += verify_stores(image, {program: _place(world, f"{name}0", program) for program in PROGRAMS})
    return costs, checks


def _round(world: UserWorld, image: Image, programs: list[str], name: str) -> dict[str, Cost]:
    return {program: _pull(world, image, program, _place(world, name, program)) for program in programs}


def _place(world: UserWorld, name: str, program: str) -> str:
    return os.path.join(world.home, f"{name}-{program}")


def _pull(world: UserWorld, image: Image, program: str, directory: str) -> Cost:
    os.mkdir(directory)
    run = PROGRAMS[program](image, directory)
    os.chown(directory, UID, UID)
    os.sync()
    cost = measure(world.command(*run.command, env=run.environment), {}, watch_memory=True).cost
    verify_records(image, directory)
    return cost


def _write(output: str, costs: _Costs, checks: list[str], rounds: int) -> None:
    about = about_this_machine(("podman", "skopeo", "docker-registry"), {})
    page = _PAGE.format(
        rounds=rounds,
        about="; ".join(f"{key} {value}" for key, value in about.items()),
        images="\n".join(f"- *{name}*: {IMAGES[name].words}" for name in costs),
        table=cold_table({name: rows(found, "strata") for name, found in costs.items()}),
        checks="; ".join(checks),
    )
    os.makedirs(output, exist_ok=True)
    with open(os.path.join(output, "rootless.md"), "w", encoding="utf-8") as stream:
        stream.write(page)
    print(f"\n{page}")


_PAGE = """<!--
Copyright (c) 2026, Strata contributors
GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
-->

# What pulls cost a user without root rights

Made by `make bench-rootless`: {rounds} rounds, in each of them both programs once, in another order each time. Figures and ratios are to be
read as in [pull.md](pull.md). The driver is overlay, mounted by the kernel.

{about}.

{images}

{table}

Afterwards: {checks}.
"""


if __name__ == "__main__":
    sys.exit(main())
