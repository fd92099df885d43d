# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stage for the tables of scenarios and attacks: an image, keys by name, signatures by them, and a policy to judge by.

A world makes the keys and the messages: one of recorded reports for the unit tests, and gpg itself for the interop tests.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Optional, Protocol, Union

from ansible_collections.strata.containers.plugins.module_utils._errors import DataError, HostError
from ansible_collections.strata.containers.plugins.module_utils._model.reference import Reference, parse_reference
from ansible_collections.strata.containers.plugins.module_utils._model.signature import Signature, parse_signature
from ansible_collections.strata.containers.plugins.module_utils._trust.judge import Verdict, judge
from ansible_collections.strata.containers.plugins.module_utils._trust.policy import parse_policy
from ansible_collections.strata.containers.plugins.module_utils._trust.scope import docker_scopes
from ansible_collections.strata.containers.plugins.module_utils._trust.strict_json import InvalidPolicy
from ansible_collections.strata.containers.plugins.module_utils._trust.subject import OpenPgp, Subject, Tools
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust import recorded_gpg

REPOSITORY = "reg.example.com:5000/ns/app"
MANIFEST = b'{"schemaVersion":2}'
DIGEST = f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"
OTHER_DIGEST = f"sha256:{'0' * 64}"
# The keys of the tables: the one that the policy trusts unless it is said, and another.
G, OTHER = "G", "O"


class World(Protocol):
    """Where keys and messages come from."""

    openpgp: OpenPgp

    def keyring(self, name: str) -> bytes:
        """The file of keys ``/keys/name``; that of ``nobody`` is empty."""

    def message(self, content: bytes, key: str, kind: str) -> bytes:
        """A message of this kind; of another than ``good`` it is judged by the keys ``/keys/of KIND``."""


class RecordedWorld:
    """What gpg says is recorded."""

    def __init__(self) -> None:
        self.openpgp: OpenPgp = recorded_gpg.RecordedGpg()

    def keyring(self, name: str) -> bytes:
        if name == "nobody":
            return b""
        return recorded_gpg.keyring(G if name.startswith("of ") else name)

    def message(self, content: bytes, key: str, kind: str) -> bytes:
        return recorded_gpg.message(content, key, kind=kind)


def document(reference: str, digest: str = DIGEST) -> dict[str, Any]:
    """The payload that says that the image ``digest`` may be called ``reference``, as containers-signature(5) has it."""
    return {
        "critical": {
            "identity": {"docker-reference": reference},
            "image": {"docker-manifest-digest": digest},
            "type": "atomic container signature",
        },
        "optional": {"creator": "atomic 5.23.1", "timestamp": 1_700_000_000},
    }


def payload(value: Any) -> bytes:
    return json.dumps(value).encode()


@dataclass(frozen=True)
class Sig:
    """A simple signature by ``key`` of the name ``reference`` or, where it is given, of the payload ``content``."""

    reference: str = f"{REPOSITORY}:v1"
    key: str = G
    digest: str = DIGEST
    content: Optional[bytes] = None
    kind: str = "good"

    def blob(self, world: World) -> bytes:
        content = payload(document(self.reference, self.digest)) if self.content is None else self.content
        return world.message(content, self.key, self.kind)


def signed_by(*names: str, **fields: Any) -> dict[str, Any]:
    """The requirement of a signature by the keys in ``/keys/NAME``."""
    keys: dict[str, Any] = {"keyPaths": [f"/keys/{name}" for name in names]} if names else {}
    return {"type": "signedBy", "keyType": "GPGKeys", **keys, **fields}


def with_identity(*names: str, **identity: str) -> dict[str, Any]:
    """The same, with a rule for the signed name."""
    return signed_by(*names, signedIdentity=identity)


@dataclass(frozen=True)
class Row:
    """What is asked for under which policy, what signatures there are, and what comes of it.

    ``policy`` is a list for everything or a whole policy; ``scopes`` are those of the image unless the transport is docker.
    """

    policy: Union[list[Any], dict[str, Any], bytes]
    name: str = f"{REPOSITORY}:v1"
    signatures: Sequence[Union[Sig, bytes]] = (Sig(),)
    code: str = "accepted"
    require_signed: bool = False
    transport: str = "docker"
    scopes: Sequence[str] = field(default=())
    manifest: bytes = MANIFEST

    def verdict(self, world: World) -> Verdict:
        """What ``_trust`` says. Raises InvalidPolicy, InvalidSignatureBlob and InvalidReference."""
        identity = parse_reference(self.name).digest_only().with_default_tag() if self.transport == "docker" else None
        text = self.policy if isinstance(self.policy, bytes) else payload(self._policy())
        policy = parse_policy(text, "policy.json")
        scopes = docker_scopes(identity) if identity else tuple(self.scopes)
        blobs = tuple(sig if isinstance(sig, bytes) else sig.blob(world) for sig in self.signatures)
        return judge(
            policy,
            self.transport,
            scopes,
            _subject(self.name, identity, self.manifest, blobs),
            Tools(read_file=_Files(world), openpgp=world.openpgp, now=lambda: 1_700_000_000.0),
            require_signed=self.require_signed,
        )

    def outcome(self, world: World) -> str:
        """The code of the verdict, or of the error that there is instead of one."""
        try:
            verdict = self.verdict(world)
        except (InvalidPolicy, DataError) as error:
            return error.code
        assert verdict.accepted is (verdict.code == "accepted")
        return verdict.code

    def _policy(self) -> Any:
        return self.policy if isinstance(self.policy, dict) else {"default": self.policy}


@dataclass(frozen=True)
class _Blobs:
    body: bytes
    blobs: Sequence[bytes]

    def manifest(self) -> bytes:
        return self.body

    def signatures(self) -> Sequence[Signature]:
        return tuple(parse_signature(blob, f"signature-{number}") for number, blob in enumerate(self.blobs, 1))


def _subject(name: str, identity: Optional[Reference], manifest: bytes, blobs: Sequence[bytes]) -> Subject:
    return Subject(name, identity, _Blobs(manifest, blobs))


@dataclass(frozen=True)
class _Files:
    world: World

    def __call__(self, path: str) -> bytes:
        directory, _slash, name = path.rpartition("/")
        if directory != "/keys":
            raise HostError("cannot read: No such file or directory", subject=path)
        return self.world.keyring(name)
