# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""A certificate as a value (RFC 5280, section 4.1), read from its own bytes, so that no library has to be asked what it says.

Read strictly, in the manner of Go's crypto/x509: what is not well-formed is no certificate. Nothing in it is true before its
chain was verified.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Optional

from .der import BIT_STRING, BOOLEAN, INTEGER, OCTET_STRING, SEQUENCE, BadDer, DerReader, sequence
from .pem import blocks
from .x509_names import AlternativeNames, parse_alternative_names

_VERSION = 0xA0
_UNIQUE_IDS = (0x81, 0x82)
_EXTENSIONS = 0xA3

_KEY_USAGE = "2.5.29.15"
_ALTERNATIVE_NAMES = "2.5.29.17"
_BASIC_CONSTRAINTS = "2.5.29.19"
_NAME_CONSTRAINTS = "2.5.29.30"
_EXTENDED_KEY_USAGE = "2.5.29.37"
_READ_HERE = frozenset({_KEY_USAGE, _BASIC_CONSTRAINTS, _NAME_CONSTRAINTS, _EXTENDED_KEY_USAGE})
# Extensions that say nothing about whether a chain holds, so that they may be critical: identifiers of keys, places to ask,
# policies. Go knows the same.
_HARMLESS = frozenset({"2.5.29.14", "2.5.29.31", "2.5.29.32", "2.5.29.35", "1.3.6.1.5.5.7.1.1"})

# keyCertSign, bit 5 of KeyUsage, the first bit being the highest.
_CERTIFICATE_SIGN = 0x80 >> 5


class BadCertificate(ValueError):
    """The bytes are no certificate. Never leaves ``_trust``."""


@dataclass(frozen=True)
class Extension:
    """What an extension holds, and whether who does not understand it must refuse the certificate."""

    value: bytes
    critical: bool


@dataclass(frozen=True)
class Rights:
    """What a certificate may be used for.

    ``authority`` tells whether it may issue certificates, None where it does not say; ``path_length`` how many
    authorities may stand between it and the last certificate, None for any number. ``may_sign`` is False where its key
    usage leaves out the signing of certificates. ``purposes`` are the OIDs of its extended key usage, empty for any.
    """

    authority: Optional[bool]
    path_length: Optional[int]
    may_sign: bool
    purposes: tuple[str, ...]


@dataclass(frozen=True)
class Certificate:
    """What a certificate says.

    ``signed`` are the bytes over which the ``signature`` of ``algorithm`` goes. ``issuer`` and ``subject``
    are the DER of the names, which are compared as bytes; ``key`` is the DER of the SubjectPublicKeyInfo. Times are in
    seconds since 1970, and both belong to the validity.
    """

    signed: bytes
    algorithm: str
    signature: bytes
    version: int
    issuer: bytes
    subject: bytes
    not_before: int
    not_after: int
    key: bytes
    names: AlternativeNames
    rights: Rights
    extensions: Mapping[str, Extension] = field(default_factory=dict)

    @property
    def constrains_names(self) -> bool:
        """Whether what is below it may have certain names only."""
        return _NAME_CONSTRAINTS in self.extensions

    @property
    def not_understood(self) -> tuple[str, ...]:
        """The critical extensions that say what nobody here understands."""
        understood = _READ_HERE | _HARMLESS | ({_ALTERNATIVE_NAMES} if self.names.known else set())
        return tuple(oid for oid, found in self.extensions.items() if found.critical and oid not in understood)


def parse_certificate(der: bytes) -> Certificate:
    """The certificate that ``der`` is. Raises BadCertificate."""
    try:
        return _certificate(der)
    except BadDer as error:
        raise BadCertificate(f"malformed: {error}") from error


def parse_pem_certificates(text: bytes) -> list[Certificate]:
    """The certificates in the PEM ``text``, at least one, with nothing but white space after them. Raises BadCertificate."""
    found = list(blocks(text.strip()))
    if not found:
        raise BadCertificate("no PEM")
    if found[-1].rest:
        raise BadCertificate("something that is no PEM follows the certificates")
    return [parse_certificate(block.data) for block in found]


def parse_pem_bundle(text: bytes) -> list[Certificate]:
    """The certificates in ``text``, a bundle of authorities, where what is none is passed over."""
    found: list[Certificate] = []
    for block in blocks(text):
        if block.label == "CERTIFICATE" and not block.has_headers:
            try:
                found.append(parse_certificate(block.data))
            except BadCertificate:
                continue
    return found


def _certificate(der: bytes) -> Certificate:
    outer = sequence(der)
    signed, algorithm, signature = outer.whole(SEQUENCE), outer.whole(SEQUENCE), outer.bits()
    outer.end()
    inner = sequence(signed)
    version = _version(inner)
    if inner.integer() < 0:
        raise BadDer("a negative serial number")
    if inner.whole(SEQUENCE) != algorithm:
        raise BadDer("it names two algorithms for its signature")
    issuer = inner.whole(SEQUENCE)
    validity = inner.inside(SEQUENCE)
    not_before, not_after = validity.time(), validity.time()
    validity.end()
    subject, key = inner.whole(SEQUENCE), inner.whole(SEQUENCE)
    extensions = _extensions(inner, version)
    return Certificate(
        signed=signed,
        algorithm=sequence(algorithm).oid(),
        signature=signature,
        version=version,
        issuer=issuer,
        subject=subject,
        not_before=not_before,
        not_after=not_after,
        key=key,
        names=_names(extensions),
        rights=_rights(extensions),
        extensions=extensions,
    )


def _version(inner: DerReader) -> int:
    """1 to 3; the first is not written."""
    if not inner.next_is(_VERSION):
        return 1
    explicit = inner.inside(_VERSION)
    version = explicit.integer() + 1
    explicit.end()
    if version not in (2, 3):
        raise BadDer("a version that does not exist")
    return version


def _extensions(inner: DerReader, version: int) -> dict[str, Extension]:
    """All extensions by OID. They are the last."""
    for tag in _UNIQUE_IDS:
        if inner.next_is(tag):
            inner.any()
    if inner.at_end:
        return {}
    if version != 3:
        raise BadDer("extensions in a version that has none")
    explicit = inner.inside(_EXTENSIONS)
    inner.end()
    listed = explicit.inside(SEQUENCE)
    explicit.end()
    found: dict[str, Extension] = {}
    while not listed.at_end:
        extension = listed.inside(SEQUENCE)
        oid = extension.oid()
        critical = extension.next_is(BOOLEAN) and extension.boolean()
        value = extension.read(OCTET_STRING)
        extension.end()
        if oid in found:
            raise BadDer("an extension twice")
        found[oid] = Extension(value, critical)
    return found


def _names(extensions: Mapping[str, Extension]) -> AlternativeNames:
    if _ALTERNATIVE_NAMES not in extensions:
        return AlternativeNames()
    return parse_alternative_names(extensions[_ALTERNATIVE_NAMES].value)


def _rights(extensions: Mapping[str, Extension]) -> Rights:
    authority: Optional[bool] = None
    path_length: Optional[int] = None
    may_sign = True
    purposes: tuple[str, ...] = ()
    if _BASIC_CONSTRAINTS in extensions:
        authority, path_length = _basic_constraints(extensions[_BASIC_CONSTRAINTS].value)
    if _KEY_USAGE in extensions:
        may_sign = _may_sign(extensions[_KEY_USAGE].value)
    if _EXTENDED_KEY_USAGE in extensions:
        purposes = _purposes(extensions[_EXTENDED_KEY_USAGE].value)
    return Rights(authority, path_length, may_sign, purposes)


def _basic_constraints(value: bytes) -> tuple[bool, Optional[int]]:
    reader = sequence(value)
    authority = reader.next_is(BOOLEAN) and reader.boolean()
    path_length = reader.integer() if reader.next_is(INTEGER) else None
    reader.end()
    if path_length is not None and path_length < 0:
        raise BadDer("a path of negative length")
    return authority, path_length


def _may_sign(value: bytes) -> bool:
    reader = DerReader(value)
    content = reader.read(BIT_STRING)
    reader.end()
    # The first byte counts the unused bits of the last one, which are zero (X.690, section 11.2.1).
    if not content or content[0] > 7 or content[-1] & ((1 << content[0]) - 1):
        raise BadDer("a key usage that is no BIT STRING")
    return len(content) > 1 and bool(content[1] & _CERTIFICATE_SIGN)


def _purposes(value: bytes) -> tuple[str, ...]:
    reader = sequence(value)
    purposes: list[str] = []
    while not reader.at_end:
        purposes.append(reader.oid())
    return tuple(purposes)
