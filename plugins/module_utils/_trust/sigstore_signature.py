# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Whether one sigstore signature is good, and who made it.

Source: containers/image, ``signature/policy_eval_sigstore.go`` and ``signature/internal/sigstore_payload.go``. The checks, in
order; the numbers are repeated below:

1. All that the requirement trusts can be read and used.
2. The annotation of the signature is there.
3. Who may have made it: any of the keys; with keys and a log, the key that the log's proof names; by a certificate, whoever the
   authority gave it to, if that is the identity wanted and the chain was good, for Fulcio at the time of the log's proof, else now.
4. The signature over the payload is by one of these keys: over SHA-256 on whatever curve, RSA by PKCS #1 v1.5.
5. The payload is well-formed, 6. speaks of the very manifest, 7. and of an acceptable name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Union

from .._model.cosign import REKOR_SET, SIGNATURE
from .._model.signature import SigstoreSignature
from .asymmetric import ECDSA, Verifier, ecdsa_in_der
from .base64_text import decoded
from .refusal import BAD_SIGSTORE, Refusal
from .rekor_set import RekorEntry, parse_rekor_set
from .signed_identity import SignedIdentity
from .signed_payload import sigstore_claims
from .sigstore_signer import certificate_bytes, presented, require_fulcio_identity, require_pki_identity
from .sigstore_sources import PKI, Fulcio, Material
from .sigstore_trust import Trusted, load_trusted
from .subject import Subject, Tools


@dataclass(frozen=True)
class Wanted:
    """What a requirement asks of a signature: made by whom, told to which logs (none: that is not asked), over which name."""

    keys: Material
    authority: Union[Fulcio, PKI, None]
    logs: Material
    identity: SignedIdentity


class SigstoreCheck:
    """The checks of one signature after the other, by keys and authorities that are read once."""

    def __init__(self, wanted: Wanted, subject: Subject, tools: Tools) -> None:
        self._wanted = wanted
        self._subject = subject
        self._tools = tools
        self._trusted: Trusted | None = None

    def __call__(self, signature: SigstoreSignature) -> str:
        """Who made ``signature``. Raises Refusal, and MissingLibraryError."""
        self._trusted = self._trusted or self._load()  # 1
        blob = _signature_bytes(signature)  # 2
        candidates = self._candidates(signature, blob, self._trusted)  # 3
        name = _verified(candidates, blob, signature.payload)  # 4
        claims = sigstore_claims(signature.payload)  # 5
        claims.require_manifest(self._subject.evidence.manifest())  # 6
        self._wanted.identity.require(claims.reference, self._subject.identity)  # 7
        return name

    def _load(self) -> Trusted:
        wanted = self._wanted
        return load_trusted(wanted.keys, wanted.authority, wanted.logs, self._tools.read_file)

    def _candidates(self, signature: SigstoreSignature, blob: bytes, trusted: Trusted) -> Sequence[_Candidate]:
        authority = self._wanted.authority
        if authority is None:
            candidates = [_Candidate(verifier, f"key {verifier.name}") for verifier in trusted.keys]
            return _recorded(candidates, signature, blob, trusted) if trusted.logs else candidates
        if isinstance(authority, Fulcio):
            return [_confirmed_by_fulcio(authority, signature, blob, trusted)]
        return [_below_own_roots(authority, signature, trusted, self._tools.now())]


@dataclass(frozen=True)
class _Candidate:
    """Somebody who may have made the signature, and what results call them."""

    verifier: Verifier
    name: str


def _recorded(
    candidates: Sequence[_Candidate], signature: SigstoreSignature, blob: bytes, trusted: Trusted
) -> Sequence[_Candidate]:
    """The one of whom the proof is that comes with the signature."""
    entry = _entry(signature, trusted)
    for candidate in candidates:
        if candidate.verifier.der == entry.signer:
            entry.require(candidate.verifier.der, blob, signature.payload)
            return [candidate]
    raise Refusal(BAD_SIGSTORE, "the proof of Rekor is of a key that is not trusted")


def _confirmed_by_fulcio(wanted: Fulcio, signature: SigstoreSignature, blob: bytes, trusted: Trusted) -> _Candidate:
    entry = _entry(signature, trusted)
    entry.require(certificate_bytes(signature), blob, signature.payload)
    certificates = presented(signature)
    verifier = certificates.verified(trusted.authorities, entry.time)
    return _Candidate(verifier, certificates.described(require_fulcio_identity(certificates.leaf, wanted)))


def _below_own_roots(wanted: PKI, signature: SigstoreSignature, trusted: Trusted, now: float) -> _Candidate:
    certificates = presented(signature)
    verifier = certificates.verified(trusted.authorities, now)
    return _Candidate(verifier, certificates.described(require_pki_identity(certificates.leaf, wanted)))


def _entry(signature: SigstoreSignature, trusted: Trusted) -> RekorEntry:
    if REKOR_SET not in signature.annotations:
        raise Refusal(BAD_SIGSTORE, f"the signature has no annotation {REKOR_SET}")
    return parse_rekor_set(signature.annotations[REKOR_SET], trusted.logs)


def _signature_bytes(signature: SigstoreSignature) -> bytes:
    if SIGNATURE not in signature.annotations:
        raise Refusal(BAD_SIGSTORE, f"the signature has no annotation {SIGNATURE}")
    blob = decoded(signature.annotations[SIGNATURE])
    if blob is None:
        raise Refusal(BAD_SIGSTORE, f"the annotation {SIGNATURE} is not base64")
    return blob


def _verified(candidates: Sequence[_Candidate], blob: bytes, payload: bytes) -> str:
    """The name of the candidate who made the signature."""
    for candidate in candidates:
        verifier = candidate.verifier
        if verifier.verifies(ecdsa_in_der(blob) if verifier.kind == ECDSA else blob, payload):
            return candidate.name
    raise Refusal(BAD_SIGSTORE, "the signature is not by a key that is trusted, or its payload was changed")
