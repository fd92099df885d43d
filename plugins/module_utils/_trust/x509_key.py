# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Public keys as certificates and PEM files hold them: SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7), read strictly.

The kinds are those that containers/image verifies sigstore signatures with. What is not exactly one of them is no key.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from .der import INTEGER, NULL, OBJECT_IDENTIFIER, SEQUENCE, BadDer, DerReader, as_integer, encode, sequence
from .pem import first_block

RSA = "RSA"
ECDSA = "ECDSA"
ED25519 = "Ed25519"

_RSA_OID = "1.2.840.113549.1.1.1"
_EC_OID = "1.2.840.10045.2.1"
_ED25519_OID = "1.3.101.112"
# RFC 5480, section 2.1.1.1, and how many bytes a coordinate of their points has.
_CURVES = {
    "1.3.132.0.33": ("P-224", 28),
    "1.2.840.10045.3.1.7": ("P-256", 32),
    "1.3.132.0.34": ("P-384", 48),
    "1.3.132.0.35": ("P-521", 66),
}
# Go refuses RSA keys below 1024 bits; what is below 2048 is in reach of those who can pay for it.
_LEAST_RSA_BITS = 2048
_MOST_RSA_BITS = 16384

_ALGORITHM_OF_RSA = bytes.fromhex("06092a864886f70d0101010500")


class BadKey(ValueError):
    """The bytes are no public key of a kind that is verified here. Never leaves ``_trust``."""


@dataclass(frozen=True)
class PublicKey:
    """A public key of one ``kind``; ``der`` is its SubjectPublicKeyInfo, ``curve`` the name of its curve, if any."""

    kind: str
    der: bytes
    curve: str = ""

    @property
    def name(self) -> str:
        """What results call it: the digest of its DER, as ``openssl pkey -pubin -outform DER | sha256sum`` gives it."""
        return f"SHA256:{hashlib.sha256(self.der).hexdigest()}"


def parse_pem_key(text: bytes) -> PublicKey:
    """The key in the first block of ``text``, a PUBLIC KEY or an RSA PUBLIC KEY. Raises BadKey."""
    block = first_block(text)
    if block is None:
        raise BadKey("no PEM")
    if block.label == "PUBLIC KEY":
        return parse_key(block.data)
    if block.label == "RSA PUBLIC KEY":
        return parse_key(_rsa_info(block.data))
    raise BadKey("PEM of something else than a public key")


def parse_key(der: bytes) -> PublicKey:
    """The key that the SubjectPublicKeyInfo ``der`` is. Raises BadKey."""
    try:
        info = sequence(der)
        algorithm, bits = info.inside(SEQUENCE), info.bits()
        info.end()
        return _key(der, algorithm, bits)
    except BadDer as error:
        raise BadKey(f"malformed: {error}") from error


def _key(der: bytes, algorithm: DerReader, bits: bytes) -> PublicKey:
    oid = algorithm.oid()
    if oid == _RSA_OID:
        if algorithm.read(NULL):
            raise BadDer("a NULL with content")
        algorithm.end()
        _check_rsa(bits)
        return PublicKey(RSA, der)
    if oid == _EC_OID:
        curve = _curve(algorithm, bits)
        return PublicKey(ECDSA, der, curve)
    if oid == _ED25519_OID:
        algorithm.end()
        if len(bits) != 32:
            raise BadKey("an Ed25519 key of another length than 32 bytes")
        return PublicKey(ED25519, der)
    raise BadKey(f"an algorithm that is not verified (wanted RSA, ECDSA or Ed25519, found {oid})")


def _check_rsa(bits: bytes) -> None:
    numbers = sequence(bits)
    modulus, exponent = numbers.integer(), numbers.integer()
    numbers.end()
    size = modulus.bit_length()
    if modulus <= 0 or not _LEAST_RSA_BITS <= size <= _MOST_RSA_BITS:
        raise BadKey(f"an RSA key of {size} bits (wanted {_LEAST_RSA_BITS} to {_MOST_RSA_BITS})")
    # Go's bounds.
    if not (1 < exponent < 1 << 31) or exponent % 2 == 0:
        raise BadKey("an RSA key with an exponent that is not used")


def _curve(algorithm: DerReader, bits: bytes) -> str:
    # A curve that is spelled out instead of named has hidden weak ones (CVE-2020-0601).
    if not algorithm.next_is(OBJECT_IDENTIFIER):
        raise BadKey("an ECDSA key whose curve is not named")
    oid = algorithm.oid()
    algorithm.end()
    if oid not in _CURVES:
        raise BadKey(f"an ECDSA key on a curve that is not verified (wanted P-224 to P-521, found {oid})")
    name, size = _CURVES[oid]
    if len(bits) != 1 + 2 * size or bits[0] != 4:
        raise BadKey("an ECDSA key that is no uncompressed point")
    return name


def _rsa_info(der: bytes) -> bytes:
    """The SubjectPublicKeyInfo of the key of PKCS #1 ``der``."""
    return encode(SEQUENCE, encode(SEQUENCE, _ALGORITHM_OF_RSA) + encode(3, b"\x00" + der))


def ecdsa_numbers(signature: bytes) -> tuple[int, int] | None:
    """The two numbers of the ECDSA signature in DER ``signature`` (RFC 3279, section 2.2.3), None where it is none."""
    try:
        numbers = sequence(signature)
        pair = as_integer(numbers.read(INTEGER)), as_integer(numbers.read(INTEGER))
        numbers.end()
    except BadDer:
        return None
    return pair
