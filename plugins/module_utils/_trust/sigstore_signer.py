# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Who made a sigstore signature by a certificate: the chain, and the identity that the authority put into it.

Sources: containers/image, ``signature/fulcio_cert.go`` and ``pki_cert.go``; Fulcio's list of OIDs (docs/oid-info.md).
"""

from __future__ import annotations

from dataclasses import dataclass

from .._model.cosign import CERTIFICATE, CHAIN
from .._model.signature import SigstoreSignature
from .asymmetric import BadKey, Verifier, parse_key
from .pem import first_block
from .refusal import BAD_SIGSTORE, Refusal
from .sigstore_sources import PKI, Fulcio
from .sigstore_trust import Authorities
from .x509_certificate import BadCertificate, Certificate, parse_pem_certificates
from .x509_chain import NoChain, require_chain

_ISSUER = "1.3.6.1.4.1.57264.1.1"
_ISSUER_AS_DER = "1.3.6.1.4.1.57264.1.8"

# Bytes. A chain of a dozen certificates is far smaller; what is larger only costs time.
_MOST_TEXT = 64 << 10


@dataclass(frozen=True)
class Presented:
    """The certificates that come with a signature: the signer's, and those that lead to a root. None is trusted yet."""

    leaf: Certificate
    intermediates: tuple[Certificate, ...]

    def verified(self, authorities: Authorities, when: float) -> Verifier:
        """Checks by the key of the signer's certificate, which comes from ``authorities``. Raises Refusal."""
        try:
            require_chain(self.leaf, authorities.roots, (*authorities.intermediates, *self.intermediates), when)
            return parse_key(self.leaf.key)
        except NoChain as error:
            raise Refusal(BAD_SIGSTORE, f"the certificate of the signer is not accepted: {error}") from error
        except BadKey as error:
            raise Refusal(BAD_SIGSTORE, f"the certificate of the signer has {error}") from error

    def described(self, identity: str) -> str:
        """What results call the signer who was found to be ``identity``."""
        return f"certificate of {identity} by {self.leaf.issuer_name}"


def presented(signature: SigstoreSignature) -> Presented:
    """The certificates that come with ``signature``. Raises Refusal.

    The last one of the chain should be a root, which who signed may not choose, so it is dropped.
    """
    if CERTIFICATE not in signature.annotations:
        raise Refusal(BAD_SIGSTORE, f"the signature has no annotation {CERTIFICATE}")
    leaves = _certificates(signature.annotations[CERTIFICATE], CERTIFICATE)
    if len(leaves) > 1:
        raise Refusal(BAD_SIGSTORE, f"the annotation {CERTIFICATE} has several certificates")
    chain = signature.annotations.get(CHAIN, "")
    intermediates = _certificates(chain, CHAIN)[:-1] if chain else []
    return Presented(leaves[0], tuple(intermediates))


def certificate_bytes(signature: SigstoreSignature) -> bytes:
    """The DER of the certificate that comes with ``signature``, and nothing else with it. Raises Refusal."""
    text = signature.annotations.get(CERTIFICATE)
    if text is None:
        raise Refusal(BAD_SIGSTORE, f"the signature has no annotation {CERTIFICATE}")
    block = first_block(_limited(text, CERTIFICATE))
    if block is None or block.rest:
        raise Refusal(BAD_SIGSTORE, f"the annotation {CERTIFICATE} has no certificate, or more than one")
    return block.data


def require_fulcio_identity(certificate: Certificate, wanted: Fulcio) -> str:
    """The identity that ``certificate``, whose chain is good, was given to. Raises Refusal unless it is the one wanted."""
    issuer = _confirmed_by(certificate)
    if issuer != wanted.oidc_issuer:
        raise Refusal(BAD_SIGSTORE, f"the signer was confirmed by {ascii(issuer)} (wanted {ascii(wanted.oidc_issuer)})")
    return _require_email(certificate, wanted.subject_email)


def require_pki_identity(certificate: Certificate, wanted: PKI) -> str:
    """The identity that ``certificate``, whose chain is good, was given to. Raises Refusal unless it is the one wanted."""
    identities: list[str] = []
    if wanted.subject_email:
        identities.append(_require_email(certificate, wanted.subject_email))
    if wanted.subject_hostname:
        if not certificate.names.has_host(wanted.subject_hostname):
            raise Refusal(BAD_SIGSTORE, f"the certificate of the signer is not for the host {wanted.subject_hostname}")
        identities.append(wanted.subject_hostname)
    return ", ".join(identities)


def _require_email(certificate: Certificate, wanted: str) -> str:
    if wanted not in certificate.names.emails:
        found = ", ".join(map(ascii, certificate.names.emails)) or "none"
        raise Refusal(
            BAD_SIGSTORE, f"the certificate of the signer is for other addresses (wanted {wanted}, found {found})"
        )
    return wanted


def _confirmed_by(certificate: Certificate) -> str:
    """The OIDC issuer that Fulcio has recorded. The older extension is the bare text, the newer one is DER."""
    extensions = certificate.unread
    found: set[str] = set()
    try:
        if _ISSUER in extensions:
            found.add(extensions[_ISSUER].decode("utf-8"))
        if _ISSUER_AS_DER in extensions:
            found.add(_utf8_string(extensions[_ISSUER_AS_DER]))
    except ValueError as error:
        raise Refusal(BAD_SIGSTORE, "the certificate of the signer has a malformed extension of its issuer") from error
    if len(found) != 1:
        reason = "names two issuers that differ" if found else "does not say who confirmed the signer"
        raise Refusal(BAD_SIGSTORE, f"the certificate of the signer {reason}")
    return found.pop()


def _utf8_string(value: bytes) -> str:
    """The text of ``value``, an UTF8String in DER (X.690, section 10.1) of at most 65535 bytes. Raises ValueError."""
    for start in (2, 3, 4):
        text = value[start:]
        if value[:start] == _head(len(text)):
            return text.decode("utf-8")
    raise ValueError("no UTF8String")


def _head(size: int) -> bytes:
    """The tag of an UTF8String, and its length in as few bytes as it needs."""
    if size < 0x80:
        return bytes((0x0C, size))
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((0x0C, 0x80 | len(length))) + length


def _certificates(text: str, annotation: str) -> list[Certificate]:
    try:
        return parse_pem_certificates(_limited(text, annotation))
    except BadCertificate as error:
        raise Refusal(BAD_SIGSTORE, f"the annotation {annotation} is no certificate in PEM: {error}") from error


def _limited(text: str, annotation: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > _MOST_TEXT:
        raise Refusal(BAD_SIGSTORE, f"the annotation {annotation} is longer than {_MOST_TEXT} bytes")
    return data
