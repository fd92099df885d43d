# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of a report, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Callable

from medians import Row, Rows, Spread

if TYPE_CHECKING:
    from noop import NoOps

Write = Callable[[float], str]


def cold_table(images: Mapping[str, Rows]) -> str:
    """Wall and processor seconds and memory of each program on each image, with ratios."""
    lines = _head(["image", "program"], ["wall s", "ratio", "CPU s", "ratio", "memory MB", "ratio"])
    for image, programs in images.items():
        for program, row in programs.items():
            lines.append(_line(image, program, *_times(row, two_digits), *_memory(row)))
    return "\n".join(lines)


def layer_size_table(small: Rows, large: Rows) -> str:
    """Memory of each program with a small and with a large layer, and how many times as much that is."""
    lines = _head(["program"], ["small layer MB", "large layer MB", "large : small"])
    for program in small:
        one, other = small[program].memory.value, large[program].memory.value
        growth = other.median / one.median if one.median else 0.0
        lines.append(_line(program, ranged(one, megabytes), ranged(other, megabytes), ratio(growth)))
    return "\n".join(lines)


def no_op_table(groups: Sequence[Rows], found: NoOps) -> str:
    """Milliseconds of each way that asks nobody and each that asks the registry, the payloads, and the warm verb."""
    lines = _head([""], ["wall ms", "ratio", "CPU ms", "ratio", "payload kB", "made in ms"])
    for programs in groups:
        for way, row in programs.items():
            payload = found.payloads.get(way)
            made = (f"{payload.size / 1e3:.0f}", f"{payload.seconds * 1e3:.0f}") if payload else ("", "")
            lines.append(_line(way, *_times(row, milliseconds), *made))
    words = (
        f"The verb of `always` again and again in a warm process: {ranged(found.verb, milliseconds)} ms, of which the same two requests "
        f"alone, over a new connection, take {ranged(found.network, milliseconds)} ms; beside the network "
        f"{ranged(found.beside, milliseconds)} ms."
    )
    return "\n".join(lines) + "\n\n" + words


def life_table(ways: Rows) -> str:
    """Milliseconds of a container's life in each way."""
    lines = _head([""], ["wall ms", "ratio", "CPU ms", "ratio"])
    lines += [_line(way, *_times(row, milliseconds)) for way, row in ways.items()]
    return "\n".join(lines)


def ranged(value: Spread, write: Write) -> str:
    """The median, and in brackets the lowest and highest value, where they differ."""
    low, high = write(value.low), write(value.high)
    return write(value.median) if low == high else f"{write(value.median)} ({low}-{high})"


def two_digits(value: float) -> str:
    """Seconds."""
    return f"{value:.2f}"


def milliseconds(value: float) -> str:
    """Seconds as milliseconds."""
    return f"{value * 1e3:.1f}" if abs(value) < 0.01 else f"{value * 1e3:.0f}"


def megabytes(value: float) -> str:
    """Bytes as millions of bytes."""
    return f"{value / 1e6:.0f}"


def ratio(value: float) -> str:
    """A ratio with as many digits as mean something."""
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def _times(row: Row, write: Write) -> list[str]:
    return [ranged(row.wall.value, write), _ratio(row.wall.ratio), ranged(row.cpu.value, write), _ratio(row.cpu.ratio)]


def _memory(row: Row) -> list[str]:
    return [ranged(row.memory.value, megabytes), _ratio(row.memory.ratio)]


def _ratio(value: Spread) -> str:
    return ranged(value, ratio)


def _head(words: Sequence[str], numbers: Sequence[str]) -> list[str]:
    return [_line(*words, *numbers), _line(*["---"] * len(words), *["--:"] * len(numbers))]


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
