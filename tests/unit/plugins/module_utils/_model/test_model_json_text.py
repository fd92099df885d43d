# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.json_text import (
    BadJson,
    RepeatedKeys,
    go_json,
    parse_json,
    plain_json,
)
from hypothesis import given
from hypothesis import strategies as st

REFUSED = {
    "nothing": b"",
    "white space alone": b" \n",
    "half a document": b'{"a":',
    "a document after the first": b"{} {}",
    "a byte after the document": b"{}x",
    "a comma too many": b"[1,]",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "Latin-1": b'"\xe9"',
    "an overlong encoding": b'"\xc0\xaf"',
    "a surrogate in UTF-8": b'"\xed\xa0\x80"',
    "half of a surrogate pair": rb'{"a":["\ud800"]}',
    "the other half of a pair": rb'"\uDC00x"',
    "half of a pair as a key": rb'{"\ud834":1}',
    "a duplicate key": b'{"a":1,"a":1}',
    "a duplicate key far inside": b'{"a":[{"b":{"c":1,"d":2,"c":3}}]}',
    "the same key spelt with an escape": rb'{"a":1,"\u0061":2}',
    "NaN": b'{"a":NaN}',
    "infinity": b"[Infinity]",
    "negative infinity": b"[-Infinity]",
    "infinity by its exponent": b"[1e999]",
    "an integer beyond floating point": b"1" * 310,
    "a number as long as a bomb": b"1" * 100_000,
    "arrays as deep as a bomb": b"[" * 200_000,
    "a control character in a string": b'"\x00"',
    "single quotes": b"{'a':1}",
    "a leading zero": b"[01]",
    "a comment": b"{} // no",
    "a web page": b"<!DOCTYPE html><html></html>",
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_readers_could_understand_differently_is_refused(case: str) -> None:
    with pytest.raises(BadJson) as caught:
        parse_json(REFUSED[case], "this document")
    assert caught.value.code == "invalid_json"
    assert caught.value.subject == "this document"
    assert caught.value.message.startswith("invalid JSON: ")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"null", None),
        (b" [1, -2, 3.5, true]\n", [1, -2, 3.5, True]),
        (rb'{"a":"\ud834\udd1e"}', {"a": "\U0001d11e"}),
        (rb'"\\ud800"', "\\ud800"),
        ('{"\u00e9":"\u00fc"}'.encode(), {"\u00e9": "\u00fc"}),
        (b'{"a":{"x":1},"b":{"x":1}}', {"a": {"x": 1}, "b": {"x": 1}}),
        (b"9223372036854775807", 9223372036854775807),
    ],
)
def test_plain_json_is_read(text: bytes, value: object) -> None:
    assert parse_json(text, "x") == value


@pytest.mark.parametrize(
    "case", sorted(case for case in REFUSED if "key" not in case and case != "an integer beyond floating point")
)
def test_nothing_of_that_passes_for_plain(case: str) -> None:
    assert plain_json(REFUSED[case]) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'[{"a":[1,-2],"b":{"c":"\\u003c"}},{}]', [{"a": [1, -2], "b": {"c": "<"}}, {}]),
        (b"[1.5]", None),
        (rb'["\ud834\udd1e"]', None),
        (b'{"a":1,"a":2}', {"a": 2}),
    ],
)
def test_what_is_not_plain_is_left_to_the_strict_parser(text: bytes, value: object) -> None:
    assert plain_json(text) == value


def test_repeated_keys_are_marked_where_that_is_asked_for() -> None:
    value = parse_json(b'{"a":{"x":1,"x":[1]},"b":{"x":1},"c":[{"y":1,"\\u0079":2}]}', "x", mark_repeated_keys=True)
    assert not isinstance(value, RepeatedKeys) and not isinstance(value["b"], RepeatedKeys)
    assert isinstance(value["a"], RepeatedKeys) and isinstance(value["c"][0], RepeatedKeys)
    assert isinstance(parse_json(b'{"a":1,"a":1}', "x", mark_repeated_keys=True), RepeatedKeys)


@pytest.mark.parametrize("case", sorted(name for name in REFUSED if "key" not in name))
def test_all_else_is_refused_then_too(case: str) -> None:
    with pytest.raises(BadJson):
        parse_json(REFUSED[case], "this document", mark_repeated_keys=True)


def test_an_error_keeps_no_copy_of_a_document_that_may_hold_secrets() -> None:
    with pytest.raises(BadJson) as caught:
        parse_json(b'{"auths":{"h":{"auth":"aHVudGVyMg=="}},}', "auth.json")
    error: BaseException | None = caught.value
    assert "aHVudGVyMg" not in repr(vars(caught.value)) + str(error)
    assert error is not None and error.__cause__ is None and error.__suppress_context__


def test_a_deep_document_does_not_depend_on_the_recursion_limit_being_far() -> None:
    depth = sys.getrecursionlimit() * 100
    with pytest.raises(BadJson):
        parse_json(b'{"a":' * depth + b"1" + b"}" * depth, "x")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({}, "{}"),
        ([], "[]"),
        ({"b": 1, "a": [True, None]}, '{"b":1,"a":[true,null]}'),
        ("a<b>&c", '"a\\u003cb\\u003e\\u0026c"'),
        ("line\u2028paragraph\u2029", '"line\\u2028paragraph\\u2029"'),
        ("\u00e9 \u4e16 \U0001d11e", '"\u00e9 \u4e16 \U0001d11e"'),
        ('quote" back\\slash', '"quote\\" back\\\\slash"'),
        ("new\nline tab\t return\r", '"new\\nline tab\\t return\\r"'),
        ("\x01\x1f\x7f", '"\\u0001\\u001f\x7f"'),
        ({"<": {"&": 1}}, '{"\\u003c":{"\\u0026":1}}'),
    ],
)
def test_json_is_written_as_go_writes_it(value: object, text: str) -> None:
    assert go_json(value) == text


def test_a_record_that_podman_wrote_is_written_back_byte_for_byte() -> None:
    record = (
        b'{"id":"a3c3bfbfe562d97d6e05764010d97b03b63d62f5324ace4b493d67a44315144d",'
        b'"parent":"ac8b4038ce8be089d976843edea83186a5831f57712826cafcb0aa07f276864d",'
        b'"created":"2026-11-23T16:51:47.945530359Z","compressed-size":515,'
        b'"diff-digest":"sha256:1e6072bdb46a801040613d0e8765a586131819ed98caa762dc7bfef03ae27b1f",'
        b'"diff-size":20480,"compression":2,"uidset":[0,7],"gidset":[0,8]}'
    )
    assert go_json(parse_json(record, "record")).encode() == record


def documents() -> st.SearchStrategy[Any]:
    # Surrogates alone have no UTF-8.
    text = st.text(alphabet=st.characters(blacklist_categories=["Cs"]), max_size=12)
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text
    return st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4))


@given(documents())
def test_what_is_written_is_read_back_the_same(value: object) -> None:
    assert parse_json(go_json(value).encode("utf-8"), "x") == value


@given(documents())
def test_the_escapes_change_no_meaning(value: object) -> None:
    assert json.loads(go_json(value)) == value


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\u0dD8aeEnN1-. \n', max_size=40).map(str.encode))
def test_any_bytes_are_json_or_an_error_of_ours(data: bytes) -> None:
    try:
        value = parse_json(data, "x")
    except BadJson:
        return
    go_json(value).encode("utf-8")
