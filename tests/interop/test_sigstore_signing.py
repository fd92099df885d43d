# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sigstore signatures that we make are good to openssl and to our own judge."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._engine.sign import sigstore_signer
from ansible_collections.strata.containers.plugins.module_utils._errors import MissingLibraryError
from ansible_collections.strata.containers.plugins.module_utils._model.reference import parse_reference
from ansible_collections.strata.containers.plugins.module_utils._model.signature import (
    SigstoreSignature,
    parse_signature,
)
from ansible_collections.strata.containers.plugins.module_utils._trust import asymmetric
from ansible_collections.strata.containers.plugins.module_utils._trust.new_payload import NothingToSign, simple_payload
from ansible_collections.strata.containers.plugins.module_utils._trust.private_key import BadPrivateKey
from lab.openssl import Key, Workshop
from lab.openssl import run as openssl
from lab.sealed_key import as_key_file, closed_fields
from lab.sigstore import MANIFEST, SIGNATURE, by_key, verdict

NAME = "reg.example.com:5000/ns/app:v1"
REFERENCE = parse_reference(NAME)
PASSPHRASE = "s3cret pass \u00e4"


def now() -> float:
    return 1_700_000_000.9


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("openssl"))


def signed_by(path: Path, passphrase: str = "", name: str = NAME, manifest: bytes = MANIFEST) -> SigstoreSignature:
    return sigstore_signer(str(path), passphrase.encode(), now).sign(manifest, parse_reference(name))


@pytest.mark.parametrize("kind", ["P-224", "P-256", "P-384", "P-521", "RSA-2048", "Ed25519"])
def test_a_sigstore_signature_is_good_to_openssl_and_to_us(workshop: Workshop, kind: str) -> None:
    key = workshop.key(kind)
    made = signed_by(key.path)
    assert key.verifies(base64.b64decode(made.annotations[SIGNATURE]), made.payload)
    assert verdict(by_key(key), made).met[0].signer == f"key {key.name}"
    assert verdict(by_key(key), made, name="reg.example.com:5000/ns/app:v2").code == "signed_identity_refused"
    assert parse_signature(made.blob, "here") == made


def sealed(workshop: Workshop, directory: Path, label: str, cost: int = 1 << 15) -> tuple[Key, Path]:
    key = workshop.key()
    path = directory / "sealed.key"
    path.write_bytes(as_key_file(closed_fields(der_of(key), PASSPHRASE.encode(), cost), label))
    return key, path


def der_of(key: Key) -> bytes:
    return openssl("pkcs8", "-topk8", "-nocrypt", "-in", str(key.path), "-outform", "DER")


@pytest.mark.parametrize("cost", [1 << 15, 1 << 16, 1 << 17])
@pytest.mark.parametrize("label", ["ENCRYPTED COSIGN PRIVATE KEY", "ENCRYPTED SIGSTORE PRIVATE KEY"])
def test_a_key_of_cosign_opens_by_its_passphrase(workshop: Workshop, tmp_path: Path, label: str, cost: int) -> None:
    key, path = sealed(workshop, tmp_path, label, cost)
    assert verdict(by_key(key), signed_by(path, PASSPHRASE)).accepted
    with pytest.raises(BadPrivateKey) as caught:
        signed_by(path, "wrong")
    assert (caught.value.code, "wrong" in str(caught.value.facts()["message"])) == ("bad_private_key", False)


def test_the_document_differs_from_that_of_simple_signing_by_its_type_alone(workshop: Workshop) -> None:
    """As in containers/image. What is signed simply is compared with skopeo's in test_signing.py; Debian's skopeo signs for
    sigstore as little as it verifies."""
    made = signed_by(workshop.key().path)
    simple = simple_payload(MANIFEST, REFERENCE, "strata.containers", now())
    assert made.payload == simple.replace(b"atomic container signature", b"cosign container image signature")
    assert list(made.annotations) == ["dev.cosignproject.cosign/signature"]


def test_a_key_file_that_is_none_is_refused(workshop: Workshop, tmp_path: Path) -> None:
    key = workshop.key()
    plain = key.path.read_bytes()
    good = closed_fields(der_of(key), PASSPHRASE.encode())
    texts = {
        "nothing": b"",
        "a public key": key.public,
        "an older form": openssl("ec", "-in", str(key.path)),
        "no key inside": plain.replace(plain.splitlines()[1], b"AAAA"),
        "a kind that nobody verifies": workshop.key("Ed448").path.read_bytes(),
        "a curve that nobody verifies": workshop.key("secp256k1").path.read_bytes(),
        "too short": workshop.key("RSA-1024").path.read_bytes(),
        "a key exchange": openssl("genpkey", "-algorithm", "X25519"),
        "no object": as_key_file([]),
        "a text": as_key_file("x"),
        "no JSON": b"-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED COSIGN PRIVATE KEY-----\n",
        "no salt": as_key_file({**good, "kdf": {"name": "scrypt", "params": good["kdf"]["params"]}}),
        "no base64": as_key_file({**good, "ciphertext": "%"}),
        "no costs": as_key_file({**good, "kdf": {**good["kdf"], "params": None}}),
        "another function": as_key_file({**good, "kdf": {**good["kdf"], "name": "argon2"}}),
        "another cipher": as_key_file({**good, "cipher": {**good["cipher"], "name": "aes"}}),
        "a short nonce": as_key_file({**good, "cipher": {**good["cipher"], "nonce": "AAAA"}}),
        "endless work": as_key_file({**good, "kdf": {**good["kdf"], "params": {"N": 1 << 30, "r": 8, "p": 1}}}),
        "other lanes": as_key_file({**good, "kdf": {**good["kdf"], "params": {"N": 1 << 15, "r": 8, "p": 2}}}),
        "an empty box": as_key_file({**good, "ciphertext": ""}),
        "a changed box": as_key_file({**good, "ciphertext": "AAAA" + good["ciphertext"][4:]}),
        "another nonce": as_key_file({**good, "cipher": {**good["cipher"], "nonce": "A" * 32}}),
    }
    path = tmp_path / "key"
    for name, text in texts.items():
        path.write_bytes(text)
        with pytest.raises(BadPrivateKey) as caught:
            signed_by(path, PASSPHRASE)
        assert caught.value.subject == str(path), name
    with pytest.raises(BadPrivateKey):
        signed_by(tmp_path / "none")


def test_the_reason_says_what_is_wrong_with_a_key_file(workshop: Workshop, tmp_path: Path) -> None:
    path = tmp_path / "key"
    good = closed_fields(b"no key", PASSPHRASE.encode())

    def error(text: bytes) -> BadPrivateKey:
        path.write_bytes(text)
        with pytest.raises(BadPrivateKey) as caught:
            signed_by(path, PASSPHRASE)
        return caught.value

    other = error(workshop.key().public)
    assert (other.message, other.found) == ("PEM of another kind", "'PUBLIC KEY'")
    assert other.wanted == "PRIVATE KEY, ENCRYPTED SIGSTORE PRIVATE KEY, ENCRYPTED COSIGN PRIVATE KEY"
    for cipher in ({**good["cipher"], "nonce": "AAAA"}, {**good["cipher"], "name": "aes"}):
        assert error(as_key_file({**good, "cipher": cipher})).message == "closed in another way"
    params = {"N": 1 << 14, "r": 8, "p": 1}
    assert "costs" in error(as_key_file({**good, "kdf": {**good["kdf"], "params": params}})).message
    assert "malformed" in error(as_key_file({**good, "ciphertext": "%"})).message
    assert "passphrase" in error(as_key_file({**good, "ciphertext": "AAAA"})).message
    assert "it cannot sign" in error(as_key_file(good)).message


def test_a_name_without_a_version_is_not_signed(workshop: Workshop) -> None:
    with pytest.raises(NothingToSign):
        signed_by(workshop.key().path, name="reg.example.com:5000/ns/app")


def test_a_digest_is_a_version_too(workshop: Workshop) -> None:
    key = workshop.key()
    digest = "sha256:" + openssl("dgst", "-sha256", "-r", stdin=MANIFEST).split()[0].decode()
    name = f"reg.example.com:5000/ns/app@{digest}"
    assert verdict(
        by_key(key, signedIdentity={"type": "matchExact"}), signed_by(key.path, name=name), name=name
    ).accepted


def test_without_the_library_the_error_says_what_needs_it(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    key = workshop.key()
    monkeypatch.setattr(asymmetric, "HAS_CRYPTOGRAPHY", False)
    with pytest.raises(MissingLibraryError, match="to sign"):
        signed_by(key.path)


def test_without_the_library_of_the_box_a_closed_key_says_so_and_a_plain_one_signs(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _key, path = sealed(workshop, tmp_path, "ENCRYPTED COSIGN PRIVATE KEY")
    monkeypatch.setitem(sys.modules, "nacl.secret", None)
    with pytest.raises(MissingLibraryError, match="passphrase") as caught:
        signed_by(path, PASSPHRASE)
    assert (caught.value.library, str(path) in caught.value.reason) == ("PyNaCl", True)
    plain = workshop.key()
    assert verdict(by_key(plain), signed_by(plain.path)).accepted
