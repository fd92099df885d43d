# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The small print of a verdict: what counts as verified, what nobody said, and what people are told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.reference import parse_reference
from ansible_collections.strata.containers.plugins.module_utils._model.signature import SigstoreSignature
from ansible_collections.strata.containers.plugins.module_utils._trust.judge import judge
from ansible_collections.strata.containers.plugins.module_utils._trust.openpgp import signed_content
from ansible_collections.strata.containers.plugins.module_utils._trust.policy import Policy, parse_policy
from ansible_collections.strata.containers.plugins.module_utils._trust.refusal import Refusal
from ansible_collections.strata.containers.plugins.module_utils._trust.requirement import Finding, Requirement, any_of
from ansible_collections.strata.containers.plugins.module_utils._trust.requirement_accept import InsecureAcceptAnything
from ansible_collections.strata.containers.plugins.module_utils._trust.scope import docker_scopes
from ansible_collections.strata.containers.plugins.module_utils._trust.signed_identity import MatchExact, SignedIdentity
from ansible_collections.strata.containers.plugins.module_utils._trust.signed_payload import simple_claims
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust import policy_cases as cases
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.recorded_gpg import (
    Key,
    RecordedGpg,
    keyring,
    message,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.subjects import NO_TOOLS, subject

IMAGE = "reg.example.com/app:1"


@pytest.mark.parametrize(
    ("accepted", "signer", "verified"),
    [(True, "somebody", True), (True, "", False), (False, "somebody", False), (False, "", False)],
)
def test_only_an_accepted_image_with_a_signer_is_verified(accepted: bool, signer: str, verified: bool) -> None:
    assert Finding(accepted, "any code", "any reason", signer).verified is verified


def test_a_requirement_of_which_nothing_is_said_has_no_name_and_needs_nothing() -> None:
    requirement = Requirement()
    assert (requirement.type, requirement.needs_evidence, requirement.warnings) == ("", False, ())


def test_signed_images_are_demanded_only_by_those_who_say_so() -> None:
    policy = Policy((InsecureAcceptAnything(),), {}, "made by hand")
    assert judge(policy, "docker", docker_scopes(parse_reference(IMAGE)), subject(IMAGE), NO_TOOLS).accepted


def test_what_came_of_each_signature_is_a_step_of_the_verdict() -> None:
    class Looked(Requirement):
        type = "looked"

        def judge(self, *_given: Any) -> Finding:
            return Finding(False, "openpgp_refused", "the end", steps=("signature 1: so", "signature 2: so so"))

    result = judge(Policy((Looked(),), {}, "made by hand"), "docker", ("",), subject(IMAGE), NO_TOOLS)
    assert result.steps == (
        "1: the list of default applies",
        "2: looked: signature 1: so",
        "2: looked: signature 2: so so",
        "2: looked: the end",
        "2: openpgp_refused: the end",
    )


def refuse(code: str) -> str:
    raise Refusal(code, f"refused as {code}")


@pytest.mark.parametrize(
    ("codes", "code", "reason"),
    [
        (["a"], "a", "refused as a"),
        (["a", "a"], "a", "none of the signatures is accepted: signature 1: refused as a; signature 2: refused as a"),
        (
            ["a", "b"],
            "signatures_refused",
            "none of the signatures is accepted: signature 1: refused as a; signature 2: refused as b",
        ),
        ([], "signature_missing", "there is none"),
    ],
)
def test_one_refusal_speaks_for_itself_and_several_are_joined(codes: list[str], code: str, reason: str) -> None:
    finding = any_of(codes, refuse, "there is none")
    assert (finding.accepted, finding.code, finding.reason) == (False, code, reason)
    assert len(finding.steps) == len(codes)


@pytest.mark.parametrize(("others", "words"), [(0, ""), (2, " (2 of another kind)")])
def test_signatures_of_another_kind_are_counted(others: int, words: str) -> None:
    policy = parse_policy(cases.signed_by().encode(), "policy.json")
    signatures = [SigstoreSignature("x/y", b"{}", {})] * others
    result = judge(policy, "docker", ("",), subject(IMAGE, signatures=signatures), NO_TOOLS)
    assert result.code == "signature_missing"
    assert result.reason.endswith(words) and result.reason.endswith(")") is bool(words)


def critical(**others: Any) -> bytes:
    """A payload with other members in critical."""
    value = {
        "type": "atomic container signature",
        "image": {"docker-manifest-digest": f"sha256:{cases.HEX}"},
        "identity": {"docker-reference": IMAGE},
        **others,
    }
    return json.dumps({"critical": value, "optional": {}}).encode()


EMPTY_PROOF = {"type": "sigstoreSigned", "keyPath": "/key.pub", "rekorPublicKeyPath": ""}


@pytest.mark.parametrize(
    ("default", "scope", "count"),
    [
        (EMPTY_PROOF, cases.REJECT, 1),
        (cases.REJECT, EMPTY_PROOF, 1),
        (EMPTY_PROOF, EMPTY_PROOF, 1),
        (cases.REJECT, cases.ACCEPT, 0),
    ],
)
def test_warnings_come_from_every_list_and_each_once(default: Any, scope: Any, count: int) -> None:
    value = {"default": [default], "transports": {"docker": {"a.io": [scope], "b.io": [scope]}}}
    warnings = parse_policy(json.dumps(value).encode(), "policy.json").warnings
    assert len(warnings) == count
    assert all(warning.startswith("policy.json: ") for warning in warnings)


def told(*status: str) -> str:
    """The reason that is given for a report with these lines."""
    good = RecordedGpg()([keyring("G")], message(b"content", "G"))
    with pytest.raises(Refusal) as caught:
        signed_content(replace(good, status=status or good.status))
    return caught.value.reason


def test_a_key_that_is_claimed_is_named_and_called_a_claim() -> None:
    assert told("BADSIG 0123456789ABCDEF") == (
        "the signature (which claims to be by the key 0123456789ABCDEF) is bad: the signed content was changed"
    )
    assert told("BADSIG") == "the signature is bad: the signed content was changed"


@pytest.mark.parametrize(("number", "name"), [("1", "MD5"), ("2", "SHA-1"), ("3", "RIPEMD-160")])
def test_a_weak_hash_is_called_by_its_name(number: str, name: str) -> None:
    good = RecordedGpg()([keyring("G")], message(b"content", "G"))
    lines = tuple(line.replace(" 8 00 ", f" {number} 00 ") for line in good.status)
    assert told(*lines).endswith(f"a hash by {name}, which is too weak")


def test_words_that_a_later_gpg_may_add_change_nothing() -> None:
    good = RecordedGpg()([keyring("G")], message(b"content", "G"))
    lines = tuple(f"{line} more" if line.startswith("VALIDSIG") else line for line in good.status)
    assert signed_content(replace(good, status=lines)).fingerprint == Key("G").fingerprint


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"no JSON", "the signed payload is invalid JSON"),
        (b"[]", "the top of the signed payload must be an object"),
        (b'{"critical": 1, "optional": {}}', "critical of the signed payload must be an object"),
        (critical(image=1), "image of the signed payload must be an object"),
        (critical(identity=1), "identity of the signed payload must be an object"),
        (critical() + b" {}", "the signed payload is invalid JSON"),
        (critical()[:-1].rpartition(b",")[0] + b', "optional": 1}', "optional of the signed payload must be an object"),
    ],
)
def test_the_part_of_a_payload_that_is_wrong_is_named(document: bytes, reason: str) -> None:
    with pytest.raises(Refusal) as caught:
        simple_claims(document)
    assert (caught.value.code, caught.value.reason[: len(reason)]) == ("signed_payload_invalid", reason)


@pytest.mark.parametrize(("length", "shown"), [(299, 299), (300, 300), (301, 303)])
def test_of_a_long_name_the_beginning_is_shown(length: int, shown: int) -> None:
    with pytest.raises(Refusal) as caught:
        MatchExact().require("!" * length, parse_reference(IMAGE))
    assert f"'{'!' * min(length, 300)}{'...' if shown > 300 else ''}'" in caught.value.reason


def test_an_identity_rule_of_which_nothing_is_said_has_no_name() -> None:
    assert SignedIdentity.type == ""
