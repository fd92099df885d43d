# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One list of a policy changes, and everything else in the document stays."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._trust.policy_document import PolicyDocument
from ansible_collections.strata.containers.plugins.module_utils._trust.strict_json import InvalidPolicy
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust import policy_cases as cases

ORIGIN = "policy.json"


def document(**values: Any) -> PolicyDocument:
    return PolicyDocument.parse(json.dumps({"default": [cases.REJECT], **values}).encode(), ORIGIN)


SCOPES = {"b.io": [cases.SIGNED_BY], "a.io": [cases.REJECT], "": [cases.ACCEPT]}


def test_order_and_other_lists_are_kept() -> None:
    before = document(transports={"oci": {}, "docker": SCOPES, "dir": {"": [cases.REJECT]}})
    after = before.with_scope("docker", "a.io", [cases.ACCEPT]).with_scope("docker", "c.io", [cases.REJECT])
    found = json.loads(after.rendered())
    assert list(found) == ["default", "transports"]
    assert list(found["transports"]) == ["oci", "docker", "dir"]
    assert list(found["transports"]["docker"].items()) == [
        ("b.io", [cases.SIGNED_BY]),
        ("a.io", [cases.ACCEPT]),
        ("", [cases.ACCEPT]),
        ("c.io", [cases.REJECT]),
    ]
    assert before.requirements("docker", "a.io") == [cases.REJECT]


def test_the_default_stays_where_it_stands() -> None:
    text = json.dumps({"transports": {"docker": SCOPES}, "default": [cases.REJECT]})
    after = PolicyDocument.parse(text.encode(), ORIGIN).with_default([cases.ACCEPT])
    assert json.loads(after.rendered()) == {"transports": {"docker": SCOPES}, "default": [cases.ACCEPT]}
    assert list(after.values) == ["transports", "default"]


def test_what_a_removal_leaves_empty_goes_and_what_was_empty_stays() -> None:
    before = document(transports={"oci": {}, "docker": {"a.io": [cases.REJECT]}})
    after = before.without_scope("docker", "a.io")
    assert after.values["transports"] == {"oci": {}}
    assert (
        "transports"
        not in document(transports={"docker": {"a.io": [cases.REJECT]}}).without_scope("docker", "a.io").values
    )


@pytest.mark.parametrize("transports", [None, {}, {"docker": {}}, {"docker": {"b.io": [cases.REJECT]}}])
def test_a_scope_that_comes_and_goes_leaves_nothing(transports: Any) -> None:
    before = document(**({} if transports is None else {"transports": transports}))
    after = before.with_scope("docker", "a.io", [cases.ACCEPT]).without_scope("docker", "a.io")
    kept = {"transports": transports} if transports and transports["docker"] else {}
    assert after.values == {"default": [cases.REJECT], **kept}


def test_the_empty_scope_is_one_like_others() -> None:
    after = document().with_scope("docker", "", [cases.ACCEPT])
    assert after.requirements("docker", "") == [cases.ACCEPT]
    assert after.requirements("docker", "a.io") is None and after.requirements("oci", "") is None


@pytest.mark.parametrize("name", cases.VALID)
def test_any_policy_survives_to_the_letter(name: str) -> None:
    found = PolicyDocument.parse(cases.VALID[name].encode(), ORIGIN)
    assert json.loads(found.rendered()) == json.loads(cases.VALID[name])
    assert PolicyDocument.parse(found.rendered(), ORIGIN) == found
    assert found.check(ORIGIN).origin == ORIGIN


@pytest.mark.parametrize("name", cases.INVALID)
def test_no_malformed_file_becomes_a_document(name: str) -> None:
    with pytest.raises(InvalidPolicy):
        PolicyDocument.parse(cases.INVALID[name][0].encode(), ORIGIN)


@pytest.mark.parametrize(
    ("requirements", "place"),
    [
        ([], r'docker\["a\.io"\]: the array must not be empty'),
        ([cases.ACCEPT, {"type": "trustMe"}], r'docker\["a\.io"\]\[1\]\.type'),
        ([{"type": "reject", "why": "\ud800"}], "UTF-8"),
    ],
)
def test_a_wrong_change_is_found_with_its_place(requirements: list[Any], place: str) -> None:
    with pytest.raises(InvalidPolicy, match=place):
        document().with_scope("docker", "a.io", requirements).check(ORIGIN)


def test_text_is_text_and_indented_as_podman_does_it() -> None:
    text = document(transports={"docker": {"ü.io": [cases.ACCEPT]}}).rendered().decode()
    assert '\n            "ü.io": [\n' in text and text.endswith("\n}\n")
