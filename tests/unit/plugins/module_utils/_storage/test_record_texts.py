# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records that stay as they are keep the text that they had in their file."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._storage import json_record
from ansible_collections.strata.containers.plugins.module_utils._storage.edit import open_for_change
from ansible_collections.strata.containers.plugins.module_utils._storage.json_record import (
    decode_records,
    encode_records,
    note_texts,
)
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.prepare import prepare_store
from ansible_collections.strata.containers.plugins.module_utils._storage.records import ImageRecord, LayerRecord
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._storage.store_fakes import (
    FIXTURES,
    layout_in,
)
from hypothesis import given
from hypothesis import strategies as st

# Whatever stands between two records may stand elsewhere too.
WORDS = st.sampled_from(["id", "x", "},{", '},{"id":"', "[{", "}]", "} ", " {", "\n", "\u2028", "é"])
VALUES = st.recursive(
    WORDS | st.integers(0, 9) | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
RECORDS = st.lists(
    st.tuples(st.text("abc", min_size=1, max_size=2), st.dictionaries(st.sampled_from(["later", "new"]), VALUES)),
    max_size=4,
)
FORMS: list[dict[str, Any]] = [
    {"separators": (",", ":")},
    {"separators": (",", ":"), "ensure_ascii": False},
    {"separators": (", ", ":")},
    {"separators": (" ,", ":")},
    {"separators": (",", ": ")},
    {"indent": 1},
    {"indent": "\t"},
]


@given(RECORDS, st.sampled_from(FORMS), st.booleans())
def test_a_text_is_always_that_of_its_own_record(
    rows: list[tuple[str, dict[str, Any]]], form: dict[str, Any], id_first: bool
) -> None:
    values = [{"id": name, **others} if id_first else {**others, "id": name} for name, others in rows]
    data = json.dumps(values, **form).encode()
    records = decode_records(data, LayerRecord, "layers.json")
    note_texts(data, records)
    assert [json.loads(record.text) for record in records] == values


@pytest.mark.parametrize("space", [" ", "\n", "\t", "\r"])
@pytest.mark.parametrize("border", ["}%s,{", "},%s{"])
def test_what_looks_like_a_border_is_not_taken_for_the_one_that_is_written_otherwise(border: str, space: str) -> None:
    data = ('[{"id":"a","new":[{"x":1},{"id":"b"}]' + border % space + '"id":"c"}]').encode()
    records = decode_records(data, LayerRecord, "layers.json")
    note_texts(data, records)
    assert [json.loads(record.text) for record in records] == json.loads(data)


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was encoded since."""
    values: list[Any] = []
    real = json_record.go_json

    def encode(value: Any) -> str:
        values.append(value)
        return real(value)

    monkeypatch.setattr(json_record, "go_json", encode)
    return values


def test_the_texts_of_podman_are_found(encoded: list[Any]) -> None:
    data = (FIXTURES / "images.json").read_bytes()
    records = decode_records(data, ImageRecord, "images.json")
    note_texts(data, records)
    assert encode_records(records) == data and not encoded


def test_a_change_writes_the_other_records_as_they_were(tmp_path: Path, encoded: list[Any]) -> None:
    layout: Layout = layout_in(tmp_path)
    prepare_store(layout)
    # Each is as Python's encoder would not write it again.
    others = rb'{"id":"a","later":[1e2,2.50,"\u00e9\/"]},{"id":"b","later":12345678901234567890.0}'
    Path(layout.layers_json).write_bytes(b"[" + others + b"]")
    with open_for_change(layout, layers=True) as tables:
        # Only with a sign in the lock file is it known what the file held.
        tables.layers.add(LayerRecord.of(id="c"))
        tables.save_layers()
    first = Path(layout.layers_json).read_bytes()
    Path(layout.layers_json).write_bytes(b"[" + others + first[first.index(b',{"id":"c"') :])
    encoded.clear()
    with open_for_change(layout, layers=True) as tables:
        tables.layers.replace(LayerRecord.of(id="c", names=["n"], created="t"))
        tables.save_layers()
    assert Path(layout.layers_json).read_bytes() == b"[" + others + b',{"id":"c","names":["n"],"created":"t"}]'
    assert [value["id"] for value in encoded] == ["c"]


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_afterwards_as_it_was(enabled: bool) -> None:
    try:
        if not enabled:
            gc.disable()
        decode_records(b'[{"id":"a"}]', LayerRecord, "layers.json")
        assert gc.isenabled() is enabled
        with pytest.raises(json_record.StoreDamaged):
            decode_records(b'[{"id":7}]', LayerRecord, "layers.json")
        assert gc.isenabled() is enabled
    finally:
        gc.enable()
