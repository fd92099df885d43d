# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Keys: checks signatures by public ones and makes them by private ones, with the library ``cryptography``, 38 or later.

It is not needed before a signature is looked at or made, so its absence is told then. The kinds of keys are those that
containers/image verifies sigstore signatures with. The library reads more than these, and in more forms; what is not exactly
one of them is no key.
"""

from __future__ import annotations

import hashlib
from typing import Any, Callable

from .._errors import MissingLibraryError
from .pem import first_block

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_der_private_key,
        load_der_public_key,
    )
except ImportError:
    HAS_CRYPTOGRAPHY = False
else:
    HAS_CRYPTOGRAPHY = True

RSA = "RSA"
ECDSA = "ECDSA"
ED25519 = "Ed25519"

# P-224 to P-521, as the library calls them.
_CURVES = ("secp224r1", "secp256r1", "secp384r1", "secp521r1")
# Go refuses RSA keys below 1024 bits; what is below 2048 is in reach of those who can pay for it.
_LEAST_RSA_BITS = 2048
_MOST_RSA_BITS = 16384
# Bytes, of the widest signature that is no DER: two numbers on P-521.
_MOST_FIXED_WIDTH = 132


class BadKey(ValueError):
    """The bytes are no key of a kind that is verified here. Never leaves ``_trust``."""


class Verifier:
    """Checks signatures by one public key of the kind ``kind``; ``der`` is its SubjectPublicKeyInfo."""

    def __init__(self, kind: str, der: bytes, key: Any) -> None:
        self.kind = kind
        self.der = der
        # Any: what follows fits the kind, which the type checker does not see.
        self._key = key

    @property
    def name(self) -> str:
        """What results call the key: the digest of its DER, as ``openssl pkey -pubin -outform DER | sha256sum`` gives it."""
        return f"SHA256:{hashlib.sha256(self.der).hexdigest()}"

    def verifies(self, signature: bytes, message: bytes, bits: int = 256) -> bool:
        """Whether ``signature`` is that of ``message``, hashed with the SHA-2 of ``bits``.

        RSA with PKCS #1 v1.5 only, ECDSA in DER only, Ed25519 of the message itself.
        """
        try:
            if self.kind == RSA:
                self._key.verify(signature, message, padding.PKCS1v15(), _sha2(bits))
            elif self.kind == ECDSA:
                self._key.verify(signature, message, ec.ECDSA(_sha2(bits)))
            else:
                self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


class Signer:
    """Makes signatures by the private key of which ``der`` is the PKCS #8. ``key`` is its public half.

    Raises BadKey for what is no private key, or one of a kind that would not be verified, and MissingLibraryError.
    """

    def __init__(self, der: bytes) -> None:
        require_cryptography("to sign images for sigstore")
        self._key = _loaded(lambda: load_der_private_key(der, None))
        self.key = parse_key(_loaded(lambda: key_info(self._key.public_key())))

    def sign(self, message: bytes) -> bytes:
        """The signature over ``message``, hashed with SHA-256: RSA by PKCS #1 v1.5, ECDSA in DER; Ed25519 of itself."""
        if self.key.kind == RSA:
            signature = self._key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        elif self.key.kind == ECDSA:
            signature = self._key.sign(message, ec.ECDSA(hashes.SHA256()))
        else:
            signature = self._key.sign(message)
        return bytes(signature)


def parse_pem_key(text: bytes) -> Verifier:
    """Checks by the key in the first block of ``text``, a PUBLIC KEY or an RSA PUBLIC KEY.

    Raises BadKey, and MissingLibraryError.
    """
    block = first_block(text)
    if block is None:
        raise BadKey("no PEM")
    if block.label == "PUBLIC KEY":
        return parse_key(block.data)
    if block.label == "RSA PUBLIC KEY":
        return _parse_rsa_key(block.data)
    raise BadKey("PEM of something else than a public key")


def parse_key(der: bytes) -> Verifier:
    """Checks by the key that the SubjectPublicKeyInfo ``der`` is (RFC 5280, section 4.1.2.7).

    Raises BadKey, and MissingLibraryError.
    """
    require_cryptography("to verify sigstore signatures")
    key = _loaded(lambda: load_der_public_key(der))
    kind = _kind(key)
    _require_same(der, key_info(key))
    if kind == ECDSA:
        # Older versions keep a compressed point as it is, which Go does not read.
        point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        _require_same(der[-len(point) :], point)
    return Verifier(kind, der, key)


def key_info(key: Any) -> bytes:
    """The SubjectPublicKeyInfo of a public key of the library's, in DER."""
    return bytes(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def ecdsa_in_der(signature: bytes) -> bytes:
    """The ECDSA ``signature`` in DER (RFC 3279, section 2.2.3), also where it is two numbers of one width (IEEE P1363).

    What is neither is left as it is.
    """
    try:
        decode_dss_signature(signature)
    except ValueError:
        if len(signature) <= _MOST_FIXED_WIDTH and len(signature) % 2 == 0:
            half = len(signature) // 2
            numbers = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
            return encode_dss_signature(*numbers)
    return signature


def require_cryptography(reason: str) -> None:
    """Raises MissingLibraryError where the library is not installed; ``reason`` says what it is needed for."""
    if not HAS_CRYPTOGRAPHY:
        raise MissingLibraryError("cryptography", reason)


def _loaded(load: Callable[[], Any]) -> Any:
    """What ``load`` gives. Raises BadKey."""
    try:
        return load()
    # What is no key raises ValueError, UnsupportedAlgorithm, TypeError, AttributeError or InternalError, as the version likes.
    except Exception as error:
        raise BadKey("malformed, or of a kind that is not verified on this host") from error


def _parse_rsa_key(der: bytes) -> Verifier:
    """Checks by the key of PKCS #1 ``der``."""
    require_cryptography("to verify sigstore signatures")
    key = _loaded(lambda: load_der_public_key(der))
    # Only a key of RSA has this form, and the library looks for any form in any bytes.
    _require_same(der, _loaded(lambda: key.public_bytes(Encoding.DER, PublicFormat.PKCS1)))
    return parse_key(key_info(key))


def _kind(key: Any) -> str:
    if isinstance(key, rsa.RSAPublicKey):
        _check_rsa(key.key_size, key.public_numbers().e)
        return RSA
    if isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.name not in _CURVES:
            raise BadKey(
                f"an ECDSA key on a curve that is not verified (wanted P-224 to P-521, found {key.curve.name})"
            )
        return ECDSA
    if isinstance(key, ed25519.Ed25519PublicKey):
        return ED25519
    raise BadKey("an algorithm that is not verified (wanted RSA, ECDSA or Ed25519)")


def _check_rsa(bits: int, exponent: int) -> None:
    if not _LEAST_RSA_BITS <= bits <= _MOST_RSA_BITS:
        raise BadKey(f"an RSA key of {bits} bits (wanted {_LEAST_RSA_BITS} to {_MOST_RSA_BITS})")
    # Go's bounds, and odd.
    if exponent not in range(3, 1 << 31, 2):
        raise BadKey("an RSA key with an exponent that is not used")


def _require_same(given: bytes, wanted: bytes) -> None:
    """Keys are compared by their DER, so one key has one form: the one that the library itself writes."""
    if given != wanted:
        raise BadKey("not in the one form that such a key has")


def _sha2(bits: int) -> hashes.HashAlgorithm:
    if bits == 256:
        return hashes.SHA256()
    return hashes.SHA384() if bits == 384 else hashes.SHA512()
