# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates and keys put together byte by byte: what is malformed in one place is none."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from ansible_collections.strata.containers.plugins.module_utils._trust.der import encode, encode_integer
from ansible_collections.strata.containers.plugins.module_utils._trust.x509_certificate import (
    BadCertificate,
    Certificate,
    parse_certificate,
    parse_pem_bundle,
    parse_pem_certificates,
)
from ansible_collections.strata.containers.plugins.module_utils._trust.x509_key import BadKey, ecdsa_numbers, parse_key
from ansible_collections.strata.containers.plugins.module_utils._trust.x509_names import AlternativeNames, readable
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.pem_text import as_pem
from hypothesis import given
from hypothesis import strategies as st


def seq(*parts: bytes) -> bytes:
    return encode(0x30, b"".join(parts))


def oid(content: str) -> bytes:
    return encode(0x06, bytes.fromhex(content))


def name(kind: str, tag: int, value: bytes) -> bytes:
    return seq(encode(0x31, seq(oid(kind), encode(tag, value))))


def extension(kind: str, value: bytes, critical: bytes = b"") -> bytes:
    return seq(oid(kind), critical, encode(0x04, value))


KEY_USAGE, NAMES, BASIC, PURPOSES = "551d0f", "551d11", "551d13", "551d25"
SHA256_WITH_ECDSA = seq(oid("2a8648ce3d040302"))
TRUE = bytes.fromhex("0101ff")
POINT = b"\x04" + bytes(64)
P256_KEY = seq(seq(oid("2a8648ce3d0201"), oid("2a8648ce3d030107")), encode(0x03, b"\x00" + POINT))


@dataclass(frozen=True)
class Parts:
    """A certificate before it is put together."""

    version: bytes = encode(0xA0, encode_integer(2))
    serial: bytes = encode_integer(1)
    inner: bytes = SHA256_WITH_ECDSA
    issuer: bytes = name("550403", 0x0C, b"Issuer")
    validity: bytes = seq(encode(0x17, b"240101000000Z"), encode(0x18, b"20500101000000Z"))
    subject: bytes = name("55040a", 0x13, b"Subject")
    key: bytes = P256_KEY
    unique: bytes = b""
    extensions: tuple[bytes, ...] = ()
    after: bytes = b""
    outer: bytes = SHA256_WITH_ECDSA
    signature: bytes = encode(0x03, b"\x00sig")
    end: bytes = b""

    @property
    def der(self) -> bytes:
        listed = encode(0xA3, seq(*self.extensions)) if self.extensions else b""
        parts = (self.version, self.serial, self.inner, self.issuer, self.validity, self.subject, self.key)
        signed = seq(*parts, self.unique, listed, self.after)
        return seq(signed, self.outer, self.signature, self.end)


GOOD = Parts()


def parsed(**changes: object) -> Certificate:
    return parse_certificate(replace(GOOD, **changes).der)  # type: ignore[arg-type]


def test_a_certificate_is_what_it_says() -> None:
    found = parsed()
    assert (found.version, found.algorithm, found.signature) == (3, "1.2.840.10045.4.3.2", b"sig")
    assert (found.not_before, found.not_after) == (1704067200, 2524608000)
    assert (found.issuer, found.subject, found.key) == (GOOD.issuer, GOOD.subject, GOOD.key)
    assert (found.rights.authority, found.rights.may_sign, found.rights.purposes) == (None, True, ())
    assert (found.names, found.not_understood) == (AlternativeNames(), ())
    assert (readable(found.issuer), readable(found.subject)) == ("CN=Issuer", "O=Subject")
    # RFC 5280 asks issuers for a positive one; Go's crypto/x509 refuses only negative ones.
    assert parsed(serial=encode_integer(0)).subject == found.subject


def test_older_versions_have_no_extensions() -> None:
    assert parsed(version=b"").version == 1
    assert (
        parsed(version=encode(0xA0, encode_integer(1)), unique=encode(0x81, b"\x00a") + encode(0x82, b"\x00b")).version
        == 2
    )
    some = (extension(BASIC, seq()),)
    for version in (b"", encode(0xA0, encode_integer(1))):
        with pytest.raises(BadCertificate):
            parsed(version=version, extensions=some)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": encode(0xA0, encode_integer(0))},
        {"version": encode(0xA0, encode_integer(3))},
        {"version": encode(0xA0, encode_integer(2) + b"\x05\x00")},
        {"serial": bytes.fromhex("0201ff")},
        {"serial": b""},
        {"inner": seq(oid("2a8648ce3d040303"))},
        {"validity": seq(encode(0x17, b"240101000000Z"))},
        {"validity": seq(encode(0x17, b"240101000000Z"), encode(0x17, b"240101000000Z"), b"\x05\x00")},
        {"validity": seq(encode(0x17, b"249901000000Z"), encode(0x17, b"240101000000Z"))},
        {"signature": encode(0x03, b"\x01sig")},
        {"after": b"\x05\x00"},
        {"extensions": (extension(BASIC, seq()),), "after": b"\x05\x00"},
        {"end": b"\x05\x00"},
        {"extensions": (extension(BASIC, seq()), extension(BASIC, seq()))},
        {"extensions": (extension(BASIC, seq()) + b"\x05\x00",)},
        {"extensions": (seq(oid(BASIC), encode(0x04, seq()), b"\x05\x00"),)},
        {"extensions": (extension(BASIC, seq(), bytes.fromhex("010101")),)},
        {"extensions": (extension(BASIC, b""),)},
        {"extensions": (extension(BASIC, seq(TRUE, encode_integer(0), b"\x05\x00")),)},
        {"extensions": (extension(BASIC, seq(TRUE, bytes.fromhex("0201ff"))),)},
        {"extensions": (extension(KEY_USAGE, b"\x03\x00"),)},
        {"extensions": (extension(KEY_USAGE, b"\x03\x02\x08\x00"),)},
        {"after": encode(0xA3, seq(extension(BASIC, seq())) + b"\x05\x00")},
        {"extensions": (extension(KEY_USAGE, b"\x03\x01\x01"),)},
        {"extensions": (extension(KEY_USAGE, b"\x03\x01\x07"),)},
        {"extensions": (extension(KEY_USAGE, b"\x03\x02\x01\x05"),)},
        {"extensions": (extension(KEY_USAGE, b"\x03\x02\x03\x04"),)},
        {"extensions": (extension(KEY_USAGE, b"\x03\x02\x01\x06\x05\x00"),)},
        {"extensions": (extension(PURPOSES, seq(b"\x05\x00")),)},
        {"extensions": (extension(NAMES, seq(encode(0x87, b"abc"))),)},
        {"extensions": (extension(NAMES, seq(encode(0x81, b"\xff@example.com"))),)},
        {"extensions": (extension(NAMES, seq(encode(0x86, b"http://[::1"))),)},
        {"extensions": (extension(NAMES, seq(encode(0x81, b"a")) + b"\x05\x00"),)},
    ],
)
def test_what_is_malformed_in_one_place_is_no_certificate(changes: dict[str, object]) -> None:
    with pytest.raises(BadCertificate):
        parsed(**changes)


@pytest.mark.parametrize(
    ("bits", "may_sign"),
    [("03020204", True), ("03020106", True), ("03020780", False), ("030100", False), ("0303070680", True)],
)
def test_the_sixth_bit_of_a_key_usage_is_the_signing_of_certificates(bits: str, may_sign: bool) -> None:
    assert parsed(extensions=(extension(KEY_USAGE, bytes.fromhex(bits)),)).rights.may_sign is may_sign


@pytest.mark.parametrize(
    ("value", "authority", "length"),
    [
        (seq(), False, None),
        (seq(TRUE), True, None),
        (seq(TRUE, encode_integer(0)), True, 0),
        (seq(TRUE, encode_integer(3)), True, 3),
        (seq(bytes.fromhex("010100")), False, None),
    ],
)
def test_basic_constraints_tell_an_authority(value: bytes, authority: bool, length: int | None) -> None:
    rights = parsed(extensions=(extension(BASIC, value),)).rights
    assert (rights.authority, rights.path_length) == (authority, length)


def test_names_are_kept_by_kind() -> None:
    kinds = ((0x81, b"a@b.c"), (0x82, b"b.c"), (0x86, b"https://b.c/d"), (0x87, b"\xc0\x00\x02\x01"), (0xA0, b""))
    value = seq(*(encode(tag, content) for tag, content in kinds))
    names = parsed(extensions=(extension(NAMES, value),)).names
    assert names == AlternativeNames(("a@b.c",), ("b.c",), ("https://b.c/d",), (b"\xc0\x00\x02\x01",))
    assert names.known
    for tag, content in kinds[:-1]:
        alone = (extension(NAMES, seq(encode(tag, content)), TRUE),)
        assert parsed(extensions=alone).not_understood == ()
    assert not parsed(extensions=(extension(NAMES, seq(encode(0xA0, b""))),)).names.known


@pytest.mark.parametrize(
    ("kind", "understood"),
    [
        (KEY_USAGE, True),
        ("551d0e", True),
        ("551d20", True),
        ("551d1e", True),
        ("2b06010505070101", True),
        ("551d24", False),
        ("551d36", False),
        ("2a0304", False),
    ],
)
def test_what_is_critical_must_be_understood(kind: str, understood: bool) -> None:
    value = b"\x03\x02\x02\x04"
    assert bool(parsed(extensions=(extension(kind, value, TRUE),)).not_understood) is not understood
    assert not parsed(extensions=(extension(kind, value),)).not_understood
    assert not parsed(extensions=(extension(kind, value, bytes.fromhex("010100")),)).not_understood


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (BASIC, seq(TRUE)),
        (PURPOSES, seq(oid("2b06010505070303"))),
        (NAMES, seq(encode(0x81, b"a@example.com"))),
        ("551d1f", seq()),
        ("551d23", seq()),
    ],
)
def test_what_is_understood_may_be_critical(kind: str, value: bytes) -> None:
    """As in Go's crypto/x509, processExtensions."""
    assert parsed(extensions=(extension(kind, value, TRUE),)).not_understood == ()


def test_a_pem_text_is_certificates_and_nothing_else() -> None:
    for text in (b"", b"text", b"-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n"):
        with pytest.raises(BadCertificate):
            parse_pem_certificates(text)


def test_nothing_but_white_space_follows_the_certificates() -> None:
    pem = as_pem("CERTIFICATE", GOOD.der)
    two = pem + as_pem("CERTIFICATE", SOME.der)
    for text, count in ((pem, 1), (two, 2), (b" \n" + two + b"\r\n \n", 2)):
        assert len(parse_pem_certificates(text)) == count
        for tail in (b"x", b"\n\x00", b"-----BEGIN CERTIFICATE-----\nQUJD\n"):
            with pytest.raises(BadCertificate):
                parse_pem_certificates(text + tail)


def test_of_a_bundle_only_blocks_that_are_bare_certificates_are_taken() -> None:
    """As by AppendCertsFromPEM of Go's crypto/x509."""
    good = as_pem("CERTIFICATE", SOME.der)
    others = [as_pem(label, GOOD.der) for label in ("TRUSTED CERTIFICATE", "X509 CERTIFICATE", "certificate")]
    with_header = as_pem("CERTIFICATE", GOOD.der).replace(b"-----\n", b"-----\nProc-Type: 4\n\n", 1)
    broken = as_pem("CERTIFICATE", GOOD.der[:-1])
    bundle = b"".join((*others, with_header, broken, good, b"text", broken))
    assert parse_pem_bundle(bundle) == [parse_certificate(SOME.der)]
    assert len(parse_pem_bundle(good + as_pem("CERTIFICATE", GOOD.der))) == 2


@pytest.mark.parametrize(
    ("tag", "value", "text"),
    [
        (0x0C, "\u00e4".encode(), "CN=\u00e4"),
        (0x0C, b"\xff", "CN=\ufffd"),
        (0x0C, b"a\nb", "CN=a\\nb"),
        (0x0C, "\u202eb".encode(), "CN=\\u202eb"),
        (0x1E, b"\x00a", "CN=#0061"),
    ],
)
def test_a_name_for_people_is_printable(tag: int, value: bytes, text: str) -> None:
    assert readable(name("550403", tag, value)) == text
    assert readable(seq()) == "nobody"
    assert readable(seq(b"\x05\x00")) == "#30020500"
    assert readable(name("2a0304", 0x0C, b"x")) == "1.2.3.4=x"


@pytest.mark.parametrize(("last", "label"), [(3, "CN"), (6, "C"), (7, "L"), (8, "ST"), (10, "O"), (11, "OU")])
def test_attributes_have_their_short_names(last: int, label: str) -> None:
    """RFC 4514, section 3, in each of the three types of text."""
    for tag in (0x0C, 0x13, 0x16):
        assert readable(name(f"5504{last:02x}", tag, b"x")) == f"{label}=x"


RSA = seq(oid("2a864886f70d010101"), b"\x05\x00")


def rsa(modulus: int, exponent: int, tail: bytes = b"") -> bytes:
    return seq(RSA, encode(0x03, b"\x00" + seq(encode_integer(modulus), encode_integer(exponent), tail)))


def test_a_key_is_of_a_kind_that_is_verified() -> None:
    assert (parse_key(P256_KEY).kind, parse_key(P256_KEY).curve) == ("ECDSA", "P-256")
    assert parse_key(rsa(1 << 2047, 65537)).kind == "RSA"
    assert parse_key(seq(seq(oid("2b6570")), encode(0x03, bytes(33)))).kind == "Ed25519"


@pytest.mark.parametrize(
    "der",
    [
        b"",
        P256_KEY + b"\x00",
        seq(seq(oid("2a8648ce3d0201"), oid("2a8648ce3d030107")), encode(0x03, b"\x00" + POINT), b"\x05\x00"),
        seq(seq(oid("2a8648ce3d0201"), oid("2a8648ce3d030107"), b"\x05\x00"), encode(0x03, b"\x00" + POINT)),
        seq(seq(oid("2a8648ce3d0201"), oid("2a8648ce3d030107")), encode(0x03, b"\x00\x02" + bytes(32))),
        seq(seq(oid("2a8648ce3d0201"), oid("2a8648ce3d030107")), encode(0x03, b"\x00\x06" + bytes(64))),
        seq(seq(oid("2a8648ce3d0201"), oid("2a8648ce3d030107")), encode(0x03, b"\x00" + POINT + b"\x00")),
        seq(seq(oid("2a8648ce3d0201"), oid("2b8104000a")), encode(0x03, b"\x00" + POINT)),
        seq(seq(oid("2a8648ce3d0201")), encode(0x03, b"\x00" + POINT)),
        seq(seq(oid("2a8648ce3d0201"), seq()), encode(0x03, b"\x00" + POINT)),
        rsa(1 << 2046, 65537),
        rsa(1 << 16384, 65537),
        rsa(1 << 2047, 1),
        rsa(1 << 2047, 65536),
        rsa(1 << 2047, (1 << 31) + 1),
        rsa(1 << 2047, 65537, b"\x05\x00"),
        rsa(0, 65537),
        seq(RSA, encode(0x03, b"\x00" + seq(encode(0x02, b"\x80" + bytes(255)), encode_integer(65537)))),
        seq(seq(oid("2a864886f70d010101")), encode(0x03, b"\x00" + seq())),
        seq(seq(oid("2a864886f70d010101"), b"\x05\x01\x00"), encode(0x03, b"\x00" + seq())),
        seq(seq(oid("2a864886f70d010101"), b"\x05\x00\x05\x00"), encode(0x03, b"\x00" + seq())),
        seq(seq(oid("2a864886f70d01010a"), b"\x05\x00"), encode(0x03, b"\x00" + seq())),
        seq(seq(oid("2b6570")), encode(0x03, bytes(32))),
        seq(seq(oid("2b6570"), b"\x05\x00"), encode(0x03, bytes(33))),
        seq(seq(oid("2b6571")), encode(0x03, bytes(58))),
    ],
)
def test_no_other_key_is_one(der: bytes) -> None:
    with pytest.raises(BadKey):
        parse_key(der)


def test_an_ecdsa_signature_is_two_numbers() -> None:
    assert ecdsa_numbers(seq(encode_integer(1), encode_integer(200))) == (1, 200)
    for blob in (b"", seq(encode_integer(1)), seq(encode_integer(1), encode_integer(2), b"\x05\x00"), bytes(64)):
        assert ecdsa_numbers(blob) is None


@pytest.mark.parametrize(
    ("host", "wanted", "good"),
    [
        ("a_b.example", "A_b.example", True),
        ("-a.example", "-a.example", True),
        ("-a.example", "-A.example", True),
        ("*.-a.example", "b.-a.example", False),
        ("a.example.", "a.example", False),
        ("a.example.", "a.example.", True),
        ("*.example", "*.example", True),
        ("..", "..", True),
        ("", "", False),
        (".", ".", False),
        ("\u00e4.example", "\u00e4.example", True),
        ("\u212a.example", "k.example", False),
        ("*.example", ".example", False),
    ],
)
def test_odd_hosts_are_compared_as_they_stand(host: str, wanted: str, good: bool) -> None:
    assert AlternativeNames(hosts=(host,)).has_host(wanted) is good


@pytest.mark.parametrize(
    ("host", "wanted", "good"),
    [
        ("a.example", "a.example", True),
        ("A.Example", "a.eXample", True),
        ("a.example", "a.example.", True),
        ("a.example", "b.example", False),
        ("a.example", "a.other", False),
        ("a.example", "a.example.com", False),
        ("a.example.com", "a.example", False),
        ("a.example", "example", False),
        ("*.example", "a.example", True),
        ("*.example", "a.other", False),
        ("*.example", "a.b.example", False),
        ("*.example", "example", False),
        ("*.b.example", "a.b.example", True),
        ("*.b.example", "a.c.example", False),
        ("*a.example", "ba.example", False),
        ("a.*.example", "a.b.example", False),
        ("192.0.2.1", "192.0.2.1", False),
        ("[a.example", "[a.example", True),
        ("a.example]", "a.example]", True),
    ],
)
def test_a_host_is_covered_label_by_label(host: str, wanted: str, good: bool) -> None:
    """RFC 6125, section 6.4.3, and Go's matchHostnames."""
    assert AlternativeNames(hosts=(host,)).has_host(wanted) is good
    assert AlternativeNames(hosts=("x.invalid", host)).has_host(wanted) is good
    assert AlternativeNames(hosts=(host, "x.invalid")).has_host(wanted) is good


@pytest.mark.parametrize(
    ("wanted", "good"),
    [
        ("192.0.2.1", True),
        ("[192.0.2.1]", True),
        ("[192.0.2.1", False),
        ("192.0.2.1]", False),
        ("x192.0.2.1]", False),
        ("[192.0.2.1x", False),
        ("192.0.2.2", False),
    ],
)
def test_an_address_is_looked_for_among_addresses(wanted: str, good: bool) -> None:
    """As by Go's VerifyHostname, to which brackets are part of an address only as a pair."""
    assert AlternativeNames(addresses=(b"\xc0\x00\x02\x01",)).has_host(wanted) is good


SOME = replace(
    GOOD, extensions=(extension(BASIC, seq(TRUE, encode_integer(0)), TRUE), extension(KEY_USAGE, b"\x03\x02\x02\x04"))
)


@given(st.integers(0, len(SOME.der) - 1), st.integers(0, 255))
def test_one_changed_byte_never_breaks_the_parser(place: int, byte: int) -> None:
    der = bytearray(SOME.der)
    der[place] = byte
    try:
        parse_certificate(bytes(der))
    except BadCertificate:
        pass
