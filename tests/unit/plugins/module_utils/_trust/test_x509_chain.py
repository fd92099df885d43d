# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Links of a chain that openssl does not make, and the search among many of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

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
    name,
    parsed,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.der_text import bits, oid, seq
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

# To it belongs the public key that is the base point, which the certificates of these tests have.
KEY = ec.derive_private_key(1, ec.SECP256R1())
WITHIN = 1_735_689_600  # 2025-01-01
ROOT = parsed(subject=GOOD.issuer, extensions=(extension(BASIC, seq(TRUE)),))


def issued(algorithm: bytes, digest: hashes.HashAlgorithm, **changes: Any) -> Certificate:
    """A certificate that ROOT has signed over ``digest``, whichever algorithm it names."""
    unsigned = replace(GOOD, inner=algorithm, outer=algorithm, **changes)
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


NO_AUTHORITY = parsed(subject=GOOD.issuer)
OTHER = name("550403", 0x0C, b"Other")
SHA256 = seq(oid("2a8648ce3d040302"))
LEAF = issued(SHA256, hashes.SHA256())


def authority(subject: bytes, issuer: bytes) -> Certificate:
    """An authority with the key of all certificates here, signed by it too."""
    return issued(SHA256, hashes.SHA256(), subject=subject, issuer=issuer, extensions=(extension(BASIC, seq(TRUE)),))


def test_an_issuer_has_the_name_that_the_certificate_names() -> None:
    """The signature is by the key of the root, which goes by another name."""
    with pytest.raises(NoChain, match="no authority that is trusted issued it"):
        require_chain(LEAF, [authority(OTHER, OTHER)], [], WITHIN)
    with pytest.raises(NoChain, match="no authority that is trusted issued it"):
        require_chain(LEAF, [authority(OTHER, OTHER)], [authority(OTHER, OTHER)], WITHIN)


def test_a_hundred_links_are_tried() -> None:
    require_chain(LEAF, [NO_AUTHORITY] * 99 + [ROOT], [], WITHIN)


def test_more_than_a_hundred_links_are_not_tried() -> None:
    with pytest.raises(NoChain, match="more than 100 links"):
        require_chain(LEAF, [NO_AUTHORITY] * 100 + [ROOT], [], WITHIN)


def test_authorities_that_issue_one_another_are_no_way() -> None:
    """Each is tried once on a way, so the search ends long before the limit."""
    ring = [authority(GOOD.issuer, OTHER), authority(OTHER, GOOD.issuer)]
    with pytest.raises(NoChain, match="no authority that is trusted issued it"):
        require_chain(LEAF, [], ring, WITHIN)


def test_an_authority_that_issues_itself_is_no_way() -> None:
    with pytest.raises(NoChain, match="no authority that is trusted issued it"):
        require_chain(LEAF, [], [authority(GOOD.issuer, GOOD.issuer)], WITHIN)


def test_a_way_round_a_ring_is_found() -> None:
    ring = [authority(GOOD.issuer, OTHER), authority(OTHER, GOOD.issuer)]
    top = name("550403", 0x0C, b"Top")
    require_chain(LEAF, [authority(top, top)], [*ring, authority(OTHER, top)], WITHIN)


def test_the_reason_is_what_was_wrong_with_the_way_that_failed() -> None:
    """A link that holds and leads nowhere does not take the place of it."""
    with pytest.raises(NoChain, match="the issuer is no authority"):
        require_chain(LEAF, [NO_AUTHORITY], [authority(GOOD.issuer, OTHER)], WITHIN)
