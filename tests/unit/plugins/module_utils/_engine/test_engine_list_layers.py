# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._engine.list_layers import (
    UnknownLayer,
    find_layer,
    layer_users,
)
from ansible_collections.strata.containers.plugins.module_utils._storage.catalog import AmbiguousName, Catalog
from ansible_collections.strata.containers.plugins.module_utils._storage.records import (
    ContainerRecord,
    ImageRecord,
    LayerRecord,
)

BASE = LayerRecord.of(id="a" * 64)
TOP = LayerRecord.of(id="ab" + "c" * 62, parent=BASE.id)
SHIFTED = LayerRecord.of(id="d" * 64, parent=BASE.id)
WRITABLE = LayerRecord.of(id="e" * 64, parent=TOP.id, names=["box-layer", "abc"])
CATALOG = Catalog(
    layers=(BASE, TOP, SHIFTED, WRITABLE),
    images=(
        ImageRecord.of(id="1" * 64, layer=BASE.id),
        ImageRecord.of(id="2" * 64, layer=TOP.id, mapped_layers=[SHIFTED.id]),
        ImageRecord.of(id="3" * 64),
        ImageRecord.of(id="4" * 64, layer="f" * 64),
    ),
    containers=(ContainerRecord.of(id="5" * 64, image="2" * 64, layer=WRITABLE.id),),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [(TOP.id, TOP), ("box-layer", WRITABLE), ("abc", WRITABLE), ("abcc", TOP), ("d", SHIFTED)],
)
def test_a_layer_is_found_by_its_id_its_name_or_the_beginning_of_its_id(text: str, expected: LayerRecord) -> None:
    assert find_layer(CATALOG, text) == expected


@pytest.mark.parametrize("text", ["", "nobody", "9" * 64])
def test_a_layer_that_is_not_there_is_an_error(text: str) -> None:
    with pytest.raises(UnknownLayer):
        find_layer(CATALOG, text)


def test_an_ambiguous_beginning_lists_the_candidates() -> None:
    with pytest.raises(AmbiguousName) as caught:
        find_layer(CATALOG, "a")
    assert BASE.id[:12] in str(caught.value) and TOP.id[:12] in str(caught.value)


def test_each_layer_is_told_with_the_images_containers_and_layers_that_use_it() -> None:
    everything = layer_users(CATALOG, [layer.id for layer in CATALOG.layers])
    assert everything == {
        BASE.id: {"images": ["1" * 64], "containers": [], "children": [TOP.id, SHIFTED.id]},
        TOP.id: {"images": ["2" * 64], "containers": [], "children": [WRITABLE.id]},
        SHIFTED.id: {"images": ["2" * 64], "containers": [], "children": []},
        WRITABLE.id: {"images": [], "containers": ["5" * 64], "children": []},
    }
    assert layer_users(CATALOG, [TOP.id]) == {TOP.id: everything[TOP.id]}
