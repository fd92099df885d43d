# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sigstore signatures by keys: what openssl made and finds good is accepted, and nothing else."""

from __future__ import annotations

import base64
import importlib.util
import sys
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import MissingLibraryError
from ansible_collections.strata.containers.plugins.module_utils._model.signature import (
    SigstoreSignature,
    SimpleSignature,
)
from ansible_collections.strata.containers.plugins.module_utils._trust import asymmetric
from lab.openssl import Key, Workshop, run
from lab.sigstore import (
    IMAGE,
    MANIFEST,
    PAYLOAD,
    SIGNATURE,
    as_json,
    attached,
    by_key,
    document,
    signed,
    text64,
    verdict,
    verdict_of_all,
    with_annotation,
)

GOOD_KINDS = ("P-224", "P-256", "P-384", "P-521", "RSA-2048", "Ed25519")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("openssl"))


@pytest.fixture(scope="module")
def key(workshop: Workshop) -> Key:
    return workshop.key()


@pytest.fixture(scope="module")
def other(workshop: Workshop) -> Key:
    return workshop.key()


def fixed_width(signature: bytes, size: int) -> bytes:
    """The ECDSA ``signature`` in DER as two numbers of ``size`` bytes, by openssl's own reading of it."""
    lines = run("asn1parse", "-inform", "DER", stdin=signature).decode().splitlines()
    numbers = [int(line.rsplit(":", 1)[1], 16) for line in lines if "INTEGER" in line]
    return b"".join(number.to_bytes(size, "big") for number in numbers)


@pytest.mark.parametrize("kind", GOOD_KINDS)
def test_a_signature_that_openssl_finds_good_is_accepted_and_the_key_is_named(workshop: Workshop, kind: str) -> None:
    key = workshop.key(kind)
    signature = signed(key)
    blob = base64.b64decode(signature.annotations[SIGNATURE])
    assert key.verifies(blob, PAYLOAD)
    assert not key.verifies(blob, PAYLOAD + b" ")
    result = verdict(by_key(key), signature)
    assert (result.accepted, result.met[0].signer) == (True, f"key {key.name}")
    changed = verdict(by_key(key), replace(signature, payload=PAYLOAD + b" "))
    assert (changed.accepted, changed.code) == (False, "sigstore_refused")


@pytest.mark.parametrize(("kind", "size"), [("P-224", 28), ("P-256", 32), ("P-384", 48), ("P-521", 66), ("P-256", 66)])
def test_an_ecdsa_signature_may_be_two_numbers_of_one_width(workshop: Workshop, kind: str, size: int) -> None:
    key = workshop.key(kind)
    blob = fixed_width(key.sign(PAYLOAD), size)
    assert verdict(by_key(key), attached(PAYLOAD, blob)).accepted
    for bad in (blob + b"\x00", b"\x00" + blob, blob[1:], b"", b"\x00" * len(blob), b"\x00" * (134 - len(blob)) + blob):
        assert verdict(by_key(key), attached(PAYLOAD, bad)).code == "sigstore_refused"


def test_two_numbers_of_more_than_132_bytes_are_refused(key: Key) -> None:
    blob = fixed_width(key.sign(PAYLOAD), 67)
    assert verdict(by_key(key), attached(PAYLOAD, blob)).code == "sigstore_refused"


def test_der_with_something_behind_it_is_refused(key: Key) -> None:
    blob = key.sign(PAYLOAD)
    for tail in (b"\x00", b"\x00\x00"):
        assert verdict(by_key(key), attached(PAYLOAD, blob + tail)).code == "sigstore_refused"


def test_the_hash_is_sha256_on_every_curve(workshop: Workshop) -> None:
    key = workshop.key("P-384")
    assert verdict(by_key(key), attached(PAYLOAD, key.sign(PAYLOAD, digest="sha384"))).code == "sigstore_refused"


def test_rsa_pss_is_refused(workshop: Workshop) -> None:
    key = workshop.key("RSA-2048")
    pss = key.sign(PAYLOAD, "rsa_padding_mode:pss")
    assert verdict(by_key(key), attached(PAYLOAD, pss)).code == "sigstore_refused"
    assert verdict(by_key(key), attached(PAYLOAD, key.sign(PAYLOAD, digest="sha1"))).code == "sigstore_refused"


@pytest.mark.parametrize("kind", ["RSA-1024", "secp256k1", "Ed448", "RSA-PSS", "P-256 spelled out", "P-256 compressed"])
def test_a_kind_of_key_that_is_not_verified_is_rejected_itself(workshop: Workshop, key: Key, kind: str) -> None:
    assert verdict(by_key(workshop.key(kind)), signed(key)).code == "trusted_keys_invalid"


def test_a_key_of_dsa_is_rejected_itself(workshop: Workshop, key: Key) -> None:
    assert verdict(by_key(workshop.dsa_key()), signed(key)).code == "trusted_keys_invalid"


def test_an_rsa_key_may_be_in_the_older_form(workshop: Workshop) -> None:
    key = workshop.key("RSA-2048")
    older = replace(key, public=run("rsa", "-pubin", "-RSAPublicKey_out", stdin=key.public))
    assert b"RSA PUBLIC KEY" in older.public
    assert verdict(by_key(older), signed(key)).met[0].signer == f"key {key.name}"


def test_scenario_54_any_of_several_keys_may_have_signed(key: Key, other: Key) -> None:
    for keys in ((key, other), (other, key)):
        result = verdict(by_key(*keys), signed(other))
        assert (result.accepted, result.met[0].signer) == (True, f"key {other.name}")


def test_the_keys_may_be_in_files(key: Key, other: Key) -> None:
    files = {"/keys/1.pub": other.public, "/keys/2.pub": key.public}
    one = {"type": "sigstoreSigned", "keyPath": "/keys/2.pub"}
    both = {"type": "sigstoreSigned", "keyPaths": sorted(files)}
    for requirement in (one, both):
        assert verdict(requirement, signed(key), read_file=files.__getitem__).accepted
    assert verdict(one, signed(other), read_file=files.__getitem__).code == "sigstore_refused"


def test_another_key_is_refused(key: Key, other: Key) -> None:
    result = verdict(by_key(key), signed(other))
    assert (result.accepted, result.code) == (False, "sigstore_refused")


def test_any_one_of_several_signatures_suffices(key: Key, other: Key) -> None:
    assert verdict(by_key(key), signed(other), signed(key)).accepted
    assert verdict(by_key(key), signed(key), signed(other)).accepted
    result = verdict(by_key(key), signed(other), signed(other))
    assert result.code == "sigstore_refused" and "signature 2" in result.reason


def test_several_requirements_may_be_met_by_different_signatures(key: Key, other: Key) -> None:
    both = [by_key(key), by_key(other)]
    assert [met.signer for met in verdict_of_all(both, signed(key), signed(other)).met] == [
        f"key {key.name}",
        f"key {other.name}",
    ]
    assert verdict_of_all(both, signed(key)).code == "sigstore_refused"


@pytest.mark.parametrize("bad", ["", "garbage", "certificate", "private", "cut", "unreadable", "tail"])
def test_attack_40_one_malformed_key_among_several_spoils_all(workshop: Workshop, key: Key, bad: str) -> None:
    body = base64.b64decode(b"".join(key.public.splitlines()[1:-1]))
    text = {
        "": b"",
        "garbage": b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        "certificate": workshop.root().pem,
        "private": key.path.read_bytes(),
        "cut": key.public[:60],
        "unreadable": b"",
        "tail": pem("PUBLIC KEY", body + b"\x00"),
    }[bad]
    files = {"/bad": text, "/good": key.public}
    if bad == "unreadable":
        requirement: dict[str, Any] = {"type": "sigstoreSigned", "keyPaths": ["/good", "/bad"]}
        assert verdict(requirement, signed(key)).code == "trusted_keys_invalid"
    else:
        for names in (["/good", "/bad"], ["/bad", "/good"]):
            requirement = {"type": "sigstoreSigned", "keyPaths": names}
            result = verdict(requirement, signed(key), read_file=files.__getitem__)
            assert (result.accepted, result.code) == (False, "trusted_keys_invalid")


def pem(label: str, der: bytes) -> bytes:
    body = base64.encodebytes(der)
    return b"-----BEGIN %s-----\n%s-----END %s-----\n" % (label.encode(), body, label.encode())


def test_numbers_that_are_no_point_are_no_key(key: Key) -> None:
    der = bytearray(run("pkey", "-pubin", "-outform", "DER", stdin=key.public))
    der[-1] ^= 1
    broken = replace(key, public=pem("PUBLIC KEY", bytes(der)))
    result = verdict(by_key(key, broken), signed(key))
    assert (result.code, "key number 2 in the policy" in result.reason) == ("trusted_keys_invalid", True)


def test_the_first_block_of_a_key_file_counts_and_the_text_around_it_does_not(key: Key, other: Key) -> None:
    text = b"# ours\n" + key.public + b"# theirs\n" + other.public
    both = replace(key, public=text)
    assert verdict(by_key(both), signed(key)).accepted
    assert verdict(by_key(both), signed(other)).code == "sigstore_refused"


def test_without_a_signature_the_keys_are_not_even_read(key: Key) -> None:
    requirement = {"type": "sigstoreSigned", "keyPath": "/no/such"}
    assert verdict(requirement).code == "signature_missing"
    assert verdict(requirement, signed(key)).code == "trusted_keys_invalid"


def test_scenario_49_no_attachment_is_no_signature(key: Key) -> None:
    result = verdict(by_key(key))
    assert (result.code, "no sigstore signature" in result.reason) == ("signature_missing", True)


def test_scenario_50_a_simple_signature_is_of_another_kind(key: Key) -> None:
    result = verdict(by_key(key), SimpleSignature(b"\xa3\x01"))
    assert result.code == "signature_missing"
    assert "1 of another kind, 0 sigstore attachments" in result.reason


def test_an_attachment_of_another_type_is_no_signature(key: Key) -> None:
    attestation = replace(signed(key), media_type="application/vnd.dsse.envelope.v1+json")
    result = verdict(by_key(key), attestation)
    assert result.code == "signature_missing"
    assert "0 of another kind, 1 sigstore attachments" in result.reason
    assert verdict(by_key(key), attestation, signed(key)).accepted


def test_scenario_51_cosign_signs_a_name_without_a_tag(key: Key) -> None:
    signature = signed(key, as_json(document(reference="reg.example.com:5000/ns/app")))
    assert verdict(by_key(key), signature).code == "signed_identity_refused"
    relaxed = by_key(key, signedIdentity={"type": "matchRepository"})
    assert verdict(relaxed, signature).accepted


def test_attack_37_a_signature_of_another_digest_or_name(key: Key) -> None:
    assert verdict(by_key(key), signed(key), manifest=MANIFEST + b" ").code == "signed_digest_mismatch"
    assert verdict(by_key(key), signed(key), name="reg.example.com:5000/ns/other:v1").code == "signed_identity_refused"
    assert verdict(by_key(key), signed(key), name="reg.example.com:5000/ns/app:v2").code == "signed_identity_refused"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"\xff",
        as_json({**document(), "more": 1}),
        as_json({"critical": document()["critical"]}),
        as_json({**document(), "critical": {**document()["critical"], "type": "atomic container signature"}}),
        as_json({**document(), "critical": {**document()["critical"], "more": 1}}),
        as_json({**document(), "optional": 1}),
        PAYLOAD.replace(b'"optional"', b'"optional":null,"optional"'),
        PAYLOAD + b"{}",
    ],
)
def test_a_payload_that_is_not_exactly_one_is_refused_though_it_is_signed(key: Key, payload: bytes) -> None:
    assert verdict(by_key(key), signed(key, payload)).code == "signed_payload_invalid"


def test_the_optional_part_may_say_who_and_when(key: Key) -> None:
    payload = as_json({**document(), "optional": {"creator": "cosign", "timestamp": 1700000000, "team": "a"}})
    assert verdict(by_key(key), signed(key, payload)).accepted


@pytest.mark.parametrize("value", [None, "", "%%%", "AAA", "AAAA AAAA", text64(b"x").replace("=", "")])
def test_the_annotation_of_the_signature_must_be_one(key: Key, value: Any) -> None:
    result = verdict(by_key(key), with_annotation(signed(key), SIGNATURE, value))
    assert (result.accepted, result.code) == (False, "sigstore_refused")


def test_line_breaks_in_the_base64_do_not_matter(key: Key) -> None:
    signature = signed(key)
    broken = signature.annotations[SIGNATURE][:20] + "\r\n" + signature.annotations[SIGNATURE][20:]
    assert verdict(by_key(key), with_annotation(signature, SIGNATURE, broken)).accepted


def test_certificate_and_proof_of_a_signature_by_a_key_are_not_looked_at(key: Key) -> None:
    assert verdict(by_key(key), signed(key, certificate="nonsense", chain="nonsense", bundle="nonsense")).accepted


def test_without_the_library_the_error_says_what_needs_it(key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    signature = signed(key)
    monkeypatch.setattr(asymmetric, "HAS_CRYPTOGRAPHY", False)
    with pytest.raises(MissingLibraryError) as caught:
        verdict(by_key(key), signature)
    assert (caught.value.library, "sigstore" in caught.value.reason) == ("cryptography", True)
    assert verdict(by_key(key)).code == "signature_missing"


def test_the_library_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "cryptography"]:
        monkeypatch.setitem(sys.modules, name, None)
    spec = importlib.util.spec_from_file_location(f"{asymmetric.__name__}_alone", asymmetric.__file__)
    assert spec and spec.loader
    alone = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(alone)
    assert not alone.HAS_CRYPTOGRAPHY and asymmetric.HAS_CRYPTOGRAPHY


def test_the_name_in_the_reason_is_on_one_line(key: Key) -> None:
    result = verdict(by_key(key), signed(key, as_json(document(reference="evil\nname"))))
    assert (result.code, "\n" in result.reason) == ("signed_identity_refused", False)


def test_a_signature_survives_the_frame_in_which_stores_keep_it(key: Key) -> None:
    from ansible_collections.strata.containers.plugins.module_utils._model.signature import parse_signature

    kept = parse_signature(signed(key).blob, IMAGE)
    assert isinstance(kept, SigstoreSignature)
    assert verdict(by_key(key), kept).accepted
