# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which blocks of PEM are found in a text: as Go finds them, for the first one is the key that is trusted."""

from __future__ import annotations

import base64

import pytest
from ansible_collections.strata.containers.plugins.module_utils._trust.base64_text import decoded
from ansible_collections.strata.containers.plugins.module_utils._trust.pem import blocks, first_block
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.pem_text import as_pem
from hypothesis import given
from hypothesis import strategies as st

KEY = b"-----BEGIN KEY-----\nQUJD\n-----END KEY-----\n"
OTHER = b"-----BEGIN OTHER-----\nREVG\n-----END OTHER-----\n"


def found(text: bytes) -> list[tuple[str, bytes]]:
    return [(block.label, block.data) for block in blocks(text)]


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        KEY.rstrip(),
        b"\n\ntext\n" + KEY + b"more",
        KEY.replace(b"\n", b"\r\n"),
        KEY.replace(b"-\n", b"- \t\n"),
        KEY.replace(b"QUJD", b"Q U\tJ\nD"),
        KEY.replace(b"QUJD", b"QUJD\n\n"),
        KEY.replace(b"QUJD", b"Proc-Type: 4\nA: b\n\nQUJD"),
        b"-----BEGIN KEY-----\n" + KEY,
        b"-----BEGIN KEY-----\nQUJD\n-----END WRONG-----\n" + KEY,
        b"-----BEGIN KEY-----\nQUJD\n-----END KEY----\n" + KEY,
        b"-----BEGIN KEY-----\nQ?JD\n-----END KEY-----\n" + KEY,
        b"-----BEGIN KEY----\nREVG\n-----END KEY-----\n" + KEY,
        b"x-----BEGIN OTHER-----\nREVG\n-----END OTHER-----\n" + KEY,
    ],
)
def test_the_block_is_found_whatever_is_around_it(text: bytes) -> None:
    assert found(text) == [("KEY", b"ABC")]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"QUJD",
        KEY[1:],
        KEY.replace(b"BEGIN", b"begin"),
        KEY.replace(b"QUJD", b"QUJ"),
        KEY.replace(b"QUJD", b"QU-_"),
        KEY.replace(b"QUJD", b"QUJD=QUJD"),
        KEY.replace(b"END KEY-----", b"END KEY-----x"),
        KEY.replace(b"END KEY-----", b"END KEY"),
        KEY[:30],
    ],
)
def test_what_looks_like_a_block_and_is_none_is_passed_over(text: bytes) -> None:
    assert found(text) == []


def test_bytes_that_are_no_text_make_a_label_that_nobody_asks_for_and_no_body() -> None:
    assert found(KEY.replace(b"KEY", b"\xff") + OTHER) == [("\ufffd", b"ABC"), ("OTHER", b"DEF")]
    assert found(KEY.replace(b"QUJD", b"QU\xffJD") + OTHER) == [("OTHER", b"DEF")]


def test_an_empty_block_is_one() -> None:
    assert found(b"-----BEGIN KEY-----\n-----END KEY-----\n" + OTHER) == [("KEY", b""), ("OTHER", b"DEF")]


def test_several_blocks_come_in_order_and_what_follows_is_told() -> None:
    assert found(OTHER + b"x\n" + KEY) == [("OTHER", b"DEF"), ("KEY", b"ABC")]
    first = first_block(KEY + b"\n")
    assert first is not None and (first.rest, first.has_headers) == (b"\n", False)
    with_headers = first_block(KEY.replace(b"QUJD", b"A: b\nQUJD"))
    assert with_headers is not None and with_headers.has_headers


@given(st.binary(max_size=200))
def test_what_is_written_is_read(data: bytes) -> None:
    text = as_pem("SOME KEY", data)
    assert found(text) == [("SOME KEY", data)]
    assert max(map(len, text.splitlines())) <= 64
    assert b"".join(text.splitlines()[1:-1]) == base64.b64encode(data)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("", b""),
        ("QUJD", b"ABC"),
        ("QU\r\nJD", b"ABC"),
        ("QQ==", b"A"),
        ("QQ", None),
        ("QQ=", None),
        ("Q Q==", None),
        ("QQ==QUJD", None),
        ("Q-_D", None),
        ("ＱUJD", None),
        ("QUJD\x00", None),
    ],
)
def test_base64_is_of_the_standard_alphabet_with_padding(text: str, data: bytes | None) -> None:
    assert decoded(text) == data
