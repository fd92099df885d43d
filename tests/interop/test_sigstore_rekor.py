# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proof of a transparency log: demanded with a key, it must be of this signature, by this key, over this document."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.signature import SigstoreSignature
from ansible_collections.strata.containers.plugins.module_utils._trust.strict_json import InvalidPolicy
from lab.openssl import Key, Workshop
from lab.sigstore import (
    BUNDLE,
    PAYLOAD,
    SIGNATURE,
    as_json,
    attached,
    by_key,
    by_pki,
    document,
    entry,
    log_payload,
    logged,
    proof,
    signed,
    text64,
    verdict,
    with_annotation,
)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("openssl"))


@pytest.fixture(scope="module")
def key(workshop: Workshop) -> Key:
    return workshop.key()


@pytest.fixture(scope="module")
def other(workshop: Workshop) -> Key:
    return workshop.key()


@pytest.fixture(scope="module")
def log(workshop: Workshop) -> Key:
    return workshop.key()


@pytest.fixture(scope="module")
def signature(key: Key) -> SigstoreSignature:
    return signed(key)


def demanded(log: Key, *keys: Key) -> dict[str, Any]:
    return by_key(*keys, rekorPublicKeyData=text64(log.public))


def blob_of(signature: SigstoreSignature) -> bytes:
    return base64.b64decode(signature.annotations[SIGNATURE])


def code(log: Key, key: Key, signature: SigstoreSignature, bundle: str | None) -> str:
    return verdict(demanded(log, key), with_annotation(signature, BUNDLE, bundle)).code


def test_a_proof_that_openssl_finds_good_is_accepted(log: Key, key: Key, signature: SigstoreSignature) -> None:
    told = logged(log, key.public, signature)
    stamp = json.loads(told.annotations[BUNDLE])
    assert log.verifies(base64.b64decode(stamp["SignedEntryTimestamp"]), as_json(stamp["Payload"]))
    result = verdict(demanded(log, key), told)
    assert (result.accepted, result.met[0].signer) == (True, f"key {key.name}")


def test_the_key_that_the_proof_names_is_the_only_one_tried(log: Key, key: Key, other: Key) -> None:
    keys = demanded(log, other, key)
    assert verdict(keys, logged(log, key.public, signed(key))).met[0].signer == f"key {key.name}"
    # Told to the log as one's own, and made by the other trusted one.
    assert verdict(keys, logged(log, other.public, signed(key))).code == "sigstore_refused"


def test_any_of_several_logs_may_have_seen_it(log: Key, key: Key, other: Key, signature: SigstoreSignature) -> None:
    logs = [text64(other.public), text64(log.public)]
    assert verdict(by_key(key, rekorPublicKeyDatas=logs), logged(log, key.public, signature)).accepted
    assert (
        verdict(by_key(key, rekorPublicKeyDatas=logs[:1]), logged(log, key.public, signature)).code
        == "sigstore_refused"
    )


@pytest.mark.parametrize("kind", ["P-384", "RSA-2048", "Ed25519"])
def test_a_log_signs_by_ecdsa(workshop: Workshop, key: Key, signature: SigstoreSignature, kind: str) -> None:
    log = workshop.key(kind)
    result = verdict(demanded(log, key), logged(log, key.public, signature))
    assert result.code == ("accepted" if kind == "P-384" else "trusted_keys_invalid")


def test_a_log_key_that_is_none_spoils_all(log: Key, key: Key, signature: SigstoreSignature) -> None:
    broken = replace(log, public=b"nonsense")
    assert verdict(demanded(broken, key), logged(log, key.public, signature)).code == "trusted_keys_invalid"


def test_the_fixed_width_form_is_not_a_log_s(log: Key, key: Key, signature: SigstoreSignature) -> None:
    stamp = json.loads(logged(log, key.public, signature).annotations[BUNDLE])
    stamp["SignedEntryTimestamp"] = text64(b"\x01" * 64)
    assert code(log, key, signature, json.dumps(stamp)) == "sigstore_refused"


def test_scenario_52_a_demanded_proof_must_be_there(log: Key, key: Key, signature: SigstoreSignature) -> None:
    result = verdict(demanded(log, key), signature)
    assert (result.code, BUNDLE in result.reason) == ("sigstore_refused", True)


def test_attack_38_a_proof_of_something_else(log: Key, key: Key, other: Key, signature: SigstoreSignature) -> None:
    blob = blob_of(signature)
    again = key.sign(PAYLOAD)
    another = as_json(document(reference="reg.example.com:5000/ns/app:v2"))
    good = log_payload(entry(key.public, blob, PAYLOAD))
    assert code(log, key, signature, proof(log, good)) == "accepted"
    stolen = {
        "by another log": proof(other, good),
        "of another signature over the same": proof(log, log_payload(entry(key.public, again, PAYLOAD))),
        "of another key": proof(log, log_payload(entry(other.public, blob, PAYLOAD))),
        "of another document": proof(log, log_payload(entry(key.public, blob, another))),
        "of a longer document": proof(log, log_payload(entry(key.public, blob, PAYLOAD + b" "))),
    }
    assert {name: code(log, key, signature, bundle) for name, bundle in stolen.items()} == dict.fromkeys(
        stolen, "sigstore_refused"
    )


def changed_entry(key: Key, blob: bytes, *path: str, to: Any = None, remove: bool = False) -> dict[str, Any]:
    body = entry(key.public, blob, PAYLOAD)
    inner = body
    for step in path[:-1]:
        inner = inner[step]
    if remove:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return body


HASH = ("spec", "data", "hash")


@pytest.mark.parametrize(
    "path",
    [
        ("kind",),
        ("apiVersion",),
        ("spec",),
        ("spec", "data"),
        HASH,
        (*HASH, "algorithm"),
        (*HASH, "value"),
        ("spec", "signature"),
        ("spec", "signature", "content"),
        ("spec", "signature", "publicKey"),
        ("spec", "signature", "publicKey", "content"),
    ],
)
def test_attack_38_an_entry_that_lacks_or_spoils_a_part(
    log: Key, key: Key, signature: SigstoreSignature, path: tuple[str, ...]
) -> None:
    blob = blob_of(signature)
    broken = [changed_entry(key, blob, *path, remove=True)]
    broken += [changed_entry(key, blob, *path, to=value) for value in (None, 1, "", "nonsense", {}, ["a"], "zz")]
    for body in broken:
        assert code(log, key, signature, proof(log, log_payload(body))) == "sigstore_refused", body


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("kind",), "rekord"),
        (("kind",), "Hashedrekord"),
        (("apiVersion",), "0.0.2"),
        ((*HASH, "algorithm"), "sha512"),
        ((*HASH, "algorithm"), "SHA256"),
    ],
)
def test_attack_38_another_kind_or_version_is_not_understood(
    log: Key, key: Key, signature: SigstoreSignature, path: tuple[str, ...], to: str
) -> None:
    body = changed_entry(key, blob_of(signature), *path, to=to)
    assert code(log, key, signature, proof(log, log_payload(body))) == "sigstore_refused"


def test_what_else_is_in_an_entry_is_ignored_and_hex_has_two_cases(
    log: Key, key: Key, signature: SigstoreSignature
) -> None:
    blob = blob_of(signature)
    body = changed_entry(key, blob, "more", to=[1])
    body["spec"]["data"]["hash"]["value"] = body["spec"]["data"]["hash"]["value"].upper()
    assert code(log, key, signature, proof(log, log_payload(body))) == "accepted"


@pytest.mark.parametrize("tail", [b"\n", b"x", b"-----BEGIN A-----\n-----END A-----\n"])
def test_the_key_of_an_entry_is_one_block_and_no_more(
    log: Key, key: Key, signature: SigstoreSignature, tail: bytes
) -> None:
    bundle = proof(log, log_payload(entry(key.public + tail, blob_of(signature), PAYLOAD)))
    assert code(log, key, signature, bundle) == "sigstore_refused"


def test_a_body_that_is_no_json_or_has_a_key_twice(log: Key, key: Key, signature: SigstoreSignature) -> None:
    body = as_json(entry(key.public, blob_of(signature), PAYLOAD))
    for text in (b"", b"nonsense", b"[]", body + b"{}", body.replace(b'"kind"', b'"kind":"x","kind"')):
        payload = {**log_payload({}), "body": text64(text)}
        result = verdict(demanded(log, key), with_annotation(signature, BUNDLE, proof(log, payload)))
        assert (result.code, "invalid JSON" in result.reason) == ("sigstore_refused", text != b"[]")


@pytest.mark.parametrize(
    "change",
    [
        {"integratedTime": "1"},
        {"integratedTime": 1.5},
        {"integratedTime": True},
        {"integratedTime": None},
        {"integratedTime": 2**53 + 2},
        {"logIndex": -(2**53) - 2},
        {"logIndex": []},
        {"logID": 1},
        {"body": 1},
        {"body": "%"},
        {"more": 1},
    ],
)
def test_the_payload_of_a_proof_is_exactly_one(
    log: Key, key: Key, signature: SigstoreSignature, change: dict[str, Any]
) -> None:
    payload = {**log_payload(entry(key.public, blob_of(signature), PAYLOAD)), **change}
    result = verdict(demanded(log, key), with_annotation(signature, BUNDLE, proof(log, payload)))
    assert (result.code, "is malformed" in result.reason) == ("sigstore_refused", True)
    for name in change:
        payload.pop(name)
    if "more" not in change:
        assert code(log, key, signature, proof(log, payload)) == "sigstore_refused"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        "{}",
        '{"SignedEntryTimestamp": "AAAA"}',
        '{"SignedEntryTimestamp": "AAAA", "Payload": []}',
        '{"SignedEntryTimestamp": "AAAA", "Payload": {}, "more": 1}',
        '{"SignedEntryTimestamp": "AAAA", "Payload": null}',
        "\ud800",
    ],
)
def test_a_proof_is_exactly_one_object(log: Key, key: Key, signature: SigstoreSignature, text: str) -> None:
    assert code(log, key, signature, text) == "sigstore_refused"


def test_a_proof_has_no_key_twice_and_its_stamp_is_base64(log: Key, key: Key, signature: SigstoreSignature) -> None:
    good = logged(log, key.public, signature).annotations[BUNDLE]
    assert code(log, key, signature, good) == "accepted"
    assert code(log, key, signature, good.replace("{", '{"Payload": {}, ', 1)) == "sigstore_refused"
    assert code(log, key, signature, good.replace('Timestamp": "', 'Timestamp": "%')) == "sigstore_refused"
    assert code(log, key, signature, good + "{}") == "sigstore_refused"


def test_a_number_is_as_large_as_a_double_can_count(log: Key, key: Key, signature: SigstoreSignature) -> None:
    for number in (0, 2**53, -(2**53)):
        payload = {**log_payload(entry(key.public, blob_of(signature), PAYLOAD)), "logIndex": number}
        assert code(log, key, signature, proof(log, payload)) == "accepted"


def test_how_the_payload_is_written_does_not_matter(log: Key, key: Key, signature: SigstoreSignature) -> None:
    told = logged(log, key.public, signature)
    stamp = json.loads(told.annotations[BUNDLE])
    fields = stamp["Payload"]
    backwards = {name: fields[name] for name in ("logIndex", "logID", "integratedTime", "body")}
    spaced = json.dumps({"Payload": backwards, "SignedEntryTimestamp": stamp["SignedEntryTimestamp"]}, indent=3)
    assert code(log, key, signature, spaced) == "accepted"
    exponent = spaced.replace(str(fields["logIndex"]), "8949.589e3")
    assert code(log, key, signature, exponent) == "accepted"
    assert code(log, key, signature, spaced.replace(str(fields["logIndex"]), "8949590")) == "sigstore_refused"


def test_the_canonical_form_escapes_only_what_it_must(log: Key, key: Key, signature: SigstoreSignature) -> None:
    """Written by hand after RFC 8785, section 3.2.2.2."""
    payload = log_payload(entry(key.public, blob_of(signature), PAYLOAD))
    payload["logID"] = 'a"\\/\b\f\n\r\t\x01\x7f\u20ac\U0001f600<'
    name = r'"a\"\\/\b\f\n\r\t\u0001' + '\x7f\u20ac\U0001f600<"'
    body, time, index = payload["body"], payload["integratedTime"], payload["logIndex"]
    canonical = f'{{"body":"{body}","integratedTime":{time},"logID":{name},"logIndex":{index}}}'
    stamp = {"SignedEntryTimestamp": text64(log.sign(canonical.encode())), "Payload": payload}
    assert code(log, key, signature, json.dumps(stamp)) == "accepted"


def test_the_proof_may_be_of_a_fixed_width_signature_only_as_it_stands(log: Key, key: Key) -> None:
    bad = attached(PAYLOAD, b"\x01" * 64)
    assert verdict(demanded(log, key), logged(log, key.public, bad)).code == "sigstore_refused"


def test_an_empty_key_of_rekor_asks_for_no_proof(key: Key, signature: SigstoreSignature) -> None:
    requirement = by_key(key, rekorPublicKeyPath="")
    assert verdict(requirement, signature).accepted


def test_scenario_55_a_pki_excludes_a_log_and_fulcio_needs_one(log: Key, workshop: Workshop) -> None:
    root = workshop.root().pem
    told = {"rekorPublicKeyData": text64(log.public)}
    fulcio = {"caData": text64(root), "subjectEmail": "a@example.com", "oidcIssuer": "https://issuer.example.com"}
    verdict({"type": "sigstoreSigned", "fulcio": fulcio, **told})
    verdict(by_pki(root, subjectEmail="a@example.com"))
    for requirement in (
        {"type": "sigstoreSigned", "fulcio": fulcio},
        {**by_pki(root, subjectEmail="a@example.com"), **told},
    ):
        with pytest.raises(InvalidPolicy):
            verdict(requirement)
