# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Simple signing with real keys: gpg verifies for us, and skopeo judges the same messages."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Optional

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import UsageError
from ansible_collections.strata.containers.plugins.module_utils._host.commands import Finished, SystemCommands
from ansible_collections.strata.containers.plugins.module_utils._host.gpg import Gpg, gpg_environment
from ansible_collections.strata.containers.plugins.module_utils._trust.subject import OpenPgp
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.attack_table import ATTACKS
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.recorded_gpg import RECORDED
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.scenario_table import SCENARIOS
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.stage import (
    REPOSITORY,
    Row,
    Sig,
    signed_by,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.test_signed_payload import (
    ACCEPTED,
    REFUSED,
    with_optional,
)
from lab.gpg_keys import digest_of, running_signer, simple_payload
from lab.gpg_messages import KINDS, Messages
from lab.processes import Watch

# What the reference says of each kind of message; all others are refused for the signature.
GOOD = {
    "good",
    "not compressed",
    "compressed by bzip2",
    "junk behind",
    "dated in the future",
    "signing subkey",
    "revoked key beside",
    "SHA-224",
    "SHA-512",
    "RSA-1024",
    "P-256",
    "brainpool",
    "secp256k1",
    "armored keyring",
    "two armored keyrings",
    "secret keyring",
    # As the key by which Red Hat signs images, on RHEL 8.
    "vouched for by SHA-1",
}
BAD_KEYS = {"no keys", "garbage for keys"}
# By the first byte already.
NO_MESSAGE = {"unsigned, not compressed", "unsigned before", "armored", "clear-signed", "nothing"}

# skopeo 1.9.3 takes these weak hashes, text mode, and content of any size; it does not take subkeys, as its successors do.
DIFFERENT = {"SHA-1", "RIPEMD-160", "text mode", "bomb", "signing subkey"}

# A manifest that skopeo copies, with its config.
CONFIG = b"{}"
CONFIG_HEX = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": len(CONFIG),
            "digest": f"sha256:{CONFIG_HEX}",
        },
        "layers": [],
    }
).encode()


def new_gpg() -> Gpg:
    return Gpg(SystemCommands(gpg_environment(os.environ)))


class RealWorld:
    """Keys and messages by gpg, for the rows of the tables."""

    def __init__(self, messages: Messages) -> None:
        self.openpgp: OpenPgp = new_gpg()
        self._messages = messages
        self._keyrings: dict[str, bytes] = {}

    def keyring(self, name: str) -> bytes:
        if name == "nobody":
            return b""
        if name not in self._keyrings:
            self._keyrings[name] = self._messages.signer.public(self._key(name))
        return self._keyrings[name]

    def message(self, content: bytes, key: str, kind: str) -> bytes:
        if kind == "good":
            self._keyrings["of good"] = self.keyring(key)
            return self._messages.signer.sign(content, self._key(key))
        self._keyrings[f"of {kind}"], message = self._messages.make(kind, content)
        return message

    def _key(self, name: str) -> str:
        return {"G": self._messages.good, "O": self._messages.other}[name]


@pytest.fixture(scope="module")
def messages(judges: None) -> Iterator[Messages]:
    with running_signer() as signer:
        yield Messages(signer)


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(messages: Messages, name: str) -> None:
    assert SCENARIOS[name].outcome(RealWorld(messages)) == SCENARIOS[name].code


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(messages: Messages, name: str) -> None:
    row = ATTACKS[name]
    if row.code == "invalid_reference":
        with pytest.raises(UsageError):
            row.verdict(RealWorld(messages))
    else:
        assert row.outcome(RealWorld(messages)) == row.code


@pytest.mark.parametrize("kind", KINDS)
def test_message(messages: Messages, tmp_path: Path, kind: str) -> None:
    content = simple_payload(MANIFEST, f"{REPOSITORY}:v1")
    row = Row([signed_by(f"of {kind}")], signatures=[Sig(content=content, kind=kind)], manifest=MANIFEST)
    world = RealWorld(messages)
    outcome = row.outcome(world)
    assert outcome == wanted(kind)
    blob = row.signatures[0].blob(world)  # type: ignore[union-attr]
    theirs = skopeo_accepts(tmp_path, world.keyring(f"of {kind}"), blob)
    assert theirs is ((outcome == "accepted") != (kind in DIFFERENT))


def wanted(kind: str) -> str:
    if kind in GOOD:
        return "accepted"
    if kind in BAD_KEYS:
        return "trusted_keys_invalid"
    return "invalid_signature" if kind in NO_MESSAGE else "openpgp_refused"


def skopeo_accepts(directory: Path, keyring: bytes, *blobs: bytes) -> bool:
    """Whether skopeo copies the image with these signatures, under the policy of such a keyring."""
    image = directory / "image"
    image.mkdir()
    (image / "version").write_text("Directory Transport Version: 1.1\n", encoding="utf-8")
    (image / "manifest.json").write_bytes(MANIFEST)
    (image / CONFIG_HEX).write_bytes(CONFIG)
    for number, blob in enumerate(blobs, 1):
        (image / f"signature-{number}").write_bytes(blob)
    (directory / "keys").write_bytes(keyring)
    identity = {"type": "exactRepository", "dockerRepository": REPOSITORY}
    requirement = {"type": "signedBy", "keyType": "GPGKeys", "keyPath": f"{directory}/keys", "signedIdentity": identity}
    policy = directory / "policy.json"
    policy.write_text(json.dumps({"default": [requirement]}), encoding="utf-8")
    command = ["skopeo", "--policy", str(policy), "copy", f"dir:{image}", f"dir:{directory}/copy"]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 0 or "Source image rejected" in done.stderr, done.stderr
    return done.returncode == 0


@pytest.mark.parametrize("optional", [*ACCEPTED, *REFUSED])
def test_payload(messages: Messages, tmp_path: Path, optional: str) -> None:
    digest = digest_of(MANIFEST)
    keyring, message = messages.trusted(messages.by_good(with_optional(optional, f"{REPOSITORY}:v1", digest)))
    assert skopeo_accepts(tmp_path, keyring, message) is (optional in ACCEPTED)


@pytest.mark.parametrize("kind", RECORDED)
def test_gpg_still_says_what_was_recorded(messages: Messages, kind: str) -> None:
    keyring, message = messages.make(kind, b"twenty-one characters")
    report = new_gpg()([keyring], message)
    status, lines = RECORDED[kind]
    assert report.exit_status == status
    said = [shape(line) for line in report.status if line.split()[0] not in ("KEY_CONSIDERED", "SIG_ID")]
    assert said == [shape(line) for line in lines]


def shape(line: str) -> Sequence[str]:
    """The words of a status line that count: of a signature its hash algorithm, class, and what is wrong."""
    words = line.split()
    places = {"VALIDSIG": (0, 8, 9), "ERRSIG": (0, 3, 4, 6), "PLAINTEXT": (0, 1)}.get(words[0], (0,))
    return [words[place] for place in places]


class Watched:
    """Runs programs, and remembers what they were told to do."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._run = SystemCommands(environment)
        self.commands: list[Sequence[str]] = []

    def __call__(self, command: Sequence[str], stdin: bytes, timeout: float) -> Optional[Finished]:
        self.commands.append(command)
        return self._run(command, stdin, timeout)


def test_keys_of_the_user_do_not_count(messages: Messages, tmp_path: Path) -> None:
    # The very home in which both keys are, secret parts included.
    environment = {**os.environ, "GNUPGHOME": messages.signer.home}
    keyring, message = messages.make("unknown key", b"content")
    report = Gpg(SystemCommands(gpg_environment(environment)))([keyring], message)
    assert "NO_PUBKEY" in " ".join(report.status)


def test_nothing_is_left_behind(messages: Messages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, scratch = tmp_path / "home", tmp_path / "scratch"
    home.mkdir()
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    keyring, message = messages.make("good", b"content")
    secret, _message = messages.make("secret keyring", b"content")
    gpg = Gpg(SystemCommands({**gpg_environment(os.environ), "HOME": str(home)}))
    assert gpg([keyring, secret], message).content == b"content"
    assert list(home.iterdir()) == [] and list(scratch.iterdir()) == []
    watch = Watch([str(scratch).encode()])
    watch.look()
    assert watch.seen and not watch.found


def test_keys_are_imported_once_for_many_images(messages: Messages) -> None:
    watched = Watched(gpg_environment(os.environ))
    gpg = Gpg(watched)
    (keyring, message), (other, _message) = (messages.make(kind, b"content") for kind in ("good", "SHA-512"))
    first, again = gpg([keyring, other], message), gpg([keyring, other], message)
    assert len([command for command in watched.commands if "--import" in command]) == 2
    assert (first.imported, first.status[-2], first.content) == (again.imported, again.status[-2], again.content)
    assert [len(ring) for ring in again.imported] == [1, 1]
    # Other keys are other trust.
    assert "NO_PUBKEY" in " ".join(gpg([other], message).status)


def test_a_key_that_is_remembered_is_as_good_as_when_it_was_imported(messages: Messages) -> None:
    # gpg keeps with the key what it found of the key's own signatures, which it would now hold for too weak.
    gpg = new_gpg()
    keyring, message = messages.make("vouched for by SHA-1", b"content")
    first, again = gpg([keyring], message), gpg([keyring], message)
    assert [report.status[-2].split()[0] for report in (first, again)] == ["VALIDSIG"] * 2


def test_secrets_and_messages_are_no_arguments(messages: Messages) -> None:
    watched = Watched(gpg_environment(os.environ))
    keyring, message = messages.make("good", b"content")
    Gpg(watched)([keyring], message)
    assert all(word.startswith("-") or word in ("gpg",) for command in watched.commands for word in command)
