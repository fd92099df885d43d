# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The attacks on image trust as rows, each with its right result.

``ATTACKS`` has a row or several for each number that can be told from policy, name, manifest and signatures alone.
``ELSEWHERE`` says for the others who withstands them.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ansible_collections.strata.containers.tests.unit.plugins.module_utils._model.schema1_documents import SKOPEO
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.policy_cases import ACCEPT, REJECT
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.scenario_table import (
    BY_DIGEST,
    BY_G,
    LOGICAL,
    SIGSTORE_BLOB,
    R,
    scoped,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.stage import (
    DIGEST,
    MANIFEST,
    OTHER,
    OTHER_DIGEST,
    G,
    Row,
    Sig,
    document,
    payload,
    signed_by,
    with_identity,
)

# What docker-registry and podman call the manifest of schema 1 that skopeo wrote.
SCHEMA1_DIGEST = "sha256:bc24d960de02e7e79fd16fb224c423bf4d02a9e2ecf11a42df9be8617f60182d"
GOOD = payload(document(f"{R}:v1"))
REFERENCE = json.dumps(f"{R}:v1").encode()


def doubled(member: bytes) -> bytes:
    """The good payload in which ``member``, as it stands there, stands twice."""
    assert GOOD.count(member) == 1
    return GOOD.replace(member, member + b", " + member)


def deep(depth: int) -> bytes:
    return GOOD.replace(b'"optional": {', b'"optional": {"deep": ' + b"[" * depth + b"]" * depth + b", ")


def named(reference: Any) -> Sig:
    return Sig(content=payload(document(reference)))


def of_kind(kind: str, code: str = "openpgp_refused") -> Row:
    """A message of this kind, with the keys by which it would be good."""
    return Row([signed_by(f"of {kind}")], signatures=[Sig(kind=kind)], code=code)


def framed(kind: str) -> bytes:
    """What the first byte cannot tell, in the frame that stores and extensions may use."""
    return b"\x00simple-signing\n" + {"armored": b"-----BEGIN PGP MESSAGE-----\n", "text": b"{}", "nothing": b""}[kind]


def twice(text: str, key: str, copy: str) -> bytes:
    """The JSON ``text`` with its first ``key`` also under the spelling ``copy``."""
    return text.replace(f'"{key}":', f'"{copy}": [{{"type": "insecureAcceptAnything"}}], "{key}":', 1).encode()


POLICY = json.dumps({"default": [REJECT]})
REMAP = {"type": "remapIdentity", "prefix": "reg.example.com:5000/ns", "signedPrefix": "vendor.example.com/x"}

ATTACKS: dict[str, Row] = {
    "1 another repository": Row([BY_G], f"{R}b:v1", code="signed_identity_refused"),
    "2 another tag": Row([BY_G], f"{R}:latest", code="signed_identity_refused"),
    "2 another tag, by matchRepository": Row([with_identity(G, type="matchRepository")], f"{R}:latest"),
    "3 replay": Row([BY_G]),
    "4 forged list, signed instance": Row([BY_G], f"{R}@{OTHER_DIGEST}"),
    "5 signed list, unsigned instance": Row([BY_G], signatures=(), code="signature_missing"),
    "6 signature of another instance": Row(
        [BY_G], signatures=[Sig(digest=OTHER_DIGEST)], code="signed_digest_mismatch"
    ),
    "7 manifest changed": Row([BY_G], manifest=b'{"schemaVersion":2 }', code="signed_digest_mismatch"),
    "8 bad one first": Row([BY_G], signatures=[Sig(digest=OTHER_DIGEST), Sig(key=OTHER), Sig()]),
    "9 undecodable one": Row([BY_G], signatures=[Sig(), b"\x01"], code="invalid_signature"),
    "10 bomb": of_kind("bomb"),
    "10 deep payload": Row([BY_G], signatures=[Sig(content=deep(100_000))], code="signed_payload_invalid"),
    "11 default twice": Row(twice(POLICY, "default", "default"), code="invalid_policy"),
    "11 default twice, escaped": Row(twice(POLICY, "default", "def\\u0061ult"), code="invalid_policy"),
    "11 misspelt key": Row([{**signed_by(), "keypath": "/keys/G"}], code="invalid_policy"),
    "11 comment": Row(b"/* */" + POLICY.encode(), code="invalid_policy"),
    "12 byte order mark in the policy": Row(b"\xef\xbb\xbf" + POLICY.encode(), code="invalid_policy"),
    "12 UTF-16 policy": Row(POLICY.encode("utf-16"), code="invalid_policy"),
    "12 NaN in the policy": Row(POLICY.replace("}]", "}], NaN").encode(), code="invalid_policy"),
    "12 byte order mark in the payload": Row(
        [BY_G], signatures=[Sig(content=b"\xef\xbb\xbf" + GOOD)], code="signed_payload_invalid"
    ),
    "12 UTF-16 payload": Row(
        [BY_G], signatures=[Sig(content=GOOD.decode().encode("utf-16"))], code="signed_payload_invalid"
    ),
    "12 NaN in the payload": Row(
        [BY_G], signatures=[Sig(content=GOOD.replace(b"1700000000", b"NaN"))], code="signed_payload_invalid"
    ),
    "13 docker-reference twice": Row(
        [BY_G], signatures=[Sig(content=doubled(b'"docker-reference": ' + REFERENCE))], code="signed_payload_invalid"
    ),
    "13 critical twice": Row(
        [BY_G], signatures=[Sig(content=GOOD[:-1] + b', "critical": {}}')], code="signed_payload_invalid"
    ),
    "13 critical twice, escaped": Row(
        [BY_G], signatures=[Sig(content=GOOD[:-1] + b', "criti\\u0063al": {}}')], code="signed_payload_invalid"
    ),
    "14 line break": Row([BY_G], signatures=[named(f"{R}:v1\n")], code="signed_identity_refused"),
    "14 other digits": Row([BY_G], signatures=[named(f"{R}:v\uff11")], code="signed_identity_refused"),
    "14 leading blank": Row([BY_G], signatures=[named(f" {R}:v1")], code="signed_identity_refused"),
    "15 mixed case in the signed digest": Row(
        [BY_G], signatures=[Sig(digest=DIGEST[:-1] + "F")], code="signed_payload_invalid"
    ),
    "15 mixed case asked for": Row([BY_G], f"{R}@{DIGEST[:-1]}F", code="invalid_reference"),
    "16 SHA256 in the payload": Row(
        [BY_G], signatures=[Sig(digest=DIGEST.replace("sha", "SHA"))], code="signed_payload_invalid"
    ),
    "16 SHA256 asked for": Row([BY_G], f"{R}@SHA256:{DIGEST[7:]}", code="invalid_reference"),
    "16 sha512 in the payload": Row(
        [BY_G],
        signatures=[Sig(digest=f"sha512:{hashlib.sha512(MANIFEST).hexdigest()}")],
        code="signed_digest_mismatch",
    ),
    "17 SHA-1": of_kind("SHA-1"),
    "17 MD5": of_kind("MD5"),
    "17 RIPEMD-160": of_kind("RIPEMD-160"),
    "18 expired key": of_kind("expired key"),
    "18 revoked key": of_kind("revoked key"),
    "18 revoked subkey": of_kind("revoked subkey"),
    "18 expired signature": of_kind("expired signature"),
    "19 key of the user": Row([BY_G], signatures=[Sig(key=OTHER)], code="openpgp_refused"),
    "20 issuer of another": of_kind("issuer of another"),
    "21 two signatures": of_kind("two signatures"),
    "21 two signatures, first known": of_kind("two signatures, first known"),
    "21 two signatures, second known": of_kind("two signatures, second known"),
    "22 unsigned": of_kind("unsigned, not compressed", "invalid_signature"),
    "22 unsigned, compressed": of_kind("unsigned"),
    "22 unsigned before": of_kind("unsigned before", "invalid_signature"),
    "22 unsigned before, compressed": of_kind("unsigned before, compressed"),
    "22 unsigned behind": of_kind("unsigned behind"),
    "22 two messages": of_kind("two messages"),
    "23 armored": Row([BY_G], signatures=[b"-----BEGIN PGP MESSAGE-----\n"], code="invalid_signature"),
    "23 clear-signed": Row([BY_G], signatures=[b"-----BEGIN PGP SIGNED MESSAGE-----\n"], code="invalid_signature"),
    "23 encrypted": Row([BY_G], signatures=[b"\x85\x01\x0c\x03"], code="invalid_signature"),
    "23 by a password": Row([BY_G], signatures=[b"\x8c\x0d\x04\x09"], code="invalid_signature"),
    "23 detached": of_kind("detached"),
    "23 text mode": of_kind("text mode"),
    "23 armored, in a frame": Row([BY_G], signatures=[framed("armored")], code="openpgp_refused"),
    "23 text, in a frame": Row([BY_G], signatures=[framed("text")], code="openpgp_refused"),
    "23 nothing, in a frame": Row([BY_G], signatures=[framed("nothing")], code="openpgp_refused"),
    "24 payload of the other kind": Row(
        [BY_G],
        signatures=[Sig(content=GOOD.replace(b"atomic container signature", b"cosign container image signature"))],
        code="signed_payload_invalid",
    ),
    "25 sigstore signature for signedBy": Row([BY_G], signatures=[SIGSTORE_BLOB], code="signature_missing"),
    "26 host in another case": Row(
        scoped("reg.example.com:5000", ACCEPT), R.replace("reg", "REG"), code="policy_refused"
    ),
    "26 another port": Row(
        scoped("reg.example.com:5000", ACCEPT), "reg.example.com:443/ns/app:v1", code="policy_refused"
    ),
    "26 address of the host": Row(scoped("reg.example.com:5000", ACCEPT), "192.0.2.1/ns/app:v1", code="policy_refused"),
    "27 part of a name": Row(scoped("reg.example.com:5000/n", ACCEPT), code="policy_refused"),
    "27 slash at the end": Row(scoped("reg.example.com:5000/ns/", ACCEPT), code="policy_refused"),
    "27 tag scope, digest asked for": Row(scoped(f"{R}:v1", ACCEPT), BY_DIGEST, code="policy_refused"),
    "27 wildcard with a path": Row(scoped("*.example.com/ns", ACCEPT), code="policy_refused"),
    "28 part of a component": Row(
        [signed_by(G, signedIdentity={**REMAP, "prefix": "reg.example.com:5000/n"})],
        signatures=[Sig("vendor.example.com/x/app:v1")],
        code="signed_identity_refused",
    ),
    "28 without the port": Row(
        [signed_by(G, signedIdentity={**REMAP, "prefix": "reg.example.com"})],
        signatures=[Sig("vendor.example.com/x/ns/app:v1")],
        code="signed_identity_refused",
    ),
    "28 not canonical": Row(
        [signed_by(G, signedIdentity={**REMAP, "signedPrefix": "docker.io"})],
        signatures=[Sig("docker.io/app:v1")],
        code="signed_identity_refused",
    ),
    "29 unsigned by a mirror": Row(scoped("upstream.test", BY_G), LOGICAL, (), code="signature_missing"),
    "29 older by a mirror": Row(
        scoped("upstream.test", BY_G), LOGICAL, [Sig("upstream.test/ns/app:v0")], code="signed_identity_refused"
    ),
    "30 signature of the mirror's name": Row(
        scoped("upstream.test", BY_G), LOGICAL, [Sig("mirror.test/ns/app:v1")], code="signed_identity_refused"
    ),
    "33 path in the name": Row([BY_G], "reg.example.com:5000/../app:v1", code="invalid_reference"),
    "33 line break in the name": Row([BY_G], f"{R}\n:v1", code="invalid_reference"),
    "40 unreadable key": Row([signed_by(keyPaths=["/keys/G", "/nowhere/O"])], code="trusted_keys_invalid"),
    "40 empty key": Row([signed_by(G, "nobody")], code="trusted_keys_invalid"),
    "41 no requirements": Row(b'{"default": []}', code="invalid_policy"),
    "41 no default": Row(b'{"transports": {}}', code="invalid_policy"),
    "44 schema 1": Row(
        [BY_G],
        manifest=SKOPEO,
        signatures=[Sig(digest=SCHEMA1_DIGEST)],
    ),
    "44 schema 1 with more than was signed": Row(
        [BY_G],
        manifest=SKOPEO[:-1] + b',"layers":[]}',
        signatures=[Sig(digest=SCHEMA1_DIGEST)],
        code="signed_digest_mismatch",
    ),
}

ELSEWHERE: dict[int, str] = {
    31: "the same bytes are digested, judged and stored: pulls",
    32: "digests are computed, not believed: pulls",
    34: "redirects of a lookaside: _registry/lookaside",
    35: "answers of a lookaside: _registry/lookaside",
    36: "credentials and a lookaside: _registry/lookaside",
    37: "attachments: sigstore",
    38: "Rekor: sigstore",
    39: "certificates: sigstore",
    42: "which policy file is read: _config/policy_file",
    43: "digests of layers: pulls",
    45: "an image that is in the store already: image_verify",
    46: "lists in lists: pulls",
    47: "what a refusal says: test_attacks",
}
