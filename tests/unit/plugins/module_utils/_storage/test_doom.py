# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._storage.catalog import Catalog
from ansible_collections.strata.containers.plugins.module_utils._storage.doom import Doom, doom_of
from ansible_collections.strata.containers.plugins.module_utils._storage.records import (
    ContainerRecord,
    ImageRecord,
    LayerRecord,
)

# Two images on one base layer, the second with a container; a layer in use by nothing lies on the first.
STORE = Catalog(
    layers=tuple(
        LayerRecord.of(id=layer_id, parent=parent)
        for layer_id, parent in (
            ("base", ""),
            ("one", "base"),
            ("two", "base"),
            ("box-layer", "two"),
            ("stray", "one"),
            ("shifted", "base"),
        )
    ),
    images=(
        ImageRecord.of(id="first", layer="one"),
        ImageRecord.of(id="second", layer="two", mapped_layers=["shifted"]),
    ),
    containers=(ContainerRecord.of(id="box", image="second", layer="box-layer"),),
)


@pytest.mark.parametrize(
    ("damaged", "layers", "images", "containers"),
    [
        (("layer", "base"), {"base", "one", "two", "box-layer", "stray", "shifted"}, {"first", "second"}, {"box"}),
        (("layer", "one"), {"one", "stray"}, {"first"}, set()),
        (("layer", "two"), {"two", "box-layer", "shifted"}, {"second"}, {"box"}),
        (("layer", "shifted"), {"two", "box-layer", "shifted"}, {"second"}, {"box"}),
        (("layer", "box-layer"), {"box-layer"}, set(), {"box"}),
        (("layer", "stray"), {"stray"}, set(), set()),
        # What another layer lies on stays when only its image goes.
        (("image", "first"), set(), {"first"}, set()),
        (("image", "second"), {"two", "box-layer", "shifted"}, {"second"}, {"box"}),
        (("container", "box"), {"box-layer"}, set(), {"box"}),
        (("layer", "absent"), set(), set(), set()),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
def test_what_goes_with_what_is_damaged(
    damaged: tuple[str, str], layers: set[str], images: set[str], containers: set[str]
) -> None:
    doom = doom_of(STORE, *damaged)
    assert (set(doom.layers), set(doom.images), set(doom.containers)) == (layers, images, containers)


def test_layers_go_from_the_top() -> None:
    layers = doom_of(STORE, "layer", "base").layers
    assert layers[-1] == "base" and layers.index("box-layer") < layers.index("two")


def test_a_circle_of_layers_ends() -> None:
    circle = Catalog(layers=(LayerRecord.of(id="a", parent="b"), LayerRecord.of(id="b", parent="a")))
    assert set(doom_of(circle, "layer", "a").layers) == {"a", "b"}


def test_several_go_once() -> None:
    both = doom_of(STORE, "layer", "two").together_with(doom_of(STORE, "container", "box"))
    assert both.containers == ("box",) and len(set(both.layers)) == len(both.layers)


def test_the_order_names_everything_that_goes() -> None:
    assert Doom(("a", "b"), ("c",), ()).text() == "delete the image c, the layers a, b"
