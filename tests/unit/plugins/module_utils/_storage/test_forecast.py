# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is foretold of a commit is what the commit does."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter
from ansible_collections.strata.containers.plugins.module_utils._storage.catalog import Catalog, read_catalog
from ansible_collections.strata.containers.plugins.module_utils._storage.commit import (
    NewImage,
    commit_image,
)
from ansible_collections.strata.containers.plugins.module_utils._storage.forecast import after_commit, after_naming
from ansible_collections.strata.containers.plugins.module_utils._storage.image_names import add_names
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.prepare import prepare_store
from ansible_collections.strata.containers.plugins.module_utils._storage.records import LayerRecord
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._storage.store_fakes import (
    FakeDriver,
    hex_id,
    layout_in,
    new_image,
)

NAME = "example.com/strata/one:1"
OTHER = "example.com/strata/other:1"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = layout_in(tmp_path)
    prepare_store(layout)
    commit(layout, new_image("old", (), (NAME, "example.com/strata/kept:1")))
    return layout


def commit(layout: Layout, image: NewImage) -> None:
    commit_image(layout, FakeDriver(layout), [], image, Reporter())


@pytest.mark.parametrize(
    "images",
    [
        [new_image("new", (), (OTHER,))],
        [new_image("new", (), (NAME, OTHER))],
        [new_image("old", (), (OTHER,), manifest=b'{"a":1}')],
        [new_image("new", (), (NAME,)), new_image("old", (), (NAME,)), new_image("new", (), (OTHER,), manifest=b"[]")],
    ],
)
def test_the_records_of_images_are_those_that_a_commit_writes(layout: Layout, images: list[NewImage]) -> None:
    foretold = read_catalog(layout)
    for image in images:
        foretold = after_commit(foretold, [], image)
    for image in images:
        commit(layout, image)
    assert foretold.images == read_catalog(layout).images


def test_names_are_those_that_are_written(layout: Layout) -> None:
    commit(layout, new_image("new", (), (OTHER,)))
    foretold = after_naming(read_catalog(layout), hex_id("new"), (NAME, OTHER))
    add_names(layout, hex_id("new"), [NAME])
    assert foretold.images == read_catalog(layout).images


def test_new_layers_take_the_place_of_incomplete_ones() -> None:
    incomplete = LayerRecord.of(id="a", flags={"incomplete": True})
    kept, whole = LayerRecord.of(id="b"), LayerRecord.of(id="a", parent="b")
    assert after_commit(Catalog(layers=(incomplete, kept)), [whole], new_image("x", (), ())).layers == (kept, whole)
