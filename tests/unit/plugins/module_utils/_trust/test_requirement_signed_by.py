# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""signedBy: which keys it reads and when, and which signatures it looks at."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._model.signature import (
    Signature,
    SigstoreSignature,
    SimpleSignature,
)
from ansible_collections.strata.containers.plugins.module_utils._trust.requirement import Finding
from ansible_collections.strata.containers.plugins.module_utils._trust.requirement_signed_by import SignedBy
from ansible_collections.strata.containers.plugins.module_utils._trust.signed_identity import MatchRepoDigestOrExact
from ansible_collections.strata.containers.plugins.module_utils._trust.subject import Tools
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.recorded_gpg import (
    Key,
    RecordedGpg,
    keyring,
    message,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.stage import (
    MANIFEST,
    REPOSITORY,
    document,
    payload,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.subjects import subject

NAME = f"{REPOSITORY}:v1"
SIGSTORE = SigstoreSignature("x/y", b"{}", {})


class Bench:
    """A requirement, the files that it may name, and what it asked for."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.read: list[str] = []
        self.gpg = RecordedGpg()

    def read_file(self, path: str) -> bytes:
        self.read.append(path)
        if path not in self.files:
            raise HostError("no such file", subject=path)
        return self.files[path]

    def judge(
        self,
        signatures: Sequence[Signature],
        *paths: str,
        data: bytes | None = None,
        key_type: str = "GPGKeys",
    ) -> Finding:
        requirement = SignedBy(key_type, paths, data, MatchRepoDigestOrExact())
        tools = Tools(read_file=self.read_file, openpgp=self.gpg, now=lambda: 0.0)
        return requirement.judge(subject(NAME, MANIFEST, signatures), tools)


@pytest.fixture
def bench() -> Bench:
    return Bench({"/a": keyring("A"), "/b": keyring("B"), "/ab": keyring("A", "B"), "/none": b""})


def signature(key: str, name: str = NAME, kind: str = "good") -> SimpleSignature:
    return SimpleSignature(message(payload(document(name)), key, kind=kind))


def test_an_unsigned_image_has_no_signature_whatever_the_keys_are(bench: Bench) -> None:
    for key_type in ("GPGKeys", "X509Certificates"):
        finding = bench.judge([], "/nowhere", key_type=key_type)
        assert (finding.accepted, finding.code) == (False, "signature_missing")
        assert NAME in finding.reason and "another kind" not in finding.reason
    assert bench.read == [] and bench.gpg.asked == []


def test_signatures_of_the_other_kind_are_counted_and_not_looked_at(bench: Bench) -> None:
    finding = bench.judge([SIGSTORE, SIGSTORE], "/a")
    assert finding.code == "signature_missing" and "2 of another kind" in finding.reason
    assert bench.judge([SIGSTORE, signature("A"), SIGSTORE], "/a").accepted


@pytest.mark.parametrize("key_type", ["signedByGPGKeys", "X509Certificates", "signedByX509CAs"])
def test_other_types_of_keys_are_verified_by_nobody(bench: Bench, key_type: str) -> None:
    finding = bench.judge([signature("A")], "/a", key_type=key_type)
    assert finding.code == "policy_unsupported" and key_type in finding.reason
    assert bench.gpg.asked == []


@pytest.mark.parametrize("paths", [("/a",), ("/b", "/a"), ("/ab",), ("/a", "/ab")])
def test_any_key_of_any_file_will_do(bench: Bench, paths: Sequence[str]) -> None:
    finding = bench.judge([signature("A")], *paths)
    assert finding.accepted and finding.verified
    assert finding.signer == f"OpenPGP key {Key('A').fingerprint}"
    assert bench.read == list(paths)


def test_keys_may_be_in_the_policy_itself(bench: Bench) -> None:
    assert bench.judge([signature("A")], data=keyring("A")).accepted
    finding = bench.judge([signature("A")], data=b"")
    assert finding.code == "trusted_keys_invalid" and "keyData" in finding.reason


@pytest.mark.parametrize(
    ("paths", "named"), [(("/a", "/nowhere"), "/nowhere"), (("/a", "/none"), "/none"), ((), "no files")]
)
def test_one_bad_file_fails_all(bench: Bench, paths: Sequence[str], named: str) -> None:
    finding = bench.judge([signature("A")], *paths)
    assert (finding.accepted, finding.code) == (False, "trusted_keys_invalid")
    assert named in finding.reason


def test_files_are_read_once_for_all_signatures(bench: Bench) -> None:
    assert bench.judge([signature("B"), signature("B"), signature("A")], "/a").accepted
    assert bench.read == ["/a"]


def test_the_first_good_signature_ends_it(bench: Bench) -> None:
    finding = bench.judge([signature("B"), signature("A"), signature("A")], "/a")
    assert len(bench.gpg.asked) == 2
    assert [step.split(":")[0] for step in finding.steps] == ["signature 1", "signature 2"]
    assert "none of the trusted ones" in finding.steps[0] and "good" in finding.steps[1]


def test_what_is_no_message_is_never_given_to_gpg(bench: Bench) -> None:
    assert bench.judge([SimpleSignature(b"-----BEGIN PGP")], "/a").code == "openpgp_refused"
    assert bench.gpg.asked == []


def test_a_single_refusal_is_the_reason(bench: Bench) -> None:
    finding = bench.judge([signature("B")], "/a")
    claimed = Key("B").fingerprint[-16:]
    wanted = f"the signature (which claims to be by the key {claimed}) is by a key that is none of the trusted ones"
    assert (finding.code, finding.reason) == ("openpgp_refused", wanted)
    assert finding.steps == (f"signature 1: {wanted}",)


def test_only_what_was_accepted_was_verified() -> None:
    assert Finding(True, "accepted", "good", "somebody").verified
    assert not Finding(True, "accepted", "nobody asked").verified
    assert not Finding(False, "openpgp_refused", "bad", "somebody").verified


def test_refusals_for_one_reason_keep_its_code_and_others_are_joined(bench: Bench) -> None:
    assert bench.judge([signature("B"), signature("B")], "/a").code == "openpgp_refused"
    finding = bench.judge([signature("B"), signature("A", REPOSITORY)], "/a")
    assert finding.code == "signatures_refused"
    assert "signature 1: " in finding.reason and "signature 2: " in finding.reason


def test_a_tool_that_fails_is_no_verdict(bench: Bench) -> None:
    def missing(keyrings: Sequence[bytes], message: bytes) -> None:
        raise HostError("gpg is not installed")

    tools = Tools(read_file=bench.read_file, openpgp=missing, now=lambda: 0.0)  # type: ignore[arg-type]
    requirement = SignedBy("GPGKeys", ("/a",), None, MatchRepoDigestOrExact())
    with pytest.raises(HostError):
        requirement.judge(subject(NAME, MANIFEST, [signature("A")]), tools)
