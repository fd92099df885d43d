# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Which names inside a signature are acceptable: ``signedIdentity`` of a requirement (containers-policy.json(5)).

The rules are those of containers/image, ``signature/policy_reference_match.go``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from .._model.reference import InvalidReference, Reference, parse_reference
from .refusal import OTHER_IDENTITY, Refusal
from .strict_json import Value

_MOST_SHOWN = 300
_LABEL = r"(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*(?::[0-9]+)?"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PREFIX = re.compile(rf"{_HOST}(?:/{_COMPONENT})*", re.ASCII)


@dataclass(frozen=True)
class SignedIdentity:
    """A rule that a signed name must meet. A kind that does not say what it accepts accepts nothing."""

    type: ClassVar[str] = ""

    def accepts(self, signed: str, identity: Reference | None) -> bool:
        """Whether the name ``signed`` may stand for ``identity``, what the user asked for (None: it has no such name).

        What is no reference is never accepted. Short names are expanded as docker.io's.
        """
        try:
            reference = parse_reference(signed)
        except InvalidReference:
            return False
        return self._matches(reference, identity)

    def require(self, signed: str, identity: Reference | None) -> None:
        """Raises Refusal unless ``signed``, which was signed indeed, may stand for ``identity``."""
        if not self.accepts(signed, identity):
            raise Refusal(
                OTHER_IDENTITY,
                f"the signature is for the name {_shown(signed)}, which {self.type} does not accept for "
                f"{identity or 'an image without such a name'}",
            )

    def _matches(self, signed: Reference, identity: Reference | None) -> bool:
        del signed, identity
        return False


@dataclass(frozen=True)
class MatchExact(SignedIdentity):
    """The very reference that the user asked for, tag or digest included."""

    type = "matchExact"

    @classmethod
    def parse(cls, value: Value) -> MatchExact:
        """The rule in ``value``. Raises InvalidPolicy."""
        value.fields(["type"])
        return cls()

    def _matches(self, signed: Reference, identity: Reference | None) -> bool:
        return _same(signed, identity)


@dataclass(frozen=True)
class MatchRepoDigestOrExact(SignedIdentity):
    """The very reference, or any tag of the repository where the user asked for a digest. The default."""

    type = "matchRepoDigestOrExact"

    @classmethod
    def parse(cls, value: Value) -> MatchRepoDigestOrExact:
        """The rule in ``value``. Raises InvalidPolicy."""
        value.fields(["type"])
        return cls()

    def _matches(self, signed: Reference, identity: Reference | None) -> bool:
        return identity is not None and _same_or_by_digest(signed, identity)


@dataclass(frozen=True)
class MatchRepository(SignedIdentity):
    """The repository that the user asked for, with any tag or none."""

    type = "matchRepository"

    @classmethod
    def parse(cls, value: Value) -> MatchRepository:
        """The rule in ``value``. Raises InvalidPolicy."""
        value.fields(["type"])
        return cls()

    def _matches(self, signed: Reference, identity: Reference | None) -> bool:
        return identity is not None and signed.name == identity.name


@dataclass(frozen=True)
class ExactReference(SignedIdentity):
    """The reference that the policy names."""

    type = "exactReference"
    reference: Reference

    @classmethod
    def parse(cls, value: Value) -> ExactReference:
        """The rule in ``value``; its reference needs a tag or a digest. Raises InvalidPolicy."""
        field = value.fields(["type", "dockerReference"])["dockerReference"]
        reference = _reference(field)
        if reference.tag is None and reference.digest is None:
            raise field.invalid("neither a tag nor a digest", found=field.text())
        return cls(reference)

    def _matches(self, signed: Reference, identity: Reference | None) -> bool:
        del identity
        return _same(signed, self.reference)


@dataclass(frozen=True)
class ExactRepository(SignedIdentity):
    """The repository that the policy names; a tag or digest there means nothing."""

    type = "exactRepository"
    repository: str

    @classmethod
    def parse(cls, value: Value) -> ExactRepository:
        """The rule in ``value``. Raises InvalidPolicy."""
        return cls(_reference(value.fields(["type", "dockerRepository"])["dockerRepository"]).name)

    def _matches(self, signed: Reference, identity: Reference | None) -> bool:
        del identity
        return signed.name == self.repository


@dataclass(frozen=True)
class RemapIdentity(SignedIdentity):
    """The name that the user asked for with ``prefix`` replaced by ``signed_prefix``, as for a mirror."""

    type = "remapIdentity"
    prefix: str
    signed_prefix: str

    @classmethod
    def parse(cls, value: Value) -> RemapIdentity:
        """The rule in ``value``; prefixes are a host or a host and path. Raises InvalidPolicy."""
        fields = value.fields(["type", "prefix", "signedPrefix"])
        return cls(_prefix(fields["prefix"]), _prefix(fields["signedPrefix"]))

    def _matches(self, signed: Reference, identity: Reference | None) -> bool:
        remapped = self._remapped(identity) if identity is not None else None
        return remapped is not None and _same_or_by_digest(signed, remapped)

    def _remapped(self, identity: Reference) -> Reference | None:
        """``identity`` below the other prefix, itself where it is not below the first one; None where that is no name."""
        if identity.name != self.prefix and not identity.name.startswith(f"{self.prefix}/"):
            return identity
        try:
            return identity.with_name(self.signed_prefix + identity.name[len(self.prefix) :])
        except InvalidReference:
            return None


_TYPES = {
    identity.type: identity
    for identity in (
        MatchExact,
        MatchRepoDigestOrExact,
        MatchRepository,
        ExactReference,
        ExactRepository,
        RemapIdentity,
    )
}


def parse_signed_identity(value: Value | None) -> SignedIdentity:
    """The rule in ``value``, the default one where there is no value. Raises InvalidPolicy."""
    if value is None:
        return MatchRepoDigestOrExact()
    kind = value.member("type")
    if kind.text() not in _TYPES:
        raise kind.invalid("unknown type of identity", wanted=", ".join(_TYPES), found=kind.text())
    return _TYPES[kind.text()].parse(value)


def _shown(text: str) -> str:
    """On one line, whatever a signer wrote."""
    return ascii(text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}...")


def _same(signed: Reference, other: Reference | None) -> bool:
    """Both are there and say which image of the repository they mean, and say the same."""
    return (signed.tag is not None or signed.digest is not None) and signed == other


def _same_or_by_digest(signed: Reference, identity: Reference) -> bool:
    """The same; where ``identity`` is a digest alone, the digest was checked already and the repository is enough."""
    if signed.tag is None and signed.digest is None:
        return False
    if identity.tag is None and identity.digest is not None:
        return signed.name == identity.name
    return signed == identity


def _reference(value: Value) -> Reference:
    try:
        return parse_reference(value.text())
    except InvalidReference as error:
        raise value.invalid(error.message, found=value.text()) from error


def _prefix(value: Value) -> str:
    prefix = value.text()
    if not _PREFIX.fullmatch(prefix):
        raise value.invalid("not a host, nor a host and a path", found=prefix)
    return prefix
