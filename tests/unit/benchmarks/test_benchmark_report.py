# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables and the chart say what was measured."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))

from chart import chart
from measure import Cost
from medians import Rows, Spread, rows
from tables import cold_table, layer_size_table, life_table, milliseconds, ranged, ratio, two_digits

_SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def programs() -> Rows:
    return rows(
        {
            "strata": [Cost(1.0, 1.0, 60_000_000), Cost(1.2, 1.0, 60_000_000), Cost(1.1, 1.0, 60_000_000)],
            "a & b <c>": [Cost(4.0, 2.0, 30_000_000), Cost(4.8, 2.0, 30_000_000), Cost(5.5, 2.0, 30_000_000)],
        },
        "strata",
    )


def cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


class TestTables:
    def test_a_line_has_image_program_times_memory_and_ratios(self, programs: Rows) -> None:
        head, rule, ours, other = cells(cold_table({"base": programs}))
        assert head == ["image", "program", "wall s", "ratio", "CPU s", "ratio", "memory MB", "ratio"]
        assert rule == ["---"] * 2 + ["--:"] * 6
        assert ours == ["base", "strata", "1.10 (1.00-1.20)", "1.0", "1.00", "1.0", "60", "1.0"]
        assert other == ["base", "a & b <c>", "4.80 (4.00-5.50)", "4.0 (4.0-5.0)", "2.00", "2.0", "30", "0.50"]

    def test_memory_beside_the_size_of_a_layer(self, programs: Rows) -> None:
        large = rows({name: [Cost(1.0, 1.0, 90_000_000)] for name in programs}, "strata")
        assert cells(layer_size_table(programs, large))[2:] == [
            ["strata", "60", "90", "1.5"],
            ["a & b <c>", "30", "90", "3.0"],
        ]

    def test_a_life_is_told_in_milliseconds(self, programs: Rows) -> None:
        assert cells(life_table(programs))[3] == [
            "a & b <c>",
            "4800 (4000-5500)",
            "4.0 (4.0-5.0)",
            "2000",
            "2.0",
        ]

    def test_a_range_stands_only_where_there_is_one(self) -> None:
        assert ranged(Spread(1.001, 1.0, 1.002), two_digits) == "1.00"
        assert ranged(Spread(1.0, 0.9, 1.2), two_digits) == "1.00 (0.90-1.20)"

    def test_small_values_keep_a_digit(self) -> None:
        assert (milliseconds(0.0012), milliseconds(0.25), ratio(0.456), ratio(4.56)) == ("1.2", "250", "0.46", "4.6")


class TestChart:
    @pytest.fixture
    def drawing(self, programs: Rows) -> ElementTree.Element:
        text = chart("Title", {"one": programs, "two": programs}, ["with & without"], {"one": "5 layers, 3 < 4"})
        return ElementTree.fromstring(text)

    def test_bars_are_as_long_as_their_values_in_each_column(self, drawing: ElementTree.Element) -> None:
        bars = [rect for rect in drawing.iter(f"{_SVG}rect") if rect.get("class") != "ground"]
        assert len(bars) == 2 * 2 * 3
        widths = [float(rect.get("width", "0")) for rect in bars[:6]]
        ours, other = widths[:3], widths[3:]
        assert [pytest.approx(mine / theirs, abs=0.01) for mine, theirs in zip(ours, other)] == [
            1.1 / 4.8,
            1.0 / 2.0,
            60 / 30,
        ]
        assert max(ours[0], other[0]) == max(ours[1], other[1]) == max(ours[2], other[2])

    def test_each_bar_has_its_value_and_all_but_ours_the_ratio(self, drawing: ElementTree.Element) -> None:
        texts = ["".join(text.itertext()) for text in drawing.iter(f"{_SVG}text")]
        for wanted in ("1.10 s", "4.80 s4.0\u00d7", "2.00 s2.0\u00d7", "60 MB", "30 MB0.50\u00d7"):
            assert texts.count(wanted) == 2, wanted
        assert {"Title", "with & without", "one5 layers, 3 < 4", "two", "a & b <c>"} <= set(texts)

    def test_all_of_it_lies_inside(self, drawing: ElementTree.Element) -> None:
        width, height = float(drawing.get("width", "0")), float(drawing.get("height", "0"))
        for text in drawing.iter(f"{_SVG}text"):
            assert 0 < float(text.get("y", "0")) < height - 5
            assert 0 < float(text.get("x", "0")) < width - 60
        for rect in drawing.iter(f"{_SVG}rect"):
            assert float(rect.get("x", "0")) + float(rect.get("width", "0")) < width
            assert float(rect.get("y", "0")) + float(rect.get("height", "0")) < height

    def test_it_has_a_ground_and_colours_for_light_and_dark(self, drawing: ElementTree.Element) -> None:
        (style,) = drawing.iter(f"{_SVG}style")
        light, dark = (style.text or "").split("@media (prefers-color-scheme: dark)")
        used = {rect.get("class") for rect in drawing.iter(f"{_SVG}rect")}
        assert used == {"ground", "c0", "other"}
        for name in used:
            assert f".{name}{{fill:" in light and f".{name}{{fill:" in dark
