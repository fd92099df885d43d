# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Whom a ``sigstoreSigned`` requirement trusts: its keys and authorities, read and parsed whole before any signature is.

One source that is unreadable or malformed spoils all, as in containers/image: who relies on a key must learn early that it
would not work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .asymmetric import ECDSA, BadKey, Verifier, parse_pem_key
from .refusal import BAD_KEYS, Refusal
from .sigstore_sources import PKI, Fulcio, Material
from .x509_certificate import BadCertificate, Certificate, parse_pem_bundle, parse_pem_certificates

ReadFile = Callable[[str], bytes]


@dataclass(frozen=True)
class Authorities:
    """Certificates below which a signer's must be: roots, and what is known to be between."""

    roots: tuple[Certificate, ...] = ()
    intermediates: tuple[Certificate, ...] = ()


@dataclass(frozen=True)
class Trusted:
    """All that was loaded for one requirement; what it does not ask for is empty."""

    keys: tuple[Verifier, ...] = ()
    logs: tuple[Verifier, ...] = ()
    authorities: Authorities = field(default_factory=Authorities)


def load_trusted(keys: Material, authority: Fulcio | PKI | None, logs: Material, read_file: ReadFile) -> Trusted:
    """What the sources hold. Raises Refusal, and MissingLibraryError."""
    return Trusted(
        keys=_keys(keys, read_file, "key"),
        authorities=_authorities(authority, read_file),
        logs=_logs(logs, read_file),
    )


def _keys(material: Material, read_file: ReadFile, what: str) -> tuple[Verifier, ...]:
    verifiers: list[Verifier] = []
    for name, pem in material.load(read_file):
        try:
            verifiers.append(parse_pem_key(pem))
        except BadKey as error:
            raise Refusal(BAD_KEYS, f"the trusted {what} {name} cannot be used: {error}") from error
    return tuple(verifiers)


def _logs(material: Material, read_file: ReadFile) -> tuple[Verifier, ...]:
    logs = _keys(material, read_file, "key of Rekor")
    if any(log.kind != ECDSA for log in logs):
        raise Refusal(BAD_KEYS, "a trusted key of Rekor is not one of ECDSA")
    return logs


def _authorities(authority: Fulcio | PKI | None, read_file: ReadFile) -> Authorities:
    if authority is None:
        return Authorities()
    if isinstance(authority, Fulcio):
        return Authorities(_roots(authority.authorities, read_file))
    return Authorities(_roots(authority.roots, read_file), _intermediates(authority.intermediates, read_file))


def _roots(material: Material, read_file: ReadFile) -> tuple[Certificate, ...]:
    ((name, pem),) = material.load(read_file)
    roots = parse_pem_bundle(pem)
    if not roots:
        raise Refusal(BAD_KEYS, f"the trusted authorities {name} hold no certificate")
    return tuple(roots)


def _intermediates(material: Material, read_file: ReadFile) -> tuple[Certificate, ...]:
    found: list[Certificate] = []
    for name, pem in material.load(read_file):
        try:
            found += parse_pem_certificates(pem)
        except BadCertificate as error:
            raise Refusal(BAD_KEYS, f"the trusted intermediate authorities {name} cannot be used: {error}") from error
    return tuple(found)
