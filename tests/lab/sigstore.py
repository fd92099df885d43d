# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sigstore signatures as cosign attaches them, put together by hand from what openssl makes, and judged by a policy."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Optional

from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._model.reference import parse_reference
from ansible_collections.strata.containers.plugins.module_utils._model.signature import Signature, SigstoreSignature
from ansible_collections.strata.containers.plugins.module_utils._trust.judge import Verdict, judge
from ansible_collections.strata.containers.plugins.module_utils._trust.policy import parse_policy
from ansible_collections.strata.containers.plugins.module_utils._trust.scope import docker_scopes
from ansible_collections.strata.containers.plugins.module_utils._trust.subject import Subject, Tools

from .openssl import WITHIN, Certified, Key

MEDIA_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE = "dev.cosignproject.cosign/signature"
CERTIFICATE = "dev.sigstore.cosign/certificate"
CHAIN = "dev.sigstore.cosign/chain"
BUNDLE = "dev.sigstore.cosign/bundle"

IMAGE = "reg.example.com:5000/ns/app:v1"
MANIFEST = b'{"schemaVersion": 2}'


def document(manifest: bytes = MANIFEST, reference: str = IMAGE) -> dict[str, Any]:
    """The payload by which ``manifest`` may be called ``reference``, as cosign writes it, for a test to change."""
    return {
        "critical": {
            "identity": {"docker-reference": reference},
            "image": {"docker-manifest-digest": f"sha256:{hashlib.sha256(manifest).hexdigest()}"},
            "type": "cosign container image signature",
        },
        "optional": None,
    }


def as_json(value: Any) -> bytes:
    """JSON with sorted keys and without spaces."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


PAYLOAD = as_json(document())


def text64(data: bytes) -> str:
    """Base64 as text."""
    return base64.b64encode(data).decode()


def attached(payload: bytes, signature: bytes, **annotations: str) -> SigstoreSignature:
    """An attachment; ``annotations`` are named certificate, chain and bundle."""
    names = {"certificate": CERTIFICATE, "chain": CHAIN, "bundle": BUNDLE}
    others = {names[key]: value for key, value in annotations.items()}
    return SigstoreSignature(MEDIA_TYPE, payload, {SIGNATURE: text64(signature), **others})


def signed(key: Key, payload: bytes = PAYLOAD, **annotations: str) -> SigstoreSignature:
    """An attachment by ``key``."""
    return attached(payload, key.sign(payload), **annotations)


def with_annotation(signature: SigstoreSignature, name: str, value: Optional[str]) -> SigstoreSignature:
    """``signature`` with another value of one annotation, or without it."""
    annotations = {key: text for key, text in signature.annotations.items() if key != name}
    if value is not None:
        annotations[name] = value
    return replace(signature, annotations=annotations)


def entry(signer: bytes, signature: bytes, payload: bytes) -> dict[str, Any]:
    """What a log records: ``signer`` is a key or certificate in PEM."""
    return {
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {
            "data": {"hash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()}},
            "signature": {"content": text64(signature), "publicKey": {"content": text64(signer)}},
        },
    }


def log_payload(body: Any, when: Any = WITHIN) -> dict[str, Any]:
    """What a log signs of an entry."""
    return {"body": text64(as_json(body)), "integratedTime": when, "logID": "c0d23d6a", "logIndex": 8949589}


def proof(log: Key, payload: Mapping[str, Any]) -> str:
    """The signed entry timestamp of ``payload``, whose numbers are whole ones."""
    timestamp = log.sign(as_json(payload))
    return json.dumps({"SignedEntryTimestamp": text64(timestamp), "Payload": payload})


def logged(log: Key, signer: bytes, signature: SigstoreSignature, when: int = WITHIN) -> SigstoreSignature:
    """``signature`` with the proof that ``log`` has seen it by ``signer``."""
    blob = base64.b64decode(signature.annotations[SIGNATURE])
    body = entry(signer, blob, signature.payload)
    return with_annotation(signature, BUNDLE, proof(log, log_payload(body, when)))


def certified(signer: Certified, *chain: Certified, payload: bytes = PAYLOAD) -> SigstoreSignature:
    """An attachment by a certified key, with the certificates of ``chain``, of which a root should be the last."""
    signature = signed(signer.key, payload, certificate=signer.pem.decode())
    if not chain:
        return signature
    return with_annotation(signature, CHAIN, b"".join(link.pem for link in chain).decode())


@dataclass(frozen=True)
class _Given:
    body: bytes
    given: tuple[Signature, ...]

    def manifest(self) -> bytes:
        return self.body

    def signatures(self) -> Sequence[Signature]:
        return self.given


def no_file(path: str) -> bytes:
    """A host without the file."""
    raise HostError("no such file", subject=path)


def verdict(
    requirement: Mapping[str, Any],
    *signatures: Signature,
    name: str = IMAGE,
    manifest: bytes = MANIFEST,
    now: int = WITHIN,
    read_file: Callable[[str], bytes] = no_file,
) -> Verdict:
    """What a policy of the one ``requirement`` says of the image ``name`` with ``signatures``."""
    return verdict_of_all([requirement], *signatures, name=name, manifest=manifest, now=now, read_file=read_file)


def verdict_of_all(
    requirements: Sequence[Mapping[str, Any]],
    *signatures: Signature,
    name: str = IMAGE,
    manifest: bytes = MANIFEST,
    now: int = WITHIN,
    read_file: Callable[[str], bytes] = no_file,
) -> Verdict:
    """What a policy of ``requirements`` says."""
    policy = parse_policy(json.dumps({"default": list(requirements)}).encode(), "policy.json")
    reference = parse_reference(name)
    subject = Subject(name, reference.digest_only().with_default_tag(), _Given(manifest, signatures))

    def no_openpgp(_keyrings: Sequence[bytes], _message: bytes) -> Any:
        raise HostError("there is no gpg here")

    tools = Tools(read_file=read_file, openpgp=no_openpgp, now=lambda: float(now))
    return judge(policy, "docker", docker_scopes(reference), subject, tools)


def by_key(*keys: Key, **fields: Any) -> dict[str, Any]:
    """A requirement of a signature by one of ``keys``."""
    return {"type": "sigstoreSigned", "keyDatas": [text64(key.public) for key in keys], **fields}


def by_fulcio(roots: bytes, log: Key, *, email: str, issuer: str, **fields: Any) -> dict[str, Any]:
    """A requirement of a certificate by Fulcio, and of a proof by ``log``."""
    fulcio = {"caData": text64(roots), "subjectEmail": email, "oidcIssuer": issuer}
    return {"type": "sigstoreSigned", "fulcio": fulcio, "rekorPublicKeyData": text64(log.public), **fields}


def by_pki(roots: bytes, **fields: Any) -> dict[str, Any]:
    """A requirement of a certificate below roots of one's own; ``fields`` are those of ``pki``."""
    return {"type": "sigstoreSigned", "pki": {"caRootsData": text64(roots), **fields}}
