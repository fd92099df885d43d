# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""``signedBy``: simple signing with OpenPGP keys (containers-policy.json(5), containers-signature(5)).

The checks of each signature, in order, as in containers/image, ``signature/policy_eval_signedby.go``; the numbers are
repeated below:

1. The keys are OpenPGP keys; no other type was ever verified by anybody.
2. All keys can be read. They are read when the first signature is looked at: an unsigned image is one without signature,
   whatever the keys are.
3. ``openpgp``: one good signature by one of the keys. All that follows is read from what gpg gave as signed.
4. ``signed_payload``: the signed document is well-formed.
5. It names the digest of the manifest.
6. It names an acceptable reference.
"""

from __future__ import annotations

from dataclasses import dataclass

from .._errors import HostError
from .._model.signature import SimpleSignature
from .openpgp import require_keys, require_message, signed_content
from .refusal import BAD_KEYS, UNSUPPORTED, Refusal
from .requirement import Finding, Requirement, any_of
from .signed_identity import SignedIdentity, parse_signed_identity
from .signed_payload import simple_claims
from .strict_json import Value, exactly_one
from .subject import Subject, Tools

# The last three have a meaning to containers/image's parser alone.
_OPENPGP_KEYS = "GPGKeys"
_KEY_TYPES = (_OPENPGP_KEYS, "signedByGPGKeys", "X509Certificates", "signedByX509CAs")
_KEY_SOURCES = ("keyPath", "keyPaths", "keyData")


@dataclass(frozen=True)
class SignedBy(Requirement):
    """A signature by one of the keys, over an acceptable name.

    The keys are in the files ``key_paths``, or in ``key_data``, which is None where files are named.
    """

    type = "signedBy"
    needs_evidence = True
    key_type: str
    key_paths: tuple[str, ...]
    key_data: bytes | None
    signed_identity: SignedIdentity

    @classmethod
    def parse(cls, value: Value) -> SignedBy:
        """The requirement in ``value``. Raises InvalidPolicy."""
        fields = value.fields(["type", "keyType"], [*_KEY_SOURCES, "signedIdentity"])
        key_type = fields["keyType"]
        if key_type.text() not in _KEY_TYPES:
            raise key_type.invalid("unknown type of key", wanted=", ".join(_KEY_TYPES), found=key_type.text())
        exactly_one(value, [key for key in _KEY_SOURCES if key in fields], _KEY_SOURCES)
        return cls(
            key_type=key_type.text(),
            key_paths=_key_paths(fields),
            key_data=fields["keyData"].data() if "keyData" in fields else None,
            signed_identity=parse_signed_identity(fields.get("signedIdentity")),
        )

    def judge(self, subject: Subject, tools: Tools) -> Finding:
        """Accepted by the first simple signature that passes every check; sigstore's do not count."""
        signatures = subject.evidence.signatures()
        simple = [signature for signature in signatures if isinstance(signature, SimpleSignature)]
        missing = f"A signature was required, but no signature exists: {subject.name} has no simple signing signature"
        if len(signatures) > len(simple):
            missing += f" ({len(signatures) - len(simple)} of another kind)"
        return any_of(simple, _Check(self, subject, tools), missing)

    def keyrings(self, tools: Tools) -> tuple[bytes, ...]:
        """The content of each source of keys. Raises Refusal where one cannot be read."""
        if self.key_data is not None:
            return (self.key_data,)
        if not self.key_paths:
            raise Refusal(BAD_KEYS, "the policy names no files of keys")
        try:
            return tuple(tools.read_file(path) for path in self.key_paths)
        except HostError as error:
            raise Refusal(BAD_KEYS, f"the trusted keys cannot be read: {error}") from error

    def names_of_keys(self) -> tuple[str, ...]:
        """What errors call each keyring."""
        return self.key_paths if self.key_data is None else ("keyData of the policy",)


class _Check:
    """The checks of one signature after the other, by keys that are read once."""

    def __init__(self, requirement: SignedBy, subject: Subject, tools: Tools) -> None:
        self._requirement = requirement
        self._subject = subject
        self._tools = tools
        self._keyrings: tuple[bytes, ...] | None = None

    def __call__(self, signature: SimpleSignature) -> str:
        """Who made the signature. Raises Refusal."""
        requirement, subject = self._requirement, self._subject
        if requirement.key_type != _OPENPGP_KEYS:  # 1
            raise Refusal(UNSUPPORTED, f"keys of the type {requirement.key_type} cannot be verified by anybody")
        keyrings = self._read_keys()  # 2
        require_message(signature.message)  # 3
        report = self._tools.openpgp(keyrings, signature.message)
        require_keys(report, requirement.names_of_keys())
        signed = signed_content(report)
        claims = simple_claims(signed.content)  # 4
        claims.require_manifest(subject.evidence.manifest())  # 5
        requirement.signed_identity.require(claims.reference, subject.identity)  # 6
        return f"OpenPGP key {signed.fingerprint}"

    def _read_keys(self) -> tuple[bytes, ...]:
        if self._keyrings is None:
            self._keyrings = self._requirement.keyrings(self._tools)
        return self._keyrings


def _key_paths(fields: dict[str, Value]) -> tuple[str, ...]:
    if "keyPath" in fields:
        path = fields["keyPath"].text()
        if not path:
            raise fields["keyPath"].invalid("the path must not be empty")
        return (path,)
    # Unlike in sigstoreSigned an empty list is well-formed; it trusts no key.
    if "keyPaths" in fields and fields["keyPaths"].value != []:
        return fields["keyPaths"].texts()
    return ()
