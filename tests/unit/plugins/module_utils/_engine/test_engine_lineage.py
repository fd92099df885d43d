# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._engine.lineage import Lineage, built_on
from ansible_collections.strata.containers.plugins.module_utils._model.image_config import (
    ImageConfig,
    parse_image_config,
)
from ansible_collections.strata.containers.plugins.module_utils._storage.records import ImageRecord, LayerRecord

DIFFS = [f"sha256:{digit * 64}" for digit in "123"]
WHEN = "2026-11-28T02:17:45.984517573Z"


def _config(layers: int, *history: dict[str, Any]) -> ImageConfig:
    fields = {"rootfs": {"type": "layers", "diff_ids": DIFFS[:layers]}, "history": list(history)}
    return parse_image_config(json.dumps(fields).encode())


def _step(text: str, **more: Any) -> dict[str, Any]:
    return {"created": WHEN, "created_by": text, **more}


PARENT = _config(1, _step("one"))


@pytest.mark.parametrize(
    ("child", "expected"),
    [
        # The rules of areParentAndChild and historiesMatch of libimage.
        (_config(2, _step("one"), _step("two")), True),
        (_config(1, _step("one"), _step("two", empty_layer=True)), True),
        (_config(2, _step("one", created="2026-11-28T03:17:45.984517573+01:00"), _step("two")), True),
        (_config(1, _step("one", comment="", author="", empty_layer=False), _step("two")), True),
        (_config(1, _step("one")), False),
        (_config(2, _step("one"), _step("two"), _step("three")), False),
        (_config(0, _step("one"), _step("two")), False),
        (_config(2, _step("other"), _step("two")), False),
        (_config(2, _step("one", created="2026-11-28T02:17:45Z"), _step("two")), False),
        (_config(2, {"created_by": "one"}, _step("two")), False),
        (_config(2, _step("one", comment="c"), _step("two")), False),
        (_config(2, _step("one", author="a"), _step("two")), False),
        (_config(2, _step("one", empty_layer=True), _step("two")), False),
    ],
)
def test_a_child_has_the_history_of_its_parent_and_one_step_more(child: ImageConfig, expected: bool) -> None:
    assert built_on(PARENT, child) is expected


# Layers: below <- above. The image "step" ends in below, "same" too, "child" in above.
LAYERS = {"below": LayerRecord.of(id="below"), "above": LayerRecord.of(id="above", parent="below")}
CONFIGS = {
    "step": _config(1, _step("one")),
    "same": _config(1, _step("one"), _step("two", empty_layer=True)),
    "child": _config(2, _step("one"), _step("two", empty_layer=True), _step("three")),
    "stranger": _config(2, _step("elsewhere")),
    "empty": _config(0),
    "empty child": _config(0, _step("label", empty_layer=True)),
}
TOPS = {"step": "below", "same": "below", "child": "above", "stranger": "above", "unreadable": "above"}
IMAGES = {name: ImageRecord.of(id=name, layer=TOPS.get(name, "")) for name in (*CONFIGS, "unreadable")}


@pytest.mark.parametrize(
    ("name", "parent", "children"),
    [
        ("step", None, True),
        ("same", "step", True),
        ("child", "same", False),
        ("stranger", None, False),
        ("unreadable", None, False),
        ("empty", None, True),
        ("empty child", "empty", False),
    ],
)
def test_relatives_are_looked_for_among_the_images_of_near_layers(
    name: str, parent: str | None, children: bool
) -> None:
    lineage = Lineage(lambda image: CONFIGS.get(image.id))
    found = lineage.parent(IMAGES[name], IMAGES.values(), LAYERS)
    assert (found.id if found else None) == parent
    assert lineage.has_children(IMAGES[name], IMAGES.values(), LAYERS) is children


def test_a_config_is_read_once_and_only_where_the_layers_fit() -> None:
    read: list[str] = []

    def config_of(image: ImageRecord) -> ImageConfig | None:
        read.append(image.id)
        return CONFIGS.get(image.id)

    lineage = Lineage(config_of)
    for _again in range(2):
        lineage.has_children(IMAGES["child"], [IMAGES["child"], IMAGES["step"], IMAGES["empty"]], LAYERS)
    assert read == []
    for _again in range(2):
        lineage.parent(IMAGES["child"], IMAGES.values(), LAYERS)
    assert len(read) == len(set(read)) and "empty" not in read
