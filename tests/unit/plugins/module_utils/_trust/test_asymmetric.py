# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys put together byte by byte: what is not exactly one of a kind that is verified is none."""

from __future__ import annotations

import subprocess
import sys

import pytest
from ansible_collections.strata.containers.plugins.module_utils._trust import asymmetric
from ansible_collections.strata.containers.plugins.module_utils._trust.asymmetric import (
    BadKey,
    Signer,
    ecdsa_in_der,
    parse_key,
    parse_pem_key,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.der_text import (
    bits,
    encode,
    integer,
    oid,
    seq,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.pem_text import as_pem

# The base point of P-256 (SEC 2, section 2.4.2), which is on the curve as any key is.
X = bytes.fromhex("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296")
Y = bytes.fromhex("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")
POINT, COMPRESSED = b"\x04" + X + Y, b"\x03" + X
EC, P256 = oid("2a8648ce3d0201"), oid("2a8648ce3d030107")
P256_KEY = seq(seq(EC, P256), bits(POINT))

RSA = seq(oid("2a864886f70d010101"), b"\x05\x00")
ED25519 = oid("2b6570")


def pkcs1(modulus: int, exponent: int, tail: bytes = b"") -> bytes:
    return seq(integer(modulus), integer(exponent), tail)


def rsa(modulus: int, exponent: int = 65537, tail: bytes = b"") -> bytes:
    return seq(RSA, bits(pkcs1(modulus, exponent, tail)))


def of_size(size: int) -> int:
    """An odd number of ``size`` bits."""
    return (1 << size - 1) + 1


def test_a_key_is_of_a_kind_that_is_verified() -> None:
    for der, kind in (
        (P256_KEY, "ECDSA"),
        (rsa(of_size(2048)), "RSA"),
        (seq(seq(ED25519), bits(bytes(32))), "Ed25519"),
    ):
        key = parse_key(der)
        assert (key.kind, key.der) == (kind, der)


@pytest.mark.parametrize(
    "der",
    [
        b"",
        P256_KEY + b"\x00",
        seq(seq(EC, P256), bits(POINT), b"\x05\x00"),
        seq(seq(EC, P256, b"\x05\x00"), bits(POINT)),
        seq(seq(EC, P256), bits(COMPRESSED)),
        seq(seq(EC, P256), bits(b"\x07" + X + Y)),
        seq(seq(EC, P256), bits(POINT + b"\x00")),
        seq(seq(EC, P256), bits(POINT[:-1] + b"\x00")),
        seq(seq(EC, P256), bits(b"\x00")),
        seq(seq(EC, P256), encode(0x03, b"\x01" + POINT[:-1] + b"\xf4")),
        seq(seq(EC, oid("2b8104000a")), bits(POINT)),
        seq(seq(EC), bits(POINT)),
        seq(seq(EC, seq()), bits(POINT)),
        rsa(of_size(2047)),
        rsa(of_size(16385)),
        rsa(of_size(2048), 1),
        rsa(of_size(2048), 65536),
        rsa(of_size(2048), (1 << 31) + 1),
        rsa(of_size(2048), tail=b"\x05\x00"),
        rsa(0),
        pkcs1(of_size(2048), 65537),
        seq(RSA, bits(seq(encode(0x02, b"\x80" + bytes(254) + b"\x01"), integer(65537)))),
        seq(seq(oid("2a864886f70d010101")), bits(pkcs1(of_size(2048), 65537))),
        seq(seq(oid("2a864886f70d010101"), b"\x05\x01\x00"), bits(pkcs1(of_size(2048), 65537))),
        seq(seq(oid("2a864886f70d010101"), b"\x05\x00\x05\x00"), bits(pkcs1(of_size(2048), 65537))),
        seq(seq(oid("2a864886f70d01010a")), bits(pkcs1(of_size(2048), 65537))),
        seq(seq(ED25519), bits(bytes(31))),
        seq(seq(ED25519), bits(bytes(33))),
        seq(seq(ED25519, b"\x05\x00"), bits(bytes(32))),
        seq(seq(oid("2b6571")), bits(bytes(57))),
        seq(seq(oid("2b656e")), bits(bytes(31) + b"\x01")),
    ],
)
def test_no_other_key_is_one(der: bytes) -> None:
    with pytest.raises(BadKey):
        parse_key(der)


@pytest.mark.parametrize("size", [2048, 16384])
@pytest.mark.parametrize("exponent", [3, (1 << 31) - 1])
def test_the_bounds_of_rsa_are_inside(size: int, exponent: int) -> None:
    assert parse_key(rsa(of_size(size), exponent)).kind == "RSA"


@pytest.mark.parametrize(("size", "exponent"), [(2047, 3), (16385, 3), (2048, 1), (2048, 4), (2048, 1 << 31)])
def test_what_is_out_of_bounds_is_refused_though_the_library_reads_it(size: int, exponent: int) -> None:
    """Which of these it reads depends on its version, so the rule is asked."""
    asymmetric._check_rsa(2048, 3)
    with pytest.raises(BadKey):
        asymmetric._check_rsa(size, exponent)


def test_the_label_of_a_block_must_be_that_of_its_form() -> None:
    older = pkcs1(of_size(2048), 65537)
    assert parse_pem_key(as_pem("PUBLIC KEY", P256_KEY)).kind == "ECDSA"
    assert parse_pem_key(as_pem("RSA PUBLIC KEY", older)).der == rsa(of_size(2048))
    for text in (
        b"",
        as_pem("PUBLIC KEY", older),
        as_pem("RSA PUBLIC KEY", rsa(of_size(2048))),
        as_pem("RSA PUBLIC KEY", P256_KEY),
        as_pem("RSA PUBLIC KEY", older + b"\x00"),
        as_pem("RSA PUBLIC KEY", b""),
        as_pem("RSA PUBLIC KEY", pkcs1(of_size(2047), 65537)),
        as_pem("EC PUBLIC KEY", P256_KEY),
    ):
        with pytest.raises(BadKey):
            parse_pem_key(text)


def test_no_private_key_comes_of_other_bytes() -> None:
    for der in (b"", b"\x30\x00", P256_KEY):
        with pytest.raises(BadKey):
            Signer(der)


def test_an_ecdsa_signature_of_two_numbers_becomes_der() -> None:
    assert ecdsa_in_der(b"\x00\x01\x00\xc8") == seq(integer(1), integer(200))
    assert ecdsa_in_der(b"\xff" * 132) == seq(*[integer((1 << 528) - 1)] * 2)


@pytest.mark.parametrize("signature", [seq(integer(1), integer(200)), b"\xff" * 131, b"\xff" * 133, b"\xff" * 134])
def test_der_and_what_is_neither_stay_as_they_are(signature: bytes) -> None:
    assert ecdsa_in_der(signature) == signature


def test_the_library_is_loaded_when_it_is_needed_and_its_certificates_later() -> None:
    room = asymmetric.__name__.rpartition(".")[0]
    program = f"""
import sys
from {room} import judge, policy, requirement_sigstore_signed
assert "cryptography" not in sys.modules
from {room} import sigstore_signature
assert "cryptography" in sys.modules and "cryptography.x509" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
