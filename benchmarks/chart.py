# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The costs of pulls as a chart: for each image the wall time, processor time and memory of each program, as bars.

Plain SVG, in colours of its own for light and for dark surroundings, on a ground of its own, so that it can be read on any page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Callable

from medians import Figure, Row, Rows
from tables import ratio

_WIDTH = 960
_MARGIN = 20
_NAMES = 190
_COLUMN = 242
# What stands behind a bar: the value, and the ratio.
_LABEL = 98
_BAR, _STEP = 11, 16
_GROUP_HEAD, _GROUP_GAP = 24, 14
_TEXT = 'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"'

# Colours of the bars, light and dark: ours strong and alike, the others each of its own.
_COLORS = {
    "strata": ("#0f766e", "#2dd4bf"),
    "strata, no accelerators": ("#7dbdb4", "#1f7a70"),
    "strata, engine alone": ("#45998f", "#26a598"),
    "podman": ("#7c5295", "#b794d0"),
    "skopeo": ("#b98bc9", "#7f5a96"),
}
_OTHER = ("#8a8f98", "#8b949e")
_OURS = "strata"


@dataclass(frozen=True)
class _Quantity:
    """One column: its title, the figure of a row, and how its value is written."""

    title: str
    figure: Callable[[Row], Figure]
    text: Callable[[float], str]


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value >= 10 else f"{value:.2f} s"


_QUANTITIES = (
    _Quantity("wall time", lambda row: row.wall, _seconds),
    _Quantity("processor time, user + system", lambda row: row.cpu, _seconds),
    _Quantity("memory, all processes", lambda row: row.memory, lambda value: f"{value / 1e6:.0f} MB"),
)


def chart(title: str, images: Mapping[str, Rows], captions: Sequence[str], notes: Mapping[str, str]) -> str:
    """The SVG: a group of bars for each image, in three columns; ``captions`` stand above it, ``notes`` beside an image's name.

    Each group and column has a scale of its own, since only programs are compared.
    """
    parts: list[str] = []
    top = 34
    parts.append(f'<text class="title" x="{_MARGIN}" y="{top}">{escape(title)}</text>')
    for caption in captions:
        top += 18
        parts.append(f'<text class="quiet" x="{_MARGIN}" y="{top}">{escape(caption)}</text>')
    top += 30
    for number, quantity in enumerate(_QUANTITIES):
        parts.append(f'<text class="head" x="{_left(number)}" y="{top}">{quantity.title}</text>')
    top += 10
    for image, rows in images.items():
        parts.append(f'<line class="rule" x1="{_MARGIN}" x2="{_WIDTH - _MARGIN}" y1="{top}" y2="{top}"/>')
        parts += _group(image, notes.get(image, ""), rows, top)
        top += _GROUP_HEAD + _STEP * len(rows) + _GROUP_GAP
    return _document(parts, top + 6)


def _group(image: str, note: str, rows: Rows, top: int) -> list[str]:
    extra = f'<tspan class="quiet" font-weight="normal" dx="8">{escape(note)}</tspan>' if note else ""
    parts = [f'<text class="head" x="{_MARGIN}" y="{top + 17}">{escape(image)}{extra}</text>']
    for line, (program, row) in enumerate(rows.items()):
        middle = top + _GROUP_HEAD + _STEP * line + _STEP // 2
        ours = ' class="ours"' if program == _OURS else ""
        parts.append(f'<text{ours} x="{_NAMES}" y="{middle + 4}" text-anchor="end">{escape(program)}</text>')
        for number, quantity in enumerate(_QUANTITIES):
            longest = max(quantity.figure(other).value.median for other in rows.values())
            parts += _bar(quantity, quantity.figure(row), longest, _left(number), middle, _color_class(program))
    return parts


def _bar(quantity: _Quantity, figure: Figure, longest: float, left: int, middle: int, color: str) -> list[str]:
    width = (_COLUMN - _LABEL) * figure.value.median / longest if longest else 0.0
    times = (
        f'<tspan class="quiet" dx="6">{ratio(figure.ratio.median)}\u00d7</tspan>'
        if color != _color_class(_OURS)
        else ""
    )
    return [
        f'<rect class="{color}" x="{left}" y="{middle - _BAR // 2}" width="{max(width, 1.0):.1f}" height="{_BAR}" rx="1.5"/>',
        f'<text x="{left + width + 5:.1f}" y="{middle + 4}">{quantity.text(figure.value.median)}{times}</text>',
    ]


def _left(column: int) -> int:
    return _NAMES + 12 + column * (_COLUMN + 6)


def _color_class(program: str) -> str:
    return f"c{list(_COLORS).index(program)}" if program in _COLORS else "other"


def _document(parts: Sequence[str], height: int) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}" '
        f'{_TEXT} font-size="11.5" role="img">\n'
        f"<style>{_style(0)}@media (prefers-color-scheme: dark){{{_style(1)}}}</style>\n"
        f'<rect class="ground" x="0.5" y="0.5" width="{_WIDTH - 1}" height="{height - 1}" rx="6"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _style(dark: int) -> str:
    ground, rule, text, quiet = (
        ("#ffffff", "#d8dee4", "#1f2328", "#59636e"),
        ("#0d1117", "#30363d", "#e6edf3", "#9198a1"),
    )[dark]
    colors = "".join(f".c{number}{{fill:{pair[dark]}}}" for number, pair in enumerate(_COLORS.values()))
    return (
        f".ground{{fill:{ground};stroke:{rule}}}.rule{{stroke:{rule}}}text{{fill:{text}}}.quiet{{fill:{quiet}}}"
        f".title{{font-size:17px;font-weight:600}}.head{{font-weight:600}}.ours{{font-weight:600}}"
        f"{colors}.other{{fill:{_OTHER[dark]}}}"
    )
