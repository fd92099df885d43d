# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._storage.json_record import (
    Record,
    StoreDamaged,
    decode_records,
    encode_records,
)
from ansible_collections.strata.containers.plugins.module_utils._storage.records import (
    ContainerRecord,
    ImageRecord,
    LayerRecord,
    MountRecord,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._storage.store_fakes import FIXTURES
from hypothesis import given
from hypothesis import strategies as st

FILES: list[tuple[str, type[Record]]] = [
    ("layers.json", LayerRecord),
    ("images.json", ImageRecord),
    ("containers.json", ContainerRecord),
]


@pytest.mark.parametrize(("name", "kind"), FILES)
def test_file_of_podman_is_written_back_byte_for_byte(name: str, kind: type[Record]) -> None:
    data = (FIXTURES / name).read_bytes()
    assert encode_records(decode_records(data, kind, name)) == data


@pytest.mark.parametrize(("name", "kind"), FILES)
def test_records_put_in_our_order_are_in_the_order_of_go(name: str, kind: type[Record]) -> None:
    data = (FIXTURES / name).read_bytes()
    shuffled = [kind(dict(reversed(list(record.fields.items())))) for record in decode_records(data, kind, name)]
    assert encode_records(record.changed() for record in shuffled) == data


def test_layer_of_podman_has_these_values() -> None:
    base, second, box, _gone = decode_records((FIXTURES / "layers.json").read_bytes(), LayerRecord, "layers.json")
    assert base.id == "9d215d76ad2209a4be74ac1777234727c754722e28ab5a9bcb71f9ea01d8e9df"
    assert base.parent is None
    assert second.parent == base.id
    assert base.diff_digest == base.compressed_digest == f"sha256:{base.id}"
    assert (base.diff_size, base.compressed_size, base.compression) == (10240, 10240, 0)
    assert (base.uids, base.gids) == ((0, 7), (0, 8))
    assert not base.incomplete
    assert (box.names, box.diff_digest, box.diff_size, box.compressed_size) == (("box-layer",), "", None, None)
    assert box.created == "2026-11-23T21:28:41.12423991Z"


def test_image_of_podman_has_these_values() -> None:
    _base, two = decode_records((FIXTURES / "images.json").read_bytes(), ImageRecord, "images.json")
    manifest = "sha256:8917d3f5f6b02a71a49e231d500cf94398c0e3d2714f94e78bd698240a9ec5ad"
    assert two.names == ("example.com/strata/two:1", "example.com/strata/two:latest")
    assert two.names_history == ("example.com/strata/two:latest", "example.com/strata/two:1")
    assert two.layer == "5046c67e65c98e87155da0d9d98a3309caa5869f6e46b39542b51515b1f22a97"
    assert two.digest == manifest
    assert two.manifest_digests == (manifest,)
    assert two.big_data_names[1:3] == (f"manifest-{manifest}", "manifest")
    assert two.big_data_sizes["manifest"] == 742
    assert two.big_data_digests["manifest"] == manifest
    assert json.loads(two.metadata) == {"signatures-sizes": {manifest: []}}
    assert two.mapped_layers == ()


def test_container_of_podman_has_these_values() -> None:
    box, gone = decode_records((FIXTURES / "containers.json").read_bytes(), ContainerRecord, "containers.json")
    assert box.names == ("box",)
    assert box.layer == "a4c49361e5a61a0e5b9b75397ece1cd2c6079a368265375fa1269f021056769c"
    assert box.image == "6fb649abbaddae900b1f0f55f0e8c45a2667e681cbb68d38f8834a21738de5a2"
    assert json.loads(box.metadata)["name"] == "box"
    assert box.flags == {"MountLabel": "", "ProcessLabel": ""}
    assert gone.flags["Volatile"] is True
    assert (box.uidmap, box.gidmap, box.big_data_names, box.big_data_sizes, box.big_data_digests) == (
        (),
        (),
        (),
        {},
        {},
    )


def test_unknown_keys_survive_a_change_behind_the_known_ones() -> None:
    data = b'[{"future":{"b":[1.5,null],"a":"<"},"id":"ab","created":"2026-01-01T00:00:00Z","toc-digest":"sha256:00"}]'
    (record,) = decode_records(data.replace(b"<", b"\\u003c"), LayerRecord, "layers.json")
    assert encode_records([record.changed(parent="cd")]) == (
        b'[{"id":"ab","parent":"cd","created":"2026-01-01T00:00:00Z","toc-digest":"sha256:00",'
        b'"future":{"b":[1.5,null],"a":"\\u003c"}}]'
    )


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        (LayerRecord, {"id": "ab"}, '[{"id":"ab","created":"0001-01-01T00:00:00Z"}]'),
        (
            LayerRecord,
            {"id": "ab", "names": [], "parent": None, "compressed_size": 0, "flags": {}, "uidset": [], "created": "t"},
            '[{"id":"ab","created":"t"}]',
        ),
        (LayerRecord, {"id": "ab", "diff_size": -1, "created": "t"}, '[{"id":"ab","created":"t","diff-size":-1}]'),
        (ContainerRecord, {"id": "ab", "created": "t"}, '[{"id":"ab","image":"","layer":"","created":"t"}]'),
        (MountRecord, {"id": "ab", "count": 2, "path": "/p"}, '[{"id":"ab","path":"/p","count":2}]'),
        (
            ImageRecord,
            {"id": "ab", "created": "t", "metadata": "a<b>&c\u2028\u00e9"},
            '[{"id":"ab","metadata":"a\\u003cb\\u003e\\u0026c\\u2028\u00e9","created":"t"}]',
        ),
    ],
)
def test_new_record_is_written_as_go_writes_it(kind: type[Record], values: dict[str, Any], expected: str) -> None:
    assert encode_records([kind.of(**values)]).decode() == expected


def test_no_records_are_an_empty_array() -> None:
    assert encode_records([]) == b"[]"


@pytest.mark.parametrize("data", [None, b"", b"[]", b"null"])
def test_nothing_is_read_as_no_records(data: bytes | None) -> None:
    assert decode_records(data, LayerRecord, "layers.json") == []


@pytest.mark.parametrize(
    "data",
    [
        b"[",
        b"[]]",
        b"{}",
        b'"text"',
        b"[1]",
        b"[null]",
        b"\xff",
        b"[{}]",
        b'[{"id":7}]',
        b'[{"id":""}]',
        b'[{"id":"../../etc"}]',
        b'[{"id":".."}]',
        b'[{"id":"a\\u0000"}]',
        b'[{"id":"ab"},{"id":"cd","names":"x"}]',
        b'[{"id":"ab","names":[]},{"id":"cd","names":[[]]}]',
        b'[{"names":["x"]}]',
        b'[{"id":null}]',
        b'[{"id":"ab","names":"x"}]',
        b'[{"id":"ab","names":[1]}]',
        b'[{"id":"ab","parent":"../x"}]',
        b'[{"id":"ab","diff-size":"1"}]',
        b'[{"id":"ab","diff-size":true}]',
        b'[{"id":"ab","diff-size":1.5}]',
        b'[{"id":"ab","flags":[]}]',
        b'[{"id":"ab","uidset":["0"]}]',
        b'[{"id":"ab","uidmap":[{"container_id":"0"}]}]',
        b"[" * 100000,
    ],
)
def test_damaged_file_is_named(data: bytes) -> None:
    with pytest.raises(StoreDamaged) as caught:
        decode_records(data, LayerRecord, "/g/overlay-layers/layers.json")
    assert caught.value.code == "store_damaged"
    assert caught.value.subject == "/g/overlay-layers/layers.json"


@pytest.mark.parametrize(
    "field",
    [
        b'"big-data-sizes":{"a":"1"}',
        b'"big-data-sizes":{"a":true}',
        b'"big-data-sizes":[1]',
        b'"big-data-digests":{"a":1}',
        b'"names-history":{"a":"b"}',
        b'"metadata":{}',
        b'"layer":"a/b"',
        b'"layer":"."',
    ],
)
def test_one_value_of_the_wrong_type_among_many_right_ones_is_found(field: bytes) -> None:
    good = b'{"id":"%d","names":["x"],"layer":"l","big-data-sizes":{"a":1},"big-data-digests":{"a":"b"},"flags":{}}'
    records = [good % number for number in range(5)]
    assert len(decode_records(b"[" + b",".join(records) + b"]", ImageRecord, "images.json")) == 5
    records.insert(3, b'{"id":"ab",' + field + b"}")
    with pytest.raises(StoreDamaged, match="entry 3 "):
        decode_records(b"[" + b",".join(records) + b"]", ImageRecord, "images.json")


def test_a_wrong_value_in_a_record_with_other_keys_than_the_rest_is_found() -> None:
    good = [b'{"id":"%d","parent":"p"}' % number for number in range(5)]
    later = [b'{"id":"%d","uidmap":[{"host_id":1}],"later":[{}]}' % number for number in range(5, 9)]
    assert len(decode_records(b"[" + b",".join(good + later) + b"]", LayerRecord, "layers.json")) == 9
    for field in (b'"uidmap":[{"host_id":"1"}]', b'"uidset":[true]', b'"parent":"/"', b'"created":7'):
        odd = b'{"id":"ab","later":7,' + field + b"}"
        with pytest.raises(StoreDamaged, match="entry 9 "):
            decode_records(b"[" + b",".join([*good, *later, odd]) + b"]", LayerRecord, "layers.json")


def test_of_a_key_that_stands_twice_the_last_counts_as_for_podman() -> None:
    # Seen with podman 4.3.1 and an image with two lists of names.
    for later in (b"", b',"later":{}'):
        data = b'[{"id":"ab","names":["x"],"names":["y"]%s}]' % later
        (record,) = decode_records(data, ImageRecord, "images.json")
        assert record.names == ("y",)


def test_null_values_are_read_as_absent_ones() -> None:
    (record,) = decode_records(b'[{"id":"ab","names":null,"parent":null,"flags":null}]', LayerRecord, "layers.json")
    assert (record.names, record.parent, record.flags, record.incomplete) == ((), None, {}, False)


@pytest.mark.parametrize(
    ("flags", "expected"), [({}, False), ({"incomplete": True}, True), ({"incomplete": "true"}, False)]
)
def test_only_the_json_value_true_makes_a_layer_incomplete(flags: dict[str, Any], expected: bool) -> None:
    assert LayerRecord.of(id="ab", flags=flags).incomplete is expected


def test_misspelt_field_is_refused() -> None:
    with pytest.raises(TypeError, match="diff-digst"):
        LayerRecord.of(id="ab", diff_digst="x")


def test_empty_layer_has_a_size_of_zero() -> None:
    assert LayerRecord.of(id="ab", diff_digest="sha256:00").diff_size == 0


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text().filter(lambda key: key not in ImageRecord.KEYS), VALUES, max_size=5))
def test_any_unknown_fields_survive_reading_changing_and_writing(unknown: dict[str, Any]) -> None:
    data = json.dumps([{"id": "ab", **unknown}]).encode()
    (record,) = decode_records(data, ImageRecord, "images.json")
    written = encode_records([record.changed(digest="sha256:00")])
    assert json.loads(written) == [{"id": "ab", "digest": "sha256:00", "created": "0001-01-01T00:00:00Z", **unknown}]
