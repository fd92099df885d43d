# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Throw-away OpenPGP keys, and simple signing signatures by them, made by the distribution's gpg.

Nothing of the user's own keys is seen or touched: everything is in a directory of its own, and so is the agent.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Optional

from .commands import CommandFailed


@dataclass(frozen=True)
class Signer:
    """A gpg home with secret keys. Keys are named by the fingerprint of their primary key."""

    home: str

    def environment(self) -> dict[str, str]:
        """The environment by which skopeo and podman sign with these keys."""
        return {"GNUPGHOME": self.home}

    def gpg(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """What gpg printed. Raises CommandFailed."""
        command = ["gpg", "--homedir", self.home, "--batch", "--no-tty", "--yes", "--no-permission-warning"]
        command += ["--pinentry-mode", "loopback", "--passphrase", "", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, check=False)
        if done.returncode:
            raise CommandFailed(f"{' '.join(command)}: {done.stderr.decode(errors='replace')}")
        return done.stdout

    def make_key(
        self,
        name: str,
        algorithm: str = "ed25519",
        *,
        at: Optional[str] = None,
        expire: str = "never",
        options: Sequence[str] = (),
    ) -> str:
        """The fingerprint of a new key that may sign; ``at`` and ``expire`` are times as gpg takes them."""
        known = set(self._fingerprints())
        address = f"{name} <{name}@example.com>"
        self.gpg(*_clock(at), *options, "--quick-generate-key", address, algorithm, "sign", expire)
        (fingerprint,) = set(self._fingerprints()) - known
        return fingerprint

    def add_subkey(
        self, key: str, algorithm: str = "ed25519", *, at: Optional[str] = None, expire: str = "never"
    ) -> str:
        """The fingerprint of a new subkey of ``key`` that signs from now on."""
        known = set(self._fingerprints("fpr"))
        self.gpg(*_clock(at), "--quick-add-key", key, algorithm, "sign", expire)
        (fingerprint,) = set(self._fingerprints("fpr")) - known
        return fingerprint

    def public(self, *keys: str, armor: bool = False) -> bytes:
        """The certificates of ``keys`` in one keyring, as the file that a policy names."""
        return self.gpg(*(["--armor"] if armor else []), "--export", *keys)

    def secret(self, key: str) -> bytes:
        """The secret key."""
        return self.gpg("--export-secret-keys", key)

    def revoke(self, key: str) -> None:
        """Makes ``key`` a revoked one; what was exported before is not."""
        path = os.path.join(self.home, "openpgp-revocs.d", f"{key}.rev")
        with open(path, encoding="utf-8") as certificate:
            # A colon keeps people from importing it by mistake.
            armored = certificate.read().replace(":-----BEGIN", "-----BEGIN")
        self.gpg("--import", stdin=armored.encode())

    def revoke_subkey(self, key: str, number: int = 1) -> None:
        """Makes the subkey ``number`` of ``key`` a revoked one."""
        answers = f"key {number}\nrevkey\ny\n0\n\ny\nsave\n"
        self.gpg("--no-batch", "--command-fd", "0", "--edit-key", key, stdin=answers.encode())

    def sign(self, content: bytes, *keys: str, at: Optional[str] = None, options: Sequence[str] = ()) -> bytes:
        """``content`` as a message that ``keys`` signed; ``!`` after a fingerprint means just that (sub)key."""
        users = [argument for key in keys for argument in ("--local-user", key)]
        return self.gpg(*_clock(at), *users, *options, "--sign", stdin=content)

    def simple_signature(self, manifest: bytes, reference: str, key: str) -> bytes:
        """The simple signature by ``key`` that lets ``manifest`` be called ``reference``."""
        return self.sign(simple_payload(manifest, reference), key)

    def _fingerprints(self, record: str = "pub") -> Iterator[str]:
        """The fingerprints of primary keys, or of all keys."""
        wanted = False
        for line in self.gpg("--with-colons", "--list-keys").decode(errors="replace").splitlines():
            fields = line.split(":")
            if fields[0] == "fpr" and (wanted or record == "fpr"):
                yield fields[9]
            wanted = fields[0] == record


@contextmanager
def running_signer() -> Iterator[Signer]:
    """A home without keys; at the end it is removed, and its agent ends."""
    # Short: the agent's socket is in it.
    home = tempfile.mkdtemp(prefix="gpg-")
    try:
        yield Signer(home)
    finally:
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], capture_output=True, check=False)
        shutil.rmtree(home, ignore_errors=True)


def digest_of(manifest: bytes) -> str:
    """The digest that signatures of ``manifest`` name."""
    return f"sha256:{hashlib.sha256(manifest).hexdigest()}"


def simple_payload(manifest: bytes, reference: str) -> bytes:
    """The payload of containers-signature(5), as signers write it."""
    return as_payload(simple_document(digest_of(manifest), reference))


def simple_document(digest: str, reference: str) -> dict[str, Any]:
    """The same as a value, for a test to change."""
    return {
        "critical": {
            "identity": {"docker-reference": reference},
            "image": {"docker-manifest-digest": digest},
            "type": "atomic container signature",
        },
        "optional": {"creator": "atomic 5.23.1", "timestamp": 1_700_000_000},
    }


def as_payload(document: Any) -> bytes:
    """JSON without spaces."""
    return json.dumps(document, separators=(",", ":")).encode()


def _clock(at: Optional[str]) -> list[str]:
    """``at`` as in ``20200101T000000``."""
    return ["--faked-system-time", f"{at}!"] if at else []
