# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signatures in the store: as skopeo keeps them, replaced when they change, removed when asked, and judged again on demand."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._model.signature import SigstoreSignature
from lab.commands import run
from lab.modules import run_module
from lab.stores import Store
from lab.trees import snapshot
from lab.trust_bench import LIST, MIRRORED, REPOSITORY, TrustBench, bench, keys, shelf

__all__ = ["bench", "keys", "shelf"]

ACCEPT = {"type": "insecureAcceptAnything"}
REJECT = {"type": "reject"}
COSIGN = "application/vnd.dev.cosign.simplesigning.v1+json"


@pytest.fixture
def by_good(bench: TrustBench) -> str:
    """A policy that wants a signature by the good key."""
    return bench.policy([bench.keys.requirement()])


def name_of(bench: TrustBench, tag: str = "v1") -> str:
    return f"{bench.shelf.name}:{tag}"


def pulled(bench: TrustBench, name: str, *, check: bool = False, **options: Any) -> tuple[bool, dict[str, Any]]:
    """Whether a pull changed anything (or would), and its result; it must go well.

    The first pull into a store is a process of its own, as the helper that unpacks is started before the first thread.
    """
    if check or record_count(bench.store):
        outcome, _reporter = bench.pull(name, check=check, **options)
        assert outcome.failure is None, outcome.failure
        return outcome.changed, {**outcome.facts["image"], "before": outcome.before, "after": outcome.after}
    arguments = {**bench.options(**options), "name": name}
    result = run_module("image_pull", arguments, env={"HOME": str(bench.directory)})
    assert not result.failed, result.text
    return result.changed, {**result["image"], **result["diff"]}


def refusal(bench: TrustBench, name: str, **options: Any) -> tuple[str, dict[str, Any]]:
    outcome, _reporter = bench.pull(name, **options)
    assert outcome.failure is not None and not outcome.changed
    return outcome.failure.code, outcome.facts["image"]


def record(store: Store) -> dict[str, Any]:
    (found,) = json.loads(Path(store.root, "overlay-images", "images.json").read_text(encoding="utf-8"))
    return dict(found)


def signatures_by_skopeo(bench: TrustBench, name: str) -> list[bytes]:
    """The signatures that skopeo takes out of our store."""
    directory = bench.directory / "out"
    run(["rm", "-rf", str(directory)])
    run(["skopeo", "--insecure-policy", "copy", bench.store.bracket + name, f"dir:{directory}"])
    found = sorted(directory.glob("signature-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    return [path.read_bytes() for path in found]


class TestAsSkopeoKeepsThem:
    @pytest.mark.parametrize("case", ["tag", "list", "digest"])
    def test_record_and_items_are_the_same(
        self, bench: TrustBench, make_store: Callable[[str], Store], by_good: str, case: str
    ) -> None:
        repository = LIST if case == "list" else REPOSITORY
        name = f"{bench.shelf.registry.reference(repository)}{'@' + bench.shelf.digest if case == 'digest' else ':v1'}"
        signed_name = f"{bench.shelf.registry.reference(repository)}:v1"
        bench.keep(repository, bench.shelf.image.manifest, *[bench.signature(signed_name) for _number in range(2)])
        changed, image = pulled(bench, name, signature_policy=by_good)
        assert changed and [entry["signer"] for entry in image["verified"]] == [f"OpenPGP key {bench.keys.good}"]
        theirs = make_store("theirs")
        assert bench.skopeo(name, by_good, theirs.bracket + name) == ""
        # The image has no time of its own, for which each puts what it likes.
        assert {**record(bench.store), "created": ""} == {**record(theirs), "created": ""}
        assert files(bench.store) == files(theirs)

    def test_other_tools_read_them(self, bench: TrustBench, by_good: str) -> None:
        blobs = [bench.signature(name_of(bench)), bench.signature(name_of(bench), bench.keys.other)]
        bench.keep(REPOSITORY, bench.shelf.image.manifest, *blobs)
        pulled(bench, name_of(bench), signature_policy=by_good)
        assert signatures_by_skopeo(bench, name_of(bench)) == blobs
        (inspected,) = bench.store.podman_json("image", "inspect", name_of(bench))
        assert inspected["Digest"] == bench.shelf.digest
        assert run(["skopeo", "inspect", "--raw", bench.store.bracket + name_of(bench)]).strip()

    def test_both_kinds_are_kept_as_they_came(self, bench: TrustBench) -> None:
        framed = SigstoreSignature(COSIGN, b"{}", {"dev.cosignproject.cosign/signature": "c2ln"})
        blobs = [framed.blob, bench.signature(name_of(bench))]
        bench.keep(REPOSITORY, bench.shelf.image.manifest, *blobs)
        pulled(bench, name_of(bench), signature_policy=bench.policy([ACCEPT]))
        metadata = json.loads(record(bench.store)["metadata"])
        assert metadata["signature-sizes"] == [len(blob) for blob in blobs]
        content = Path(bench.store.root, "overlay-images", record(bench.store)["id"], "signatures").read_bytes()
        assert content == b"".join(blobs)

    def test_an_unsigned_image_has_none(self, bench: TrustBench) -> None:
        pulled(bench, name_of(bench), signature_policy=bench.policy([ACCEPT]))
        assert record(bench.store)["metadata"] == "{}"
        assert not any(key.startswith("signature") for key in record(bench.store)["big-data-names"])


def files(store: Store) -> dict[str, str]:
    """Every big data file of the only image, by its name."""
    directory = Path(store.root, "overlay-images", record(store)["id"])
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.iterdir()}


class TestPulledAgain:
    def test_the_same_signatures_change_nothing(self, bench: TrustBench, by_good: str) -> None:
        bench.keep(REPOSITORY, bench.shelf.image.manifest, bench.signature(name_of(bench)))
        pulled(bench, name_of(bench), signature_policy=by_good)
        before, asked = snapshot(bench.store.base), len(bench.shelf.blobs_asked())
        for check in (True, False):
            changed, image = pulled(bench, name_of(bench), signature_policy=by_good, check=check)
            assert not changed and image["accepted_by"] == "signedBy (default)"
            assert [entry["requirement"] for entry in image["verified"]] == ["signedBy"]
        assert snapshot(bench.store.base) == before and len(bench.shelf.blobs_asked()) == asked

    @pytest.mark.parametrize("reference", ["tag", "digest"])
    def test_a_present_image_is_judged_again(self, bench: TrustBench, by_good: str, reference: str) -> None:
        name = name_of(bench) if reference == "tag" else f"{bench.shelf.name}@{bench.shelf.digest}"
        pulled(bench, name, signature_policy=bench.policy([ACCEPT]))
        before = snapshot(bench.store.base)
        by_good = bench.policy([bench.keys.requirement()])
        code, image = refusal(bench, name, signature_policy=by_good)
        assert (code, image["verified"]) == ("signature_missing", [])
        assert snapshot(bench.store.base) == before
        # Where nobody is asked, nobody judges.
        for policy in ("missing", "never"):
            changed, image = pulled(bench, name, signature_policy=by_good, pull=policy)
            assert not changed and image["accepted_by"] is None

    def test_others_take_their_place(self, bench: TrustBench, by_good: str) -> None:
        old, new = bench.signature(name_of(bench)), bench.signature(name_of(bench))
        bench.keep(REPOSITORY, bench.shelf.image.manifest, old)
        pulled(bench, name_of(bench), signature_policy=by_good)
        bench.keep(REPOSITORY, bench.shelf.image.manifest, new, old)
        before, asked = snapshot(bench.store.base), len(bench.shelf.blobs_asked())
        changed, image = pulled(bench, name_of(bench), signature_policy=by_good, check=True)
        assert changed and snapshot(bench.store.base) == before
        key = f"signatures of {bench.shelf.digest}"
        assert image["before"][key] == [str(Digest.of(old))]
        assert image["after"][key] == [str(Digest.of(new)), str(Digest.of(old))]
        changed, image = pulled(bench, name_of(bench), signature_policy=by_good)
        assert changed and image["plan"]["fetch"] == 0 and len(bench.shelf.blobs_asked()) == asked
        assert signatures_by_skopeo(bench, name_of(bench)) == [new, old]
        assert not pulled(bench, name_of(bench), signature_policy=by_good)[0]

    def test_signatures_that_are_gone_go(self, bench: TrustBench) -> None:
        accept = bench.policy([ACCEPT])
        directory = bench.keep(REPOSITORY, bench.shelf.image.manifest, bench.signature(name_of(bench)))
        pulled(bench, name_of(bench), signature_policy=accept)
        (directory / "signature-1").unlink()
        assert pulled(bench, name_of(bench), signature_policy=accept)[0]
        assert signatures_by_skopeo(bench, name_of(bench)) == []
        assert not pulled(bench, name_of(bench), signature_policy=accept)[0]

    def test_two_names_with_one_manifest_share_them(self, bench: TrustBench, by_good: str) -> None:
        signatures = [bench.signature(name_of(bench, tag)) for tag in ("v1", "v2")]
        bench.keep(REPOSITORY, bench.shelf.image.manifest, *signatures)
        pulled(bench, name_of(bench), signature_policy=by_good)
        changed, image = pulled(bench, name_of(bench, "v2"), signature_policy=by_good)
        assert changed and len(image["verified"]) == 1
        assert not pulled(bench, name_of(bench), signature_policy=by_good)[0]

    def test_two_manifests_of_one_image_keep_their_own(self, bench: TrustBench) -> None:
        """skopeo forgets those of the first when the second comes, and pulls of both would never come to rest."""
        first, registry = bench.shelf.image.manifest, bench.shelf.registry
        second = first + b"\n"
        registry.add_manifest(REPOSITORY, second, bench.shelf.image.media_type, "again")
        names = [name_of(bench), name_of(bench, "again")]
        by_good = bench.policy([bench.keys.requirement()])
        for manifest, name in zip((first, second), names):
            bench.keep(REPOSITORY, manifest, bench.signature(name, manifest=manifest))
            assert pulled(bench, name, signature_policy=by_good)[0]
        assert [pulled(bench, name, signature_policy=by_good)[0] for name in names] == [False, False]
        # The image is read by the second manifest, and by the first where its digest is named.
        digests = [f"{bench.shelf.name}@sha256:{hashlib.sha256(manifest).hexdigest()}" for manifest in (first, second)]
        outcome = bench.verify(*digests, signature_policy=by_good)
        assert outcome.failure is None
        assert [entry["digest"] for entry in outcome.facts["images"]] == [name.partition("@")[2] for name in digests]
        assert len(signatures_by_skopeo(bench, names[1])) == 1
        del registry.pages[f"/v2/{REPOSITORY}/manifests/again"]

    def test_what_skopeo_stored_is_kept(self, bench: TrustBench, by_good: str) -> None:
        bench.keep(REPOSITORY, bench.shelf.image.manifest, bench.signature(name_of(bench)))
        bench.registries_d()
        assert bench.skopeo(name_of(bench), by_good, bench.store.bracket + name_of(bench)) == ""
        before = snapshot(os.path.join(bench.store.root, "overlay-images"))
        assert not pulled(bench, name_of(bench), signature_policy=by_good)[0]
        assert snapshot(os.path.join(bench.store.root, "overlay-images")) == before

    def test_damaged_ones_are_written_again(self, bench: TrustBench, by_good: str) -> None:
        blob = bench.signature(name_of(bench))
        bench.keep(REPOSITORY, bench.shelf.image.manifest, blob)
        pulled(bench, name_of(bench), signature_policy=by_good)
        for path in Path(bench.store.root, "overlay-images", record(bench.store)["id"]).glob("=*"):
            if path.read_bytes() == blob:
                path.write_bytes(blob + b"x")
        assert bench.verify(name_of(bench), signature_policy=by_good).failure is not None
        assert pulled(bench, name_of(bench), signature_policy=by_good)[0]
        assert bench.verify(name_of(bench), signature_policy=by_good).failure is None


class TestRemoved:
    def test_the_policy_still_needs_them_and_the_store_gets_none(self, bench: TrustBench, by_good: str) -> None:
        code, _image = refusal(bench, name_of(bench), signature_policy=by_good, remove_signatures=True)
        assert code == "signature_missing"
        bench.keep(REPOSITORY, bench.shelf.image.manifest, bench.signature(name_of(bench)))
        changed, image = pulled(bench, name_of(bench), signature_policy=by_good, remove_signatures=True)
        assert changed and image["verified"]
        assert record(bench.store)["metadata"] == "{}" and signatures_by_skopeo(bench, name_of(bench)) == []
        assert not pulled(bench, name_of(bench), signature_policy=by_good, remove_signatures=True)[0]

    @pytest.mark.parametrize("reference", ["tag", "digest"])
    def test_those_of_a_present_image_go(self, bench: TrustBench, reference: str) -> None:
        accept = bench.policy([ACCEPT])
        name = name_of(bench) if reference == "tag" else f"{bench.shelf.name}@{bench.shelf.digest}"
        bench.keep(REPOSITORY, bench.shelf.image.manifest, bench.signature(name_of(bench)))
        pulled(bench, name, signature_policy=accept)
        assert len(signatures_by_skopeo(bench, name)) == 1
        assert pulled(bench, name, signature_policy=accept, remove_signatures=True, check=True)[0]
        assert pulled(bench, name, signature_policy=accept, remove_signatures=True)[0]
        assert signatures_by_skopeo(bench, name) == []
        assert not pulled(bench, name, signature_policy=accept, remove_signatures=True)[0]

    def test_a_broken_place_is_not_read_where_nobody_needs_it(self, bench: TrustBench) -> None:
        accept = bench.policy([ACCEPT])
        bench.keep(REPOSITORY, bench.shelf.image.manifest, b"garbage")
        code, _image = refusal(bench, name_of(bench), signature_policy=accept)
        assert code == "invalid_signature" and record_count(bench.store) == 0
        assert pulled(bench, name_of(bench), signature_policy=accept, remove_signatures=True)[0]


def record_count(store: Store) -> int:
    path = Path(store.root, "overlay-images", "images.json")
    return len(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else 0


class TestPlaces:
    def test_a_web_server_that_is_in_trouble_has_no_less_signatures(self, bench: TrustBench, by_good: str) -> None:
        """Row 35 of the attacks, and a pull that would do without: the answer is an error for both."""
        url = bench.shelf.registry.url("/sigs")
        path = f"/sigs/{REPOSITORY}@sha256={bench.shelf.digest[7:]}/signature-1"
        bench.shelf.registry.pages[path] = ("text/html", b"<html>login</html>")
        conf = bench.registries_d(f"default-docker: {{lookaside: '{url}'}}")
        for policy in (by_good, bench.policy([ACCEPT])):
            outcome, _reporter = bench.pull(name_of(bench), signature_policy=policy, registries_d=conf)
            assert outcome.failure is not None and outcome.failure.code == "invalid_signature"
        bench.shelf.registry.pages[path] = ("application/octet-stream", bench.signature(name_of(bench)))
        by_good = bench.policy([bench.keys.requirement()])
        assert pulled(bench, name_of(bench), signature_policy=by_good, registries_d=conf)[0]
        del bench.shelf.registry.pages[path]

    def test_no_credentials_reach_a_lookaside(self, bench: TrustBench, by_good: str) -> None:
        """Row 36 of the attacks."""
        conf = bench.registries_d(f"default-docker: {{lookaside: '{bench.shelf.registry.url('/secret')}'}}")
        bench.shelf.registry.asked.clear()
        login = {"username": "user", "password": "hunter2"}
        refusal(bench, name_of(bench), signature_policy=by_good, registries_d=conf, **login)
        asked = [headers for path, headers in bench.shelf.registry.asked if path.startswith("/secret")]
        assert asked and not any("Authorization" in headers for headers in asked)

    def test_attachments_are_looked_for_where_registries_d_says_so(self, bench: TrustBench) -> None:
        payload = b'{"critical":{}}'
        registry = bench.shelf.registry
        layer = registry.add_blob(REPOSITORY, payload, COSIGN)
        layer["annotations"] = {"dev.cosignproject.cosign/signature": "c2ln"}
        config = registry.add_blob(REPOSITORY, b"{}", "application/vnd.oci.image.config.v1+json")
        manifest = {"schemaVersion": 2, "mediaType": bench.shelf.image.media_type, "config": config, "layers": [layer]}
        tag = f"sha256-{bench.shelf.digest[7:]}.sig"
        registry.add_manifest(REPOSITORY, json.dumps(manifest).encode(), bench.shelf.image.media_type, tag)
        accept = bench.policy([ACCEPT])
        pulled(bench, name_of(bench), signature_policy=accept)
        assert record(bench.store)["metadata"] == "{}"
        conf = bench.registries_d(f"docker: {{'{registry.host}': {{use-sigstore-attachments: true}}}}")
        assert pulled(bench, name_of(bench), signature_policy=accept, registries_d=conf)[0]
        blob = SigstoreSignature(COSIGN, payload, layer["annotations"]).blob
        assert Path(bench.store.root, "overlay-images", record(bench.store)["id"], "signatures").read_bytes() == blob
        registry.pages = {path: page for path, page in registry.pages.items() if not path.endswith(tag)}

    def test_a_broken_configuration_stops_every_pull(self, bench: TrustBench, by_good: str) -> None:
        conf = bench.registries_d("docker: [")
        for policy in (by_good, bench.policy([ACCEPT])):
            outcome, _reporter = bench.pull(name_of(bench), signature_policy=policy, registries_d=conf)
            assert outcome.failure is not None and outcome.failure.code == "invalid_config"
            assert "default.yaml" in bench.skopeo(name_of(bench), policy, f"dir:{bench.directory}/copy")


def judged(bench: TrustBench, *names: str, **options: Any) -> list[tuple[bool, str]]:
    outcome = bench.verify(*names, fail_on_refusal=False, **options)
    assert outcome.failure is None and not outcome.changed
    return [(entry["accepted"], entry["code"]) for entry in outcome.facts["images"]]


class TestVerify:
    @pytest.fixture
    def stored(self, bench: TrustBench) -> TrustBench:
        """The image under v1 and v2, signed for v1 alone."""
        bench.keep(REPOSITORY, bench.shelf.image.manifest, bench.signature(name_of(bench)))
        accept = bench.policy([ACCEPT])
        for tag in ("v1", "v2"):
            pulled(bench, name_of(bench, tag), signature_policy=accept)
        return bench

    def test_a_stored_image_is_judged_by_what_is_stored(self, stored: TrustBench) -> None:
        """Row 45 of the attacks: the policy became stricter after the pull."""
        run(["rm", "-rf", str(stored.directory / "sigs")])
        before, asked = snapshot(stored.store.base), len(stored.shelf.registry.asked)
        by_good = stored.policy([stored.keys.requirement()])
        names = [name_of(stored, "v1"), name_of(stored, "v2"), f"{stored.shelf.name}@{stored.shelf.digest}"]
        assert judged(stored, *names, signature_policy=by_good) == [
            (True, "accepted"),
            (False, "signed_identity_refused"),
            (True, "accepted"),
        ]
        outcome = stored.verify(names[0], signature_policy=by_good)
        entry = outcome.facts["image"]
        assert outcome.facts["accepted"] and entry["digest"] == stored.shelf.digest and entry["source"] is None
        assert entry["verified"] == [{"requirement": "signedBy", "signer": f"OpenPGP key {stored.keys.good}"}]
        assert entry["steps"][0] == "1: the list of default applies"
        assert snapshot(stored.store.base) == before and len(stored.shelf.registry.asked) == asked

    def test_a_refusal_fails_the_task_unless_told_otherwise(self, stored: TrustBench) -> None:
        by_other = stored.policy([stored.keys.requirement(stored.keys.other)])
        outcome = stored.verify(name_of(stored), signature_policy=by_other)
        assert outcome.failure is not None and outcome.failure.code == "openpgp_refused"
        assert outcome.facts["image"]["error"]["code"] == "openpgp_refused" and not outcome.facts["accepted"]

    def test_the_scopes_of_registries_count(self, stored: TrustBench) -> None:
        policy = {"default": [REJECT], "transports": {"docker": {stored.shelf.registry.host: [ACCEPT]}}}
        assert judged(stored, name_of(stored), signature_policy=stored.policy(policy)) == [(True, "accepted")]
        policy = {"default": [ACCEPT], "transports": {"containers-storage": {"": [REJECT]}}}
        assert judged(stored, name_of(stored), signature_policy=stored.policy(policy)) == [(True, "accepted")]
        assert judged(stored, name_of(stored), signature_policy=stored.policy([ACCEPT]), require_signed=True) == [
            (False, "policy_refused")
        ]

    @pytest.mark.parametrize(("name", "code"), [("localhost/none:1", "unknown_image"), ("", "name_needed")])
    def test_what_cannot_be_judged_is_an_error(self, stored: TrustBench, name: str, code: str) -> None:
        accept = stored.policy([ACCEPT])
        name = name or record(stored.store)["id"]
        outcome = stored.verify(name, signature_policy=accept, fail_on_refusal=False)
        assert outcome.failure is not None and not outcome.facts["accepted"]
        assert outcome.facts["image"]["error"]["code"] == outcome.failure.code
        if code == "name_needed":
            assert outcome.failure.code == code

    def test_a_manifest_that_was_changed_in_the_store_is_refused(self, stored: TrustBench) -> None:
        path = Path(stored.store.root, "overlay-images", record(stored.store)["id"], "manifest")
        path.write_bytes(path.read_bytes() + b" ")
        by_good = stored.policy([stored.keys.requirement()])
        ((accepted, _code),) = judged(stored, name_of(stored), signature_policy=by_good)
        assert not accepted

    def test_images_of_a_registry_are_judged_as_a_pull_would(self, bench: TrustBench, by_good: str) -> None:
        bench.keep(REPOSITORY, bench.shelf.image.manifest, bench.signature(name_of(bench)))
        bench.keep(LIST, bench.shelf.image.manifest, bench.signature(bench.shelf.registry.reference(f"{LIST}:v1")))
        bench.keep(MIRRORED, bench.shelf.image.manifest, bench.signature("upstream.test/ns/app:v1"))
        names = [
            name_of(bench),
            name_of(bench, "v2"),
            bench.shelf.registry.reference(f"{LIST}:v1"),
            "upstream.test/ns/app:v1",
        ]
        before, asked = snapshot(bench.store.base), len(bench.shelf.blobs_asked())
        assert judged(bench, *names, signature_policy=by_good, source="registry") == [
            (True, "accepted"),
            (False, "signed_identity_refused"),
            (True, "accepted"),
            (True, "accepted"),
        ]
        assert judged(bench, names[2], signature_policy=by_good, source="registry", platform="linux/s390x") == [
            (False, "signature_missing")
        ]
        outcome = bench.verify(names[3], signature_policy=by_good, source="registry")
        assert outcome.facts["image"]["source"] == f"{bench.shelf.registry.host}/{MIRRORED}"
        assert snapshot(bench.store.base) == before and len(bench.shelf.blobs_asked()) == asked

    def test_an_image_that_no_registry_has_is_an_error_and_one_that_is_rejected_is_not_asked_for(
        self, bench: TrustBench
    ) -> None:
        name = bench.shelf.registry.reference("none:v1")
        outcome = bench.verify(name, signature_policy=bench.policy([ACCEPT]), source="registry", fail_on_refusal=False)
        assert outcome.failure is not None and outcome.failure.code == "manifest_unknown"
        asked = len(bench.shelf.registry.asked)
        assert judged(bench, name, signature_policy=bench.policy([REJECT]), source="registry") == [
            (False, "policy_refused")
        ]
        assert len(bench.shelf.registry.asked) == asked
