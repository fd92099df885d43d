# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DER as X.690 has it, and what is shorter, longer or looser than that."""

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._trust import der
from ansible_collections.strata.containers.plugins.module_utils._trust.der import BadDer, DerReader, sequence
from hypothesis import given
from hypothesis import strategies as st


def reader(text: str) -> DerReader:
    return DerReader(bytes.fromhex(text))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("020100", 0),
        ("02017f", 127),
        ("02020080", 128),
        ("0201ff", -1),
        ("020180", -128),
        ("0202ff7f", -129),
        ("020300ffff", 65535),
    ],
)
def test_a_number_is_in_as_few_bytes_as_it_needs(text: str, number: int) -> None:
    assert reader(text).integer() == number
    if number >= 0:
        assert der.encode_integer(number).hex() == text


@pytest.mark.parametrize("text", ["0200", "02020000", "0202007f", "0202ffff", "0202ff80", "0101ff", "0281017f", "02"])
def test_no_other_number_is_one(text: str) -> None:
    with pytest.raises(BadDer):
        reader(text).integer()


@pytest.mark.parametrize(
    ("text", "oid"),
    [
        ("06092a864886f70d01010b", "1.2.840.113549.1.1.11"),
        ("06082a8648ce3d040302", "1.2.840.10045.4.3.2"),
        ("06032b6570", "1.3.101.112"),
        ("0603551d0f", "2.5.29.15"),
        ("060127", "0.39"),
        ("06028837", "2.999"),
    ],
)
def test_an_object_identifier_is_dotted(text: str, oid: str) -> None:
    assert reader(text).oid() == oid


@pytest.mark.parametrize("text", ["0600", "06032b6580", "06032b8065", "060180"])
def test_no_other_object_identifier_is_one(text: str) -> None:
    with pytest.raises(BadDer):
        reader(text).oid()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (b"\x17\x0d700101000000Z", 0),
        (b"\x17\x0d500101000000Z", -631152000),
        (b"\x17\x0d491231235959Z", 2524607999),
        (b"\x17\x0d240229000000Z", 1709164800),
        (b"\x18\x0f20250101000000Z", 1735689600),
        (b"\x18\x0f99991231235959Z", 253402300799),
    ],
)
def test_a_time_is_in_seconds(text: bytes, seconds: int) -> None:
    assert DerReader(text).time() == seconds


@pytest.mark.parametrize(
    "text",
    [
        b"\x17\x0b7001010000Z",
        b"\x17\x11700101000000+0000",
        b"\x17\x0d700101000000z",
        b"\x17\x0d700001000000Z",
        b"\x17\x0d701301000000Z",
        b"\x17\x0d700100000000Z",
        b"\x17\x0d250229000000Z",
        b"\x17\x0d700101240000Z",
        b"\x17\x0d700101006000Z",
        b"\x17\x0d700101000060Z",
        b"\x18\x0f00000101000000Z",
        b"\x18\x1120250101000000.0Z",
        b"\x13\x0d700101000000Z",
    ],
)
def test_no_other_time_is_one(text: bytes) -> None:
    with pytest.raises(BadDer):
        DerReader(text).time()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "30",
        "3001",
        "3080",
        "3080 0000",
        "308100",
        "30817f" + "00" * 127,
        "30820080" + "00" * 128,
        "3085 0000000001 00",
        "31 00",
        "30 00 00",
        "1f8100 00",
        "bf8100 00",
    ],
)
def test_a_sequence_is_one_and_its_length_is_short(text: str) -> None:
    with pytest.raises(BadDer):
        sequence(bytes.fromhex(text))


def test_a_length_of_128_and_more_has_bytes_of_its_own() -> None:
    for size, head in ((127, "047f"), (128, "048180"), (255, "0481ff"), (256, "04820100")):
        value = der.encode(der.OCTET_STRING, b"x" * size)
        assert value.startswith(bytes.fromhex(head))
        assert DerReader(value).read(der.OCTET_STRING) == b"x" * size


def test_true_and_false_are_one_byte_each() -> None:
    assert (reader("0101ff").boolean(), reader("010100").boolean()) == (True, False)
    for text in ("010101", "0100", "01020000"):
        with pytest.raises(BadDer):
            reader(text).boolean()


def test_a_string_of_bits_is_of_whole_bytes() -> None:
    assert reader("03020041").bits() == b"A"
    for text in ("0300", "03020141"):
        with pytest.raises(BadDer):
            reader(text).bits()


def test_what_is_left_over_is_seen() -> None:
    found = reader("02010105 00".replace(" ", ""))
    assert found.next_is(der.INTEGER) and not found.next_is(der.NULL)
    assert found.whole(der.INTEGER) == bytes.fromhex("020101")
    with pytest.raises(BadDer):
        found.end()
    assert found.read(der.NULL) == b""
    found.end()
    assert found.at_end and not found.next_is(der.NULL)


@given(st.binary(max_size=60))
def test_nothing_but_bad_der_comes_of_any_bytes(data: bytes) -> None:
    for read in (DerReader.integer, DerReader.oid, DerReader.boolean, DerReader.bits, DerReader.time):
        try:
            read(DerReader(data))
        except BadDer:
            pass


@given(st.integers(min_value=0))
def test_a_number_comes_back_as_it_was(number: int) -> None:
    assert DerReader(der.encode_integer(number)).integer() == number


def test_a_tag_of_several_bytes_and_a_length_left_open_are_none() -> None:
    for data in (b"\x1f\x01\x00", b"\xbf\x01\x00", b"\x30\x80" + bytes(128)):
        with pytest.raises(BadDer):
            DerReader(data).any()
