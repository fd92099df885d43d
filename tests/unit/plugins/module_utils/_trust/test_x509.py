# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates put together byte by byte: what is malformed in one place is none."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import MissingLibraryError
from ansible_collections.strata.containers.plugins.module_utils._trust import asymmetric
from ansible_collections.strata.containers.plugins.module_utils._trust.asymmetric import BadKey, parse_key
from ansible_collections.strata.containers.plugins.module_utils._trust.x509_certificate import (
    BadCertificate,
    parse_certificate,
    parse_pem_bundle,
    parse_pem_certificates,
)
from ansible_collections.strata.containers.plugins.module_utils._trust.x509_names import AlternativeNames
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.certificate_parts import (
    BASIC,
    FALSE,
    GOOD,
    KEY_USAGE,
    NAMES,
    P256,
    POINT,
    PURPOSES,
    TRUE,
    extension,
    name,
    parsed,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.der_text import (
    bits,
    encode,
    integer,
    oid,
    seq,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.pem_text import as_pem
from hypothesis import given
from hypothesis import strategies as st

# The library reads a serial number of RFC 5280's taste only, and warns of others that it reads.
pytestmark = pytest.mark.filterwarnings("ignore:Parsed a:UserWarning")


def test_a_certificate_is_what_it_says() -> None:
    found = parsed()
    assert (found.version, found.algorithm, found.signature) == (3, "1.2.840.10045.4.3.2", b"sig")
    assert (found.not_before, found.not_after) == (1704067200, 2524608000)
    assert (found.issuer, found.subject, found.key) == (GOOD.issuer, GOOD.subject, GOOD.key)
    assert (found.rights.authority, found.rights.may_sign, found.rights.purposes) == (None, True, ())
    assert (found.names, dict(found.unread), found.not_understood) == (AlternativeNames(), {}, ())
    assert (found.issuer_name, found.signed in GOOD.der) == ("CN=Issuer", True)
    # RFC 5280 asks issuers for a positive one; Go's crypto/x509 refuses only negative ones.
    assert parsed(serial=integer(0)).subject == found.subject
    assert parsed(unique=encode(0x81, b"\x00a") + encode(0x82, b"\x00b")).subject == found.subject


def test_the_first_version_has_no_extensions_and_the_second_is_not_read() -> None:
    assert parsed(version=b"").version == 1
    with pytest.raises(BadCertificate):
        parsed(version=b"", extensions=(extension(BASIC, seq()),))
    with pytest.raises(BadCertificate):
        parsed(version=encode(0xA0, integer(1)))


@pytest.mark.parametrize(
    "changes",
    [
        {"version": encode(0xA0, integer(0))},
        {"version": encode(0xA0, integer(3))},
        {"version": encode(0xA0, integer(2) + b"\x05\x00")},
        {"serial": bytes.fromhex("0201ff")},
        {"serial": b""},
        {"validity": seq(encode(0x17, b"240101000000Z"))},
        {"validity": seq(encode(0x17, b"240101000000Z"), encode(0x17, b"240101000000Z"), b"\x05\x00")},
        {"validity": seq(encode(0x17, b"249901000000Z"), encode(0x17, b"240101000000Z"))},
        {"validity": seq(encode(0x17, b"2401010000Z"), encode(0x17, b"240101000000Z"))},
        {"validity": seq(encode(0x17, b"240101000000+0000"), encode(0x17, b"240101000000Z"))},
        {"validity": seq(encode(0x17, b"240101000000Z"), encode(0x18, b"20250101000000.0Z"))},
        {"validity": seq(encode(0x17, b"240101000000Z"), encode(0x18, b"00000101000000Z"))},
        {"subject": name("550403", 0x0C, b"\xff")},
        {"issuer": name("550403", 0x02, b"\x01")},
        {"inner": seq(oid("2a8648ce3d040303"))},
        {"outer": seq(oid("2a8648ce3d040302"), b"\x05\x00")},
        {"signature": encode(0x03, b"\x01sig")},
        {"signature": encode(0x03, b"\x01sif")},
        {"after": b"\x05\x00"},
        {"extensions": (extension(BASIC, seq()),), "after": b"\x05\x00"},
        {"end": b"\x05\x00"},
        {"extensions": (extension(BASIC, seq()), extension(BASIC, seq()))},
        {"extensions": (extension(BASIC, seq()) + b"\x05\x00",)},
        {"extensions": (seq(oid(BASIC), encode(0x04, seq()), b"\x05\x00"),)},
        {"extensions": (extension(BASIC, seq(), bytes.fromhex("010101")),)},
        {"extensions": (extension(BASIC, seq(), FALSE),)},
        {"extensions": (extension(BASIC, seq(FALSE)),)},
        {"extensions": (extension(BASIC, b""),)},
        {"extensions": (extension(BASIC, seq(TRUE, integer(0), b"\x05\x00")),)},
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
        {"extensions": (extension(NAMES, seq(encode(0x87, bytes.fromhex("c0000200ffffff00")))),)},
        {"extensions": (extension(NAMES, seq(encode(0xA0, b""))),)},
        {"extensions": (extension(NAMES, seq(encode(0xA3, b""))),)},
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
    [("03020204", True), ("03020106", True), ("03020780", False), ("030100", False), ("0303070e80", True)],
)
def test_the_sixth_bit_of_a_key_usage_is_the_signing_of_certificates(bits: str, may_sign: bool) -> None:
    assert parsed(extensions=(extension(KEY_USAGE, bytes.fromhex(bits)),)).rights.may_sign is may_sign


@pytest.mark.parametrize(
    ("value", "authority", "length"),
    [
        (seq(), False, None),
        (seq(TRUE), True, None),
        (seq(TRUE, integer(0)), True, 0),
        (seq(TRUE, integer(3)), True, 3),
    ],
)
def test_basic_constraints_tell_an_authority(value: bytes, authority: bool, length: int | None) -> None:
    rights = parsed(extensions=(extension(BASIC, value),)).rights
    assert (rights.authority, rights.path_length) == (authority, length)


def test_names_are_kept_by_kind() -> None:
    other = oid("2a0304") + encode(0xA0, encode(0x0C, b"x"))
    kinds = ((0x81, b"a@b.c"), (0x82, b"b.c"), (0x86, b"https://b.c/d"), (0x87, b"\xc0\x00\x02\x01"), (0xA0, other))
    value = seq(*(encode(tag, content) for tag, content in kinds))
    names = parsed(extensions=(extension(NAMES, value),)).names
    assert names == AlternativeNames(("a@b.c",), ("b.c",), ("https://b.c/d",), (b"\xc0\x00\x02\x01",))
    for tag, content in kinds:
        alone = parsed(extensions=(extension(NAMES, seq(encode(tag, content)), TRUE),))
        known = tag != 0xA0
        assert (alone.names.known, alone.not_understood) == (known, () if known else ("2.5.29.17",))


def test_what_nobody_reads_is_kept_as_it_stands() -> None:
    found = parsed(extensions=(extension("2a0304", b"any"), extension(BASIC, seq()), extension("2a0305", b"")))
    assert found.unread == {"1.2.3.4": b"any", "1.2.3.5": b""}


@pytest.mark.parametrize(
    ("kind", "value", "understood"),
    [
        (KEY_USAGE, b"\x03\x02\x02\x04", True),
        (BASIC, seq(TRUE), True),
        (PURPOSES, seq(oid("2b06010505070303")), True),
        (NAMES, seq(encode(0x81, b"a@example.com")), True),
        ("551d0e", encode(0x04, b"id"), True),
        ("551d1e", seq(encode(0xA0, seq(encode(0x81, b"example.com")))), True),
        ("551d1f", seq(seq(encode(0xA0, encode(0xA0, encode(0x86, b"http://a.b"))))), True),
        ("551d20", seq(seq(oid("2a0304"))), True),
        ("551d23", seq(encode(0x80, b"id")), True),
        ("2b06010505070101", seq(seq(oid("2b06010505073001"), encode(0x86, b"http://a.b"))), True),
        ("551d12", seq(encode(0x81, b"a@example.com")), False),
        ("551d24", seq(encode(0x80, b"\x00")), False),
        ("551d36", integer(0), False),
        ("2a0304", b"any", False),
    ],
)
def test_what_is_critical_must_be_understood(kind: str, value: bytes, understood: bool) -> None:
    """The list is that of Go's crypto/x509, processExtensions."""
    assert bool(parsed(extensions=(extension(kind, value, TRUE),)).not_understood) is not understood
    assert not parsed(extensions=(extension(kind, value),)).not_understood


@pytest.mark.parametrize(
    "kind", [NAMES, "551d0e", "551d1e", "551d1f", "551d20", "551d23", "551d24", "2b06010505070101"]
)
def test_what_the_library_knows_must_be_well_formed(kind: str) -> None:
    with pytest.raises(BadCertificate):
        parsed(extensions=(extension(kind, b"\x03\x02\x02\x04"),))


def test_purposes_are_told_by_their_oids() -> None:
    both = (extension(PURPOSES, seq(oid("2b06010505070303"), oid("2a0304"))),)
    assert parsed(extensions=both).rights.purposes == ("1.3.6.1.5.5.7.3.3", "1.2.3.4")


def test_constrained_names_are_told() -> None:
    constrained = (extension("551d1e", seq(encode(0xA0, seq(encode(0x81, b"example.com"))))),)
    assert (parsed().rights.constrains_names, parsed(extensions=constrained).rights.constrains_names) == (False, True)


@pytest.mark.parametrize(
    "key",
    [
        seq(seq(oid("2a0304")), bits(b"key")),
        seq(P256, bits(b"\x04" + POINT[:-1] + b"\x00")),
        seq(P256, bits(b"\x03" + POINT[:32])),
    ],
)
def test_a_certificate_of_a_key_that_is_not_verified_is_one_and_its_key_is_none(key: bytes) -> None:
    found = parsed(key=key)
    with pytest.raises(BadKey):
        parse_key(found.key)


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
    ("kind", "tag", "value", "text"),
    [
        ("550403", 0x0C, "\u00e4".encode(), "CN=\u00e4"),
        ("550403", 0x0C, b"a\nb", "CN=a\\nb"),
        ("550403", 0x0C, "\u202eb".encode(), "CN=\\u202eb"),
        ("550403", 0x1E, b"\x00a", "CN=a"),
        ("550406", 0x13, b"DE", "C=DE"),
        ("550407", 0x0C, b"x", "L=x"),
        ("550408", 0x0C, b"x", "ST=x"),
        ("55040a", 0x16, b"x", "O=x"),
        ("55040b", 0x0C, b"x", "OU=x"),
        ("2a0304", 0x0C, b"x", "1.2.3.4=x"),
        ("55042d", 0x03, b"\x00\xffx", "2.5.4.45=#00ff78"),
    ],
)
def test_a_name_for_people_is_printable(kind: str, tag: int, value: bytes, text: str) -> None:
    """With the short names of RFC 4514, section 3."""
    both = name(kind, tag, value)[2:] + name("55040a", 0x0C, b"y")[2:]
    assert parsed(issuer=seq(both)).issuer_name == f"{text},O=y"
    assert parsed(issuer=seq()).issuer_name == "nobody"


def test_a_reason_is_on_one_line() -> None:
    with pytest.raises(BadCertificate) as caught:
        parsed(extensions=(extension(NAMES, seq(encode(0x86, b"http://[\n"))),))
    assert str(caught.value).isprintable()


def test_without_the_library_no_certificate_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asymmetric, "HAS_CRYPTOGRAPHY", False)
    text = as_pem("CERTIFICATE", GOOD.der)
    for parse in (parse_pem_certificates, parse_pem_bundle):
        with pytest.raises(MissingLibraryError, match="to verify sigstore signatures"):
            parse(text)


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
    GOOD, extensions=(extension(BASIC, seq(TRUE, integer(0)), TRUE), extension(KEY_USAGE, b"\x03\x02\x02\x04"))
)


@given(st.integers(0, len(SOME.der) - 1), st.integers(0, 255))
def test_one_changed_byte_never_breaks_the_parser(place: int, byte: int) -> None:
    der = bytearray(SOME.der)
    der[place] = byte
    try:
        parse_certificate(bytes(der))
    except BadCertificate:
        pass
