# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys put together byte by byte: what is not exactly one of a kind that is verified is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import MissingLibraryError
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

# Base points of the other curves (SEC 2, sections 2.3.1, 2.5.1, 2.6.1, 2.4.1).
P224 = (
    "2b81040021",
    "b70e0cbd6bb4bf7f321390b94a03c1d356c21122343280d6115c1d21bd376388b5f723fb4c22dfe6cd4375a05a07476444d5819985007e34",
)
P384 = (
    "2b81040022",
    "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7"
    "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f",
)
P521 = (
    "2b81040023",
    "00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66"
    "011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650",
)
SECP256K1 = (
    "2b8104000a",
    "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8",
)


def on(curve: tuple[str, str]) -> bytes:
    """The key whose point is the base point of ``curve``."""
    return seq(seq(EC, oid(curve[0])), bits(b"\x04" + bytes.fromhex(curve[1])))


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


@pytest.mark.parametrize("curve", [P224, P384, P521])
def test_the_curves_of_go_are_verified(curve: tuple[str, str]) -> None:
    assert parse_key(on(curve)).kind == "ECDSA"


def test_a_curve_that_go_does_not_know_is_named() -> None:
    with pytest.raises(BadKey, match="found secp256k1"):
        parse_key(on(SECP256K1))


def test_what_is_no_key_at_all_is_called_malformed() -> None:
    with pytest.raises(BadKey, match="malformed"):
        parse_key(b"")


@pytest.mark.parametrize("label", ["PUBLIC KEY", "RSA PUBLIC KEY"])
def test_without_the_library_no_key_is_bad(monkeypatch: pytest.MonkeyPatch, label: str) -> None:
    monkeypatch.setattr(asymmetric, "HAS_CRYPTOGRAPHY", False)
    with pytest.raises(MissingLibraryError, match="to verify sigstore signatures") as caught:
        parse_pem_key(as_pem(label, b""))
    assert caught.value.library == "cryptography"
    with pytest.raises(MissingLibraryError, match="to sign images"):
        Signer(b"")


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
        on(SECP256K1),
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
        as_pem("CERTIFICATE", older),
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
    root = str(Path(asymmetric.__file__).parents[6])
    program = f"""
import sys
sys.path.insert(0, {root!r})
from {room} import judge, policy, requirement_sigstore_signed
assert "cryptography" not in sys.modules
from {room} import sigstore_signature
assert "cryptography" in sys.modules and "cryptography.x509" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
