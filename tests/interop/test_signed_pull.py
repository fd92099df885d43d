# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pulls of signed images, by the rows of the scenarios and attacks of image trust that a registry can bring about.

Each row is judged by skopeo too, on the same registry, lookaside and policy; where the two differ on purpose, the row says
so. After a refusal the store is byte for byte as it was, and not one blob was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import StrataError
from ansible_collections.strata.containers.plugins.module_utils._model.signature import SigstoreSignature
from lab.gpg_keys import as_payload, simple_document
from lab.trees import snapshot
from lab.trust_bench import LIST, MIRRORED, REPOSITORY, Shelf, TrustBench, bench, keys, shelf

__all__ = ["bench", "keys", "shelf"]

ACCEPT = {"type": "insecureAcceptAnything"}
REJECT = {"type": "reject"}
OTHER_DIGEST = f"sha256:{'0' * 64}"
JUDGEMENTS = ("Source image rejected", "invalid policy", "Docker references with both a tag and digest")
LOGICAL = "upstream.test/ns/app:v1"


@dataclass(frozen=True)
class World:
    """What a row is made of: names for the image, and signatures of it."""

    bench: TrustBench

    @property
    def r(self) -> str:
        return self.bench.shelf.name

    @property
    def by_digest(self) -> str:
        return f"{self.r}@{self.bench.shelf.digest}"

    def by(self, *keys: str, **changes: Any) -> dict[str, Any]:
        """The requirement of a signature by ``keys`` ("good", "other")."""
        return self.bench.keys.requirement(*(self._key(key) for key in keys), **changes)

    def identity(self, **identity: str) -> dict[str, Any]:
        return self.by("good", signedIdentity=identity)

    def sig(self, reference: str = "", key: str = "good") -> bytes:
        return self.bench.signature(reference or f"{self.r}:v1", self._key(key))

    def odd(self, change: Callable[[dict[str, Any]], object]) -> bytes:
        """A good signature of a document that was changed first."""
        document = simple_document(self.bench.shelf.digest, f"{self.r}:v1")
        change(document)
        return self.bench.keys.signer.sign(as_payload(document), self.bench.keys.good)

    def _key(self, key: str) -> str:
        return self.bench.keys.good if key == "good" else self.bench.keys.other


Text = Union[str, Callable[[World], str]]


@dataclass(frozen=True)
class Row:
    """A policy, the name that is pulled, the signatures, and the code of the refusal (empty: it is let in).

    ``skopeo`` is whether skopeo 1.9.3 agrees; None where it cannot be asked. ``repository`` is where the signatures lie.
    """

    policy: Callable[[World], Any]
    name: Text = lambda world: f"{world.r}:v1"
    signatures: Callable[[World], Sequence[bytes]] = lambda world: [world.sig()]
    code: str = ""
    skopeo: bool | None = True
    repository: str = REPOSITORY
    options: dict[str, Any] = field(default_factory=dict)
    first: int = 1
    manifest: Callable[[Shelf], bytes] = lambda shelf: shelf.image.manifest


def scoped(scope: Text, *requirements: Any, default: Any = None) -> Callable[[World], Any]:
    def policy(world: World) -> Any:
        listed = [requirement(world) if callable(requirement) else requirement for requirement in requirements]
        return {"default": [default or REJECT], "transports": {"docker": {_text(scope, world): listed}}}

    return policy


def _text(text: Text, world: World) -> str:
    return text(world) if callable(text) else text


def signed_by_good(world: World) -> Any:
    return world.by("good")


def only_good(world: World) -> list[Any]:
    return [world.by("good")]


def v2(world: World) -> str:
    return f"{world.r}:v2"


def pinned(world: World) -> str:
    return world.by_digest


def nothing(_world: World) -> list[bytes]:
    return []


def in_mirror(world: World) -> str:
    return f"{world.bench.shelf.registry.host}/mirror/ns/app:v1"


def listed(world: World) -> str:
    return f"{world.bench.shelf.registry.host}/{LIST}:v1"


def remap(prefix: str, signed: str) -> Callable[[World], list[Any]]:
    def policy(world: World) -> list[Any]:
        host = world.bench.shelf.registry.host
        return [world.identity(type="remapIdentity", prefix=host + prefix, signedPrefix=host + signed)]

    return policy


SIGSTORE = SigstoreSignature("application/vnd.dev.cosign.simplesigning.v1+json", b"{}", {}).blob

SCENARIOS: dict[str, Row] = {
    "1": Row(lambda w: [ACCEPT], signatures=nothing),
    "2": Row(lambda w: [REJECT], code="policy_refused"),
    "3": Row(only_good, signatures=nothing, code="signature_missing"),
    "4": Row(only_good),
    "5": Row(lambda w: [w.by("other")], code="openpgp_refused"),
    "6": Row(only_good, pinned),
    "7": Row(lambda w: [w.identity(type="matchExact")], pinned, code="signed_identity_refused"),
    "8": Row(lambda w: [w.identity(type="matchExact")], pinned, lambda w: [w.sig(w.by_digest)]),
    "9": Row(only_good, v2, code="signed_identity_refused"),
    "10": Row(lambda w: [w.identity(type="matchRepository")], v2),
    "11": Row(only_good, signatures=lambda w: [w.sig(w.r)], code="signed_identity_refused"),
    "12": Row(lambda w: [w.identity(type="matchRepository")], signatures=lambda w: [w.sig(w.r)]),
    "13": Row(only_good, signatures=lambda w: [w.sig(w.by_digest)], code="signed_identity_refused"),
    "14": Row(only_good, pinned, lambda w: [w.sig(f"{w.r}@{OTHER_DIGEST}")]),
    "15": Row(only_good, in_mirror, repository="mirror/ns/app", code="signed_identity_refused"),
    "16": Row(remap("/mirror/ns", "/ns"), in_mirror, repository="mirror/ns/app"),
    "17": Row(remap("/mir", ""), in_mirror, repository="mirror/ns/app", code="signed_identity_refused"),
    "18": Row(lambda w: [w.identity(type="exactReference", dockerReference=f"{w.r}:v1")], v2),
    "19": Row(
        lambda w: [w.identity(type="exactReference", dockerReference=f"{w.r}:v2")], v2, code="signed_identity_refused"
    ),
    "20": Row(lambda w: [w.identity(type="exactReference", dockerReference=w.r)], code="invalid_policy"),
    "21 other first": Row(only_good, signatures=lambda w: [w.sig(key="other"), w.sig()]),
    "21 good first": Row(only_good, signatures=lambda w: [w.sig(), w.sig(key="other")]),
    "22": Row(only_good, signatures=lambda w: [w.sig(key="other")] * 2, code="openpgp_refused"),
    "23 garbage first": Row(only_good, signatures=lambda w: [b"garbage", w.sig()], code="invalid_signature"),
    "23 garbage last": Row(only_good, signatures=lambda w: [w.sig(), b"garbage"], code="invalid_signature"),
    "24": Row(only_good, first=2, code="signature_missing"),
    "25": Row(lambda w: [w.by("good"), w.by("other")], code="openpgp_refused"),
    "26": Row(lambda w: [w.by("good"), w.by("other")], signatures=lambda w: [w.sig(), w.sig(key="other")]),
    "27": Row(lambda w: [ACCEPT, w.by("other")], code="openpgp_refused"),
    "28": Row(lambda w: [w.by("good"), REJECT], code="policy_refused"),
    "29": Row(
        lambda w: [{"type": "signedBaseLayer", "baseLayerIdentity": {"type": "matchExact"}}], code="policy_unsupported"
    ),
    "30": Row(lambda w: [w.by("good", keyType="X509Certificates")], code="policy_unsupported"),
    "31 signed": Row(lambda w: [w.by(keyData=None, keyPath="/nowhere/key")], code="trusted_keys_invalid"),
    "31 unsigned": Row(
        lambda w: [w.by(keyData=None, keyPath="/nowhere/key")], signatures=nothing, code="signature_missing"
    ),
    "32": Row(lambda w: [w.by("other", "good")]),
    "33": Row(lambda w: [w.by(keyData="")], code="trusted_keys_invalid"),
    "34": Row(
        only_good,
        signatures=lambda w: [w.odd(lambda d: d["critical"]["image"].update({"docker-manifest-digest": OTHER_DIGEST}))],
        code="signed_digest_mismatch",
    ),
    "36": Row(
        only_good,
        signatures=lambda w: [w.odd(lambda d: d["critical"].update(type="cosign container image signature"))],
        code="signed_payload_invalid",
    ),
    "37": Row(
        only_good, signatures=lambda w: [w.odd(lambda d: d["critical"].update(more=1))], code="signed_payload_invalid"
    ),
    "38": Row(only_good, signatures=lambda w: [w.odd(lambda d: d["optional"].update(more=1))]),
    "39": Row(
        lambda w: [w.identity(type="matchRepository")],
        listed,
        lambda w: [w.bench.signature(listed(w), manifest=w.bench.shelf.index)],
        repository=LIST,
        manifest=lambda shelf: shelf.index,
        code="signature_missing",
    ),
    "40": Row(only_good, listed, lambda w: [w.sig(listed(w))], repository=LIST),
    "42": Row(scoped("upstream.test", signed_by_good), LOGICAL, lambda w: [w.sig(LOGICAL)], repository=MIRRORED),
    "43": Row(
        scoped("upstream.test", signed_by_good),
        LOGICAL,
        lambda w: [w.sig(f"{w.bench.shelf.registry.host}/{MIRRORED}:v1")],
        repository=MIRRORED,
        code="signed_identity_refused",
    ),
    "42 but in the place of the vendor": Row(
        scoped("upstream.test", signed_by_good), LOGICAL, lambda w: [w.sig(LOGICAL)], code="signature_missing"
    ),
    "44": Row(
        scoped(lambda w: w.bench.shelf.registry.host, ACCEPT), LOGICAL, repository=MIRRORED, code="policy_refused"
    ),
    "45": Row(scoped("127.0.0.1", ACCEPT), code="policy_refused"),
    "50 the other way round": Row(only_good, signatures=lambda w: [SIGSTORE], code="signature_missing"),
    # What the digest beside the tag says is judged, as podman does; skopeo takes no such name.
    "58": Row(only_good, lambda w: f"{w.r}:v1@{w.bench.shelf.digest}", skopeo=False),
    "59": Row(lambda w: [ACCEPT], options={"require_signed": True}, code="policy_refused", skopeo=None),
    "59 but for a signature": Row(only_good, options={"require_signed": True}, skopeo=None),
}

ATTACKS: dict[str, Row] = {
    "1 of another repository": Row(
        only_good, in_mirror, lambda w: [w.sig(f"{w.r}:v1")], repository="mirror/ns/app", code="signed_identity_refused"
    ),
    "5 signed list, unsigned instance": Row(
        only_good,
        listed,
        lambda w: [w.bench.signature(listed(w), manifest=w.bench.shelf.index)],
        repository=LIST,
        manifest=lambda shelf: shelf.index,
        code="signature_missing",
    ),
    "6 filed under another digest": Row(
        only_good,
        signatures=lambda w: [w.bench.signature(f"{w.r}:v1", manifest=w.bench.shelf.other.manifest)],
        code="signed_digest_mismatch",
    ),
    # containers/image of that age has no limit.
    "10 128 signatures": Row(only_good, signatures=lambda w: [w.sig()] * 128, code="too_many_signatures", skopeo=False),
    "14 a newline behind the name": Row(
        only_good,
        signatures=lambda w: [w.odd(lambda d: d["critical"]["identity"].update({"docker-reference": f"{w.r}:v1\n"}))],
        code="signed_identity_refused",
    ),
    "23 armored": Row(only_good, signatures=lambda w: [b"-----BEGIN PGP MESSAGE-----\n\n"], code="invalid_signature"),
    "27 a scope that is no component": Row(
        scoped(lambda w: f"{w.bench.shelf.registry.host}/n", ACCEPT), code="policy_refused"
    ),
    "27 the scope of a tag, and a digest": Row(scoped(lambda w: f"{w.r}:v1", ACCEPT), pinned, code="policy_refused"),
    "40 one bad key among several": Row(
        lambda w: [w.by(keyData=None, keyPaths=[_key_file(w), "/nowhere/key"])], code="trusted_keys_invalid"
    ),
}


def _key_file(world: World) -> str:
    path = world.bench.directory / "good.gpg"
    path.write_bytes(world.bench.keys.signer.public(world.bench.keys.good))
    return str(path)


def _check(bench: TrustBench, row: Row) -> None:
    world = World(bench)
    name = _text(row.name, world)
    bench.keep(row.repository, row.manifest(bench.shelf), *row.signatures(world), first=row.first)
    policy = bench.policy(row.policy(world))
    before, asked = snapshot(bench.store.base), len(bench.shelf.blobs_asked())
    code, said = _pull(bench, name, policy, row)
    assert code == row.code, said
    if code:
        assert len(bench.shelf.blobs_asked()) == asked
        assert snapshot(bench.store.base) == before
    if row.skopeo is not None:
        theirs = bench.skopeo(name, policy, f"dir:{bench.directory}/copy")
        assert (bool(theirs) is bool(row.code)) is row.skopeo, theirs
        # Whatever else may be wrong with a command is no judgement.
        assert not theirs or any(word in theirs for word in JUDGEMENTS), theirs


def _pull(bench: TrustBench, name: str, policy: str, row: Row) -> tuple[str, str]:
    """Code and text of the refusal, empty where the image is let in: in check mode, as what is stored is tested elsewhere."""
    try:
        outcome, _reporter = bench.pull(name, check=not row.code, signature_policy=policy, **row.options)
    except StrataError as error:
        return error.code, str(error)
    (image,) = outcome.facts["images"]
    if outcome.failure is None:
        assert outcome.changed and image["accepted_by"]
        return "", ""
    assert not outcome.changed and image["error"]["code"] == outcome.failure.code
    return outcome.failure.code, str(outcome.failure)


@pytest.mark.parametrize("row", SCENARIOS.values(), ids=[f"row {number}" for number in SCENARIOS])
def test_scenario(bench: TrustBench, row: Row) -> None:
    _check(bench, row)


@pytest.mark.parametrize("row", ATTACKS.values(), ids=[f"attack {number}" for number in ATTACKS])
def test_attack(bench: TrustBench, row: Row) -> None:
    _check(bench, row)
