# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which signed names are acceptable for which asked for, by each rule."""

from __future__ import annotations

from typing import Optional

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.reference import parse_reference
from ansible_collections.strata.containers.plugins.module_utils._trust.refusal import Refusal
from ansible_collections.strata.containers.plugins.module_utils._trust.signed_identity import (
    ExactReference,
    ExactRepository,
    MatchExact,
    MatchRepoDigestOrExact,
    MatchRepository,
    RemapIdentity,
    SignedIdentity,
)

HOST = "reg.example.com:5000"
APP = f"{HOST}/ns/app"
D, E = (f"sha256:{digit * 64}" for digit in "01")
TAG, BY_DIGEST = f"{APP}:t", f"{APP}@{D}"

DEFAULT = MatchRepoDigestOrExact()


def accepts(rule: SignedIdentity, signed: str, asked: Optional[str]) -> bool:
    identity = parse_reference(asked) if asked is not None else None
    accepted = rule.accepts(signed, identity)
    try:
        rule.require(signed, identity)
        required = True
    except Refusal as refusal:
        assert refusal.code == "signed_identity_refused"
        required = False
    assert accepted is required
    return accepted


# The columns of the matrix: the signed names.
SIGNED = (TAG, f"{APP}:other", APP, f"{APP}@{D}", f"{APP}@{E}", f"{APP}:t@{D}")


@pytest.mark.parametrize(
    ("rule", "asked", "row"),
    [
        (MatchExact(), TAG, "x-----"),
        (DEFAULT, TAG, "x-----"),
        (MatchExact(), BY_DIGEST, "---x--"),
        (DEFAULT, BY_DIGEST, "xx-xxx"),
        (MatchRepository(), TAG, "xxxxxx"),
        (MatchRepository(), BY_DIGEST, "xxxxxx"),
        (MatchExact(), f"{TAG}@{D}", "-----x"),
        (DEFAULT, f"{TAG}@{D}", "-----x"),
        (MatchExact(), APP, "------"),
        (DEFAULT, APP, "------"),
        (ExactReference(parse_reference(TAG)), "other.example.com/x:y", "x-----"),
        (ExactReference(parse_reference(BY_DIGEST)), "other.example.com/x:y", "---x--"),
        (ExactRepository(APP), "other.example.com/x:y", "xxxxxx"),
        (SignedIdentity(), TAG, "------"),
    ],
)
def test_matrix(rule: SignedIdentity, asked: str, row: str) -> None:
    assert "".join("x" if accepts(rule, signed, asked) else "-" for signed in SIGNED) == row
    other = [signed.replace("/ns/", "/nsx/") for signed in SIGNED]
    assert not any(accepts(rule, signed, asked) for signed in other)


NEEDS_IDENTITY = [MatchExact(), DEFAULT, MatchRepository(), RemapIdentity(HOST, HOST), SignedIdentity()]


@pytest.mark.parametrize("rule", NEEDS_IDENTITY)
def test_without_a_name_asked_for_nothing_is_equal_to_it(rule: SignedIdentity) -> None:
    assert not any(accepts(rule, signed, None) for signed in SIGNED)


@pytest.mark.parametrize("rule", [ExactReference(parse_reference(TAG)), ExactRepository(APP)])
def test_a_name_of_the_policy_needs_none(rule: SignedIdentity) -> None:
    assert accepts(rule, TAG, None)


@pytest.mark.parametrize(
    ("signed", "asked", "wanted"),
    [
        ("app:v1", "docker.io/library/app:v1", True),
        ("library/app:v1", "docker.io/library/app:v1", True),
        ("index.docker.io/library/app:v1", "app:v1", True),
        ("docker.io/app:v1", "app:v1", True),
        ("localhost/app:v1", "app:v1", False),
        ("App:v1", "app:v1", False),
        ("DOCKER.io/library/app:v1", "app:v1", False),
        ("REG.example.com:5000/ns/app:t", TAG, False),
        ("reg.example.com/ns/app:t", TAG, False),
        ("", TAG, False),
        ("0" * 64, TAG, False),
        (f" {TAG}", TAG, False),
        (f"{TAG}\n", TAG, False),
        (f"{TAG}\0", TAG, False),
        (f"{APP}:\uff54", TAG, False),
        (f"{APP}:t{'t' * 200}", TAG, False),
        (f"{APP}@sha256:{'0' * 63}", BY_DIGEST, False),
        (f"{APP}@SHA256:{'0' * 64}", BY_DIGEST, False),
        (f"{APP}@sha256:{'A' * 64}", BY_DIGEST, False),
        (f"http://{TAG}", TAG, False),
    ],
)
def test_signed_names_are_read_as_those_of_docker(signed: str, asked: str, wanted: bool) -> None:
    for rule in (MatchExact() if "@" not in signed else DEFAULT, DEFAULT, MatchRepository()):
        assert accepts(rule, signed, asked) is wanted


@pytest.mark.parametrize(
    ("prefix", "signed_prefix", "asked", "signed", "wanted"),
    [
        (f"{HOST}/mirror", "vendor.io/x", f"{HOST}/mirror/app:v1", "vendor.io/x/app:v1", True),
        (f"{HOST}/mirror", "vendor.io/x", f"{HOST}/mirror/app:v1", "vendor.io/x/app:v2", False),
        (f"{HOST}/mirror", "vendor.io/x", f"{HOST}/mirror/app@{D}", "vendor.io/x/app:v2", True),
        (f"{HOST}/mirror", "vendor.io/x", f"{HOST}/mirror/app:v1", f"{HOST}/mirror/app:v1", False),
        (f"{HOST}/mirror", "vendor.io/x", f"{HOST}/mirrors/app:v1", "vendor.io/xs/app:v1", False),
        (f"{HOST}/mirror", "vendor.io/x", f"{HOST}/mirrors/app:v1", f"{HOST}/mirrors/app:v1", True),
        (f"{HOST}/mirror/app", "vendor.io/x/tool", f"{HOST}/mirror/app:v1", "vendor.io/x/tool:v1", True),
        (HOST, "vendor.io", f"{HOST}/app:v1", "vendor.io/app:v1", True),
        ("reg.example.com", "vendor.io", f"{HOST}/app:v1", "vendor.io:5000/app:v1", False),
        ("reg.example.com", "vendor.io", f"{HOST}/app:v1", f"{HOST}/app:v1", True),
        (HOST, "docker.io", f"{HOST}/app:v1", "docker.io/library/app:v1", False),
        (HOST, "docker.io/library", f"{HOST}/app:v1", "app:v1", True),
        (HOST, "index.docker.io/library", f"{HOST}/app:v1", "app:v1", False),
        ("docker.io", HOST, "busybox:v1", f"{HOST}/library/busybox:v1", True),
        ("busybox", HOST, "busybox:v1", f"{HOST}:v1", False),
        ("busybox", HOST, "busybox:v1", "busybox:v1", True),
        (HOST, "vendor.io/" + "x" * 250, f"{HOST}/application:v1", f"{HOST}/application:v1", False),
    ],
)
def test_remapping(prefix: str, signed_prefix: str, asked: str, signed: str, wanted: bool) -> None:
    assert accepts(RemapIdentity(prefix, signed_prefix), signed, asked) is wanted


def test_the_refusal_names_rule_and_both_names() -> None:
    with pytest.raises(Refusal) as caught:
        DEFAULT.require(APP, parse_reference(TAG))
    assert all(text in caught.value.reason for text in (f"'{APP}'", TAG, "matchRepoDigestOrExact"))
    with pytest.raises(Refusal) as caught:
        DEFAULT.require(APP, None)
    assert "an image without such a name" in caught.value.reason


@pytest.mark.parametrize(("length", "shown"), [(300, "'" + "x" * 300 + "'"), (301, "'" + "x" * 300 + "...'")])
def test_a_signer_cannot_fill_the_screen(length: int, shown: str) -> None:
    with pytest.raises(Refusal) as caught:
        DEFAULT.require("x" * length, parse_reference(TAG))
    assert f"for the name {shown}, which" in caught.value.reason
