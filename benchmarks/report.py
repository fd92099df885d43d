# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results of a benchmark as a table for people, JSON for programs, and a chart."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from lab.commands import run
from measure import Cost

# Costs by image and program; of each the rounds, and last the round in which memory was looked at.
Results = dict[str, dict[str, list[Cost]]]

_OURS = "strata"
_COLORS = {"strata": "#2a7f62", "strata, no accelerators": "#8fc1ad", "podman": "#8a5a83", "skopeo": "#c08fb8"}
_OTHER_COLOR = "#9a9a9a"


def machine() -> dict[str, str]:
    """Processor, kernel and versions."""
    with open("/proc/cpuinfo", encoding="utf-8") as stream:
        model = next((line.partition(":")[2].strip() for line in stream if line.startswith("model name")), "unknown")
    return {
        "processor": f"{os.cpu_count()} x {model}",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "podman": run(["podman", "--version"]).split()[-1],
        "skopeo": run(["skopeo", "--version"]).split()[2],
    }


def write_report(directory: str, results: Results, facts: Sequence[str], about: Mapping[str, str]) -> None:
    """Writes ``pull.md``, ``pull.json`` and ``pull.svg`` into ``directory``, and prints the table."""
    os.makedirs(directory, exist_ok=True)
    rows = {
        image: {program: _row(costs, programs[_OURS]) for program, costs in programs.items()}
        for image, programs in results.items()
    }
    table = _table(rows)
    print(table)
    lines = [
        "# Cold pulls",
        "",
        f"{about['processor']}, Linux {about['kernel']}, Python {about['python']}, podman {about['podman']}, "
        f"skopeo {about['skopeo']}; made by `make bench`.",
        "",
        "Medians. A ratio is the median of the ratios to `strata` inside a round: 3.0 means three times our time.",
        "",
        table,
        "",
        "What was checked afterwards:",
        "",
        *(f"- {fact}" for fact in facts),
    ]
    _write(directory, "pull.md", "\n".join(lines) + "\n")
    _write(
        directory,
        "pull.json",
        json.dumps({"machine": dict(about), "images": rows, "checks": list(facts)}, indent=2) + "\n",
    )
    _write(directory, "pull.svg", _chart(rows, about))


def _row(costs: Sequence[Cost], ours: Sequence[Cost]) -> dict[str, Any]:
    timed = costs[:-1]
    return {
        "wall": round(statistics.median(cost.wall for cost in timed), 3),
        "cpu": round(statistics.median(cost.cpu for cost in timed), 3),
        "memory": costs[-1].memory,
        "wall_ratio": round(statistics.median(cost.wall / own.wall for cost, own in zip(timed, ours)), 2),
        "cpu_ratio": round(statistics.median(cost.cpu / own.cpu for cost, own in zip(timed, ours)), 2),
        "walls": [round(cost.wall, 3) for cost in timed],
    }


def _table(rows: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    lines = [
        "| image | program | wall s | ratio | CPU s | ratio | memory MB |",
        "| --- | --- | --: | --: | --: | --: | --: |",
    ]
    for image, programs in rows.items():
        for program, row in programs.items():
            lines.append(
                f"| {image} | {program} | {row['wall']:.2f} | {row['wall_ratio']:.2f} | {row['cpu']:.2f} "
                f"| {row['cpu_ratio']:.2f} | {row['memory'] / 1e6:.0f} |"
            )
    return "\n".join(lines)


def _chart(rows: Mapping[str, Mapping[str, Mapping[str, Any]]], about: Mapping[str, str]) -> str:
    """Bars of wall time, a group for each image; each group has its own scale, since only ratios are compared."""
    parts: list[str] = []
    top = 30
    for image, programs in rows.items():
        parts.append(f'<text x="10" y="{top + 12}" font-weight="bold">{image}</text>')
        longest = max(row["wall"] for row in programs.values())
        for program, row in programs.items():
            top += 18
            width = 420 * row["wall"] / longest
            color = _COLORS.get(program, _OTHER_COLOR)
            parts.append(f'<text x="190" y="{top + 12}" text-anchor="end">{program}</text>')
            parts.append(f'<rect x="200" y="{top + 1}" width="{width:.1f}" height="14" fill="{color}"/>')
            parts.append(f'<text x="{206 + width:.1f}" y="{top + 12}">{row["wall"]:.2f} s</text>')
        top += 30
    caption = f"Cold pull, wall time, median. {about['processor']}, Linux {about['kernel']}, podman {about['podman']}, skopeo {about['skopeo']}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="720" height="{top + 10}" font-family="sans-serif" font-size="12">'
        f'<rect width="720" height="{top + 10}" fill="white"/><text x="10" y="18">{caption}</text>{"".join(parts)}</svg>\n'
    )


def _write(directory: str, name: str, text: str) -> None:
    with open(os.path.join(directory, name), "w", encoding="utf-8") as stream:
        stream.write(text)
