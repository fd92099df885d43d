# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Makes sigstore signatures by a private key, as containers/image does (``signature/sigstore/internal/signer.go``)."""

from __future__ import annotations

import base64

from .._model.cosign import PAYLOAD_TYPE, SIGNATURE
from .._model.reference import Reference
from .._model.signature import SigstoreSignature
from .asymmetric import Signer
from .new_payload import sigstore_payload


def sign_with_key(manifest: bytes, reference: Reference, signer: Signer, creator: str, now: float) -> SigstoreSignature:
    """The signature by which ``manifest`` may be called ``reference``, which has a tag or a digest.

    ``creator`` names the program, ``now`` is the time in seconds since 1970. Raises NothingToSign.
    """
    payload = sigstore_payload(manifest, reference, creator, now)
    signature = base64.b64encode(signer.sign(payload)).decode("ascii")
    return SigstoreSignature(PAYLOAD_TYPE, payload, {SIGNATURE: signature})
