# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Signs images on their way out: simple signing by an OpenPGP key, and sigstore by a key in a file.

What comes back is what a lookaside, the extension of a registry, an attachment or a store takes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .._host.atomic_files import read_file
from .._host.gpg_sign import GpgSigner
from .._model.reference import Reference
from .._model.signature import SigstoreSignature, SimpleSignature
from .._trust.asymmetric import BadKey, Signer
from .._trust.new_payload import simple_payload
from .._trust.private_key import BadPrivateKey, private_key
from .._trust.sigstore_sign import sign_with_key

# What signatures say of who made them; containers/image writes its name and version.
_CREATOR = "strata.containers"

# Bytes, far above any key.
_MOST_KEY = 1 << 20


@dataclass(frozen=True)
class OpenPgpSigner:
    """Makes simple signing signatures by the secret key that ``key`` names to gpg."""

    gpg: GpgSigner
    key: str
    passphrase: str | None
    now: Callable[[], float]

    def sign(self, manifest: bytes, reference: Reference) -> SimpleSignature:
        """The signature by which ``manifest`` may be called ``reference``.

        Raises NothingToSign for a name without tag and digest, and what gpg raises.
        """
        payload = simple_payload(manifest, reference, _CREATOR, self.now())
        return SimpleSignature(self.gpg(payload, self.key, self.passphrase))


@dataclass(frozen=True)
class SigstoreSigner:
    """Makes sigstore signatures by a private key."""

    signer: Signer
    now: Callable[[], float]

    def sign(self, manifest: bytes, reference: Reference) -> SigstoreSignature:
        """The signature by which ``manifest`` may be called ``reference``. Raises NothingToSign."""
        return sign_with_key(manifest, reference, self.signer, _CREATOR, self.now())


def sigstore_signer(path: str, passphrase: bytes, now: Callable[[], float]) -> SigstoreSigner:
    """Signs by the private key in the file ``path``, which ``passphrase`` opens if it is closed.

    The file is PEM: PKCS #8, or closed as cosign and ``skopeo generate-sigstore-key`` do it. Raises BadPrivateKey,
    MissingLibraryError, and HostError where the file cannot be read.
    """
    pem = read_file(path, _MOST_KEY)
    if pem is None:
        raise BadPrivateKey("there is no such file", subject=path)
    try:
        return SigstoreSigner(Signer(private_key(pem, passphrase, path)), now)
    except BadKey as error:
        raise BadPrivateKey(f"it cannot sign: {error}", subject=path) from error
