# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""``sigstoreSigned``: cosign signatures by keys, Fulcio or a PKI of one's own (containers-policy.json(5)).

This release parses it and verifies nothing, so an image that needs it is refused.

A quirk of containers/image is kept: an empty or null path, issuer, address or host name counts as not given, so an empty
``rekorPublicKeyPath`` silently asks for no proof from Rekor. ``warnings`` tells.
"""

from __future__ import annotations

from dataclasses import dataclass

from .requirement import Requirement
from .signed_identity import SignedIdentity, parse_signed_identity
from .strict_json import Value, at_most_one, exactly_one

_KEY_SOURCES = ("keyPath", "keyPaths", "keyData", "keyDatas", "fulcio", "pki")
_REKOR_SOURCES = ("rekorPublicKeyPath", "rekorPublicKeyPaths", "rekorPublicKeyData", "rekorPublicKeyDatas")


@dataclass(frozen=True)
class Material:
    """Keys or certificates in PEM: in files, or in the policy itself. Both are empty where none were given."""

    paths: tuple[str, ...] = ()
    datas: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Fulcio:
    """A certificate of a public authority, for this address as this issuer confirmed it."""

    authorities: Material
    oidc_issuer: str
    subject_email: str

    @classmethod
    def parse(cls, value: Value) -> Fulcio:
        """The object in ``value``. Raises InvalidPolicy."""
        fields = value.fields((), ["caPath", "caData", "oidcIssuer", "subjectEmail"])
        given = _given(fields, ("caPath", "caData"))
        exactly_one(value, given, ("caPath", "caData"))
        return cls(
            authorities=_material(given),
            oidc_issuer=_needed(value, fields, "oidcIssuer"),
            subject_email=_needed(value, fields, "subjectEmail"),
        )


@dataclass(frozen=True)
class PKI:
    """A certificate below roots of one's own, for this address, this host, or both."""

    roots: Material
    intermediates: Material
    subject_email: str
    subject_hostname: str

    @classmethod
    def parse(cls, value: Value) -> PKI:
        """The object in ``value``. Raises InvalidPolicy."""
        roots = ("caRootsPath", "caRootsData")
        intermediates = ("caIntermediatesPath", "caIntermediatesData")
        subjects = ("subjectEmail", "subjectHostname")
        fields = value.fields((), [*roots, *intermediates, *subjects])
        given_roots, given_intermediates = _given(fields, roots), _given(fields, intermediates)
        exactly_one(value, given_roots, roots)
        at_most_one(value, given_intermediates, intermediates)
        email, hostname = (_optional_text(fields, key) for key in subjects)
        if not email and not hostname:
            raise value.invalid("one of these keys must be there", wanted=", ".join(subjects))
        return cls(_material(given_roots), _material(given_intermediates), email, hostname)


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
        keys, rekor = _given(fields, _KEY_SOURCES), _given(fields, _REKOR_SOURCES)
        exactly_one(value, keys, _KEY_SOURCES)
        at_most_one(value, rekor, _REKOR_SOURCES)
        if "fulcio" in keys and not rekor:
            raise value.invalid("fulcio needs a key of Rekor", wanted=" or ".join(_REKOR_SOURCES))
        if "pki" in keys and rekor:
            raise value.invalid("pki excludes keys of Rekor", found=", ".join(rekor))
        return cls(
            keys=_material(keys),
            fulcio=Fulcio.parse(keys["fulcio"]) if "fulcio" in keys else None,
            pki=PKI.parse(keys["pki"]) if "pki" in keys else None,
            rekor=_material(rekor),
            signed_identity=parse_signed_identity(fields.get("signedIdentity")),
            rekor_left_empty=not rekor and any(key in fields for key in _REKOR_SOURCES),
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """Says so where a key of Rekor was named and left empty."""
        if not self.rekor_left_empty:
            return ()
        return ("a sigstoreSigned requirement has an empty key of Rekor, so no proof from Rekor is asked for",)


def _given(fields: dict[str, Value], keys: tuple[str, ...]) -> dict[str, Value]:
    """Those of ``keys`` that count as given, parsed no further."""
    return {key: fields[key] for key in keys if key in fields and not _counts_as_absent(key, fields[key])}


def _counts_as_absent(key: str, value: Value) -> bool:
    # Arrays and objects are never absent: a null one is an error below.
    if key.endswith("Path"):
        return value.value is None or value.text() == ""
    return key.endswith("Data") and value.value is None


def _material(given: dict[str, Value]) -> Material:
    """The PEM that the one key in ``given`` names or holds, if it does that."""
    for key, value in given.items():
        if key.endswith("Path"):
            return Material(paths=(value.text(),))
        if key.endswith("Paths"):
            return Material(paths=value.texts())
        if key.endswith("Data"):
            return Material(datas=(value.data(),))
        if key.endswith("Datas"):
            return Material(datas=value.datas())
    return Material()


def _optional_text(fields: dict[str, Value], key: str) -> str:
    return fields[key].text() if key in fields and fields[key].value is not None else ""


def _needed(value: Value, fields: dict[str, Value], key: str) -> str:
    text = _optional_text(fields, key)
    if not text:
        raise value.invalid(f'key "{key}" is missing or empty')
    return text
