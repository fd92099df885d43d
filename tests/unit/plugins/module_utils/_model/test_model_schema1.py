# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import DataError
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._model.manifest_digest import digested_bytes
from ansible_collections.strata.containers.plugins.module_utils._model.manifest_parser import parse_manifest
from ansible_collections.strata.containers.plugins.module_utils._model.schema1 import Schema1Manifest
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._model.schema1_documents import (
    BASE,
    EMPTY,
    SKOPEO,
    TOP,
    base64url,
    document,
    entry,
    layer_id,
    sign,
    signature,
)

UNSIGNED = "application/vnd.docker.distribution.manifest.v1+json"
SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"

IMAGE = document(
    [(EMPTY, entry(2, 1, throwaway=True)), (TOP[0], entry(1, 0, os="linux")), (BASE[0], entry(0, throwaway=False))]
)
PAYLOAD = json.dumps(IMAGE, indent=3).encode()


def parse(raw: bytes, header: str = "") -> Schema1Manifest:
    manifest = parse_manifest(raw, header)
    assert isinstance(manifest, Schema1Manifest)
    return manifest


def changed(**changes: Any) -> dict[str, Any]:
    return {**IMAGE, **changes}


def test_the_base_comes_first_and_layers_without_content_are_told_apart() -> None:
    manifest = parse(PAYLOAD)
    assert [str(blob) for blob in manifest.layers] == [BASE[0], TOP[0]]
    assert [layer.id for layer in manifest.history] == [layer_id(0), layer_id(1), layer_id(2)]
    assert [layer.empty for layer in manifest.history] == [False, False, True]
    assert (manifest.name, manifest.tag, manifest.architecture) == ("library/x", "old", "amd64")
    assert manifest.raw == PAYLOAD


@pytest.mark.parametrize("header", ["", UNSIGNED, SIGNED, "application/json", f"{SIGNED}; charset=utf-8"])
def test_the_body_tells_whether_it_is_signed_whatever_the_server_says(header: str) -> None:
    assert parse(PAYLOAD, header).media_type == UNSIGNED
    assert parse(sign(PAYLOAD), header).media_type == SIGNED


def test_the_digest_of_a_signed_manifest_is_that_of_the_signed_text() -> None:
    expected = f"sha256:{hashlib.sha256(PAYLOAD).hexdigest()}"
    assert str(parse(sign(PAYLOAD)).digest) == expected
    assert str(parse(PAYLOAD).digest) == expected
    assert str(Digest.of(digested_bytes(sign(PAYLOAD)))) == expected


def test_a_manifest_of_skopeo_has_the_digest_that_the_registry_gives_it() -> None:
    manifest = parse(SKOPEO, SIGNED)
    assert str(manifest.digest) == "sha256:bc24d960de02e7e79fd16fb224c423bf4d02a9e2ecf11a42df9be8617f60182d"
    assert [str(blob) for blob in manifest.layers] == [BASE[0], TOP[0]]


def test_several_signatures_of_the_same_text_are_one() -> None:
    end = PAYLOAD.rindex(b"\n}")
    assert parse(sign(PAYLOAD, *[signature(end, b"\n}")] * 3)).digest == Digest.of(PAYLOAD)


def test_of_neighbours_with_the_same_id_the_older_one_stays() -> None:
    entries = [(EMPTY, entry(1, 0)), (EMPTY, entry(1, 0)), (TOP[0], entry(1, 0)), (BASE[0], entry(0))]
    manifest = parse(json.dumps(document(entries)).encode())
    assert [str(blob) for blob in manifest.layers] == [BASE[0], TOP[0]]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no JSON",
        b"[]",
        b'{"schemaVersion": 2, "signatures": []}',
        b'{"schemaVersion": true, "signatures": []}',
        b'{"schemaVersion": 1, "signatures": null}',
        b'{"schemaVersion": 1, "mediaType": "application/vnd.oci.image.index.v1+json", "signatures": []}',
    ],
)
def test_the_digest_of_anything_else_covers_all_bytes(raw: bytes) -> None:
    assert digested_bytes(raw) == raw


def refusal(raw: bytes, header: str = "") -> DataError:
    with pytest.raises(DataError) as caught:
        parse_manifest(raw, header)
    assert len(str(caught.value)) < 1000
    return caught.value


# name: the manifest, the code of the error, words of its message
REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "more layers than history": (changed(fsLayers=IMAGE["fsLayers"] * 2), "invalid_manifest", "entry in the history"),
    "more history than layers": (changed(history=IMAGE["history"] * 2), "invalid_manifest", "entry in the history"),
    "nothing": (document([]), "invalid_manifest", "entry in the history"),
    "no lists": (changed(fsLayers=None, history=None), "invalid_manifest", "entry in the history"),
    "too many layers": (
        document([*((EMPTY, entry(n + 1, n)) for n in reversed(range(1000))), (EMPTY, entry(0))]),
        "invalid_manifest",
        "too many layers",
    ),
    "a layer that is no object": (changed(fsLayers=[1, 2, 3]), "invalid_manifest", "must be a JSON object"),
    "a blob that is no digest": (changed(fsLayers=[{"blobSum": "x"}] * 3), "invalid_manifest", "checksum"),
    "no blob": (changed(fsLayers=[{}] * 3), "invalid_manifest", "a field is missing"),
    "a blob spelt twice": (
        changed(fsLayers=[{"blobSum": EMPTY, "blobsum": TOP[0]}] * 3),
        "ambiguous_manifest",
        "take this key",
    ),
    "history without text": (changed(history=[{}] * 3), "invalid_manifest", "a field is missing"),
    "history that is no JSON": (changed(history=[{"v1Compatibility": "{"}] * 3), "invalid_json", "invalid JSON"),
    "history with duplicate keys": (
        document([(EMPTY, json.dumps(entry(0))[:-1] + f', "id": "{layer_id(1)}"}}')]),
        "invalid_json",
        "duplicate key",
    ),
    "history with a key spelt twice": (
        document([(EMPTY, entry(0, Throwaway=True))]),
        "ambiguous_manifest",
        "take this key",
    ),
    "no ID": (document([(EMPTY, {"os": "linux"})]), "invalid_manifest", "a field is missing"),
    "an ID that is a path": (document([(EMPTY, {"id": "../" * 21 + "x"})]), "invalid_manifest", "no layer ID"),
    "an ID in capitals": (document([(EMPTY, {"id": "A" * 64})]), "invalid_manifest", "no layer ID"),
    "a base with a parent": (document([(EMPTY, entry(1, 0))]), "invalid_manifest", "invalid parent ID"),
    "a broken chain": (
        document([(EMPTY, entry(2, 0)), (EMPTY, entry(1, 0)), (EMPTY, entry(0))]),
        "invalid_manifest",
        "invalid parent ID",
    ),
    "no parent": (document([(EMPTY, entry(1)), (EMPTY, entry(0))]), "invalid_manifest", "invalid parent ID"),
    "a ring": (
        document([(EMPTY, entry(0, 1)), (EMPTY, entry(1, 0)), (EMPTY, entry(0))]),
        "invalid_manifest",
        "appears multiple times",
    ),
    "a time that is none": (document([(EMPTY, entry(0, created="now"))]), "invalid_manifest", "RFC 3339"),
    "throwaway as text": (document([(EMPTY, entry(0, throwaway="yes"))]), "invalid_manifest", "wrong type"),
    "a command that is a text": (
        document([(EMPTY, entry(0, container_config={"Cmd": "sh"}))]),
        "invalid_manifest",
        "wrong type",
    ),
    "layers of schema 2": (changed(layers=[]), "ambiguous_manifest", "unexpected fields layers in supposedly"),
    "a config": (changed(config={}), "ambiguous_manifest", "unexpected fields config"),
    "an index": (changed(manifests=[]), "ambiguous_manifest", "unexpected fields manifests"),
    "layers spelt twice": (changed(fslayers=[]), "ambiguous_manifest", "take this key"),
    "layers with a long s": ({**IMAGE, "f\u017fLayers": []}, "ambiguous_manifest", "take this key"),
    "a name spelt twice": (changed(Name="y"), "ambiguous_manifest", "take this key"),
    "signatures spelt twice": (changed(Signatures=[]), "ambiguous_manifest", "take this key"),
    "a version of schema 2": (changed(schemaVersion=2), "invalid_manifest", "unsupported schema version"),
    "a version that is true": (changed(schemaVersion=True), "invalid_manifest", "unsupported schema version"),
    "no signature in the list": (changed(signatures=[]), "invalid_manifest", "do not say what was signed"),
    "signatures that are no list": (changed(signatures="x"), "invalid_manifest", "wrong type"),
    "a signature that is no object": (changed(signatures=[1]), "invalid_manifest", "must be a JSON object"),
    "a signature that covers nothing": (changed(signatures=[{}]), "invalid_manifest", "a field is missing"),
    "a signature whose cover is no base64": (
        changed(signatures=[{"protected": "?" * 8}]),
        "invalid_manifest",
        "no base64url",
    ),
    "a signature whose cover is cut base64": (
        changed(signatures=[{"protected": "A"}]),
        "invalid_manifest",
        "no base64url",
    ),
    "a signature whose cover is no JSON": (
        changed(signatures=[{"protected": base64url(b"x")}]),
        "invalid_json",
        "invalid JSON",
    ),
    "a signature whose cover is a list": (
        changed(signatures=[{"protected": base64url(b"[]")}]),
        "invalid_manifest",
        "must be a JSON object",
    ),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_another_manifest_is_refused(case: str) -> None:
    body, code, words = REFUSED[case]
    raw = json.dumps(body).encode()
    error = refusal(raw, UNSIGNED)
    assert error.code == code
    assert words in str(error)
    assert f"manifest sha256:{hashlib.sha256(raw).hexdigest()}" in error.subject


def _good_end() -> int:
    return PAYLOAD.rindex(b"\n}")


# name: what the signatures say, the code of the error, words of its message
SIGNATURES: dict[str, tuple[Callable[[], list[dict[str, Any]]], str, str]] = {
    "a length beyond the end": (lambda: [signature(10**6, b"}")], "invalid_manifest", "longer than the manifest"),
    "a negative length": (lambda: [signature(-1, PAYLOAD)], "invalid_manifest", "no size"),
    "a length of 2**64": (lambda: [signature(2**64, b"}")], "invalid_manifest", "no size"),
    "a length that is text": (lambda: [signature("1", b"}")], "invalid_manifest", "wrong type"),
    "no length": (lambda: [signature(None, b"}")], "invalid_manifest", "a field is missing"),
    "an end that is no base64": (lambda: [signature(_good_end(), "\n")], "invalid_manifest", "no base64url"),
    "signatures that disagree": (
        lambda: [signature(_good_end(), b"\n}"), signature(_good_end(), b"}")],
        "invalid_manifest",
        "2 texts",
    ),
    "a text cut short": (lambda: [signature(_good_end() - 9, b"\n}")], "invalid_json", "invalid JSON"),
}


@pytest.mark.parametrize("case", sorted(SIGNATURES))
def test_signatures_that_make_no_sense_are_refused(case: str) -> None:
    listed, code, words = SIGNATURES[case]
    raw = sign(PAYLOAD, *listed())
    error = refusal(raw)
    assert error.code == code and words in str(error)
    with pytest.raises(DataError):
        digested_bytes(raw)


@pytest.mark.parametrize(
    "outer",
    [
        changed(fsLayers=[{"blobSum": "sha256:" + "0" * 64}] * 3),
        changed(name="library/evil"),
        changed(extra=1),
        {key: value for key, value in IMAGE.items() if key != "tag"},
    ],
)
def test_good_signed_text_cannot_be_carried_by_another_manifest(outer: dict[str, Any]) -> None:
    """``formatLength`` 0 and the whole of a good text as the end: its digest would vouch for whatever stands around it."""
    raw = sign(json.dumps(outer).encode(), signature(0, PAYLOAD))
    error = refusal(raw)
    assert error.code == "ambiguous_manifest" and "differs" in str(error)
    with pytest.raises(DataError):
        digested_bytes(raw)


def test_keys_put_in_after_the_signed_text_are_refused() -> None:
    end = _good_end()
    evil = json.dumps([{"blobSum": "sha256:" + "0" * 64}] * 3).encode()
    raw = PAYLOAD[:end] + b', "fsLayers": ' + evil + b', "signatures": '
    raw += json.dumps([signature(end, b"\n}")]).encode() + b"}"
    assert refusal(raw).code == "invalid_json"
