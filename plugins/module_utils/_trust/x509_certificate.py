# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""A certificate as a value (RFC 5280, section 4.1), read by the library ``cryptography``, 38 or later.

The library reads some parts late, when they are asked for, and raises then; here all is read at once, so that what is not
well-formed is no certificate. Nothing in it is true before its chain was verified.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Optional
from urllib.parse import urlsplit

from .asymmetric import key_info, require_cryptography
from .pem import blocks
from .x509_names import AlternativeNames, printable

_KEY_USAGE = "2.5.29.15"
_ALTERNATIVE_NAMES = "2.5.29.17"
_BASIC_CONSTRAINTS = "2.5.29.19"
_NAME_CONSTRAINTS = "2.5.29.30"
_EXTENDED_KEY_USAGE = "2.5.29.37"
_READ_HERE = frozenset({_KEY_USAGE, _BASIC_CONSTRAINTS, _NAME_CONSTRAINTS, _EXTENDED_KEY_USAGE})
# Extensions that say nothing about whether a chain holds, so that they may be critical: identifiers of keys, places to ask,
# policies. Go knows the same.
_HARMLESS = frozenset({"2.5.29.14", "2.5.29.31", "2.5.29.32", "2.5.29.35", "1.3.6.1.5.5.7.1.1"})


class BadCertificate(ValueError):
    """The bytes are no certificate. Never leaves ``_trust``."""


@dataclass(frozen=True)
class Rights:
    """What a certificate may be used for.

    ``authority`` tells whether it may issue certificates, None where it does not say; ``path_length`` how many
    authorities may stand between it and the last certificate, None for any number. ``may_sign`` is False where its key
    usage leaves out the signing of certificates. ``purposes`` are the OIDs of its extended key usage, empty for any.
    ``constrains_names`` tells whether what is below it may have certain names only.
    """

    authority: Optional[bool]
    path_length: Optional[int]
    may_sign: bool
    purposes: tuple[str, ...]
    constrains_names: bool


@dataclass(frozen=True)
class Certificate:
    """What a certificate says.

    ``signed`` are the bytes over which the ``signature`` of ``algorithm`` goes. ``issuer`` and ``subject``
    are the DER of the names, which are compared as bytes; ``issuer_name`` is for people, as in ``O=Example,CN=Example Root``.
    ``key`` is the DER of the SubjectPublicKeyInfo, empty where the library has no such key. Times are in seconds since
    1970, and both belong to the validity. ``unread`` are the extensions that the library does not know, by OID;
    ``not_understood`` the critical ones that say what nobody here understands.
    """

    signed: bytes
    algorithm: str
    signature: bytes
    version: int
    issuer: bytes
    issuer_name: str
    subject: bytes
    not_before: int
    not_after: int
    key: bytes
    names: AlternativeNames
    rights: Rights
    unread: Mapping[str, bytes]
    not_understood: tuple[str, ...]


def parse_certificate(der: bytes) -> Certificate:
    """The certificate that ``der`` is. Raises BadCertificate, and MissingLibraryError."""
    require_cryptography("to verify sigstore signatures")
    # Here, for it takes as long to load as all that is needed for keys, and most signatures have no certificate.
    from cryptography import x509

    try:
        found = x509.load_der_x509_certificate(der)
        _check_outside(der, found)
        return _certificate(found)
    # Of hostile bytes come ValueError, InvalidVersion, DuplicateExtension, UnsupportedGeneralNameType, KeyError, InternalError
    # and more, as the version likes.
    except Exception as error:
        raise BadCertificate(f"malformed: {printable(str(error))}") from error


def parse_pem_certificates(text: bytes) -> list[Certificate]:
    """The certificates in the PEM ``text``, at least one, with nothing but white space after them.

    Raises BadCertificate, and MissingLibraryError.
    """
    found = list(blocks(text.strip()))
    if not found:
        raise BadCertificate("no PEM")
    if found[-1].rest:
        raise BadCertificate("something that is no PEM follows the certificates")
    return [parse_certificate(block.data) for block in found]


def parse_pem_bundle(text: bytes) -> list[Certificate]:
    """The certificates in ``text``, a bundle of authorities, where what is none is passed over. Raises MissingLibraryError."""
    found: list[Certificate] = []
    for block in blocks(text):
        if block.label == "CERTIFICATE" and not block.has_headers:
            try:
                found.append(parse_certificate(block.data))
            except BadCertificate:
                continue
    return found


def _certificate(found: Any) -> Certificate:
    extensions = {extension.oid.dotted_string: extension for extension in found.extensions}
    version = found.version.value + 1
    if extensions and version != 3:
        raise BadCertificate("extensions in a version that has none")
    if found.serial_number < 0:
        raise BadCertificate("a negative serial number")
    names = _names(extensions)
    return Certificate(
        signed=found.tbs_certificate_bytes,
        algorithm=found.signature_algorithm_oid.dotted_string,
        signature=found.signature,
        version=version,
        issuer=found.issuer.public_bytes(),
        issuer_name=_readable(found.issuer),
        subject=found.subject.public_bytes(),
        not_before=_seconds(found, "not_valid_before"),
        not_after=_seconds(found, "not_valid_after"),
        key=_key(found),
        names=names,
        rights=_rights(extensions),
        unread=_unread(extensions),
        not_understood=_not_understood(extensions, names),
    )


def _check_outside(der: bytes, found: Any) -> None:
    """Raises BadCertificate where what stands behind the signed part could be changed without anybody's noticing.

    The library neither compares the algorithm there with the one inside, nor looks at the unused bits of the signature.
    """
    outside = der.partition(found.tbs_certificate_bytes)[2]
    # A SEQUENCE whose length is one byte: no algorithm that is verified needs more.
    if outside[: 2 + outside[1]] not in found.tbs_certificate_bytes:
        raise BadCertificate("it names two algorithms for its signature")
    if not der.endswith(b"\x00" + found.signature):
        raise BadCertificate("its signature does not consist of whole bytes")


def _seconds(found: Any, end: str) -> int:
    """One end of the validity. Both properties are in UTC; the one that says so is there from 42 on, the other till then."""
    moment = getattr(found, f"{end}_utc", None) or getattr(found, end)
    return calendar.timegm(moment.utctimetuple())


def _key(found: Any) -> bytes:
    try:
        key = key_info(found.public_key())
    # As above. A certificate of a key that is not verified is one; only nothing comes of it.
    except Exception:
        return b""
    # The library also reads keys that stand there in another form than the one that it writes.
    return key if key in found.tbs_certificate_bytes else b""


def _names(extensions: Mapping[str, Any]) -> AlternativeNames:
    from cryptography import x509

    if _ALTERNATIVE_NAMES not in extensions:
        return AlternativeNames()
    names = extensions[_ALTERNATIVE_NAMES].value
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    for uri in uris:
        # Raises ValueError, as Go refuses a certificate for a name that is no URI.
        urlsplit(uri)
    return AlternativeNames(
        emails=tuple(names.get_values_for_type(x509.RFC822Name)),
        hosts=tuple(names.get_values_for_type(x509.DNSName)),
        uris=tuple(uris),
        # A network, for which the library takes 8 or 32 bytes, has none, which raises AttributeError.
        addresses=tuple(address.packed for address in names.get_values_for_type(x509.IPAddress)),
    )


def _rights(extensions: Mapping[str, Any]) -> Rights:
    authority: Optional[bool] = None
    path_length: Optional[int] = None
    may_sign = True
    purposes: tuple[str, ...] = ()
    if _BASIC_CONSTRAINTS in extensions:
        constraints = extensions[_BASIC_CONSTRAINTS].value
        authority, path_length = constraints.ca, constraints.path_length
    if _KEY_USAGE in extensions:
        may_sign = extensions[_KEY_USAGE].value.key_cert_sign
    if _EXTENDED_KEY_USAGE in extensions:
        purposes = tuple(purpose.dotted_string for purpose in extensions[_EXTENDED_KEY_USAGE].value)
    return Rights(authority, path_length, may_sign, purposes, _NAME_CONSTRAINTS in extensions)


def _unread(extensions: Mapping[str, Any]) -> dict[str, bytes]:
    from cryptography import x509

    values = {oid: found.value for oid, found in extensions.items()}
    return {oid: value.value for oid, value in values.items() if isinstance(value, x509.UnrecognizedExtension)}


def _not_understood(extensions: Mapping[str, Any], names: AlternativeNames) -> tuple[str, ...]:
    understood = _READ_HERE | _HARMLESS | ({_ALTERNATIVE_NAMES} if names.known else set())
    return tuple(oid for oid, found in extensions.items() if found.critical and oid not in understood)


def _readable(name: Iterable[Any]) -> str:
    """A distinguished name for people."""
    return ",".join(f"{one.rfc4514_attribute_name}={_readable_value(one.value)}" for one in name) or "nobody"


def _readable_value(value: Any) -> str:
    return f"#{value.hex()}" if isinstance(value, bytes) else printable(value)
