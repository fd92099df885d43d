# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sigstore signatures by certificates, of Fulcio and of a PKI of one's own: the time, and the identity."""

from __future__ import annotations

import pytest
from lab.openssl import SIGNER, WITHIN, Workshop
from lab.sigstore import CERTIFICATE, CHAIN, by_fulcio, certified, logged, signed, text64, verdict, with_annotation
from lab.sigstore_world import ALICE, BETWEEN, EMAIL, FULCIO, ISSUER, NEWER, OLDER, World, make_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(Workshop(tmp_path_factory.mktemp("openssl")))


# Fulcio


def test_a_certificate_of_fulcio_is_accepted_for_who_it_was_given_to(world: World) -> None:
    leaf = world.leaf(FULCIO)
    assert world.workshop.chain_is_good(leaf.pem, world.root.pem, world.between.pem)
    result = verdict(world.by_fulcio(), world.fulcio(leaf, world.between, world.root))
    assert result.accepted, result.reason
    assert result.met[0].signer == f"certificate of {EMAIL} by O=Example,CN=Between"


@pytest.mark.parametrize("issuer", [OLDER, NEWER])
def test_the_issuer_may_stand_in_either_extension(world: World, issuer: str) -> None:
    leaf = world.leaf(f"{ALICE}\n{issuer}")
    assert verdict(world.by_fulcio(), world.fulcio(leaf, world.between, world.root)).accepted


def test_scenario_53_another_address_is_refused(world: World) -> None:
    signature = world.fulcio(world.leaf(FULCIO), world.between, world.root)
    for email in ("bob@example.com", EMAIL.upper(), "alice@example.com.", "alice"):
        result = verdict(world.by_fulcio(email=email), signature)
        assert (result.accepted, result.code) == (False, "sigstore_refused")
        assert "other addresses" in result.reason


def test_one_of_several_addresses_is_enough(world: World) -> None:
    leaf = world.leaf(f"{SIGNER}\nsubjectAltName=email:bob@example.com,URI:https://a.example,email:{EMAIL}\n{NEWER}")
    assert verdict(world.by_fulcio(), world.fulcio(leaf, world.between, world.root)).accepted


OTHER = "https://other.example.com"


@pytest.mark.parametrize(
    "extensions",
    [
        "",
        f"1.3.6.1.4.1.57264.1.1=DER:{OTHER.encode().hex(':')}",
        f"1.3.6.1.4.1.57264.1.8=ASN1:UTF8String:{OTHER}",
        f"{OLDER}\n1.3.6.1.4.1.57264.1.8=ASN1:UTF8String:{OTHER}",
        f"1.3.6.1.4.1.57264.1.1=DER:{OTHER.encode().hex(':')}\n{NEWER}",
        f"1.3.6.1.4.1.57264.1.8=ASN1:IA5String:{ISSUER}",
        f"1.3.6.1.4.1.57264.1.8=DER:{ISSUER.encode().hex(':')}",
        "1.3.6.1.4.1.57264.1.8=DER:0c:01:41:00",
        "1.3.6.1.4.1.57264.1.8=DER:0c:01:ff",
        "1.3.6.1.4.1.57264.1.1=DER:ff:ff",
        f"1.3.6.1.4.1.57264.1.1=DER:{ISSUER.encode().hex(':')}:00",
        f"1.3.6.1.4.1.57264.1.7=ASN1:UTF8String:{ISSUER}",
        f"1.3.6.1.4.1.57264.1.1=DER:ff:ff\n{NEWER}",
        f"{OLDER}\n1.3.6.1.4.1.57264.1.8=DER:0c:01:ff",
        f"{OLDER}\n1.3.6.1.4.1.57264.1.8=DER:0c:{len(ISSUER):02x}:{ISSUER.encode().hex(':')}:00",
        f"1.3.6.1.4.1.57264.1.8=DER:0c:{len(ISSUER):02x}:{ISSUER.encode().hex(':')}:00",
    ],
)
def test_attack_39_who_confirmed_the_signer_must_be_said_and_be_the_one(world: World, extensions: str) -> None:
    leaf = world.leaf(f"{ALICE}\n{extensions}")
    result = verdict(world.by_fulcio(), world.fulcio(leaf, world.between, world.root))
    assert (result.accepted, result.code) == (False, "sigstore_refused")


@pytest.mark.parametrize(
    "extensions",
    [
        f"{SIGNER}\n{NEWER}",
        f"{SIGNER}\nsubjectAltName=URI:{EMAIL}\n{NEWER}",
        f"{SIGNER}\nsubjectAltName=URI:https://github.com/a/b/.github/workflows/x@refs/heads/main\n{NEWER}",
        f"{SIGNER}\nsubjectAltName=DNS:{EMAIL}\n{NEWER}",
        f"{SIGNER}\nsubjectAltName=otherName:1.2.3.4;UTF8:{EMAIL}\n{NEWER}",
    ],
)
def test_attack_39_only_an_alternative_name_of_an_address_is_an_identity(world: World, extensions: str) -> None:
    leaf = world.leaf(extensions, name=EMAIL)
    result = verdict(world.by_fulcio(), world.fulcio(leaf, world.between, world.root))
    assert (result.accepted, result.code) == (False, "sigstore_refused")


def test_the_time_of_the_proof_is_the_one_that_counts(world: World) -> None:
    leaf = world.leaf(FULCIO, begin="20250101000000Z", end="20250101001000Z")
    begin, end = WITHIN, WITHIN + 600
    when = {begin - 1: False, begin: True, end: True, end + 1: False}
    for time, good in when.items():
        signature = world.fulcio(leaf, world.between, world.root, when=time)
        result = verdict(world.by_fulcio(), signature, now=WITHIN + 10**8)
        assert result.accepted is good, (time - begin, result.reason)
        # RFC 5280, section 4.1.2.5: the last second belongs to the validity. To openssl it does not.
        if time != end:
            assert world.workshop.chain_is_good(leaf.pem, world.root.pem, world.between.pem, time) is good


def test_attack_39_two_leaf_certificates(world: World) -> None:
    leaf = world.leaf(FULCIO)
    signature = world.fulcio(leaf, world.between, world.root)
    for text in (leaf.pem + leaf.pem, leaf.pem + b"x", leaf.pem + b"\n", b"", b"nonsense", leaf.pem[:100]):
        result = verdict(world.by_fulcio(), with_annotation(signature, CERTIFICATE, text.decode()))
        assert (result.accepted, result.code) == (False, "sigstore_refused")


def test_attack_39_a_root_from_the_chain_annotation_is_not_trusted(world: World) -> None:
    own = world.workshop.root()
    leaf = world.workshop.issue(own, extensions=FULCIO)
    for chain in ((own,), (own, own), (own, world.root), (world.root, own)):
        result = verdict(world.by_fulcio(), world.fulcio(leaf, *chain))
        assert (result.accepted, result.code) == (False, "sigstore_refused")


def test_attack_39_a_name_alone_makes_no_issuer(world: World) -> None:
    """The same names as the trusted ones, other keys."""
    own = world.workshop.root()
    between = world.workshop.issue(own, "Between", BETWEEN)
    leaf = world.workshop.issue(between, extensions=FULCIO)
    result = verdict(world.by_fulcio(), world.fulcio(leaf, between, world.root))
    assert (result.accepted, result.code) == (False, "sigstore_refused")


def test_a_chain_is_not_needed_below_a_trusted_authority(world: World) -> None:
    leaf = world.leaf(FULCIO)
    trusted = by_fulcio(world.root.pem + world.between.pem, world.log, email=EMAIL, issuer=ISSUER)
    assert verdict(trusted, world.fulcio(leaf)).accepted
    assert verdict(trusted, with_annotation(world.fulcio(leaf), CHAIN, "")).accepted
    assert verdict(world.by_fulcio(), world.fulcio(leaf)).code == "sigstore_refused"


def test_the_last_of_the_chain_is_dropped(world: World) -> None:
    leaf = world.leaf(FULCIO)
    assert verdict(world.by_fulcio(), world.fulcio(leaf, world.between)).code == "sigstore_refused"
    assert verdict(world.by_fulcio(), world.fulcio(leaf, world.between, leaf)).accepted


@pytest.mark.parametrize("text", ["nonsense", " ", "{between}x", "{between}" * 200])
def test_a_chain_that_is_none_is_refused(world: World, text: str) -> None:
    signature = world.fulcio(world.leaf(FULCIO), world.between, world.root)
    chain = text.replace("{between}", world.between.pem.decode())
    assert verdict(world.by_fulcio(), with_annotation(signature, CHAIN, chain)).code == "sigstore_refused"


def test_a_chain_is_at_most_64_kib(world: World) -> None:
    signature = world.fulcio(world.leaf(FULCIO), world.between, world.root)
    chain = "\n" + signature.annotations[CHAIN]
    longest = "#" * (65536 - len(chain)) + chain
    assert verdict(world.by_fulcio(), with_annotation(signature, CHAIN, longest)).accepted
    assert verdict(world.by_fulcio(), with_annotation(signature, CHAIN, "#" + longest)).code == "sigstore_refused"


def test_a_text_that_is_no_unicode_is_no_certificate(world: World) -> None:
    signature = certified(world.leaf(), world.between, world.root)
    for annotation in (CERTIFICATE, CHAIN):
        result = verdict(world.by_pki(), with_annotation(signature, annotation, "\ud800"))
        assert result.code == "sigstore_refused"


def test_the_reason_says_what_was_wanted_and_found(world: World) -> None:
    def reason(extensions: str, **wanted: str) -> str:
        leaf = world.leaf(extensions)
        return verdict(world.by_fulcio(**wanted), world.fulcio(leaf, world.between, world.root)).reason

    assert "(wanted bob@example.com, found 'alice@example.com')" in reason(FULCIO, email="bob@example.com")
    assert "found none)" in reason(f"{SIGNER}\n{NEWER}")
    assert "does not say who confirmed" in reason(ALICE)
    assert "two issuers that differ" in reason(f"{ALICE}\n{OLDER}\n1.3.6.1.4.1.57264.1.8=ASN1:UTF8String:{OTHER}")
    assert f"(wanted '{OTHER}')" in reason(FULCIO, issuer=OTHER)


def test_certificate_and_proof_must_be_there(world: World) -> None:
    signature = world.fulcio(world.leaf(FULCIO), world.between, world.root)
    for name in signature.annotations:
        result = verdict(world.by_fulcio(), with_annotation(signature, name, None))
        assert (result.accepted, result.code) == (False, "sigstore_refused")


def test_the_proof_must_be_of_the_certificate(world: World) -> None:
    leaf, again = world.leaf(FULCIO), world.leaf(FULCIO)
    signature = certified(leaf, world.between, world.root)
    for other in (again.pem, world.key.public):
        assert verdict(world.by_fulcio(), logged(world.log, other, signature)).code == "sigstore_refused"


def test_the_signature_must_be_by_the_key_of_the_certificate(world: World) -> None:
    leaf = world.leaf(FULCIO)
    forged = signed(
        world.workshop.key(), certificate=leaf.pem.decode(), chain=(world.between.pem + world.root.pem).decode()
    )
    assert verdict(world.by_fulcio(), logged(world.log, leaf.pem, forged)).code == "sigstore_refused"


@pytest.mark.parametrize(
    "authorities", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_authorities_without_a_certificate_are_no_keys(world: World, authorities: bytes) -> None:
    requirement = by_fulcio(authorities, world.log, email=EMAIL, issuer=ISSUER)
    signature = world.fulcio(world.leaf(FULCIO), world.between, world.root)
    assert verdict(requirement, signature).code == "trusted_keys_invalid"


def test_what_is_no_certificate_in_a_bundle_of_authorities_is_passed_over(world: World) -> None:
    broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    headers = world.root.pem.replace(b"CERTIFICATE-----\n", b"CERTIFICATE-----\nA: b\n\n", 1)
    signature = world.fulcio(world.leaf(FULCIO), world.between, world.root)
    bundle = b"# ours\n" + world.key.public + broken + world.root.pem + b"# end\n"
    assert verdict(by_fulcio(bundle, world.log, email=EMAIL, issuer=ISSUER), signature).accepted
    assert verdict(by_fulcio(headers, world.log, email=EMAIL, issuer=ISSUER), signature).code == "trusted_keys_invalid"


# A PKI of one's own


def test_a_certificate_of_one_s_own_authority_is_accepted_now(world: World) -> None:
    signature = certified(world.leaf(), world.between, world.root)
    result = verdict(world.by_pki(), signature)
    assert (result.accepted, result.met[0].signer) == (True, f"certificate of {EMAIL} by O=Example,CN=Between")
    assert verdict(world.by_pki(), signature, now=WITHIN + 10**9).code == "sigstore_refused"
    assert verdict(world.by_pki(subjectEmail="bob@example.com"), signature).code == "sigstore_refused"
    assert verdict(world.by_pki(), with_annotation(signature, CERTIFICATE, None)).code == "sigstore_refused"


def test_the_intermediates_may_be_in_the_policy(world: World) -> None:
    signature = certified(world.leaf())
    fields = {"subjectEmail": EMAIL, "caIntermediatesData": text64(world.between.pem)}
    assert verdict(world.by_pki(**fields), signature).accepted
    assert verdict(world.by_pki(), signature).code == "sigstore_refused"
    fields["caIntermediatesData"] = text64(b"nonsense")
    assert verdict(world.by_pki(**fields), signature).code == "trusted_keys_invalid"
    # They are no roots.
    own = world.workshop.root("Own")
    leaf = world.workshop.issue(own, extensions=ALICE)
    fields["caIntermediatesData"] = text64(own.pem)
    assert verdict(world.by_pki(**fields), certified(leaf)).code == "sigstore_refused"


@pytest.mark.parametrize(
    ("names", "host", "good"),
    [
        ("DNS:sign.example.com", "sign.example.com", True),
        ("DNS:sign.example.com", "SIGN.Example.com", True),
        ("DNS:SIGN.example.com", "sign.example.com", True),
        ("DNS:sign.example.com", "sign.example.com.", True),
        ("DNS:sign.example.com", "example.com", False),
        ("DNS:sign.example.com", "a.sign.example.com", False),
        ("DNS:*.example.com", "sign.example.com", True),
        ("DNS:*.example.com", "a.sign.example.com", False),
        ("DNS:*.example.com", "example.com", False),
        ("DNS:s*.example.com", "sign.example.com", False),
        ("DNS:sign.*.com", "sign.example.com", False),
        ("DNS:*", "localhost", True),
        ("DNS:*", "sign.example.com", False),
        ("DNS:a,DNS:sign.example.com", "sign.example.com", True),
        ("email:sign.example.com", "sign.example.com", False),
        ("URI:sign.example.com", "sign.example.com", False),
        ("IP:192.0.2.1", "192.0.2.1", True),
        ("IP:192.0.2.1", "[192.0.2.1]", True),
        ("IP:192.0.2.1", "192.0.2.2", False),
        ("DNS:192.0.2.1", "192.0.2.1", False),
        ("IP:2001:db8::1", "2001:db8:0::1", True),
    ],
)
def test_a_host_is_matched_as_certificates_of_hosts_are(world: World, names: str, host: str, good: bool) -> None:
    signature = certified(
        world.leaf(f"{SIGNER}\nsubjectAltName={names}", name="sign.example.com"), world.between, world.root
    )
    result = verdict(world.by_pki(subjectHostname=host), signature)
    assert result.accepted is good, result.reason


def test_where_address_and_host_are_wanted_both_must_be_there(world: World) -> None:
    both = world.by_pki(subjectEmail=EMAIL, subjectHostname="sign.example.com")
    names = {
        f"email:{EMAIL}": False,
        "DNS:sign.example.com": False,
        f"email:{EMAIL},DNS:sign.example.com": True,
    }
    for name, good in names.items():
        signature = certified(world.leaf(f"{SIGNER}\nsubjectAltName={name}"), world.between, world.root)
        result = verdict(both, signature)
        assert result.accepted is good
        assert not good or result.met[0].signer.startswith(f"certificate of {EMAIL}, sign.example.com by ")


def test_a_signature_by_a_pki_has_one_certificate(world: World) -> None:
    signature = certified(world.leaf(), world.between, world.root)
    twice = signature.annotations[CERTIFICATE] * 2
    result = verdict(world.by_pki(), with_annotation(signature, CERTIFICATE, twice))
    assert (result.accepted, result.code) == (False, "sigstore_refused")
    assert "several" in result.reason


def test_authorities_may_be_in_files(world: World) -> None:
    files = {"/roots": world.root.pem, "/between": world.between.pem, "/bad": b"nonsense"}
    fulcio = {"caPath": "/roots", "subjectEmail": EMAIL, "oidcIssuer": ISSUER}
    pki = {"caRootsPath": "/roots", "caIntermediatesPath": "/between", "subjectEmail": EMAIL}
    told = {"type": "sigstoreSigned", "rekorPublicKeyData": text64(world.log.public)}
    confirmed = world.fulcio(world.leaf(FULCIO), world.between, world.root)
    for requirement, signature in (
        ({**told, "fulcio": fulcio}, confirmed),
        ({"type": "sigstoreSigned", "pki": pki}, certified(world.leaf())),
    ):
        assert verdict(requirement, signature, read_file=files.__getitem__).accepted
        assert verdict(requirement, signature).code == "trusted_keys_invalid"
    for field in ("caRootsPath", "caIntermediatesPath"):
        requirement = {"type": "sigstoreSigned", "pki": {**pki, field: "/bad"}}
        result = verdict(requirement, certified(world.leaf()), read_file=files.__getitem__)
        assert (result.code, "/bad" in result.reason) == ("trusted_keys_invalid", True)
