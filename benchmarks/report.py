# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results of a benchmark: a page with tables for people, JSON with every sample for programs, and a chart."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Optional

from chart import chart
from life import ENGINE
from measure import Cost
from medians import Rows, plain, rows
from noop import COMPARED, NoOps
from tables import cold_table, layer_size_table, life_table, no_op_table

_OURS = "strata"
# The images that have one layer with one file, the small one and the large one.
_SMALL, _LARGE = "large-file-20", "large-file"
_LICENCE = """<!--
Copyright (c) 2026, Strata contributors
GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
-->
"""


class Report:
    """Collects what was measured, and writes it."""

    def __init__(self, about: Mapping[str, str], rounds: int) -> None:
        self._about = about
        self._rounds = rounds
        self._notes: dict[str, str] = {}
        self._costs: dict[str, Mapping[str, Sequence[Cost]]] = {}
        self._checks: dict[str, list[str]] = {}
        self.no_ops: Optional[NoOps] = None
        self.lives: Optional[Mapping[str, Sequence[Cost]]] = None

    def add_image(self, name: str, note: str, costs: Mapping[str, Sequence[Cost]]) -> None:
        """Takes the costs of cold pulls of an image, by program; ``note`` says what the image is like."""
        self._notes[name] = note
        self._costs[name] = costs

    def add_check(self, name: str, facts: Sequence[str]) -> None:
        """Takes what was found right, of an image or of the programs, in clauses."""
        self._checks[name] = list(facts)

    def write(self, directory: str) -> None:
        """Writes ``pull.md``, ``pull.json`` and ``pull.svg`` into ``directory``, of what there is by now."""
        os.makedirs(directory, exist_ok=True)
        images = self._rows()
        _write(directory, "pull.md", _LICENCE + "\n" + self.page())
        _write(directory, "pull.json", json.dumps(self._plain(images), indent=1) + "\n")
        if images:
            _write(
                directory,
                "pull.svg",
                chart("Cold pulls from a registry on loopback", images, self._captions(), self._notes),
            )

    def _captions(self) -> list[str]:
        about = self._about
        return [
            f"Medians of {self._rounds} interleaved rounds; behind them the ratio to strata inside a round. Shorter is better.",
            f"{about['processor']}, Linux {about['kernel']}; Python {about['python']}, isal {about['isal']}, "
            f"fastcrc {about['fastcrc']}; podman {about['podman']}, skopeo {about['skopeo']}",
        ]

    def page(self) -> str:
        """What was measured and checked, in Markdown."""
        images = self._rows()
        parts = ["# What pulls cost", _HOW.format(rounds=self._rounds), self._machine()]
        if images:
            parts += [
                "## Cold pulls",
                "![Bars of the table below](pull.svg)",
                _COLD,
                self._images(),
                cold_table(images),
            ]
        if _SMALL in images and _LARGE in images:
            parts += ["## Memory and the size of a layer", _MEMORY, layer_size_table(images[_SMALL], images[_LARGE])]
        if self.no_ops:
            compared = [rows({way: self.no_ops.costs[way] for way in ways}, ways[0]) for ways in COMPARED]
            parts += ["## Pulls that have nothing to do", _NO_OP, no_op_table(compared, self.no_ops)]
        if self.lives:
            parts += ["## A container's life", _LIFE, life_table(rows(self.lives, ENGINE))]
        if self._checks:
            parts += [
                "## What was checked afterwards",
                _CHECKS,
                "\n".join(f"- *{name}*: {'; '.join(facts)}." for name, facts in self._checks.items()),
            ]
        return "\n\n".join(parts) + "\n"

    def _rows(self) -> dict[str, Rows]:
        return {name: rows(costs, _OURS) for name, costs in self._costs.items()}

    def _machine(self) -> str:
        return "; ".join(f"{name} {value}" for name, value in self._about.items()) + "."

    def _images(self) -> str:
        return "\n".join(f"- *{name}*: {note}" for name, note in self._notes.items())

    def _plain(self, images: Mapping[str, Rows]) -> dict[str, Any]:
        found: dict[str, Any] = {
            "about": dict(self._about),
            "rounds": self._rounds,
            "images": {},
            "checks": self._checks,
        }
        for name, programs in images.items():
            found["images"][name] = {"about": self._notes[name], "programs": _samples(programs, self._costs[name])}
        if self.no_ops:
            ways: dict[str, Any] = {}
            for names in COMPARED:
                costs = {way: self.no_ops.costs[way] for way in names}
                ways.update(_samples(rows(costs, names[0]), costs))
            found["no_op"] = {
                "ways": ways,
                "payloads": {way: asdict(payload) for way, payload in self.no_ops.payloads.items()},
                "warm_verb": asdict(self.no_ops.verb),
                "network": asdict(self.no_ops.network),
                "warm_verb_beside_the_network": asdict(self.no_ops.beside),
            }
        if self.lives:
            found["life"] = _samples(rows(self.lives, ENGINE), self.lives)
        return found


def _samples(programs: Rows, costs: Mapping[str, Sequence[Cost]]) -> dict[str, Any]:
    return {name: {**plain(row), "rounds": [asdict(cost) for cost in costs[name]]} for name, row in programs.items()}


def _write(directory: str, name: str, text: str) -> None:
    with open(os.path.join(directory, name), "w", encoding="utf-8") as stream:
        stream.write(text)


_HOW = """Made by `make bench`: {rounds} rounds, in each of them every program once, in another order each time. A figure is the median of the
rounds, and in brackets stand the lowest and the highest. A ratio is the median of the ratios inside a round: 3.0 means three times what
the first line of its group took. Processor time is user and system time of all processes of a program, memory the largest
sum of their Pss that was seen; the registry is in none of them. All samples are in `pull.json` beside this page."""

_COLD = """The registry is Debian's docker-registry on the loopback interface, with its files in the page cache. *strata* is the module `image_pull`
as Ansible sends and starts it on a target, the start of Python and all imports included; *no accelerators* is the same where
neither `isal` nor `fastcrc` can be imported. *engine alone* is the verb in a process whose imports are done. podman is
`podman pull`, skopeo is `skopeo copy` into containers-storage. The *C pipeline* is the bare work without a store: `curl`, `sha256sum` twice,
`igzip` (or `gzip`) and `tar`, six layers at a time, gzip only."""

_MEMORY = "One layer with one file, a small one and a large one."

_NO_OP = """The image is in the store, and the registry has the same. Each line is a module as Ansible starts it on a target, or a command;
`ansible.builtin.ping` is what any module costs. `podman_image` is that of the collection containers.podman; with `force` it asks the
registry, as our `always` does. What the controller does is not in the times; how long it takes to make the payload, for the first host of a
task, stands beside them."""

_LIFE = """Create, mount, unmount and delete, on a store that has the image. The engine's are the four verbs in a process whose imports
are done, for the first time there and again; modules and commands are a process for each step."""

_CHECKS = """After each run, that the image and every layer are in the records of its store, none of them unfinished. And once for each image and
program:"""
