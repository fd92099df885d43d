# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``make bench``: cold pulls by us, podman, skopeo and a pipeline of C programs, interleaved, from one registry on loopback.

Every run has a fresh directory, and nothing is deleted before the last one has ended: some file systems walk over freshly
deleted inodes for half a minute. Ratios are taken inside a round. Memory is looked at in a round of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from contextlib import suppress

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))

from bundle import load_collections  # noqa: E402
from images import IMAGES, make_images  # noqa: E402
from lab.commands import CommandFailed, run  # noqa: E402
from lab.odd_images import GZIP  # noqa: E402
from lab.registry import Registry, running_registry  # noqa: E402
from measure import Cost, measure  # noqa: E402
from programs import PROGRAMS, Image, Program, store  # noqa: E402
from report import Results, machine, write_report  # noqa: E402
from verify import verify_c_pipeline, verify_checks, verify_stores, verify_tar_split  # noqa: E402


def main() -> int:
    """The exit status: 0 where every result was right."""
    options = _arguments()
    load_collections()
    layout = make_images(os.path.abspath(options.cache))
    results: Results = {}
    facts: list[str] = []
    with tempfile.TemporaryDirectory(prefix="bench", dir=options.directory, ignore_cleanup_errors=True) as base:
        try:
            with running_registry(os.path.join(base, "registry")) as registry:
                for name in options.images:
                    image = _serve(registry, layout, name)
                    results[name] = _rounds(image, os.path.join(base, name), options.rounds)
                    facts += _verify(image, os.path.join(base, name), registry)
                    for line in facts[-4:]:
                        print(f"  {line}", flush=True)
        finally:
            _unmount(base)
            for name in options.images:
                shutil.rmtree(os.path.join(base, name), ignore_errors=True)
    write_report(options.output, results, facts, machine())
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", default=".build/cache", help="where the images are kept between runs")
    parser.add_argument(
        "--directory", default="/var/tmp", help="where the stores are made: a real disk, with 30 GB to spare"
    )
    parser.add_argument("--output", default=".build/bench", help="where the table, the JSON and the chart go")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", nargs="+", default=list(IMAGES), choices=list(IMAGES))
    return parser.parse_args()


def _serve(registry: Registry, layout: str, name: str) -> Image:
    """Pushes the image to the registry."""
    reference = f"{registry.host}/{name}:1"
    run(
        [
            "skopeo",
            "--insecure-policy",
            "copy",
            "--dest-tls-verify=false",
            f"oci:{layout}:{name}",
            f"docker://{reference}",
        ]
    )
    inspect = ["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{reference}"]
    manifest = json.loads(run(inspect))
    config = json.loads(run([*inspect, "--config"]))
    digests = [layer["digest"] for layer in manifest["layers"]]
    kinds = {layer["mediaType"] for layer in manifest["layers"]}
    return Image(reference, name, registry.host, tuple(zip(digests, config["rootfs"]["diff_ids"])), kinds == {GZIP})


def _rounds(image: Image, base: str, rounds: int) -> dict[str, list[Cost]]:
    """The costs of each program by its name, one of each round; the last has the memory, and its time is not counted."""
    programs = [program for program in PROGRAMS if image.gzip or not program.gzip_only]
    costs: dict[str, list[Cost]] = {program.name: [] for program in programs}
    for number in range(rounds + 1):
        for program in programs:
            directory = _directory(base, program, number)
            os.makedirs(directory)
            prepared = program.prepare(image, directory)
            cost = measure(prepared.command, prepared.environment, watch_memory=number == rounds)
            costs[program.name].append(cost)
        walls = ", ".join(f"{name} {found[-1].wall:.2f} s" for name, found in costs.items())
        print(f"{image.repository}, round {number + 1}: {walls}", flush=True)
    return costs


def _directory(base: str, program: Program, number: int) -> str:
    # Short: podman refuses a run root of more than 50 characters.
    return os.path.join(base, f"{PROGRAMS.index(program)}{number}")


def _verify(image: Image, base: str, registry: Registry) -> list[str]:
    stores = {
        program.name: _directory(base, program, 0)
        for program in PROGRAMS
        if os.path.isdir(store(_directory(base, program, 0)))
    }
    facts = verify_stores(image, stores)
    for program in PROGRAMS:
        if program.name.startswith("strata"):
            facts.append(verify_tar_split(image, _directory(base, program, 0)))
        elif program.gzip_only and image.gzip:
            facts.append(verify_c_pipeline(image, _directory(base, program, 0)))
    return facts + verify_checks(image, os.path.join(base, "checks"), registry.storage)


def _unmount(base: str) -> None:
    """podman and skopeo leave their bind mount of ``overlay`` behind."""
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        places = [line.split()[1] for line in mounts]
    for place in reversed(places):
        if place.startswith(f"{base}/"):
            with suppress(CommandFailed):
                run(["umount", place])


if __name__ == "__main__":
    sys.exit(main())
