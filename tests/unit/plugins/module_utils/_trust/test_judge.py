# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which list of a policy applies to an image, and what comes of it (the rows of the reference tables)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.reference import parse_reference
from ansible_collections.strata.containers.plugins.module_utils._model.signature import Signature
from ansible_collections.strata.containers.plugins.module_utils._trust.judge import Verdict, judge, needs_evidence
from ansible_collections.strata.containers.plugins.module_utils._trust.policy import Policy, parse_policy
from ansible_collections.strata.containers.plugins.module_utils._trust.requirement import Finding, Requirement
from ansible_collections.strata.containers.plugins.module_utils._trust.requirement_accept import InsecureAcceptAnything
from ansible_collections.strata.containers.plugins.module_utils._trust.requirement_reject import Reject
from ansible_collections.strata.containers.plugins.module_utils._trust.scope import docker_scopes
from ansible_collections.strata.containers.plugins.module_utils._trust.subject import Subject, Tools
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust import policy_cases as cases
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.subjects import NO_TOOLS, subject

HEX = "0123456789abcdef" * 4
IMAGE = "reg.example.com:5000/ns/app:v1"


@dataclass(frozen=True)
class Verified(Requirement):
    """A requirement that has checked a signature."""

    type = "verified"

    def judge(self, subject: Subject, tools: Tools) -> Finding:
        return Finding(True, "accepted", f"{subject.name} is signed", "somebody")


def verdict(policy: dict[str, Any], name: str = IMAGE, require_signed: bool = False) -> Verdict:
    parsed = parse_policy(json.dumps(policy).encode(), "policy.json")
    scopes = docker_scopes(parse_reference(name))
    return judge(parsed, "docker", scopes, subject(name), NO_TOOLS, require_signed=require_signed)


@pytest.mark.parametrize(
    ("requirements", "code", "requirement"),
    [
        ([cases.ACCEPT], "accepted", "insecureAcceptAnything"),
        ([cases.ACCEPT, cases.ACCEPT], "accepted", "insecureAcceptAnything"),
        ([cases.REJECT], "policy_refused", "reject"),
        ([cases.ACCEPT, cases.REJECT], "policy_refused", "reject"),
        ([cases.REJECT, cases.ACCEPT], "policy_refused", "reject"),
        ([cases.SIGNED_BY], "signature_missing", "signedBy"),
        ([cases.ACCEPT, cases.SIGNED_BY], "signature_missing", "signedBy"),
        ([cases.SIGNED_BY, cases.ACCEPT], "signature_missing", "signedBy"),
        ([cases.SIGNED_BY, cases.REJECT], "signature_missing", "signedBy"),
        ([cases.REJECT, cases.SIGNED_BY], "policy_refused", "reject"),
        ([cases.SIGSTORE], "signature_missing", "sigstoreSigned"),
        (
            [{"type": "signedBaseLayer", "baseLayerIdentity": {"type": "matchExact"}}],
            "policy_unsupported",
            "signedBaseLayer",
        ),
    ],
)
def test_all_requirements_must_be_met_and_the_first_that_is_not_decides(
    requirements: list[Any], code: str, requirement: str
) -> None:
    result = verdict({"default": requirements})
    assert (result.accepted, result.code, result.requirement) == (code == "accepted", code, requirement)
    assert IMAGE in result.reason
    assert result.scope == "default"


def test_an_unsupported_requirement_is_named_in_the_reason() -> None:
    base = {"type": "signedBaseLayer", "baseLayerIdentity": {"type": "matchExact"}}
    assert "signedBaseLayer" in verdict({"default": [base]}).reason


def test_the_refusal_has_the_words_of_podman() -> None:
    assert verdict({"default": [cases.REJECT]}).reason == f"the policy rejects {IMAGE}"


def test_requirements_after_a_refusal_are_not_asked() -> None:
    asked = [step for step in verdict({"default": [cases.ACCEPT, cases.REJECT, cases.ACCEPT]}).steps if "2: " in step]
    assert [step.split(": ")[1] for step in asked] == ["insecureAcceptAnything", "reject", "policy_refused"]


@pytest.mark.parametrize(
    ("name", "scope", "matches"),
    [
        (IMAGE, "reg.example.com:5000/ns/app:v1", True),
        (IMAGE, "reg.example.com:5000/ns/app:v2", False),
        (IMAGE, "reg.example.com:5000/ns/app", True),
        (IMAGE, "reg.example.com:5000/ns", True),
        (IMAGE, "reg.example.com:5000/n", False),
        (IMAGE, "reg.example.com:5000", True),
        (IMAGE, "reg.example.com", False),
        (IMAGE, "*.example.com", True),
        (IMAGE, "*.example.com:5000", False),
        (IMAGE, "*.com", True),
        (IMAGE, "*.example.com/ns", False),
        (IMAGE, "", True),
        ("example.com/app:1", "*.example.com", False),
        ("busybox", "docker.io/library", True),
        ("busybox", "docker.io/library/busybox:latest", True),
        ("busybox", "busybox", False),
        (f"a.b/c@sha256:{HEX}", "a.b/c:latest", False),
        (f"a.b/c@sha256:{HEX}", f"a.b/c@sha256:{HEX}", True),
        ("LOCALHOST:5130/x:1", "localhost:5130", False),
    ],
)
def test_a_scope_speaks_of_names_by_whole_components(name: str, scope: str, matches: bool) -> None:
    result = verdict({"default": [cases.REJECT], "transports": {"docker": {scope: [cases.ACCEPT]}}}, name)
    assert result.accepted is matches
    assert result.scope == (f'transports.docker["{scope}"]' if matches else "default")


ORDER = [
    "reg.a.example.com:5000/ns/app:v1",
    "reg.a.example.com:5000/ns/app",
    "reg.a.example.com:5000/ns",
    "reg.a.example.com:5000",
    "*.a.example.com",
    "*.example.com",
    "",
]


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_the_most_specific_scope_wins_and_nothing_is_merged(first: int) -> None:
    scopes = {scope: [cases.REJECT] for scope in reversed(ORDER[first:])}
    scopes[ORDER[first]] = [cases.ACCEPT]
    result = verdict({"default": [cases.REJECT], "transports": {"docker": scopes}}, ORDER[0])
    assert result.accepted
    assert result.scope == f'transports.docker["{ORDER[first]}"]'


def test_a_transport_without_a_matching_scope_falls_to_the_default() -> None:
    assert verdict({"default": [cases.ACCEPT], "transports": {"docker": {"other.io": [cases.REJECT]}}}).accepted


def test_scopes_of_another_transport_do_not_count() -> None:
    assert verdict({"default": [cases.ACCEPT], "transports": {"docker-daemon": {"": [cases.REJECT]}}}).accepted


def test_a_list_without_requirements_accepts_nothing() -> None:
    result = judge(Policy((), {}, "made by hand"), "docker", ("",), subject(IMAGE), NO_TOOLS)
    assert not result.accepted
    assert (result.code, result.requirement) == ("policy_refused", "")


def test_a_requirement_type_that_says_nothing_lets_nothing_pass() -> None:
    result = judge(Policy((Requirement(),), {}, "made by hand"), "docker", ("",), subject(IMAGE), NO_TOOLS)
    assert (result.accepted, result.code) == (False, "policy_unsupported")


@pytest.mark.parametrize(
    ("requirements", "accepted"),
    [
        ((InsecureAcceptAnything(),), False),
        ((InsecureAcceptAnything(), Verified()), True),
        ((Verified(), InsecureAcceptAnything()), True),
        ((Verified(), Reject()), False),
    ],
)
def test_demanding_signatures_needs_one_that_was_verified(
    requirements: tuple[Requirement, ...], accepted: bool
) -> None:
    policy = Policy(requirements, {}, "made by hand")
    result = judge(policy, "docker", ("",), subject(IMAGE), NO_TOOLS, require_signed=True)
    assert result.accepted is accepted
    assert result.code == ("accepted" if accepted else "policy_refused")


def test_demanding_signatures_keeps_the_reason_of_an_earlier_refusal() -> None:
    assert verdict({"default": [cases.SIGNED_BY]}, require_signed=True).code == "signature_missing"


def test_the_steps_are_numbered_and_tell_what_decided() -> None:
    result = verdict({"default": [cases.ACCEPT, cases.REJECT]})
    assert result.steps == (
        "1: the list of default applies",
        f"2: insecureAcceptAnything: the policy accepts {IMAGE} without looking at signatures",
        f"2: reject: the policy rejects {IMAGE}",
        f"2: policy_refused: the policy rejects {IMAGE}",
    )
    assert [one.requirement for one in result.met] == ["insecureAcceptAnything"]


def test_the_step_that_demands_signatures_has_its_own_number() -> None:
    assert verdict({"default": [cases.ACCEPT]}, require_signed=True).steps[-1].startswith("4: policy_refused: ")
    empty = judge(Policy((), {}, "made by hand"), "docker", ("",), subject(IMAGE), NO_TOOLS)
    assert empty.steps[-1].startswith("3: policy_refused: ")


@pytest.mark.parametrize(
    ("requirements", "needed"),
    [
        ([cases.ACCEPT], False),
        ([cases.REJECT], False),
        ([cases.ACCEPT, cases.SIGNED_BY], True),
        ([cases.REJECT, cases.SIGNED_BY], False),
        ([cases.SIGNED_BY, cases.REJECT], True),
        ([cases.SIGSTORE], True),
    ],
)
def test_signatures_are_needed_where_a_verdict_may_depend_on_them(requirements: list[Any], needed: bool) -> None:
    policy = parse_policy(json.dumps({"default": requirements}).encode(), "policy.json")
    assert needs_evidence(policy, "docker", ("",)) is needed


def test_what_is_not_needed_is_not_asked_for() -> None:
    class Nothing:
        def manifest(self) -> bytes:
            raise AssertionError("asked for the manifest")

        def signatures(self) -> tuple[Signature, ...]:
            raise AssertionError("asked for signatures")

    for requirements, accepted in (([cases.ACCEPT], True), ([cases.REJECT, cases.SIGNED_BY], False)):
        policy = parse_policy(json.dumps({"default": requirements}).encode(), "policy.json")
        result = judge(policy, "docker", ("",), Subject(IMAGE, parse_reference(IMAGE), Nothing()), NO_TOOLS)
        assert result.accepted is accepted


def test_what_a_requirement_did_is_among_the_steps() -> None:
    class Looks(Requirement):
        type = "looks"

        def judge(self, subject: Subject, tools: Tools) -> Finding:
            return Finding(True, "accepted", "signed by somebody", "somebody", ("signature 1: good, by somebody",))

    result = judge(Policy((Looks(),), {}, "made by hand"), "docker", ("",), subject(IMAGE), NO_TOOLS)
    assert result.steps[1:] == (
        "2: looks: signature 1: good, by somebody",
        "2: looks: signed by somebody",
        "2: accepted: signed by somebody",
    )
    assert [(one.requirement, one.signer) for one in result.met] == [("looks", "somebody")]
