# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._layer.compression import CorruptLayer
from ansible_collections.strata.containers.plugins.module_utils._layer.tar_header import (
    TarMember,
    UnsafeLayer,
    apply_extended,
    parse_header,
    parse_pax_records,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._layer.tar_bytes import (
    GNU,
    V7,
    header,
    pax_record,
)
from hypothesis import given
from hypothesis import strategies as st

SECOND = 1_000_000_000


def merged(
    *records: tuple[bytes, bytes], kind: bytes = b"0", long_name: bytes = b"", long_link: bytes = b""
) -> TarMember:
    member = parse_header(header(b"file", kind, linkname=b"target"))
    apply_extended(member, dict(records), long_name, long_link)
    return member


# What a field of twelve bytes holds, and what Go's reader makes of it (archive/tar, strconv_test.go).
@pytest.mark.parametrize(
    ("field", "number"),
    [
        (b"00000000227\0", 0o227),
        (b" \x000000003\0", 3),
        (b"\x00 0000660\0 ", 0o660),
        (b"32033\0 ", 0o32033),
        (b"01234567\x0089a", 342391),
        (b"            ", 0),
        (b"777777777777", 0o777777777777),
        (b"\x80" + bytes(10) + b"\x07", 7),
        (b"\x80\x00\x00\x00\x07\x76\xa2\x22\xeb\x8a\x72\x61", 537795476381659745),
        (b"\x80\x00\x00\x00\x7f" + b"\xff" * 7, (1 << 63) - 1),
        (b"\xff\xff\xff\xff\xf7\x76\xa2\x22\xeb\x8a\x72\x61", -615126028225187231),
        (b"\xff\xff\xff\xff\x80" + bytes(7), -(1 << 63)),
    ],
)
def test_number_is_octal_or_base_256(field: bytes, number: int) -> None:
    assert parse_header(header(mtime=field)).mtime_ns == number * SECOND


@pytest.mark.parametrize(
    "field",
    [
        b"0123456789ab",
        b"00000000008\0",
        b"+0000000001\0",
        b"0o000000001\0",
        b"0000_000001\0",
        b"12 34\0",
        b"\x80\x00\x00\x00\x80" + bytes(7),
        b"\xff\xff\xff\xff\x7f" + b"\xff" * 7,
        b"\xf5\xec\xd1\xc7\x7e\x5f\x26\x48\x81\x9f\x8f\x9b",
    ],
)
def test_anything_else_is_no_number(field: bytes) -> None:
    with pytest.raises(CorruptLayer, match="^file: invalid tar header"):
        parse_header(header(mtime=field))


@pytest.mark.parametrize("field", ["mode", "uid", "gid", "length", "mtime", "devmajor", "devminor", "checksum"])
def test_damage_is_found_in_every_number(field: str) -> None:
    with pytest.raises(CorruptLayer, match="not octal"):
        parse_header(header(**{field: b"9"}))


def test_checksum_may_be_a_sum_of_signed_bytes() -> None:
    assert parse_header(header(b"caf\xe9\xff", signed=True)).name == b"caf\xe9\xff"


@pytest.mark.parametrize("checksum", [b"000000\0 ", b"\x80\0\0\0\0\0\0\1"])
def test_wrong_checksum_is_refused(checksum: bytes) -> None:
    with pytest.raises(CorruptLayer) as caught:
        parse_header(header(checksum=checksum))
    assert caught.value.code == "corrupt_layer"


def test_checksum_is_the_whole_sum_of_the_largest_bytes() -> None:
    largest = {"linkname": b"\xff" * 100, "prefix": b"\xff" * 155, "trailer": b"\xff" * 4}
    block = header(b"\xff" * 100, **largest)
    assert parse_header(block).linkname == b"\xff" * 100
    total = int(block[148:154], 8)
    # The modulus of Adler-32, by which halves of the block are added.
    assert total > 65521
    with pytest.raises(CorruptLayer, match="wrong checksum"):
        parse_header(header(b"\xff" * 100, checksum=b"%06o\0 " % (total - 65521), **largest))


@pytest.mark.parametrize(
    ("field", "owner"),
    [
        (b"7777777\0", 0o7777777),
        (b"\x80\0\0\0\xff\xff\xff\xfe", 4294967294),
        # -2, the nobody of NFS and of macOS: chown(2) takes 32 bits.
        (b"\xff\xff\xff\xff\xff\xff\xff\xfe", 4294967294),
        (b"\x80\0\0\1\0\0\0\7", 7),
    ],
)
def test_owner_is_what_the_kernel_takes(field: bytes, owner: int) -> None:
    member = parse_header(header(uid=field, gid=field))
    assert (member.uid, member.gid) == (owner, owner)


def test_negative_size_is_refused_where_there_is_content() -> None:
    negative = b"\xff" * 12
    with pytest.raises(CorruptLayer, match="negative size"):
        parse_header(header(length=negative))
    member = parse_header(header(kind=b"5", length=negative))
    apply_extended(member, {}, b"", b"")
    assert member.size == 0


@pytest.mark.parametrize(
    ("magic", "raw", "name", "atime_ns"),
    [
        (b"ustar\x0000", {"prefix": b"a" * 155}, b"a" * 155 + b"/file", None),
        # Any version: Go looks at the first six bytes.
        (b"ustar\x00  ", {"prefix": b"dir"}, b"dir/file", None),
        (V7, {"prefix": b"dir"}, b"file", None),
        (
            b"ustar\x0000",
            {"prefix": b"dir", "star_atime": b"00000000012\0", "trailer": b"tar\0"},
            b"dir/file",
            10 * SECOND,
        ),
        (GNU, {"prefix": b"00000000012\0"}, b"file", 10 * SECOND),
        (GNU, {"prefix": bytes(12) + b"00000000012\0"}, b"file", None),
        # Go before 1.8 put the prefix of a long name where GNU has times.
        (GNU, {"prefix": b"directory"}, b"directory/file", None),
        (GNU, {"prefix": b"00000000012\0" + b"directory"}, b"00000000012/file", None),
        (GNU, {"prefix": b"caf\xe9"}, b"file", None),
    ],
)
def test_each_layout_is_told_by_its_magic(
    magic: bytes, raw: dict[str, bytes], name: bytes, atime_ns: int | None
) -> None:
    member = parse_header(header(magic=magic, **raw))
    assert (member.name, member.atime_ns) == (name, atime_ns)


def test_fields_without_nul_are_read_to_their_end() -> None:
    member = parse_header(header(b"n" * 100, b"2", linkname=b"l" * 100))
    assert (member.name, member.linkname) == (b"n" * 100, b"l" * 100)


def test_devices_have_numbers_since_ustar() -> None:
    numbers = {"devmajor": b"0000010\0", "devminor": b"0000377\0"}
    member = parse_header(header(kind=b"3", **numbers))
    old = parse_header(header(kind=b"3", magic=V7, **numbers))
    assert (member.devmajor, member.devminor) == (8, 255)
    assert (old.devmajor, old.devminor) == (0, 0)


# archive/tar, strconv_test.go, and POSIX pax, "pax Extended Header".
@pytest.mark.parametrize(
    ("data", "records"),
    [
        (b"", {}),
        (b"6 k=v\n", {b"k": b"v"}),
        (b"19 path=/etc/hosts\n", {b"path": b"/etc/hosts"}),
        (b"10 a=name\n9 b=name\n", {b"a": b"name", b"b": b"name"}),
        (b"000000000000000000000029 k=v\n", {b"k": b"v"}),
        (b"18 foo=b=\nar=\n==\x00\n", {b"foo": b"b=\nar=\n==\x00"}),
        (b"27 foo=hello9 foo=ba\nworld\n", {b"foo": b"hello9 foo=ba\nworld"}),
        (b"13 key1=val1\n13 key2=val2\n8 key1=\n", {b"key1": b"", b"key2": b"val2"}),
    ],
)
def test_records_have_their_length_before_them(data: bytes, records: dict[bytes, bytes]) -> None:
    assert parse_pax_records(data) == records


@pytest.mark.parametrize(
    "data",
    [
        b"17 \x00hello=\x00world\n",
        b"14 path=a\x00bcde\n",
        b"18 linkpath=a\x00bcd\n",
        b"1 k=1\n",
        b"6 k~1\n",
        b"6_k=1\n",
        b"6 k=1 ",
        b"632 k=1\n",
        b"16 longkeyname=hahaha\n",
        b"3 somelongkey=\n",
        b"50 tooshort=\n",
        b"5 =v\n",
        b"6 k=v\n\n",
        b"-6 k=v\n",
        b"0x6 k=v\n",
        b"0000000000000000005 \n",
        b"9" * 5000 + b" k=v\n",
    ],
)
def test_malformed_record_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptLayer, match="PAX record"):
        parse_pax_records(data)


@given(st.dictionaries(st.binary(min_size=1).filter(lambda key: not {0, 0x3D} & set(key)), st.binary(), max_size=4))
def test_records_are_read_as_they_were_written(records: dict[bytes, bytes]) -> None:
    records = {key: value for key, value in records.items() if key not in (b"path", b"linkpath", b"uname", b"gname")}
    assert parse_pax_records(b"".join(pax_record(key, value) for key, value in records.items())) == records


@pytest.mark.parametrize(
    ("value", "nanoseconds"),
    [
        (b"1350244992.023960108", 1350244992_023960108),
        (b"1350244992.02396010", 1350244992_023960100),
        (b"1350244992.0239601089", 1350244992_023960108),
        (b"1350244992.3", 1350244992_300000000),
        (b"1350244992", 1350244992_000000000),
        (b"1.", 1_000000000),
        (b"+1", 1_000000000),
        (b"-1.000000001", -1_000000001),
        (b"-1.999999999", -1_999999999),
        (b"-0.1", -100000000),
        (b"-0.0", 0),
        (b"00000000000000000000000000000000000001", 1_000000000),
        (b"9223372036854775807", 9223372036854775807_000000000),
    ],
)
def test_time_keeps_nanoseconds_and_sign(value: bytes, nanoseconds: int) -> None:
    member = merged((b"mtime", value), (b"atime", value), (b"ctime", value))
    assert (member.mtime_ns, member.atime_ns) == (nanoseconds, nanoseconds)


@pytest.mark.parametrize("key", [b"mtime", b"atime", b"ctime"])
@pytest.mark.parametrize(
    "value",
    [b".5", b"-", b"+", b"-1.-1", b"9" * 47, b"9223372036854775808", b"0.123456789abcdef", b"foo", b"\0", b" 1", b"1\n"]
    + ["𝟵𝟴.𝟳".encode(), b"1e3", b"1_0", b"9" * 5000],
)
def test_what_is_no_time_is_refused(key: bytes, value: bytes) -> None:
    with pytest.raises(CorruptLayer, match="PAX record"):
        merged((key, value))


@pytest.mark.parametrize("key", [b"uid", b"gid", b"size"])
@pytest.mark.parametrize("value", [b"x", b"1.0", b"0x1", b"1_0", b"9223372036854775808", b"9" * 5000, b"-"])
def test_what_is_no_number_is_refused_in_a_record(key: bytes, value: bytes) -> None:
    with pytest.raises(CorruptLayer, match="no number"):
        merged((key, value))


def test_records_go_before_the_header() -> None:
    member = merged(
        (b"path", b"other"),
        (b"linkpath", b"elsewhere"),
        (b"uid", b"-2"),
        (b"gid", b"70000"),
        (b"size", b"000000000000000000000999"),
        (b"SCHILY.xattr.security.capability", b"\1\0\0\2=\0"),
        (b"LIBARCHIVE.xattr.user.other", b"eA"),
        (b"comment", b"\xff"),
    )
    assert (member.name, member.linkname, member.size) == (b"other", b"elsewhere", 999)
    assert (member.uid, member.gid) == (4294967294, 70000)
    assert member.xattrs == {b"security.capability": b"\1\0\0\2=\0"}


def test_record_without_value_leaves_the_header() -> None:
    member = merged((b"path", b""), (b"mtime", b""), (b"SCHILY.xattr.user.empty", b""))
    assert (member.name, member.mtime_ns, member.xattrs) == (b"file", 0, {})


def test_long_names_of_gnu_go_before_records() -> None:
    member = merged((b"path", b"pax"), (b"linkpath", b"pax"), long_name=b"gnu", long_link=b"gnulink")
    assert (member.name, member.linkname) == (b"gnu", b"gnulink")


def test_negative_size_in_a_record_is_refused() -> None:
    with pytest.raises(CorruptLayer, match="negative size"):
        merged((b"size", b"-1"))


@pytest.mark.parametrize("kind", [b"1", b"2", b"3", b"4", b"5", b"6"])
def test_size_of_what_has_no_content_is_nothing(kind: bytes) -> None:
    assert merged((b"size", b"512"), kind=kind).size == 0


@pytest.mark.parametrize(("path", "kind"), [(b"name/", b"5"), (b"name", b"0")])
def test_slash_of_the_final_name_tells_a_directory_of_old(path: bytes, kind: bytes) -> None:
    assert merged((b"path", path), kind=b"\0").type == kind
    assert merged(kind=b"\0", long_name=path).type == kind


@pytest.mark.parametrize("key", [b"GNU.sparse.major", b"GNU.sparse.map", b"GNU.sparse.name", b"GNU.sparse.size"])
def test_sparse_file_in_pax_form_is_refused(key: bytes) -> None:
    with pytest.raises(UnsafeLayer) as caught:
        merged((key, b"1"))
    assert caught.value.facts()["code"] == "unsafe_layer"
    assert merged((key, b"1"), kind=b"g").type == b"g"


@given(st.binary(min_size=512, max_size=512))
def test_any_block_is_a_member_or_an_error_of_ours(block: bytes) -> None:
    fixed = bytearray(block)
    fixed[148:156] = b" " * 8
    fixed[148:156] = b"%06o\0 " % sum(fixed)
    try:
        assert parse_header(bytes(fixed)).uid >= 0
    except CorruptLayer as error:
        assert "invalid tar header" in str(error)
