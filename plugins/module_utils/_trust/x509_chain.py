# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Whether a certificate comes from a trusted authority (RFC 5280, section 6, as Go's crypto/x509 walks it).

The checks of a link, in order; the numbers are repeated below:

1. The issuer's name of the lower certificate is the subject of the upper one, byte by byte.
2. The upper one may issue: it says that it is an authority, unless it is a root of a version that could not yet say so; and
   its key usage, if it has one, allows to sign certificates.
3. The signature of the lower one is by the upper one's key, with RSA (PKCS #1 v1.5) or ECDSA over SHA-256, 384 or 512, or
   Ed25519.
4. The time is within the validity, both ends included.
5. No critical extension is there that nobody understands.
6. No more authorities are below than the path length allows.

And for the chain: 7. where a certificate of it, the root included, has an extended key usage, it has the purpose wanted, or
any. The last certificate meets 4, 5 and 7, and it may itself be one of the roots.

Stricter than Go: a chain through an authority that constrains names is refused, for nobody here reads the constraints;
RSA-PSS and RSA keys of less than 2048 bits are not verified.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .asymmetric import ECDSA, ED25519, RSA, BadKey, parse_key
from .x509_certificate import Certificate

CODE_SIGNING = "1.3.6.1.5.5.7.3.3"
_ANY_PURPOSE = "2.5.29.37.0"

# OID -> the kind of the key, and the bits of the hash (RFC 4055, RFC 5758, RFC 8410).
_ALGORITHMS = {
    "1.2.840.113549.1.1.11": (RSA, 256),
    "1.2.840.113549.1.1.12": (RSA, 384),
    "1.2.840.113549.1.1.13": (RSA, 512),
    "1.2.840.10045.4.3.2": (ECDSA, 256),
    "1.2.840.10045.4.3.3": (ECDSA, 384),
    "1.2.840.10045.4.3.4": (ECDSA, 512),
    "1.3.101.112": (ED25519, 0),
}

# As many signatures as Go checks at most, whatever maze the intermediates build.
_MOST_LINKS = 100


class NoChain(ValueError):
    """The certificate does not come from a trusted authority, or not for this purpose. Never leaves ``_trust``."""


def require_chain(
    leaf: Certificate,
    roots: Sequence[Certificate],
    intermediates: Sequence[Certificate],
    when: float,
    purpose: str = CODE_SIGNING,
) -> None:
    """Raises NoChain unless ``leaf`` was good for ``purpose`` at the time ``when``, in seconds since 1970.

    Raises MissingLibraryError too.
    """
    _Walk(roots, intermediates, when, purpose).require(leaf)


class _Walk:
    """One search for a chain."""

    def __init__(
        self, roots: Sequence[Certificate], intermediates: Sequence[Certificate], when: float, purpose: str
    ) -> None:
        self._roots = roots
        self._intermediates = intermediates
        self._when = when
        self._purpose = purpose
        self._links = 0
        # What is wrong with the way that came farthest is of use to people; the last one is good enough.
        self._reason = "no authority that is trusted issued it"

    def require(self, leaf: Certificate) -> None:
        reason = self._unfit(leaf)
        if reason:
            raise NoChain(reason)
        chains = iter([[leaf]]) if leaf in self._roots else self._chains([leaf])
        if not any(self._serves(chain) for chain in chains):
            raise NoChain(self._reason)

    def _chains(self, chain: list[Certificate]) -> Iterator[list[Certificate]]:
        """All ways from the end of ``chain`` to a root."""
        for root in self._issuers(self._roots, chain):
            if self._links_to(root, chain, is_root=True):
                yield [*chain, root]
        for intermediate in self._issuers(self._intermediates, chain):
            if self._links_to(intermediate, chain, is_root=False):
                yield from self._chains([*chain, intermediate])

    def _issuers(self, candidates: Sequence[Certificate], chain: list[Certificate]) -> Iterator[Certificate]:
        for candidate in candidates:
            if candidate.subject == chain[-1].issuer and not _contains(chain, candidate):  # 1
                self._links += 1
                if self._links > _MOST_LINKS:
                    raise NoChain(f"more than {_MOST_LINKS} links were tried")
                yield candidate

    def _links_to(self, upper: Certificate, chain: list[Certificate], *, is_root: bool) -> bool:
        reason = (
            _may_issue(upper, is_root)
            or _signature_fault(chain[-1], upper)
            or self._unfit(upper)
            or _too_long(upper, chain)
            or ("an authority constrains names, which is not supported" if upper.rights.constrains_names else "")
        )
        self._reason = reason or self._reason
        return not reason

    def _unfit(self, certificate: Certificate) -> str:
        if self._when < certificate.not_before:  # 4
            return "a certificate of the chain was not yet valid"
        if self._when > certificate.not_after:
            return "a certificate of the chain had expired"
        if certificate.not_understood:  # 5
            return f"a certificate has critical extensions that nobody understands: {', '.join(certificate.not_understood)}"
        return ""

    def _serves(self, chain: list[Certificate]) -> bool:
        for certificate in chain:  # 7
            purposes = certificate.rights.purposes
            if purposes and self._purpose not in purposes and _ANY_PURPOSE not in purposes:
                self._reason = "a certificate of the chain is for other purposes than the signing of code"
                return False
        return True


def _may_issue(upper: Certificate, is_root: bool) -> str:
    authority = upper.rights.authority  # 2
    unsaid = is_root and authority is None and upper.version < 3
    if not (authority or unsaid):
        return "the issuer is no authority"
    return "" if upper.rights.may_sign else "the issuer may not sign certificates"


def _signature_fault(lower: Certificate, upper: Certificate) -> str:
    if lower.algorithm not in _ALGORITHMS:  # 3
        return f"a certificate is signed by an algorithm that is not verified ({lower.algorithm})"
    kind, bits = _ALGORITHMS[lower.algorithm]
    try:
        verifier = parse_key(upper.key)
    except BadKey as error:
        return f"the issuer has {error}"
    if verifier.kind != kind or not verifier.verifies(lower.signature, lower.signed, bits):
        return "the signature of a certificate is not by its issuer"
    return ""


def _too_long(upper: Certificate, chain: list[Certificate]) -> str:
    length = upper.rights.path_length  # 6
    if length is not None and len(chain) - 1 > length:
        return "more authorities are below one than it allows"
    return ""


def _contains(chain: Sequence[Certificate], certificate: Certificate) -> bool:
    """Whether the same authority is there already, maybe by another certificate."""
    wanted = (certificate.subject, certificate.key, certificate.names)
    return any((other.subject, other.key, other.names) == wanted for other in chain)
