# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""``sigstoreSigned``: cosign signatures by keys, Fulcio or a PKI of one's own (containers-policy.json(5)).

A quirk of containers/image is kept: an empty or null path, issuer, address or host name counts as not given, so an empty
``rekorPublicKeyPath`` silently asks for no proof from Rekor. ``warnings`` tells.
"""

from __future__ import annotations

from dataclasses import dataclass

from .._model.cosign import PAYLOAD_TYPE
from .._model.signature import SigstoreSignature
from .requirement import Finding, Requirement, any_of
from .signed_identity import SignedIdentity, parse_signed_identity
from .sigstore_sources import PKI, Fulcio, Material, given, material_of
from .strict_json import Value, at_most_one, exactly_one
from .subject import Subject, Tools

_KEY_SOURCES = ("keyPath", "keyPaths", "keyData", "keyDatas", "fulcio", "pki")
_REKOR_SOURCES = ("rekorPublicKeyPath", "rekorPublicKeyPaths", "rekorPublicKeyData", "rekorPublicKeyDatas")


@dataclass(frozen=True)
class SigstoreSigned(Requirement):
    """A cosign signature over an acceptable name, by one of ``keys``, or with a certificate by ``fulcio`` or ``pki``.

    Just one of the three is there. ``rekor`` are the keys of a transparency log that must have seen it, if any.
    """

    type = "sigstoreSigned"
    needs_evidence = True
    keys: Material
    fulcio: Fulcio | None
    pki: PKI | None
    rekor: Material
    signed_identity: SignedIdentity
    rekor_left_empty: bool = False

    @classmethod
    def parse(cls, value: Value) -> SigstoreSigned:
        """The requirement in ``value``. Raises InvalidPolicy."""
        fields = value.fields(["type"], [*_KEY_SOURCES, *_REKOR_SOURCES, "signedIdentity"])
        keys, rekor = given(fields, _KEY_SOURCES), given(fields, _REKOR_SOURCES)
        exactly_one(value, keys, _KEY_SOURCES)
        at_most_one(value, rekor, _REKOR_SOURCES)
        if "fulcio" in keys and not rekor:
            raise value.invalid("fulcio needs a key of Rekor", wanted=" or ".join(_REKOR_SOURCES))
        if "pki" in keys and rekor:
            raise value.invalid("pki excludes keys of Rekor", found=", ".join(rekor))
        return cls(
            keys=material_of(keys),
            fulcio=Fulcio.parse(keys["fulcio"]) if "fulcio" in keys else None,
            pki=PKI.parse(keys["pki"]) if "pki" in keys else None,
            rekor=material_of(rekor),
            signed_identity=parse_signed_identity(fields.get("signedIdentity")),
            rekor_left_empty=not rekor and any(key in fields for key in _REKOR_SOURCES),
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """Says so where a key of Rekor was named and left empty."""
        if not self.rekor_left_empty:
            return ()
        return ("a sigstoreSigned requirement has an empty key of Rekor, so no proof from Rekor is asked for",)

    def judge(self, subject: Subject, tools: Tools) -> Finding:
        """Accepted by the first sigstore signature that passes every check; other attachments and kinds do not count."""
        # Only here: what verifies signatures loads a library that most images never need.
        from .sigstore_signature import SigstoreCheck, Wanted

        signatures = subject.evidence.signatures()
        attached = [signature for signature in signatures if isinstance(signature, SigstoreSignature)]
        ours = [signature for signature in attached if signature.media_type == PAYLOAD_TYPE]
        wanted = Wanted(self.keys, self.fulcio or self.pki, self.rekor, self.signed_identity)
        missing = _missing(subject, len(signatures) - len(attached), len(attached) - len(ours))
        return any_of(ours, SigstoreCheck(wanted, subject, tools), missing)


def _missing(subject: Subject, simple: int, others: int) -> str:
    missing = f"A signature was required, but no signature exists: {subject.name} has no sigstore signature"
    if simple or others:
        missing += f" ({simple} of another kind, {others} sigstore attachments that are no signatures)"
    return missing
