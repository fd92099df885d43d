# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._engine.recover import recovered_catalog
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.prepare import prepare_store
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._storage.store_fakes import (
    FakeDriver,
    files_of,
    hex_id,
    layout_in,
)

WHOLE, HALF = hex_id("whole"), hex_id("half")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A store with a whole layer, one that somebody was making when he died, and what he was writing."""
    layout = layout_in(tmp_path)
    prepare_store(layout)
    records = [{"id": WHOLE}, {"id": HALF, "parent": WHOLE, "flags": {"incomplete": True}}]
    Path(layout.layers_json).write_text(json.dumps(records))
    Path(layout.images_dir, ".tmp-images.json1").write_text("half")
    os.makedirs(layout.diff(HALF))
    return layout


def test_a_verb_begins_with_a_store_in_which_nothing_is_half_made(layout: Layout) -> None:
    catalog = recovered_catalog(layout, FakeDriver(layout), check_mode=False)
    assert [layer.id for layer in catalog.layers] == [WHOLE]
    assert not os.path.exists(layout.driver_layer(HALF))
    assert os.listdir(layout.images_dir) == ["images.lock"]


def test_without_a_driver_the_layers_stay(layout: Layout) -> None:
    catalog = recovered_catalog(layout, None, check_mode=False)
    assert [layer.id for layer in catalog.layers] == [WHOLE, HALF]
    assert os.path.exists(layout.diff(HALF))
    assert os.listdir(layout.images_dir) == ["images.lock"]


def test_check_mode_writes_nothing(layout: Layout) -> None:
    before = files_of(layout.graph_root)
    driver = FakeDriver(layout)
    assert len(recovered_catalog(layout, driver, check_mode=True).layers) == 2
    assert (driver.calls, files_of(layout.graph_root)) == ([], before)


def test_a_clean_store_is_only_read(layout: Layout) -> None:
    recovered_catalog(layout, FakeDriver(layout), check_mode=False)
    before = files_of(layout.graph_root)
    recovered_catalog(layout, FakeDriver(layout), check_mode=False)
    assert files_of(layout.graph_root) == before


def test_a_store_that_does_not_exist_stays_away(tmp_path: Path) -> None:
    layout = layout_in(tmp_path / "new")
    assert recovered_catalog(layout, FakeDriver(layout), check_mode=False).layers == ()
    assert os.listdir(tmp_path) == []
