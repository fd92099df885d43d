# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the time for one image or container grows with the number of images in the store.

Two stores are made by code, one of 10 images over 30 layers and one of 1,000 over 3,000. On each, in turn: the facts of one
image, those of all, and the life of a container (created, mounted, unmounted, deleted), by the engine in a process that does
it for the first time and again, by our modules as Ansible starts them on a target, and by podman. Beside each stands how
long plain ``json`` takes to read and write the same files as often; what is left is the program's own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from typing import Any, Optional

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests"))

from lab.commands import run  # noqa: E402
from lab.many_images import fill_with_images, image_name  # noqa: E402
from lab.modules import run_module  # noqa: E402
from lab.stores import Store  # noqa: E402

ACTIONS = {"info_one": "facts of one image", "info_all": "facts of all images", "life": "a container's life"}
FIRST, AGAIN, MODULES, PODMAN = "engine, first time", "engine, again", "modules", "podman"
WAYS = (FIRST, AGAIN, MODULES, PODMAN)
BOX = "box"
# An image that has the same number of layers in both stores.
NUMBER = 7

# Of the clock, and of the processor.
Seconds = tuple[float, float]
# By action and way: the seconds, and the JSON's part of them (None where it is not known).
Sample = dict[tuple[str, str], tuple[Seconds, Optional[Seconds]]]


def main() -> None:
    """Makes the stores, measures, and prints a table; with --json all samples too."""
    options = _arguments()
    base = tempfile.mkdtemp(prefix="st-", dir=options.directory)
    stores = {count: Store(os.path.join(base, str(count))) for count in (options.small, options.large)}
    try:
        for count, store in stores.items():
            os.makedirs(store.base)
            fill_with_images(store, count)
            _note(f"{count} images: containers-storage lists {_listed(store)}")
        rounds = [_round(stores, number, options.rounds) for number in range(options.rounds)]
        lists = {}
        if options.podman_images:
            lists = {
                count: _timed(lambda store=store: store.podman("images", "--quiet")) for count, store in stores.items()
            }
    finally:
        for store in stores.values():
            store.destroy()
        shutil.rmtree(base, ignore_errors=True)
    for clock, words in enumerate(("by the clock", "of the processor")):
        print(f"\nMilliseconds {words}:\n")
        print("\n".join(_table(rounds, options.small, options.large, clock)))
    print()
    for count, seconds in lists.items():
        print(f"podman images, {count} images, once: {seconds[0]:.2f} s, {seconds[1]:.2f} s of the processor")
    print("\n".join(_machine()))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(_plain(rounds), file, indent=1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, default=10, help="images in the one store (an even number)")
    parser.add_argument("--large", type=int, default=1000, help="images in the other")
    parser.add_argument("--rounds", type=int, default=7, help="how often all is measured in turn")
    parser.add_argument(
        "--directory", default=None, help="where the stores are made; the path must be short for podman"
    )
    parser.add_argument(
        "--podman-images", action="store_true", help="time `podman images` too, once: minutes for 1,000"
    )
    parser.add_argument("--json", default="", help="a file for all samples")
    return parser.parse_args()


def _round(stores: dict[int, Store], number: int, rounds: int) -> dict[int, Sample]:
    """Every action in every way on every store, once."""
    _note(f"round {number + 1} of {rounds}")
    found: dict[int, Sample] = {count: {} for count in stores}
    for action in ACTIONS:
        for count, store in stores.items():
            engine = _engine(store, action)
            found[count][action, FIRST] = (engine["first"], engine["first_json"])
            found[count][action, AGAIN] = (engine["again"], engine["again_json"])
            # Each of the four modules of a life reads the records for itself.
            readings = 3 if action == "life" else 0
            json_part = _sum(engine["first_json"], *[engine["records_json"]] * readings)
            found[count][action, MODULES] = (_timed(_modules, store, action), json_part)
            if action != "info_all":
                found[count][action, PODMAN] = (_timed(_podman, store, action), None)
    return found


def _sum(*parts: Seconds) -> Seconds:
    return sum(part[0] for part in parts), sum(part[1] for part in parts)


def _engine(store: Store, action: str) -> dict[str, Seconds]:
    worker = os.path.join(HERE, "scale_worker.py")
    scratch = os.path.join(store.base, "scratch")
    os.makedirs(scratch, exist_ok=True)
    output = run([sys.executable, worker, action, store.root, store.run_root, image_name(NUMBER), scratch])
    return {name: (clock, processor) for name, (clock, processor) in json.loads(output).items()}


def _modules(store: Store, action: str) -> None:
    options: dict[str, Any] = store.module_options()
    names = {"info_one": {"name": [image_name(NUMBER)]}, "info_all": {}}
    if action != "life":
        _module("image_info", {**options, **names[action]})
        return
    _module("container_create", {**options, "name": BOX, "image": image_name(NUMBER)})
    _module("container_mount", {**options, "name": BOX})
    _module("container_mount", {**options, "name": BOX, "state": "unmounted"})
    _module("container_create", {**options, "name": BOX, "state": "absent"})


def _module(name: str, arguments: dict[str, Any]) -> None:
    result = run_module(name, arguments, diff=False, verbosity=0)
    if result.failed or (name != "image_info" and not result.changed):
        raise RuntimeError(f"{name} did not do what is to be measured: {result.text}")


def _podman(store: Store, action: str) -> None:
    if action == "info_one":
        store.podman("image", "inspect", image_name(NUMBER))
        return
    store.podman("create", "--name", BOX, image_name(NUMBER), "true")
    store.podman("mount", BOX)
    store.podman("umount", BOX)
    store.podman("rm", BOX)


def _listed(store: Store) -> int:
    """How many images the other tools see; containers-storage lists them in a time that does not grow with the square."""
    listed = json.loads(
        run(["containers-storage", "-g", store.root, "-R", store.run_root, "-s", "overlay", "images", "-j"])
    )
    return len(listed)


def _timed(act: Callable[..., object], *arguments: object) -> Seconds:
    """How long ``act`` took, which has other processes work: theirs are the seconds of the processor."""
    clock, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    act(*arguments)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - clock, used


def _table(rounds: list[dict[int, Sample]], small: int, large: int, clock: int) -> Iterable[str]:
    """Medians in milliseconds; the own part is the median of its differences, each within one round."""
    columns = [f"{small} images", "its JSON", "own part", f"{large} images", "its JSON", "own part"]
    yield "| action | by | " + " | ".join(columns) + " |"
    yield "|---|---|" + "---:|" * len(columns)
    for action, words in ACTIONS.items():
        for way in WAYS:
            if (action, way) not in rounds[0][small]:
                continue
            cells: list[str] = []
            for count in (small, large):
                samples = [one[count][action, way] for one in rounds]
                cells += _cells(
                    [total[clock] for total, _part in samples], [part and part[clock] for _total, part in samples]
                )
            yield f"| {words} | {way} | " + " | ".join(cells) + " |"


def _cells(totals: list[float], parts: list[Optional[float]]) -> list[str]:
    known = [part for part in parts if part is not None]
    if len(known) < len(totals):
        return [_milliseconds(totals), "", ""]
    return [_milliseconds(totals), _milliseconds(known), _milliseconds([a - b for a, b in zip(totals, known)])]


def _milliseconds(values: list[float]) -> str:
    return f"{1000 * statistics.median(values):.1f}"


def _machine() -> Iterable[str]:
    yield f"{platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    yield f"Python {platform.python_version()}, {run(['podman', '--version']).strip()}"


def _plain(rounds: list[dict[int, Sample]]) -> list[dict[str, Any]]:
    return [
        {"round": number, "images": count, "action": action, "by": way, "clock_and_processor": total, "json": part}
        for number, one in enumerate(rounds)
        for count, sample in one.items()
        for (action, way), (total, part) in sample.items()
    ]


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
