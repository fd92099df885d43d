# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Checks signatures with a public key, by the library ``cryptography``; nothing else of ours calls it to verify.

38 and later do. It is not needed before a signature is looked at, so its absence is told then.
"""

from __future__ import annotations

from typing import Any

from .._errors import MissingLibraryError
from .x509_key import ECDSA, RSA, BadKey, PublicKey

try:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding
    from cryptography.hazmat.primitives.serialization import load_der_public_key
except ImportError:
    HAS_CRYPTOGRAPHY = False
else:
    HAS_CRYPTOGRAPHY = True


class Verifier:
    """Checks signatures by one key.

    Raises BadKey when it is made of numbers that are no key, and MissingLibraryError.
    """

    def __init__(self, key: PublicKey) -> None:
        require_cryptography()
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


def require_cryptography() -> None:
    """Raises MissingLibraryError where the library is not installed."""
    if not HAS_CRYPTOGRAPHY:
        raise MissingLibraryError("cryptography", "to verify sigstore signatures")


def _sha2(bits: int) -> hashes.HashAlgorithm:
    if bits == 256:
        return hashes.SHA256()
    return hashes.SHA384() if bits == 384 else hashes.SHA512()
