# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a pull makes of places that are hostile or odd: attached sigstore signatures, schema 1, other digests, redirects.

The signatures are made by openssl and gpg. Of sigstore skopeo 1.9.3 of Debian is no judge, as that part is left out of it.
"""

from __future__ import annotations

import hashlib
import json
import ssl
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import StrataError
from ansible_collections.strata.containers.plugins.module_utils._model.signature import SigstoreSignature
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.scripted_server import (
    ScriptedServer,
)
from lab import sigstore
from lab.modules import run_module
from lab.openssl import Key, Workshop
from lab.registry import make_certificates
from lab.schema1_images import OldImage
from lab.static_registry import StaticRegistry
from lab.stores import Store
from lab.trees import snapshot
from lab.trust_bench import MIRRORED, OTHER_REPOSITORIES, REPOSITORY, Keys, Shelf, TrustBench, fill, keys

__all__ = ["keys"]

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
ACCEPT = {"type": "insecureAcceptAnything"}


@pytest.fixture
def shelf(judges: None) -> Iterator[Shelf]:
    with StaticRegistry() as registry:
        yield fill(registry)


@pytest.fixture(scope="module")
def pair(judges: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Key, Key]:
    """A sigstore key that policies trust, and another."""
    workshop = Workshop(tmp_path_factory.mktemp("openssl"))
    return workshop.key(), workshop.key()


@pytest.fixture
def bench(shelf: Shelf, keys: Keys, make_store: Callable[[str], Store], tmp_path: Path) -> TrustBench:
    return TrustBench(shelf, keys, make_store("store"), tmp_path)


def code_of(bench: TrustBench, name: str, policy: Sequence[Any], **options: Any) -> str:
    """What a pull is refused for, empty where it would be done; a refusal leaves no trace, and asked for no blob of the image."""
    before = snapshot(bench.store.base)
    wanted = {
        f"sha256:{hashlib.sha256(data).hexdigest()}" for data in (bench.shelf.image.config, *bench.shelf.image.layers)
    }
    already = len(bench.shelf.registry.asked)
    outcome, _reporter = bench.pull(name, check=True, signature_policy=bench.policy(policy), **options)
    if outcome.failure is None:
        assert outcome.changed
        return ""
    assert snapshot(bench.store.base) == before
    asked = [path for path, _headers in bench.shelf.registry.asked[already:]]
    assert not [path for path in asked if path.rpartition("/")[2] in wanted]
    return outcome.failure.code


def attach(shelf: Shelf, *signatures: SigstoreSignature, repository: str = REPOSITORY, digest: str = "") -> None:
    """Puts signatures beside the image, as cosign does."""
    registry = shelf.registry
    layers = []
    for signature in signatures:
        layer = registry.add_blob(repository, signature.payload, signature.media_type)
        layers.append({**layer, "annotations": dict(signature.annotations)})
    config = registry.add_blob(repository, b"{}", OCI_CONFIG)
    manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers}
    tag = f"sha256-{(digest or shelf.digest)[7:]}.sig"
    registry.add_manifest(repository, json.dumps(manifest).encode(), OCI_MANIFEST, tag)


class TestAttachedSignatures:
    def signed(self, bench: TrustBench, key: Key, reference: str = "", manifest: bytes = b"") -> SigstoreSignature:
        document = sigstore.document(manifest or bench.shelf.image.manifest, reference or f"{bench.shelf.name}:v1")
        return sigstore.signed(key, sigstore.as_json(document))

    def code(self, bench: TrustBench, *requirements: Any, tag: str = "v1", repository: str = REPOSITORY) -> str:
        conf = bench.registries_d("default-docker: {use-sigstore-attachments: true}")
        name = f"{bench.shelf.registry.reference(repository)}:{tag}"
        return code_of(bench, name, requirements, registries_d=conf)

    def by(self, *keys: Key, **identity: str) -> dict[str, Any]:
        data = [sigstore.text64(key.public) for key in keys]
        return {"type": "sigstoreSigned", "keyDatas": data, **({"signedIdentity": identity} if identity else {})}

    def test_one_by_the_key_lets_the_image_in(self, bench: TrustBench, pair: tuple[Key, Key]) -> None:
        attach(bench.shelf, self.signed(bench, pair[0]))
        assert self.code(bench, self.by(pair[0])) == ""
        assert self.code(bench, self.by(pair[1])) == "sigstore_refused"
        assert self.code(bench, self.by(pair[0]), tag="v2") == "signed_identity_refused"

    def test_row_49_they_are_not_looked_for_where_registries_d_does_not_say_so(
        self, bench: TrustBench, pair: tuple[Key, Key]
    ) -> None:
        attach(bench.shelf, self.signed(bench, pair[0]))
        conf = bench.registries_d("default-docker: {use-sigstore-attachments: false}")
        name = f"{bench.shelf.name}:v1"
        assert code_of(bench, name, [self.by(pair[0])], registries_d=conf) == "signature_missing"

    def test_row_50_a_simple_signature_is_none(self, bench: TrustBench, pair: tuple[Key, Key]) -> None:
        name = f"{bench.shelf.name}:v1"
        bench.keep(REPOSITORY, bench.shelf.image.manifest, bench.signature(name))
        assert code_of(bench, name, [self.by(pair[0])]) == "signature_missing"

    def test_row_51_cosign_names_no_tag(self, bench: TrustBench, pair: tuple[Key, Key]) -> None:
        attach(bench.shelf, self.signed(bench, pair[0], bench.shelf.name))
        assert self.code(bench, self.by(pair[0])) == "signed_identity_refused"
        assert self.code(bench, self.by(pair[0], type="matchRepository")) == ""

    def test_row_54_any_of_the_keys_will_do(self, bench: TrustBench, pair: tuple[Key, Key]) -> None:
        attach(bench.shelf, self.signed(bench, pair[1]))
        assert self.code(bench, self.by(*pair)) == ""

    def test_attack_37_one_of_another_image_or_repository_is_refused(
        self, bench: TrustBench, pair: tuple[Key, Key]
    ) -> None:
        attach(bench.shelf, self.signed(bench, pair[0], manifest=bench.shelf.other.manifest))
        assert self.code(bench, self.by(pair[0])) == "signed_digest_mismatch"
        attach(bench.shelf, self.signed(bench, pair[0]), repository=OTHER_REPOSITORIES[0])
        assert self.code(bench, self.by(pair[0]), repository=OTHER_REPOSITORIES[0]) == "signed_identity_refused"

    def test_one_in_the_lookaside_will_do_as_well(self, bench: TrustBench, pair: tuple[Key, Key]) -> None:
        signature = self.signed(bench, pair[0])
        bench.keep(REPOSITORY, bench.shelf.image.manifest, signature.blob)
        assert code_of(bench, f"{bench.shelf.name}:v1", [self.by(pair[0])]) == ""
        spoilt = replace(signature, payload=signature.payload.replace(b":v1", b":v2"))
        bench.keep(REPOSITORY, bench.shelf.image.manifest, spoilt.blob)
        assert code_of(bench, f"{bench.shelf.name}:v2", [self.by(pair[0])]) == "sigstore_refused"

    def test_one_that_is_accepted_is_stored_judged_again_and_removed(
        self, bench: TrustBench, pair: tuple[Key, Key]
    ) -> None:
        attach(bench.shelf, self.signed(bench, pair[0]))
        name = f"{bench.shelf.name}:v1"
        policy = bench.policy([self.by(pair[0])])
        conf = bench.registries_d("default-docker: {use-sigstore-attachments: true}")
        options = bench.options(registries_d=conf, signature_policy=policy)
        result = run_module("image_pull", {**options, "name": name}, env={"HOME": str(bench.directory)})
        assert result.changed and len(result["image"]["verified"]) == 1, result.text
        outcome = bench.verify(name, signature_policy=policy, registries_d=conf)
        assert outcome.failure is None and outcome.facts["image"]["verified"] == result["image"]["verified"]
        removed, _reporter = bench.pull(name, signature_policy=policy, registries_d=conf, remove_signatures=True)
        assert removed.failure is None and removed.changed
        outcome = bench.verify(name, signature_policy=policy, registries_d=conf)
        assert outcome.failure is not None and outcome.failure.code == "signature_missing"


class TestOtherManifests:
    @pytest.mark.parametrize("signed", [True, False])
    def test_attack_44_of_schema_1_no_signature_is_believed(self, bench: TrustBench, signed: bool) -> None:
        image = OldImage(("base",), signed=signed)
        image.serve(bench.shelf.registry, "old", "v1")
        name = bench.shelf.registry.reference("old:v1")
        bench.keep("old", image.manifest(), bench.signature(name, manifest=image.manifest()))
        assert code_of(bench, name, [bench.keys.requirement()]) == "policy_unsupported"
        # Where none is required it comes in as before.
        assert code_of(bench, name, [ACCEPT]) == ""

    def test_row_56_by_sha512_an_image_comes_in_only_where_no_signature_is_required(self, bench: TrustBench) -> None:
        raw = bench.shelf.image.manifest
        digest = f"sha512:{hashlib.sha512(raw).hexdigest()}"
        bench.shelf.registry.add_manifest(REPOSITORY, raw, bench.shelf.image.media_type, digest=digest)
        name = f"{bench.shelf.name}@{digest}"
        bench.keep(REPOSITORY, raw, bench.signature(name), bench.signature(f"{bench.shelf.name}:v1"))
        assert code_of(bench, name, [bench.keys.requirement()]) == "signed_digest_mismatch"
        assert code_of(bench, name, [ACCEPT]) == ""

    def test_row_57_other_bytes_than_the_digest_names_are_not_judged_at_all(self, bench: TrustBench) -> None:
        name = f"{bench.shelf.name}@{bench.shelf.digest}"
        bench.keep(REPOSITORY, bench.shelf.image.manifest, bench.signature(f"{bench.shelf.name}:v1"))
        path = f"/v2/{REPOSITORY}/manifests/{bench.shelf.digest}"
        bench.shelf.registry.pages[path] = (bench.shelf.image.media_type, bench.shelf.image.manifest + b" ")
        assert code_of(bench, name, [bench.keys.requirement()]) == "digest_mismatch"

    def test_attacks_7_and_31_a_manifest_that_changed_has_no_signature(self, bench: TrustBench) -> None:
        """Signatures are looked up, and judged, by the digest of the bytes that came, whatever the tag had before."""
        name = f"{bench.shelf.name}:v1"
        signature = bench.signature(name)
        bench.keep(REPOSITORY, bench.shelf.image.manifest, signature)
        changed = bench.shelf.image.manifest + b" "
        bench.shelf.registry.add_manifest(REPOSITORY, changed, bench.shelf.image.media_type, "v1")
        assert code_of(bench, name, [bench.keys.requirement()]) == "signature_missing"
        bench.keep(REPOSITORY, changed, signature)
        assert code_of(bench, name, [bench.keys.requirement()]) == "signed_digest_mismatch"

    def test_row_41_each_instance_is_judged_by_its_own_signature(self, bench: TrustBench) -> None:
        name = bench.shelf.registry.reference("ns/list:v1")
        bench.keep("ns/list", bench.shelf.image.manifest, bench.signature(name))
        assert code_of(bench, name, [bench.keys.requirement()]) == ""
        options = {"platform": "linux/s390x", "allow_other_platform": True}
        assert code_of(bench, name, [bench.keys.requirement()], **options) == "signature_missing"


@pytest.mark.parametrize(("scope", "code"), [("upstream.test", "signature_missing"), ("the mirror", "")])
def test_of_a_mirror_the_place_counts_that_its_own_name_has(bench: TrustBench, scope: str, code: str) -> None:
    """The policy speaks of the vendor, registries.d of whoever serves the image; skopeo says the same."""
    name = "upstream.test/ns/app:v1"
    bench.keep(MIRRORED, bench.shelf.image.manifest, bench.signature(name))
    place = f"{{lookaside: 'file://{bench.directory}/sigs'}}"
    host = bench.shelf.registry.host if scope == "the mirror" else scope
    conf = bench.registries_d(f"docker: {{'{host}': {place}}}")
    policy = [bench.keys.requirement()]
    assert code_of(bench, name, policy, registries_d=conf) == code
    theirs = bench.skopeo(name, bench.policy(policy), f"dir:{bench.directory}/copy")
    assert ("no signature exists" in theirs) is bool(code) and bool(theirs) is bool(code), theirs


def test_attack_34_a_redirect_of_a_lookaside_leads_neither_to_a_file_nor_away_from_tls(
    bench: TrustBench, tmp_path: Path
) -> None:
    directory = tmp_path / "tls"
    directory.mkdir()
    _authority, certificate, key = make_certificates(str(directory))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    name = f"{bench.shelf.name}:v1"
    kept = bench.keep(REPOSITORY, bench.shelf.image.manifest, bench.signature(name)) / "signature-1"
    path = f"/{REPOSITORY}@sha256={bench.shelf.digest[7:]}/signature-1"
    bench.shelf.registry.pages["/plain"] = ("", kept.read_bytes())
    targets = {f"file://{kept}": "bad_address", bench.shelf.registry.url("/plain"): "unsafe_redirect"}
    for target, code in targets.items():
        with ScriptedServer(tls=context) as server:
            server.expect("GET", path, status=302, headers={"Location": target})
            conf = bench.registries_d(f"default-docker: {{lookaside: '{server.url}'}}")
            # The registry is an insecure one, so that http as such would be allowed.
            options = {"registries_d": conf, "validate_certs": False}
            assert code_of(bench, name, [bench.keys.requirement()], **options) == code


def test_without_pyyaml_only_those_images_come_in_that_need_no_signature(
    bench: TrustBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Distributions ship a file in registries.d, and not every Python has the library to read it."""
    name = f"{bench.shelf.name}:v1"
    bench.keep(REPOSITORY, bench.shelf.image.manifest, bench.signature(name))
    conf = bench.registries_d()
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert code_of(bench, name, [bench.keys.requirement()], registries_d=conf) == "missing_library"
    outcome, reporter = bench.pull(name, check=True, signature_policy=bench.policy([ACCEPT]), registries_d=conf)
    assert outcome.failure is None and outcome.changed
    assert any("PyYAML" in warning for warning in reporter.warnings), reporter.warnings


def test_attack_10_a_giant_signature_is_not_read_to_its_end(bench: TrustBench) -> None:
    name = f"{bench.shelf.name}:v1"
    path = bench.keep(REPOSITORY, bench.shelf.image.manifest, bench.signature(name)) / "signature-1"
    with path.open("r+b") as blob:
        blob.truncate(1 << 40)
    assert code_of(bench, name, [bench.keys.requirement()]) == "file_too_large"


def test_row_60_the_policy_of_the_user_is_used_even_if_it_is_broken(bench: TrustBench) -> None:
    for place, text in (("home/.config/containers", "{"), ("etc/containers", json.dumps({"default": [ACCEPT]}))):
        (bench.directory / place).mkdir(parents=True)
        (bench.directory / place / "policy.json").write_text(text, encoding="utf-8")
    outcome, _reporter = bench.pull(f"{bench.shelf.name}:v1", check=True)
    assert isinstance(outcome.failure, StrataError) and outcome.failure.code == "invalid_policy"
    (bench.directory / "home/.config/containers/policy.json").unlink()
    outcome, _reporter = bench.pull(f"{bench.shelf.name}:v1", check=True)
    assert outcome.failure is None
