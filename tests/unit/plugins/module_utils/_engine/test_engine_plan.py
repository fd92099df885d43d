# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.strata.containers.plugins.module_utils._engine.plan import FETCH, KEEP, REUSE, make_plan
from ansible_collections.strata.containers.plugins.module_utils._model.descriptor import Descriptor
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._model.layer_ids import layer_chain
from ansible_collections.strata.containers.plugins.module_utils._storage.catalog import Catalog
from ansible_collections.strata.containers.plugins.module_utils._storage.records import LayerRecord

DIFF_IDS = [Digest("sha256", letter * 64) for letter in "abc"]
BLOBS = [Descriptor("t", Digest("sha256", letter * 64), size) for letter, size in (("1", 10), ("2", 20), ("3", 30))]
CHAIN = layer_chain(DIFF_IDS)


def _layer(layer_id: str, diff_id: Digest, **more: object) -> LayerRecord:
    return LayerRecord.of(id=layer_id, diff_digest=str(diff_id), diff_size=1, **more)


def test_an_empty_store_fetches_everything() -> None:
    plan = make_plan(Catalog(), BLOBS, DIFF_IDS)
    assert plan.facts() == {"keep": 0, "reuse": 0, "fetch": 3, "bytes": 60}
    assert plan.chain == CHAIN
    assert [layer.parent for layer in plan.layers] == [None, *CHAIN[:2]]


def test_layers_that_are_there_are_kept() -> None:
    catalog = Catalog(layers=(_layer(CHAIN[0], DIFF_IDS[0]), _layer(CHAIN[1], DIFF_IDS[1])))
    plan = make_plan(catalog, BLOBS, DIFF_IDS)
    assert plan.actions == {CHAIN[0]: KEEP, CHAIN[1]: KEEP, CHAIN[2]: FETCH}
    assert plan.facts() == {"keep": 2, "reuse": 0, "fetch": 1, "bytes": 30}
    assert [layer.layer_id for layer in plan.to_stage] == [CHAIN[2]]


def test_the_same_content_elsewhere_is_reused() -> None:
    catalog = Catalog(layers=(_layer("f" * 64, DIFF_IDS[1]),))
    assert list(make_plan(catalog, BLOBS, DIFF_IDS).actions.values()) == [FETCH, REUSE, FETCH]


def test_an_incomplete_layer_does_not_count() -> None:
    catalog = Catalog(layers=(_layer(CHAIN[0], DIFF_IDS[0], flags={"incomplete": True}),))
    assert make_plan(catalog, BLOBS, DIFF_IDS).actions[CHAIN[0]] == FETCH


def test_content_that_stands_several_times_is_fetched_for_the_first() -> None:
    first, second = DIFF_IDS[:2]
    plan = make_plan(Catalog(), [BLOBS[0], BLOBS[1], BLOBS[0], BLOBS[2]], [first, second, first, first])
    assert list(plan.actions.values()) == [FETCH, FETCH, REUSE, REUSE]
    assert plan.facts() == {"keep": 0, "reuse": 2, "fetch": 2, "bytes": 30}
