# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs that are compared: each pulls one image of the registry into an empty directory of its own."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bundle import bundle

_PARALLEL = 6
ACCELERATORS = ("isal", "fastcrc")
_ACCEPT_ANYTHING = {"default": [{"type": "insecureAcceptAnything"}]}


@dataclass(frozen=True)
class Image:
    """An image in the registry: its full name, of each layer the digest and the diff ID, bytes as stored, whether all is gzip."""

    name: str
    repository: str
    host: str
    layers: tuple[tuple[str, str], ...]
    compressed_size: int
    gzip: bool


@dataclass(frozen=True)
class Run:
    """A command with its environment, to be started once."""

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Program:
    """``prepare`` gets the image and an empty directory, and gives the run; nothing of it counts.

    A ``part`` tells the cost of a part of its work itself; ``only`` names the images that it is for, all where it is empty.
    """

    name: str
    prepare: Callable[[Image, str], Run]
    gzip_only: bool = False
    part: bool = False
    only: tuple[str, ...] = ()

    def takes(self, image: Image) -> bool:
        """Whether it is there to pull ``image``."""
        return (image.gzip or not self.gzip_only) and (not self.only or image.repository in self.only)


def strata(image: Image, directory: str) -> Run:
    """Our module, as Ansible sends it, with the optional accelerators."""
    path = os.path.join(directory, "module.py")
    return module("strata.containers.image_pull", pull_options(image, directory), path)[0]


def strata_without_accelerators(image: Image, directory: str) -> Run:
    """The same where neither isal nor fastcrc can be imported."""
    return Run(strata(image, directory).command, blocked(directory, ACCELERATORS))


def blocked(directory: str, libraries: Sequence[str]) -> dict[str, str]:
    """The environment in which Python cannot import ``libraries``."""
    place = os.path.join(directory, "blocked")
    os.makedirs(place)
    for library in libraries:
        with open(os.path.join(place, f"{library}.py"), "w", encoding="utf-8") as stream:
            stream.write("raise ImportError\n")
    return {"PYTHONPATH": place}


def strata_engine(image: Image, directory: str) -> Run:
    """The verb alone, in a process whose imports are done."""
    return warm([("image_pull", pull_options(image, directory))], directory)


def module(
    name: str, arguments: Mapping[str, object], path: str, environment: Mapping[str, str] | None = None
) -> tuple[Run, int]:
    """The module ``name`` as Ansible starts it, written to ``path``, and the size of that in bytes."""
    size = bundle(name, arguments, path)
    # It brings along all that it imports of ours; a target has no tree of the collection beside it.
    return Run([sys.executable, path], {"PYTHONPATH": "", **(environment or {})}), size


def warm(tasks: Sequence[tuple[str, Mapping[str, object]]], directory: str) -> Run:
    """``tasks`` (of warm.py), one after the other in one process, from the collection's tree."""
    path = os.path.join(directory, "tasks.json")
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(tasks, stream)
    return Run([sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "warm.py"), path])


def podman(image: Image, directory: str) -> Run:
    """``podman pull`` of the distribution."""
    return Run([*podman_command(directory), "pull", "--quiet", "--tls-verify=false", image.name])


def podman_command(directory: str) -> list[str]:
    """podman on the store in ``directory``."""
    return ["podman", "--root", store(directory), "--runroot", run_root(directory), "--storage-driver", "overlay"]


def skopeo(image: Image, directory: str) -> Run:
    """``skopeo copy`` of the distribution into containers-storage."""
    target = f"containers-storage:{bracket(directory)}{image.name}"
    options = ["--insecure-policy", "copy", "--quiet", "--src-tls-verify=false"]
    return Run(["skopeo", *options, f"docker://{image.name}", target])


def c_pipeline(image: Image, directory: str) -> Run:
    """The bare work of a pull, layer by layer in parallel: fetch, both digests, inflate (igzip, else gzip), unpack; no store."""
    trees = os.path.join(directory, "trees")
    lines = []
    for number, (digest, diff_id) in enumerate(image.layers):
        tree = os.path.join(trees, f"{number:02}")
        url = f"http://{image.host}/v2/{image.repository}/blobs/{digest}"
        lines.append(f"{tree} {url} {digest.partition(':')[2]} {diff_id.partition(':')[2]}")
    listing = os.path.join(directory, "layers")
    with open(listing, "w", encoding="utf-8") as stream:
        stream.write("\n".join(lines) + "\n")
    return Run(["bash", "-c", _script(listing)])


def _script(listing: str) -> str:
    layer = (
        'set -euo pipefail; mkdir -p "$0"; '
        'curl -sS "$1" | tee >(sha256sum >"$0.blob") | @inflate@ -dc | tee >(sha256sum >"$0.diff") '
        '| tar -x --numeric-owner --xattrs "--xattrs-include=*" -C "$0"; '
        'while ! [ -s "$0.blob" ] || ! [ -s "$0.diff" ]; do sleep 0.01; done; '
        'read -r blob _ <"$0.blob"; read -r diff _ <"$0.diff"; [ "$blob" = "$2" ] && [ "$diff" = "$3" ]'
    )
    layer = layer.replace("@inflate@", inflater())
    return f"xargs -P {_PARALLEL} -L 1 bash -c {shlex.quote(layer)} <{shlex.quote(listing)}"


def inflater() -> str:
    """The program that inflates in the pipeline."""
    return "igzip" if shutil.which("igzip") else "gzip"


def store(directory: str) -> str:
    """The graph root of a run."""
    return os.path.join(directory, "root")


def run_root(directory: str) -> str:
    """The run root of a run."""
    return os.path.join(directory, "run")


def bracket(directory: str) -> str:
    """The store of a run, as containers-storage names it."""
    return f"[overlay@{store(directory)}+{run_root(directory)}]"


def pull_options(image: Image, directory: str) -> dict[str, object]:
    """The options by which our module pulls ``image`` into the store of a run, from a registry without https."""
    policy = os.path.join(directory, "policy.json")
    with open(policy, "w", encoding="utf-8") as stream:
        json.dump(_ACCEPT_ANYTHING, stream)
    return {
        "name": [image.name],
        "root": store(directory),
        "runroot": run_root(directory),
        "driver": "overlay",
        "signature_policy": policy,
        "validate_certs": False,
    }


PROGRAMS = (
    Program("strata", strata),
    Program("strata, no accelerators", strata_without_accelerators),
    # Where the start of a module is a large part of the whole.
    Program("strata, engine alone", strata_engine, part=True, only=("sixty",)),
    Program("podman", podman),
    Program("skopeo", skopeo),
    Program("C pipeline", c_pipeline, gzip_only=True),
)
