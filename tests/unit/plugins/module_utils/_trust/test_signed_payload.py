# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The signed document: what of it is required, and what may be in it besides."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._trust.refusal import Refusal
from ansible_collections.strata.containers.plugins.module_utils._trust.signed_payload import (
    Claims,
    sigstore_claims,
    simple_claims,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._model.schema1_documents import SKOPEO
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.attack_table import SCHEMA1_DIGEST
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.stage import (
    DIGEST,
    MANIFEST,
    document,
)
from hypothesis import given, settings
from hypothesis import strategies as st

NAME = "reg.example.com/app:v1"
CLAIMS = Claims(Digest.parse(DIGEST), NAME)


def with_optional(text: str, name: str = NAME, digest: str = DIGEST) -> bytes:
    """The document with ``text`` for ``optional``, as it is."""
    critical = json.dumps(document(name, digest)["critical"])
    return f'{{"critical": {critical}, "optional": {text}}}'.encode()


def without(*keys: str) -> bytes:
    """The document without the member that ``keys`` lead to."""
    value = document(NAME)
    inner: Any = value
    for key in keys[:-1]:
        inner = inner[key]
    del inner[keys[-1]]
    return json.dumps(value).encode()


def replaced(new: Any, *keys: str) -> bytes:
    """The document with another value where ``keys`` lead, or with one more."""
    value = document(NAME)
    inner: Any = value
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = new
    return json.dumps(value).encode()


def code(payload: bytes) -> str:
    with pytest.raises(Refusal) as caught:
        simple_claims(payload)
    return caught.value.code


# What skopeo 1.9.3 accepts in a signature, too, and what it refuses.
ACCEPTED = [
    "{}",
    '{"creator": "somebody", "timestamp": 1700000000}',
    '{"creator": null, "timestamp": null}',
    '{"timestamp": 1.0}',
    '{"timestamp": 1e3}',
    '{"timestamp": -1}',
    '{"timestamp": -0.0}',
    '{"timestamp": 9007199254740993}',
    '{"timestamp": 9223372036854774784}',
    '{"timestamp": -9223372036854775808}',
    '{"more": {"a": 1, "a": 2}}',
    '{"more": [{"a": {"b": 1, "b": 2}}]}',
]


@pytest.mark.parametrize("optional", ACCEPTED)
def test_what_may_be_in_optional(optional: str) -> None:
    assert simple_claims(with_optional(optional)) == CLAIMS


REFUSED = [
    "null",
    "[]",
    '"text"',
    '{"creator": 1}',
    '{"creator": {}}',
    '{"timestamp": "1"}',
    '{"timestamp": true}',
    '{"timestamp": 1.5}',
    '{"timestamp": 9223372036854775807}',
    '{"timestamp": 9223372036854775808}',
    '{"timestamp": -9223372036854777856}',
    '{"timestamp": 1e400}',
    '{"timestamp": %s}' % ("9" * 350),
    '{"more": %s}' % ("9" * 350),
    '{"more": [1e400]}',
    '{"more": 1, "more": 1}',
    '{"creator": "a", "creator": "a"}',
    '{"creator": "a", "cre\\u0061tor": "a"}',
    '{"more": NaN}',
    '{"more": 01}',
]


@pytest.mark.parametrize("optional", REFUSED)
def test_what_may_not_be_in_optional(optional: str) -> None:
    assert code(with_optional(optional)) == "signed_payload_invalid"


@pytest.mark.parametrize(
    "keys",
    [
        ("critical",),
        ("optional",),
        ("critical", "type"),
        ("critical", "image"),
        ("critical", "identity"),
        ("critical", "image", "docker-manifest-digest"),
        ("critical", "identity", "docker-reference"),
    ],
)
def test_every_member_is_required(keys: tuple[str, ...]) -> None:
    assert code(without(*keys)) == "signed_payload_invalid"
    for value in (None, 1, [], "", {}):
        if (keys[-1], value) in (("optional", {}), ("docker-reference", "")):
            continue
        assert code(replaced(value, *keys)) == "signed_payload_invalid"


@pytest.mark.parametrize("keys", [(), ("critical",), ("critical", "image"), ("critical", "identity")])
def test_there_is_no_other_member(keys: tuple[str, ...]) -> None:
    assert code(replaced(None, *keys, "more")) == "signed_payload_invalid"


@pytest.mark.parametrize(
    "place", ["docker-reference", "docker-manifest-digest", "type", "image", "identity", "critical"]
)
def test_no_member_stands_twice(place: str) -> None:
    text = json.dumps(document(NAME))
    assert code(text.replace(f'"{place}":', f'"{place}": {{}}, "{place}":').encode()) == "signed_payload_invalid"


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"null", b"[]", b"\xff", b"\xef\xbb\xbf{}", with_optional("{}") + b"{}", with_optional('"\\ud800"')],
)
def test_it_is_one_json_document(payload: bytes) -> None:
    assert code(payload) == "signed_payload_invalid"


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"{", "the signed payload is invalid JSON: "),
        (b"[]", "the top of the signed payload must be an object"),
        (replaced([], "critical"), "critical of the signed payload must be an object"),
        (replaced([], "critical", "image"), "image of the signed payload must be an object"),
        (replaced([], "critical", "identity"), "identity of the signed payload must be an object"),
        (replaced([], "optional"), "optional of the signed payload must be an object"),
        (replaced(1, "critical", "type"), "type of the signed payload must be text"),
        (
            without("critical", "type"),
            "critical of the signed payload must have the keys type, image, identity and no other",
        ),
        (replaced("x", "critical", "type"), "another type (wanted atomic container signature)"),
        (with_optional('{"a": 1, "a": 1}'), "optional of the signed payload has a duplicate key"),
    ],
)
def test_the_reason_says_where(payload: bytes, words: str) -> None:
    with pytest.raises(Refusal) as caught:
        simple_claims(payload)
    assert words in caught.value.reason


def test_white_space_around_is_fine() -> None:
    assert simple_claims(b" \r\n\t" + with_optional("{}") + b" \r\n\t") == CLAIMS


@pytest.mark.parametrize(
    "digest",
    [
        "",
        "sha256",
        "sha256:",
        f"{DIGEST} ",
        f"{DIGEST}\n",
        DIGEST.upper(),
        DIGEST[:-1],
        f"{DIGEST}0",
        "md5:" + "0" * 32,
    ],
)
def test_the_digest_is_one(digest: str) -> None:
    assert code(json.dumps(document(NAME, digest)).encode()) == "signed_payload_invalid"


def test_the_name_is_any_text() -> None:
    # Whether it is a name, and an acceptable one, is asked later.
    assert simple_claims(json.dumps(document("No Name")).encode()).reference == "No Name"


def test_each_kind_has_its_own_type() -> None:
    simple = json.dumps(document(NAME)).encode()
    sigstore = replaced("cosign container image signature", "critical", "type")
    assert simple_claims(simple) == sigstore_claims(sigstore) == CLAIMS
    for claims, payload in ((simple_claims, sigstore), (sigstore_claims, simple)):
        with pytest.raises(Refusal):
            claims(payload)


def test_optional_may_be_null_in_sigstore_alone() -> None:
    payload = with_optional("null")
    assert code(payload) == "signed_payload_invalid"
    of_cosign = payload.replace(b"atomic container signature", b"cosign container image signature")
    assert sigstore_claims(of_cosign) == CLAIMS
    with pytest.raises(Refusal):
        sigstore_claims(of_cosign.replace(b"null", b"[]"))


def test_the_manifest_is_the_signed_one() -> None:
    CLAIMS.require_manifest(MANIFEST)
    with pytest.raises(Refusal) as caught:
        CLAIMS.require_manifest(MANIFEST + b"\n")
    assert caught.value.code == "signed_digest_mismatch"
    assert DIGEST in caught.value.reason


@pytest.mark.parametrize("algorithm", ["sha384", "sha512"])
def test_a_digest_of_another_algorithm_never_matches(algorithm: str) -> None:
    with pytest.raises(Refusal):
        Claims(Digest(algorithm, hashlib.new(algorithm, MANIFEST).hexdigest()), NAME).require_manifest(MANIFEST)


def test_of_schema_1_the_signed_text_counts() -> None:
    claims = Claims(Digest.parse(SCHEMA1_DIGEST), NAME)
    claims.require_manifest(SKOPEO)
    for other in (SKOPEO[:-1] + b',"layers":[]}', SKOPEO.replace(b'"protected":"', b'"protected":"!')):
        with pytest.raises(Refusal) as caught:
            claims.require_manifest(other)
        assert caught.value.code == "signed_digest_mismatch"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=50)
@given(JSON, st.sampled_from([("critical",), ("optional",), ("critical", "image"), ("optional", "timestamp")]))
def test_any_document_is_refused_or_says_what_it_says(value: object, keys: tuple[str, ...]) -> None:
    try:
        assert simple_claims(replaced(value, *keys)) == CLAIMS
    except Refusal as refusal:
        assert refusal.code == "signed_payload_invalid"


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=100))
def test_any_bytes_are_refused(payload: bytes) -> None:
    with pytest.raises(Refusal):
        simple_claims(payload)
