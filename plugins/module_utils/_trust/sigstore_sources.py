# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Where a ``sigstoreSigned`` requirement has its keys and certificates from, as the policy says it.

A quirk of containers/image is kept: an empty or null path, issuer, address or host name counts as not given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .._errors import HostError
from .refusal import BAD_KEYS, Refusal
from .strict_json import Value, at_most_one, exactly_one


@dataclass(frozen=True)
class Material:
    """Keys or certificates in PEM: in files, or in the policy itself. Both are empty where none were given."""

    paths: tuple[str, ...] = ()
    datas: tuple[bytes, ...] = ()

    def load(self, read_file: Callable[[str], bytes]) -> tuple[tuple[str, bytes], ...]:
        """What each source is called, and its content. Raises Refusal for a file that cannot be read, even beside others."""
        try:
            in_files = [(path, read_file(path)) for path in self.paths]
        except HostError as error:
            raise Refusal(BAD_KEYS, f"trusted keys cannot be read: {error}") from error
        in_policy = [(f"number {number} in the policy", data) for number, data in enumerate(self.datas, 1)]
        return (*in_files, *in_policy)


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
        authorities = given(fields, ("caPath", "caData"))
        exactly_one(value, authorities, ("caPath", "caData"))
        return cls(
            authorities=material_of(authorities),
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
        given_roots, given_intermediates = given(fields, roots), given(fields, intermediates)
        exactly_one(value, given_roots, roots)
        at_most_one(value, given_intermediates, intermediates)
        email, hostname = (_optional_text(fields, key) for key in subjects)
        if not email and not hostname:
            raise value.invalid("one of these keys must be there", wanted=", ".join(subjects))
        return cls(material_of(given_roots), material_of(given_intermediates), email, hostname)


def given(fields: dict[str, Value], keys: tuple[str, ...]) -> dict[str, Value]:
    """Those of ``keys`` that count as given, parsed no further. Raises InvalidPolicy."""
    return {key: fields[key] for key in keys if key in fields and not _counts_as_absent(key, fields[key])}


def _counts_as_absent(key: str, value: Value) -> bool:
    # Arrays and objects are never absent: a null one is an error below.
    if key.endswith("Path"):
        return value.value is None or value.text() == ""
    return key.endswith("Data") and value.value is None


def material_of(source: dict[str, Value]) -> Material:
    """The PEM that the one key in ``source`` names or holds, if it does that. Raises InvalidPolicy."""
    for key, value in source.items():
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
