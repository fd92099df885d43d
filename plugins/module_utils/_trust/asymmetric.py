# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Checks signatures by public keys and makes them by private ones; alone of our files it imports the library ``cryptography``.

38 and later do. It is not needed before a signature is looked at or made, so its absence is told then.
"""

from __future__ import annotations

from typing import Any

from .._errors import MissingLibraryError
from .x509_key import ECDSA, RSA, BadKey, PublicKey, parse_key

try:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding
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


class Verifier:
    """Checks signatures by one key.

    Raises BadKey when it is made of numbers that are no key, and MissingLibraryError.
    """

    def __init__(self, key: PublicKey) -> None:
        _require_cryptography("to verify sigstore signatures")
        self.key = key
        try:
            # Any: what follows fits the kind, which the type checker does not see.
            self._key: Any = load_der_public_key(key.der)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise BadKey(f"numbers that are no {key.kind} key, or none that this host can use") from error

    def verifies(self, signature: bytes, message: bytes, bits: int = 256) -> bool:
        """Whether ``signature`` is that of ``message``, hashed with the SHA-2 of ``bits``.

        RSA with PKCS #1 v1.5 only, ECDSA in DER only, Ed25519 of the message itself.
        """
        try:
            if self.key.kind == RSA:
                self._key.verify(signature, message, padding.PKCS1v15(), _sha2(bits))
            elif self.key.kind == ECDSA:
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
        _require_cryptography("to sign images for sigstore")
        try:
            self._key: Any = load_der_private_key(der, None)
            public = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        except (ValueError, TypeError, AttributeError, UnsupportedAlgorithm) as error:
            raise BadKey("no private key in PKCS #8") from error
        self.key = parse_key(public)

    def sign(self, message: bytes) -> bytes:
        """The signature over ``message``, hashed with SHA-256: RSA by PKCS #1 v1.5, ECDSA in DER; Ed25519 of itself."""
        if self.key.kind == RSA:
            signature = self._key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        elif self.key.kind == ECDSA:
            signature = self._key.sign(message, ec.ECDSA(hashes.SHA256()))
        else:
            signature = self._key.sign(message)
        return bytes(signature)


def _require_cryptography(reason: str) -> None:
    """Raises MissingLibraryError where the library is not installed."""
    if not HAS_CRYPTOGRAPHY:
        raise MissingLibraryError("cryptography", reason)


def _sha2(bits: int) -> hashes.HashAlgorithm:
    if bits == 256:
        return hashes.SHA256()
    return hashes.SHA384() if bits == 384 else hashes.SHA512()
