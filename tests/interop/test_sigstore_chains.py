# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The chain of a sigstore certificate to a trusted authority, followed link by link, by certificates that openssl made."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, Optional

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.signature import SigstoreSignature
from lab.openssl import AUTHORITY, SIGNER, Workshop, run
from lab.sigstore import CERTIFICATE, by_pki, certified, verdict, with_annotation
from lab.sigstore_world import ALICE, BETWEEN, EMAIL, World, make_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(Workshop(tmp_path_factory.mktemp("openssl")))


def chain(
    root: str = AUTHORITY,
    *between: str,
    leaf: str = ALICE,
    kind: str = "P-256",
    options: Optional[dict[str, Any]] = None,
) -> Callable[[Workshop], tuple[bytes, SigstoreSignature]]:
    """Makes a root with these extensions, authorities below it, and a signature by a certificate below the last."""

    def make(workshop: Workshop) -> tuple[bytes, SigstoreSignature]:
        top = workshop.root("Top", kind, root, **(options or {}))
        links = [top]
        for number, extensions in enumerate(between):
            links.insert(0, workshop.issue(links[0], f"Between {number}", extensions))
        return top.pem, certified(workshop.issue(links[0], extensions=leaf), *links)

    return make


LENGTH_0 = "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=keyCertSign"
LENGTH_1 = "basicConstraints=critical,CA:TRUE,pathlen:1\nkeyUsage=keyCertSign"
UNKNOWN = "1.2.3.4=critical,ASN1:UTF8String:x"

CHAINS: dict[str, tuple[Callable[[Workshop], tuple[bytes, SigstoreSignature]], bool]] = {
    "a root only": (chain(), True),
    "a root of RSA": (chain(kind="RSA-2048"), True),
    "a root of P-384": (chain(kind="P-384"), True),
    "a root of Ed25519": (chain(kind="Ed25519"), True),
    "a root of too short RSA": (chain(kind="RSA-1024"), False),
    "a root of secp256k1": (chain(kind="secp256k1"), False),
    "two between": (chain(AUTHORITY, AUTHORITY, AUTHORITY), True),
    "an authority without a key usage": (chain("basicConstraints=CA:TRUE", "basicConstraints=CA:TRUE"), True),
    "the root does not say that it is one": (chain("keyUsage=keyCertSign"), False),
    "the root says that it is none": (chain("basicConstraints=CA:FALSE"), False),
    "no authority between": (chain(AUTHORITY, "basicConstraints=CA:FALSE"), False),
    "between does not say": (chain(AUTHORITY, "keyUsage=keyCertSign"), False),
    "a signer issues": (chain(AUTHORITY, SIGNER), False),
    "an old certificate between": (chain(AUTHORITY, ""), False),
    "an old root": (chain(""), True),
    "the root may not sign certificates": (chain("basicConstraints=CA:TRUE\nkeyUsage=digitalSignature"), False),
    "between may not sign certificates": (chain(AUTHORITY, "basicConstraints=CA:TRUE\nkeyUsage=cRLSign"), False),
    "length 0, none between": (chain(LENGTH_0), True),
    "length 0, one between": (chain(LENGTH_0, AUTHORITY), False),
    "length 1, one between": (chain(LENGTH_1, AUTHORITY), True),
    "length 1, two between": (chain(LENGTH_1, AUTHORITY, AUTHORITY), False),
    "length 0 between": (chain(AUTHORITY, LENGTH_0), True),
    "length 0 between, one below": (chain(AUTHORITY, LENGTH_0, AUTHORITY), False),
    "purpose of all": (chain(BETWEEN, BETWEEN), True),
    "any purpose": (chain(AUTHORITY + "\nextendedKeyUsage=anyExtendedKeyUsage"), True),
    "the root has another purpose": (chain(AUTHORITY + "\nextendedKeyUsage=serverAuth"), False),
    "between has another purpose": (chain(AUTHORITY, AUTHORITY + "\nextendedKeyUsage=serverAuth"), False),
    "between has that purpose too": (chain(AUTHORITY, AUTHORITY + "\nextendedKeyUsage=serverAuth,codeSigning"), True),
    "attack 39: the signer has another purpose": (
        chain(leaf=f"extendedKeyUsage=serverAuth\nsubjectAltName=email:{EMAIL}"),
        False,
    ),
    "attack 39: the signer has a purpose that nobody knows": (
        chain(leaf=f"extendedKeyUsage=1.2.3.4\nsubjectAltName=email:{EMAIL}"),
        False,
    ),
    "the signer has no purpose": (chain(leaf=f"subjectAltName=email:{EMAIL}"), True),
    "the signer is an authority": (chain(leaf=f"{AUTHORITY}\nsubjectAltName=email:{EMAIL}"), True),
    "unknown and critical in the signer": (chain(leaf=f"{ALICE}\n{UNKNOWN}"), False),
    "unknown and critical between": (chain(AUTHORITY, f"{AUTHORITY}\n{UNKNOWN}"), False),
    "unknown and critical in the root": (chain(f"{AUTHORITY}\n{UNKNOWN}"), False),
    "unknown": (chain(leaf=f"{ALICE}\n1.2.3.4=ASN1:UTF8String:x"), True),
    "names that are critical": (chain(leaf=f"{SIGNER}\nsubjectAltName=critical,email:{EMAIL}"), True),
    "names that are critical and unknown": (
        chain(AUTHORITY, f"{AUTHORITY}\nsubjectAltName=critical,otherName:1.2.3.4;UTF8:x"),
        False,
    ),
    "constrained names": (chain(AUTHORITY, f"{AUTHORITY}\nnameConstraints=permitted;email:example.com"), False),
    "constrained names, critical": (chain(f"{AUTHORITY}\nnameConstraints=critical,permitted;email:example.com"), False),
    "policies": (chain(leaf=f"{ALICE}\ncertificatePolicies=critical,1.2.3.4"), True),
    "policies that must be stated": (chain(f"{AUTHORITY}\npolicyConstraints=critical,requireExplicitPolicy:0"), False),
    "the root was expired": (chain(options={"end": "20241231235959Z"}), False),
    "the root was not yet valid": (chain(options={"begin": "20250101000001Z"}), False),
}


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_is_followed_link_by_link(world: World, name: str) -> None:
    make, good = CHAINS[name]
    root, signature = make(world.workshop)
    result = verdict(by_pki(root, subjectEmail=EMAIL), signature)
    assert result.accepted is good, result.reason
    assert result.code == ("accepted" if good else "sigstore_refused")


@pytest.mark.parametrize(
    ("kind", "digest", "good"),
    [
        ("P-256", "sha384", True),
        ("P-384", "sha512", True),
        ("RSA-2048", "sha384", True),
        ("RSA-2048", "sha512", True),
        ("RSA-2048", "sha1", False),
        ("RSA-2048", "sha224", False),
        ("P-256", "sha1", False),
        ("P-256", "sha3-256", False),
    ],
)
def test_a_link_is_signed_over_sha2(world: World, kind: str, digest: str, good: bool) -> None:
    root = world.workshop.root("Top", kind)
    leaf = world.workshop.issue(root, extensions=ALICE, options=["-md", digest])
    result = verdict(by_pki(root.pem, subjectEmail=EMAIL), certified(leaf))
    assert result.accepted is good, result.reason


def test_a_link_by_rsa_pss_is_refused(world: World) -> None:
    root = world.workshop.root("Top", "RSA-2048")
    leaf = world.workshop.issue(root, extensions=ALICE, options=["-sigopt", "rsa_padding_mode:pss"])
    result = verdict(by_pki(root.pem, subjectEmail=EMAIL), certified(leaf))
    assert (result.accepted, "algorithm" in result.reason) == (False, True)


def test_a_certificate_may_be_a_root_itself(world: World) -> None:
    """Go takes a certificate that is among the roots for a chain of its own."""
    own = world.workshop.issue(None, extensions=ALICE, key=world.workshop.key())
    assert verdict(by_pki(own.pem, subjectEmail=EMAIL), certified(own)).accepted
    other = world.workshop.issue(None, extensions=ALICE, key=world.workshop.key())
    assert verdict(by_pki(other.pem, subjectEmail=EMAIL), certified(own)).code == "sigstore_refused"


@pytest.mark.parametrize("kind", ["RSA-1024", "RSA-PSS", "secp256k1", "Ed448", "P-256 spelled out"])
def test_the_key_of_a_signer_s_certificate_must_be_one_that_is_verified(world: World, kind: str) -> None:
    leaf = world.leaf(key=world.workshop.key(kind))
    result = verdict(world.by_pki(), certified(leaf, world.between, world.root))
    assert (result.accepted, result.code) == (False, "sigstore_refused")


def test_a_chain_by_an_authority_with_two_certificates_is_found(world: World) -> None:
    """The first one has expired; the way through the second one holds."""
    expired = world.workshop.issue(world.root, "Between", BETWEEN, key=world.between.key, end="20240601000000Z")
    leaf = world.leaf()
    assert verdict(world.by_pki(), certified(leaf, expired, world.between, world.root)).accepted
    assert verdict(world.by_pki(), certified(leaf, expired, world.root)).code == "sigstore_refused"


def test_authorities_that_vouch_for_each_other_lead_nowhere(world: World) -> None:
    one = world.workshop.root("One")
    two = world.workshop.issue(one, "Two", AUTHORITY)
    cross = world.workshop.issue(two, "One", AUTHORITY, key=one.key)
    leaf = world.workshop.issue(two, extensions=ALICE)
    assert verdict(world.by_pki(), certified(leaf, two, cross, one, world.root)).code == "sigstore_refused"


def test_a_maze_of_authorities_is_given_up(world: World) -> None:
    own = world.workshop.root("Own")
    crowd = [
        world.workshop.issue(own, "Own", AUTHORITY, key=own.key, end=f"2033010100{number:02}00Z") for number in range(2)
    ]
    keys = [world.workshop.issue(own, "Own", AUTHORITY) for _number in range(4)]
    leaf = world.workshop.issue(own, extensions=ALICE)
    result = verdict(world.by_pki(), certified(leaf, *(crowd + keys) * 12, world.root))
    assert (result.accepted, "100 links" in result.reason) == (False, True)


def test_a_certificate_that_was_changed_is_refused(world: World) -> None:
    leaf = world.leaf()
    der = run("x509", "-outform", "DER", stdin=leaf.pem)
    changed = der.replace(EMAIL.encode(), b"mallo@example.com")
    assert len(changed) == len(der) and changed != der
    text = run("x509", "-inform", "DER", stdin=changed).decode()
    signature = with_annotation(certified(leaf, world.between, world.root), CERTIFICATE, text)
    assert verdict(world.by_pki(subjectEmail="mallo@example.com"), signature).code == "sigstore_refused"
    assert base64.b64decode("".join(text.split("\n")[1:-2])) == changed
