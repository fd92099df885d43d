# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scenarios of image trust as rows: what containers/image was seen to do, and is to be done here.

``SCENARIOS`` has a row or several for each number that can be told from policy, name, manifest and signatures alone.
``ELSEWHERE`` says for the others where the thing happens that they are about.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.policy_cases import (
    ACCEPT,
    FULCIO,
    PKI,
    REJECT,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.stage import (
    DIGEST,
    OTHER,
    OTHER_DIGEST,
    REPOSITORY,
    G,
    Row,
    Sig,
    document,
    payload,
    signed_by,
    with_identity,
)

R = REPOSITORY
BY_DIGEST = f"{R}@{DIGEST}"
BY_G = signed_by(G)
BASE = {"type": "signedBaseLayer", "baseLayerIdentity": {"type": "matchExact"}}
LOGICAL = "upstream.test/ns/app:v1"
SIGSTORE_BLOB = b'\x00sigstore-json\n{"mimeType":"x/y","payload":"e30=","annotations":{}}'


def scoped(scope: str, *requirements: Any, default: Any = None, transport: str = "docker") -> dict[str, Any]:
    return {"default": [default or REJECT], "transports": {transport: {scope: list(requirements)}}}


def changed(**members: Any) -> bytes:
    """The payload of R:v1, with members of ``critical`` that are other or more."""
    value = document(f"{R}:v1")
    value["critical"].update(members)
    return payload(value)


SCENARIOS: dict[str, Row] = {
    "1": Row([ACCEPT], signatures=()),
    "2": Row([REJECT], code="policy_refused"),
    "3": Row([BY_G], signatures=(), code="signature_missing"),
    "4": Row([BY_G]),
    "5": Row([signed_by(OTHER)], code="openpgp_refused"),
    "6": Row([BY_G], BY_DIGEST),
    "7": Row([with_identity(G, type="matchExact")], BY_DIGEST, code="signed_identity_refused"),
    "8": Row([with_identity(G, type="matchExact")], BY_DIGEST, [Sig(BY_DIGEST)]),
    "9": Row([BY_G], f"{R}:v2", code="signed_identity_refused"),
    "10": Row([with_identity(G, type="matchRepository")], f"{R}:v2"),
    "11": Row([BY_G], signatures=[Sig(R)], code="signed_identity_refused"),
    "12": Row([with_identity(G, type="matchRepository")], signatures=[Sig(R)]),
    "13": Row([BY_G], signatures=[Sig(BY_DIGEST)], code="signed_identity_refused"),
    "14": Row([BY_G], BY_DIGEST, [Sig(f"{R}@{OTHER_DIGEST}")]),
    "15": Row([BY_G], "reg.example.com:5000/mirror/ns/app:v1", code="signed_identity_refused"),
    "16": Row(
        [
            with_identity(
                G, type="remapIdentity", prefix="reg.example.com:5000/mirror/ns", signedPrefix="reg.example.com:5000/ns"
            )
        ],
        "reg.example.com:5000/mirror/ns/app:v1",
    ),
    "17": Row(
        [
            with_identity(
                G, type="remapIdentity", prefix="reg.example.com:5000/mir", signedPrefix="reg.example.com:5000"
            )
        ],
        "reg.example.com:5000/mirror/ns/app:v1",
        code="signed_identity_refused",
    ),
    "18": Row([with_identity(G, type="exactReference", dockerReference=f"{R}:v1")], f"{R}:v2"),
    "19": Row(
        [with_identity(G, type="exactReference", dockerReference=f"{R}:v2")],
        f"{R}:v2",
        code="signed_identity_refused",
    ),
    "20": Row([with_identity(G, type="exactReference", dockerReference=R)], code="invalid_policy"),
    "21 O first": Row([BY_G], signatures=[Sig(key=OTHER), Sig()]),
    "21 G first": Row([BY_G], signatures=[Sig(), Sig(key=OTHER)]),
    "22": Row([BY_G], signatures=[Sig(key=OTHER), Sig(key=OTHER)], code="openpgp_refused"),
    "22 for several reasons": Row([BY_G], signatures=[Sig(key=OTHER), Sig(R)], code="signatures_refused"),
    "23 garbage first": Row([BY_G], signatures=[b"garbage", Sig()], code="invalid_signature"),
    "23 garbage last": Row([BY_G], signatures=[Sig(), b"garbage"], code="invalid_signature"),
    "25": Row([BY_G, signed_by(OTHER)], code="openpgp_refused"),
    "26": Row([BY_G, signed_by(OTHER)], signatures=[Sig(), Sig(key=OTHER)]),
    "27": Row([ACCEPT, signed_by(OTHER)], code="openpgp_refused"),
    "28": Row([BY_G, REJECT], code="policy_refused"),
    "29": Row([BASE], code="policy_unsupported"),
    "30 signed": Row([signed_by(G, keyType="X509Certificates")], code="policy_unsupported"),
    "30 unsigned": Row([signed_by(G, keyType="X509Certificates")], signatures=(), code="signature_missing"),
    "31 signed": Row([signed_by(keyPath="/nowhere/G")], code="trusted_keys_invalid"),
    "31 unsigned": Row([signed_by(keyPath="/nowhere/G")], signatures=(), code="signature_missing"),
    "32": Row([signed_by(OTHER, G)]),
    "33": Row([signed_by(keyData="")], code="trusted_keys_invalid"),
    "34": Row([BY_G], signatures=[Sig(digest=OTHER_DIGEST)], code="signed_digest_mismatch"),
    "35": Row([BY_G], signatures=[Sig(digest=f"sha256:{DIGEST[7:].upper()}")], code="signed_payload_invalid"),
    "36": Row(
        [BY_G],
        signatures=[Sig(content=changed(type="cosign container image signature"))],
        code="signed_payload_invalid",
    ),
    "37 in critical": Row([BY_G], signatures=[Sig(content=changed(more=1))], code="signed_payload_invalid"),
    "37 at the top": Row(
        [BY_G],
        signatures=[Sig(content=payload({**document(f"{R}:v1"), "more": 1}))],
        code="signed_payload_invalid",
    ),
    "38": Row([BY_G], signatures=[Sig(content=payload({**document(f"{R}:v1"), "optional": {"more": [1]}}))]),
    "42": Row(scoped("upstream.test", BY_G), LOGICAL, [Sig(LOGICAL)]),
    "43": Row(scoped("upstream.test", BY_G), LOGICAL, [Sig("mirror.test/m/ns/app:v1")], code="signed_identity_refused"),
    "44": Row(scoped("mirror.test", BY_G), LOGICAL, [Sig(LOGICAL)], code="policy_refused"),
    "45": Row(scoped("reg.example.com", ACCEPT), code="policy_refused"),
    "46": Row([BY_G], "oci:/x", (), code="signature_missing", transport="oci", scopes=("/x", "")),
    "47": Row([BY_G], "dir:/d", code="signed_identity_refused", transport="dir", scopes=("/d", "")),
    "48": Row(
        [with_identity(G, type="exactRepository", dockerRepository=R)], "dir:/d", transport="dir", scopes=("/d", "")
    ),
    "50 the other way round": Row([BY_G], signatures=[SIGSTORE_BLOB], code="signature_missing"),
    "55 pki and Rekor": Row(
        [{"type": "sigstoreSigned", "pki": PKI, "rekorPublicKeyPath": "/keys/rekor.pub"}], code="invalid_policy"
    ),
    "55 fulcio without Rekor": Row([{"type": "sigstoreSigned", "fulcio": FULCIO}], code="invalid_policy"),
    "56 where a signature is required": Row([BY_G], f"{R}@sha512:{'0' * 128}", code="signed_digest_mismatch"),
    "56 elsewhere": Row([ACCEPT], f"{R}@sha512:{'0' * 128}"),
    "58 is judged by its digest": Row([BY_G], f"{R}:v2@{DIGEST}"),
    "59": Row([ACCEPT], require_signed=True, code="policy_refused"),
    "59 but for signedBy": Row([ACCEPT, BY_G], require_signed=True),
}

ELSEWHERE: dict[int, str] = {
    24: "a gap ends a lookaside: _registry/lookaside",
    39: "which instance of a list is judged: pulls of lists",
    40: "which instance of a list is judged: pulls of lists",
    41: "which instances of a list are judged: pulls of lists",
    49: "attachments: sigstore",
    51: "sigstore",
    52: "sigstore",
    53: "sigstore",
    54: "sigstore",
    57: "the bytes of a manifest and the digest asked for: _transport/docker",
    60: "which policy file is read: _config/policy_file",
}
