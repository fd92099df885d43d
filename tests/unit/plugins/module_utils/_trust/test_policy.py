# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parser of policy.json refuses whatever containers/image refuses, and names the place."""

from __future__ import annotations

import json

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._model.reference import parse_reference
from ansible_collections.strata.containers.plugins.module_utils._trust.policy import Policy, parse_policy
from ansible_collections.strata.containers.plugins.module_utils._trust.requirement_accept import InsecureAcceptAnything
from ansible_collections.strata.containers.plugins.module_utils._trust.requirement_reject import Reject
from ansible_collections.strata.containers.plugins.module_utils._trust.requirement_signed_base_layer import (
    SignedBaseLayer,
)
from ansible_collections.strata.containers.plugins.module_utils._trust.requirement_signed_by import SignedBy
from ansible_collections.strata.containers.plugins.module_utils._trust.requirement_sigstore_signed import (
    PKI,
    Fulcio,
    Material,
    SigstoreSigned,
)
from ansible_collections.strata.containers.plugins.module_utils._trust.signed_identity import (
    ExactReference,
    ExactRepository,
    MatchExact,
    MatchRepoDigestOrExact,
    MatchRepository,
    RemapIdentity,
)
from ansible_collections.strata.containers.plugins.module_utils._trust.strict_json import InvalidPolicy
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust import policy_cases as cases
from hypothesis import given, settings
from hypothesis import strategies as st

ORIGIN = "/etc/containers/policy.json"


def parse(text: str) -> Policy:
    return parse_policy(text.encode("utf-8"), ORIGIN)


@pytest.mark.parametrize(
    "text", [*cases.VALID.values(), *cases.VALID_UNJUDGED.values()], ids=[*cases.VALID, *cases.VALID_UNJUDGED]
)
def test_accepts(text: str) -> None:
    assert parse(text).default


ALL_INVALID = {**cases.INVALID, **cases.INVALID_UNJUDGED}


def test_an_unknown_key_is_what_was_found() -> None:
    with pytest.raises(InvalidPolicy) as caught:
        parse('{"default": [{"type": "reject", "keyTyp": "GPGKeys"}]}')
    assert (caught.value.wanted, caught.value.found) == ("type", "keyTyp")


def test_the_keys_of_which_one_is_needed_are_named() -> None:
    with pytest.raises(InvalidPolicy) as caught:
        parse(cases.sigstore("keyPath", fulcio=cases.without(cases.FULCIO, "caPath"), rekorPublicKeyPath="/r"))
    assert {*str(caught.value.wanted).split(", ")} == {"caPath", "caData"}


@pytest.mark.parametrize(("text", "place"), ALL_INVALID.values(), ids=list(ALL_INVALID))
def test_refuses_and_names_file_and_place(text: str, place: str) -> None:
    with pytest.raises(InvalidPolicy) as caught:
        parse(text)
    assert place in str(caught.value)
    assert str(caught.value).startswith(ORIGIN)
    assert caught.value.code == "invalid_policy"


@pytest.mark.parametrize(
    "data",
    [
        cases.default(cases.ACCEPT).encode("utf-16"),
        b'{"default": [{"type": "reject"}], "transports": {"x": {"\xff": [{"type": "reject"}]}}}',
        b'{"default": [{"type": "reject"}], "transports": {"\\ud800": {}}}',
    ],
    ids=["UTF-16", "not UTF-8", "half a surrogate pair"],
)
def test_refuses_text_that_is_not_unicode(data: bytes) -> None:
    with pytest.raises(InvalidPolicy):
        parse_policy(data, ORIGIN)


@pytest.mark.parametrize("depth", [10, 200, 450, 900, 950, 980, 990, 995, 1000, 3000, 100000])
def test_refuses_nesting_of_any_depth(depth: int) -> None:
    with pytest.raises(InvalidPolicy):
        parse('{"default": ' + "[" * depth + "]" * depth + "}")


def test_keeps_scopes_by_transport_and_lists_in_order() -> None:
    text = json.dumps(
        {
            "default": [cases.REJECT],
            "transports": {"docker": {"quay.io": [cases.ACCEPT, cases.REJECT], "": [cases.REJECT]}, "x": {}},
        }
    )
    assert parse(text) == Policy(
        default=(Reject(),),
        transports={"docker": {"quay.io": (InsecureAcceptAnything(), Reject()), "": (Reject(),)}, "x": {}},
        origin=ORIGIN,
    )


def test_parses_signed_by() -> None:
    wanted = SignedBy("GPGKeys", ("/keys/a.gpg",), None, MatchRepoDigestOrExact())
    assert parse(cases.signed_by()).default == (wanted,)
    wanted = SignedBy("GPGKeys", ("/a", "/b"), None, MatchRepoDigestOrExact())
    assert parse(cases.signed_by("keyPath", keyPaths=["/a", "/b"])).default == (wanted,)
    wanted = SignedBy("GPGKeys", (), b"foof", MatchRepoDigestOrExact())
    assert parse(cases.VALID["signedBy: data with line breaks"]).default == (wanted,)
    wanted = SignedBy("GPGKeys", (), b"", MatchRepoDigestOrExact())
    assert parse(cases.signed_by("keyPath", keyData="")).default == (wanted,)


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"type": "matchExact"}, MatchExact()),
        ({"type": "matchRepoDigestOrExact"}, MatchRepoDigestOrExact()),
        ({"type": "matchRepository"}, MatchRepository()),
        ({"type": "exactReference", "dockerReference": "busybox:1"}, ExactReference(parse_reference("busybox:1"))),
        ({"type": "exactRepository", "dockerRepository": "busybox:1"}, ExactRepository("docker.io/library/busybox")),
        ({"type": "remapIdentity", "prefix": "a.b", "signedPrefix": "c.d/e"}, RemapIdentity("a.b", "c.d/e")),
    ],
)
def test_parses_identities(fields: dict[str, str], wanted: object) -> None:
    (requirement,) = parse(cases.identity(**fields)).default
    assert isinstance(requirement, SignedBy)
    assert requirement.signed_identity == wanted
    base = {"type": "signedBaseLayer", "baseLayerIdentity": fields}
    assert parse(cases.default(base)).default == (SignedBaseLayer(wanted),)  # type: ignore[arg-type]


def sigstore(keys: Material = Material(), rekor: Material = Material(), **others: object) -> SigstoreSigned:  # noqa: B008
    fields = {"fulcio": None, "pki": None, "signed_identity": MatchRepoDigestOrExact(), **others}
    return SigstoreSigned(keys=keys, rekor=rekor, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("sigstoreSigned: files", sigstore(Material(paths=("/a.pub", "/b.pub")))),
        ("sigstoreSigned: datas", sigstore(Material(datas=(b"foo", b"foo")))),
        ("sigstoreSigned: Rekor file", sigstore(Material(paths=("/keys/a.pub",)), Material(paths=("/r.pub",)))),
        ("sigstoreSigned: Rekor datas", sigstore(Material(paths=("/keys/a.pub",)), Material(datas=(b"foo",)))),
        (
            "fulcio: data",
            sigstore(
                rekor=Material(datas=(b"foo",)),
                fulcio=Fulcio(Material(datas=(b"foo",)), "https://issuer.example.com", "a@example.com"),
            ),
        ),
        (
            "pki: files",
            sigstore(
                pki=PKI(Material(("/keys/roots.pem",)), Material(("/i.pem",)), "a@example.com", "example.com"),
            ),
        ),
    ],
)
def test_parses_sigstore_signed(name: str, wanted: SigstoreSigned) -> None:
    assert parse(cases.VALID_UNJUDGED[name]).default == (wanted,)


def test_takes_an_empty_path_beside_data_as_absent() -> None:
    assert parse(cases.sigstore(keyPath="", keyData=cases.BASE64)).default == (sigstore(Material(datas=(b"foo",))),)


def test_warns_once_of_an_empty_rekor_key() -> None:
    empty = {**cases.SIGSTORE, "rekorPublicKeyPath": ""}
    text = json.dumps({"default": [empty], "transports": {"docker": {"quay.io": [empty]}}})
    (warning,) = parse(text).warnings
    assert warning.startswith(f"{ORIGIN}: ") and "Rekor" in warning


@pytest.mark.parametrize("name", ["sigstoreSigned: file", "accept anything", "signedBy: one file"])
def test_does_not_warn_of_what_was_meant(name: str) -> None:
    assert parse(cases.VALID[name]).warnings == ()


KEYS = st.sampled_from(
    ["default", "transports", "docker", "dir", "", "type", "keyType", "keyPath", "keyData", "signedIdentity", "x"]
)
WORDS = st.sampled_from(
    ["reject", "insecureAcceptAnything", "signedBy", "sigstoreSigned", "GPGKeys", "/a", "matchExact"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(JSON)
def test_raises_nothing_but_its_own_error_for_any_json(value: object) -> None:
    try:
        assert parse(json.dumps(value)).default
    except HostError as error:
        assert error.code == "invalid_policy"


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_raises_nothing_but_its_own_error_for_any_bytes(data: bytes) -> None:
    with pytest.raises(InvalidPolicy):
        parse_policy(data, ORIGIN)
