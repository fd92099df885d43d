# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Which names inside a signature are acceptable: ``signedIdentity`` of a requirement (containers-policy.json(5)).

This release parses the six kinds, so that a malformed policy is refused whole; nothing asks them to match yet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from .._model.reference import InvalidReference, Reference, parse_reference
from .strict_json import Value

_LABEL = r"(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*(?::[0-9]+)?"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PREFIX = re.compile(rf"{_HOST}(?:/{_COMPONENT})*", re.ASCII)


@dataclass(frozen=True)
class SignedIdentity:
    """A rule that a signed name must meet."""

    type: ClassVar[str] = ""


@dataclass(frozen=True)
class MatchExact(SignedIdentity):
    """The very reference that the user asked for, tag or digest included."""

    type = "matchExact"

    @classmethod
    def parse(cls, value: Value) -> MatchExact:
        """The rule in ``value``. Raises InvalidPolicy."""
        value.fields(["type"])
        return cls()


@dataclass(frozen=True)
class MatchRepoDigestOrExact(SignedIdentity):
    """The very reference, or any tag of the repository where the user asked for a digest. The default."""

    type = "matchRepoDigestOrExact"

    @classmethod
    def parse(cls, value: Value) -> MatchRepoDigestOrExact:
        """The rule in ``value``. Raises InvalidPolicy."""
        value.fields(["type"])
        return cls()


@dataclass(frozen=True)
class MatchRepository(SignedIdentity):
    """The repository that the user asked for, with any tag or none."""

    type = "matchRepository"

    @classmethod
    def parse(cls, value: Value) -> MatchRepository:
        """The rule in ``value``. Raises InvalidPolicy."""
        value.fields(["type"])
        return cls()


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


@dataclass(frozen=True)
class ExactRepository(SignedIdentity):
    """The repository that the policy names; a tag or digest there means nothing."""

    type = "exactRepository"
    repository: str

    @classmethod
    def parse(cls, value: Value) -> ExactRepository:
        """The rule in ``value``. Raises InvalidPolicy."""
        return cls(_reference(value.fields(["type", "dockerRepository"])["dockerRepository"]).name)


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
