# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Links of a chain that openssl does not make: the algorithm that a certificate names is not that of its issuer's key."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.strata.containers.plugins.module_utils._trust.x509_certificate import (
    Certificate,
    parse_certificate,
)
from ansible_collections.strata.containers.plugins.module_utils._trust.x509_chain import NoChain, require_chain
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.certificate_parts import (
    BASIC,
    GOOD,
    TRUE,
    extension,
    parsed,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.der_text import bits, oid, seq
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

# To it belongs the public key that is the base point, which the certificates of these tests have.
KEY = ec.derive_private_key(1, ec.SECP256R1())
WITHIN = 1_735_689_600  # 2025-01-01
ROOT = parsed(subject=GOOD.issuer, extensions=(extension(BASIC, seq(TRUE)),))


def issued(algorithm: bytes, digest: hashes.HashAlgorithm) -> Certificate:
    """A certificate that ROOT has signed over ``digest``, whichever algorithm it names."""
    unsigned = replace(GOOD, inner=algorithm, outer=algorithm)
    signature = KEY.sign(parse_certificate(unsigned.der).signed, ec.ECDSA(digest))
    return parse_certificate(replace(unsigned, signature=bits(signature)).der)


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [
        (seq(oid("2a8648ce3d040302")), hashes.SHA256()),
        (seq(oid("2a8648ce3d040303")), hashes.SHA384()),
        (seq(oid("2a8648ce3d040304")), hashes.SHA512()),
    ],
)
def test_a_link_is_by_the_algorithm_that_it_names(algorithm: bytes, digest: hashes.HashAlgorithm) -> None:
    require_chain(issued(algorithm, digest), [ROOT], [], WITHIN)


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [
        (seq(oid("2a864886f70d01010b"), b"\x05\x00"), hashes.SHA256()),
        (seq(oid("2a864886f70d01010c"), b"\x05\x00"), hashes.SHA384()),
        (seq(oid("2a864886f70d01010d"), b"\x05\x00"), hashes.SHA512()),
        (seq(oid("2b6570")), hashes.SHA512()),
        (seq(oid("2a8648ce3d040302")), hashes.SHA384()),
        (seq(oid("2a8648ce3d040303")), hashes.SHA256()),
    ],
)
def test_a_link_by_another_algorithm_than_it_names_is_none(algorithm: bytes, digest: hashes.HashAlgorithm) -> None:
    with pytest.raises(NoChain, match="not by its issuer"):
        require_chain(issued(algorithm, digest), [ROOT], [], WITHIN)
