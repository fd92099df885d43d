# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``make bench``: pulls by us, podman, skopeo and a pipeline of C programs, interleaved, from one registry on loopback.

Cold pulls of several images; pulls that have nothing to do; and the life of a container. Every run has a fresh directory, begins when
the disk has taken what the runs before wrote, and finds the blobs in the page cache. Each round has the programs in
another order, and ratios are taken inside a round. Afterwards it is checked that each program did the whole work.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))

from arguments import parser_of  # noqa: E402
from bundle import load_collections  # noqa: E402
from images import IMAGES, make_images  # noqa: E402
from lab.registry import Registry, running_registry  # noqa: E402
from life import measure_lives  # noqa: E402
from machine import about_this_machine  # noqa: E402
from measure import Cost, measure, told_cost  # noqa: E402
from noop import measure_no_ops, rotated  # noqa: E402
from podman_collection import collection_version, podman_collection  # noqa: E402
from programs import PROGRAMS, Image, inflater, store  # noqa: E402
from progress import say  # noqa: E402
from report import Report  # noqa: E402
from room import Room, remove, size_of  # noqa: E402
from serve import serve, serve_with_wrong_diff_id, warm_blobs  # noqa: E402
from verify import (  # noqa: E402
    verify_accelerators,
    verify_c_pipeline,
    verify_checks,
    verify_diff_id_check,
    verify_records,
    verify_stores,
    verify_tar_split,
)

_TOOLS = ("podman", "skopeo", "docker-registry", inflater(), "curl", "tar")
COLD, NO_OP, LIFE = "cold", "no-op", "life"
# For what has little to do with the image: a common one, and one that is pulled fast.
_COMMON, _FAST = "base", "deep"
_BY_NAME = {program.name: program for program in PROGRAMS}


def main() -> int:
    """The exit status: 0 where every result was right."""
    options = _arguments()
    cache = os.path.abspath(options.cache)
    collection = podman_collection(cache)
    load_collections([collection])
    layout = make_images(cache)
    collections = {"containers.podman": collection_version(collection)}
    report = Report(about_this_machine(_TOOLS, collections), options.rounds)
    base = tempfile.mkdtemp(prefix="bench", dir=options.directory)
    try:
        with running_registry(os.path.join(base, "registry")) as registry:
            room = Room(base)
            if NO_OP in options.parts:
                report.no_ops = measure_no_ops(serve(registry, layout, _COMMON), room.new(), options.rounds)
            if LIFE in options.parts:
                report.lives = measure_lives(serve(registry, layout, _COMMON), room.new(), options.rounds)
            report.write(options.output)
            if COLD in options.parts:
                _cold(options, layout, registry, room, report)
        print(f"\n{report.page()}")
        say(f"the report is in {options.output}; the stores are deleted, which takes a while")
    finally:
        remove(*(os.path.join(base, name) for name in os.listdir(base)))
        remove(base)
    return 0


def _arguments() -> argparse.Namespace:
    parser = parser_of(__doc__, list(IMAGES))
    parser.add_argument("--parts", nargs="+", default=[COLD, NO_OP, LIFE], choices=[COLD, NO_OP, LIFE])
    return parser.parse_args()


def _cold(options: argparse.Namespace, layout: str, registry: Registry, room: Room, report: Report) -> None:
    wrong = serve_with_wrong_diff_id(registry, room.new())
    report.add_check("programs", [verify_accelerators(room.new()), verify_diff_id_check(wrong, room.new())])
    _costs, warmed = _rounds(serve(registry, layout, _FAST), registry, room, 1, "to warm up, not counted")
    _give_up(room, warmed)
    for name in options.images:
        image = serve(registry, layout, name)
        costs, directories = _rounds(image, registry, room, options.rounds, name)
        report.add_image(name, _note(name, image), costs)
        report.add_check(name, _verify(image, directories, room, registry))
        report.write(options.output)
        _give_up(room, directories)


def _give_up(room: Room, directories: Mapping[str, str]) -> None:
    for directory in directories.values():
        room.give_up(directory)


def _note(name: str, image: Image) -> str:
    size = image.compressed_size / 1e6
    return f"{IMAGES[name].words} ({size:.0f} MB)" if size >= 1 else f"{IMAGES[name].words} ({size:.1f} MB)"


def _rounds(
    image: Image, registry: Registry, room: Room, rounds: int, title: str
) -> tuple[dict[str, list[Cost]], dict[str, str]]:
    """The costs of each program by its name, one of each round, and a directory where each has pulled."""
    names = [program.name for program in PROGRAMS if program.takes(image)]
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    kept: dict[str, str] = {}
    size = image.compressed_size * 3 * len(names)
    for number in range(rounds):
        room.provide(size)
        warm_blobs(image, registry.storage)
        for name in rotated(names, number):
            directory = room.new()
            costs[name].append(_pull(image, name, directory))
            if name in kept:
                room.give_up(directory)
            kept.setdefault(name, directory)
        size = sum(map(size_of, kept.values())) if number == 0 else size
        walls = ", ".join(f"{name} {found[-1].wall:.2f} s" for name, found in costs.items())
        say(f"{title}, round {number + 1}: {walls}")
    return costs, kept


def _pull(image: Image, name: str, directory: str) -> Cost:
    program = _BY_NAME[name]
    run = program.prepare(image, directory)
    os.sync()
    done = measure(run.command, run.environment, watch_memory=True)
    if os.path.isdir(store(directory)):
        verify_records(image, directory)
    return told_cost(done) if program.part else done.cost


def _verify(image: Image, directories: dict[str, str], room: Room, registry: Registry) -> list[str]:
    stores = {name: directory for name, directory in directories.items() if not _BY_NAME[name].gzip_only}
    facts = verify_stores(image, stores)
    ours = [name for name in stores if name.startswith("strata")]
    facts += [verify_tar_split(image, stores[name]) for name in ours[:1]]
    for name in directories:
        if name not in stores:
            facts.append(verify_c_pipeline(image, directories[name], stores["podman"]))
    facts += verify_checks(image, room.new(), registry.storage)
    say(f"{image.repository} is checked: {len(facts)} facts found right")
    return facts


if __name__ == "__main__":
    sys.exit(main())
