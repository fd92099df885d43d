# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signatures that we make on the way out are good to skopeo, to openssl, and to our own judge."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import pytest
from ansible_collections.strata.containers.plugins.module_utils._engine.sign import OpenPgpSigner, sigstore_signer
from ansible_collections.strata.containers.plugins.module_utils._errors import MissingLibraryError
from ansible_collections.strata.containers.plugins.module_utils._host.commands import Finished, SystemCommands
from ansible_collections.strata.containers.plugins.module_utils._host.gpg import GpgMissing
from ansible_collections.strata.containers.plugins.module_utils._host.gpg_sign import (
    BadPassphrase,
    GpgSigner,
    SigningFailed,
    signing_environment,
)
from ansible_collections.strata.containers.plugins.module_utils._model.reference import parse_reference
from ansible_collections.strata.containers.plugins.module_utils._model.signature import (
    SigstoreSignature,
    parse_signature,
)
from ansible_collections.strata.containers.plugins.module_utils._trust import asymmetric
from ansible_collections.strata.containers.plugins.module_utils._trust.new_payload import NothingToSign
from ansible_collections.strata.containers.plugins.module_utils._trust.private_key import BadPrivateKey
from lab.commands import CommandFailed, run
from lab.gpg_keys import Signer, running_signer
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


@pytest.fixture(scope="module")
def gpg() -> Iterator[Signer]:
    with running_signer() as signer:
        yield signer


def system() -> SystemCommands:
    return SystemCommands(signing_environment(os.environ))


def by_gpg(gpg: Signer, key: str, passphrase: Optional[str] = None, run: Any = None) -> OpenPgpSigner:
    return OpenPgpSigner(GpgSigner(run or system(), gpg.home), key, passphrase, now)


def good_to_skopeo(tmp_path: Path, gpg: Signer, key: str, blob: bytes, name: str = NAME) -> bool:
    manifest, signature = tmp_path / "manifest.json", tmp_path / "signature"
    manifest.write_bytes(MANIFEST)
    signature.write_bytes(blob)
    try:
        said = run(["skopeo", "standalone-verify", str(manifest), name, key, str(signature)], env=gpg.environment())
    except CommandFailed:
        return False
    return "Signature verified" in said


# Simple signing


def test_a_simple_signature_is_good_to_skopeo(tmp_path: Path, gpg: Signer) -> None:
    key, other = gpg.make_key("signs"), gpg.make_key("other")
    made = by_gpg(gpg, key).sign(MANIFEST, REFERENCE)
    assert good_to_skopeo(tmp_path, gpg, key, made.blob)
    assert not good_to_skopeo(tmp_path, gpg, other, made.blob)
    assert not good_to_skopeo(tmp_path, gpg, key, made.blob, "reg.example.com:5000/ns/app:v2")
    assert parse_signature(made.blob, "here") == made


def directory_of(tmp_path: Path, name: str) -> Path:
    """An image without layers that skopeo can copy."""
    directory = tmp_path / name
    directory.mkdir()
    config = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'
    digest = openssl("dgst", "-sha256", "-r", stdin=config).split()[0].decode()
    (directory / digest).write_bytes(config)
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": f"sha256:{digest}",
            "size": len(config),
        },
        "layers": [],
    }
    (directory / "manifest.json").write_text(json.dumps(manifest))
    (directory / "version").write_text("Directory Transport Version: 1.1\n")
    return directory


def test_a_simple_signature_in_a_directory_lets_skopeo_copy_the_image(tmp_path: Path, gpg: Signer) -> None:
    key = gpg.make_key("copies")
    source = directory_of(tmp_path, "source")
    manifest = (source / "manifest.json").read_bytes()
    (tmp_path / "key.gpg").write_bytes(gpg.public(key))
    requirement = {
        "type": "signedBy",
        "keyType": "GPGKeys",
        "keyPath": str(tmp_path / "key.gpg"),
        "signedIdentity": {"type": "exactReference", "dockerReference": NAME},
    }
    (tmp_path / "policy.json").write_text(json.dumps({"default": [requirement]}))
    copy = ["skopeo", "--policy", str(tmp_path / "policy.json"), "copy", f"dir:{source}", f"dir:{tmp_path / 'copy'}"]
    with pytest.raises(CommandFailed, match="no signature exists"):
        run(copy)
    (source / "signature-1").write_bytes(by_gpg(gpg, key).sign(manifest, REFERENCE).blob)
    run(copy)
    assert (tmp_path / "copy" / "signature-1").read_bytes() == (source / "signature-1").read_bytes()


def test_what_is_signed_is_written_as_skopeo_writes_it(tmp_path: Path, gpg: Signer) -> None:
    key = gpg.make_key("writes")
    (tmp_path / "manifest").write_bytes(MANIFEST)
    theirs = tmp_path / "theirs"
    command = ["skopeo", "standalone-sign", str(tmp_path / "manifest"), NAME, key, "--output", str(theirs)]
    run(command, env=gpg.environment())
    ours = gpg.gpg("--decrypt", stdin=by_gpg(gpg, key).sign(MANIFEST, REFERENCE).blob)
    text = gpg.gpg("--decrypt", stdin=theirs.read_bytes())
    their = json.loads(text)["optional"]
    same = text.replace(json.dumps(their["creator"]).encode(), b'"strata.containers"')
    assert ours == same.replace(str(their["timestamp"]).encode(), b"1700000000")


def test_a_passphrase_goes_through_the_standard_input_alone(tmp_path: Path, gpg: Signer) -> None:
    key = closed_key(gpg)
    seen: list[list[str]] = []

    def watched(command: Any, stdin: bytes, timeout: float) -> Optional[Finished]:
        seen.append(list(command))
        source = Path(command[-1])
        assert stat.S_IMODE(source.stat().st_mode) == 0o600
        assert stat.S_IMODE(source.parent.stat().st_mode) == 0o700
        assert PASSPHRASE.encode() not in source.read_bytes()
        return system()(command, stdin, timeout)

    with pytest.raises(SigningFailed):
        by_gpg(gpg, key, None, watched).sign(MANIFEST, REFERENCE)
    with pytest.raises(SigningFailed) as caught:
        by_gpg(gpg, key, "another", watched).sign(MANIFEST, REFERENCE)
    assert "another" not in str(caught.value.facts())
    made = by_gpg(gpg, key, PASSPHRASE, watched).sign(MANIFEST, REFERENCE)
    assert good_to_skopeo(tmp_path, gpg, key, made.blob)
    assert not any(PASSPHRASE in argument for command in seen for argument in command)
    assert len(seen) == 3 and not any(Path(command[-1]).parent.exists() for command in seen)


def closed_key(gpg: Signer) -> str:
    """A new key that has a passphrase, which the agent does not know."""
    before = {line for line in gpg.gpg("--with-colons", "--list-keys").decode().split("\n") if line.startswith("fpr")}
    command = [
        "gpg",
        "--homedir",
        gpg.home,
        "--batch",
        "--no-tty",
        "--pinentry-mode",
        "loopback",
        "--passphrase-fd",
        "0",
    ]
    command += ["--quick-generate-key", "closed <closed@example.com>", "ed25519", "sign", "never"]
    subprocess.run(command, input=PASSPHRASE.encode() + b"\n", check=True, capture_output=True)
    run(["gpgconf", "--homedir", gpg.home, "--kill", "gpg-agent"])
    after = {line for line in gpg.gpg("--with-colons", "--list-keys").decode().split("\n") if line.startswith("fpr")}
    (line,) = after - before
    return line.split(":")[9]


@pytest.mark.parametrize("key", ["0" * 40, "nobody@example.com", "--version", ""])
def test_without_the_secret_key_nothing_is_signed(gpg: Signer, key: str) -> None:
    with pytest.raises(SigningFailed) as caught:
        by_gpg(gpg, key).sign(MANIFEST, REFERENCE)
    assert caught.value.code == "signing_failed"


def test_a_passphrase_of_two_lines_is_refused(gpg: Signer) -> None:
    with pytest.raises(BadPassphrase):
        by_gpg(gpg, "0" * 40, "a\nb").sign(MANIFEST, REFERENCE)


def test_a_host_without_gpg_is_told_so(gpg: Signer) -> None:
    with pytest.raises(GpgMissing):
        by_gpg(gpg, "0" * 40, None, SystemCommands({"PATH": "/nonexistent"})).sign(MANIFEST, REFERENCE)


@pytest.mark.parametrize(
    "answer",
    [Finished(0), Finished(0, b"-----BEGIN PGP MESSAGE-----"), Finished(0, b"\xa3\x01x"), Finished(2, b"\xa3\x01")],
)
def test_what_is_no_signature_is_not_taken_for_one(gpg: Signer, answer: Finished) -> None:
    with pytest.raises(SigningFailed):
        by_gpg(gpg, "0" * 40, None, lambda command, stdin, timeout: answer).sign(MANIFEST, REFERENCE)


def test_the_environment_of_gpg_is_small() -> None:
    given = {
        "PATH": "/bin",
        "HOME": "/root",
        "GNUPGHOME": "/g",
        "LC_ALL": "de_DE",
        "TOKEN": "x",
        "XDG_RUNTIME_DIR": "/r",
    }
    kept = {"PATH": "/bin", "HOME": "/root", "GNUPGHOME": "/g", "XDG_RUNTIME_DIR": "/r", "LC_ALL": "C"}
    assert signing_environment(given) == kept


# Sigstore


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


def test_the_document_differs_from_that_of_simple_signing_by_its_type_alone(workshop: Workshop, gpg: Signer) -> None:
    """As in containers/image; what is signed simply is compared with skopeo's above. Debian's skopeo signs for sigstore
    as little as it verifies."""
    simple = gpg.gpg("--decrypt", stdin=by_gpg(gpg, gpg.make_key("types")).sign(MANIFEST, REFERENCE).blob)
    sigstore = signed_by(workshop.key().path)
    assert sigstore.payload == simple.replace(b"atomic container signature", b"cosign container image signature")
    assert list(sigstore.annotations) == ["dev.cosignproject.cosign/signature"]


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
    }
    path = tmp_path / "key"
    for name, text in texts.items():
        path.write_bytes(text)
        with pytest.raises(BadPrivateKey) as caught:
            signed_by(path, PASSPHRASE)
        assert caught.value.subject == str(path), name
    with pytest.raises(BadPrivateKey):
        signed_by(tmp_path / "none")


def test_a_name_without_a_version_is_not_signed(workshop: Workshop, gpg: Signer) -> None:
    key = workshop.key()
    name = parse_reference("reg.example.com:5000/ns/app")
    with pytest.raises(NothingToSign):
        signed_by(key.path, name=str(name))
    with pytest.raises(NothingToSign):
        by_gpg(gpg, "0" * 40).sign(MANIFEST, name)


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
    with pytest.raises(MissingLibraryError, match="sign"):
        signed_by(key.path)
