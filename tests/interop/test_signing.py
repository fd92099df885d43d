# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Simple signing signatures that we make are good to skopeo, and the secret key's passphrase goes nowhere else."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import pytest
from ansible_collections.strata.containers.plugins.module_utils._engine.sign import OpenPgpSigner
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
    parse_signature,
)
from ansible_collections.strata.containers.plugins.module_utils._trust.new_payload import NothingToSign
from lab.commands import CommandFailed, run
from lab.gpg_keys import Signer, running_signer
from lab.openssl import run as openssl
from lab.sigstore import MANIFEST

NAME = "reg.example.com:5000/ns/app:v1"
REFERENCE = parse_reference(NAME)
PASSPHRASE = "s3cret pass \u00e4"


def now() -> float:
    return 1_700_000_000.9


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


def test_a_name_without_a_version_is_not_signed(gpg: Signer) -> None:
    with pytest.raises(NothingToSign):
        by_gpg(gpg, "0" * 40).sign(MANIFEST, parse_reference("reg.example.com:5000/ns/app"))
