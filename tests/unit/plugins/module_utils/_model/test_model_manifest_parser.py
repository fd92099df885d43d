# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import DataError
from ansible_collections.strata.containers.plugins.module_utils._model import media_types
from ansible_collections.strata.containers.plugins.module_utils._model.index import Index
from ansible_collections.strata.containers.plugins.module_utils._model.manifest import Manifest
from ansible_collections.strata.containers.plugins.module_utils._model.manifest_parser import parse_manifest
from ansible_collections.strata.containers.plugins.module_utils._model.schema1 import Schema1Manifest
from hypothesis import given
from hypothesis import strategies as st

DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI = "application/vnd.oci.image.manifest.v1+json"
OCI_ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+json"
SCHEMA1_SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def blob(media_type: str, letter: str, **more: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": f"sha256:{letter * 64}", "size": 7, **more}


OCI_IMAGE = {
    "schemaVersion": 2,
    "mediaType": OCI,
    "config": blob(OCI_CONFIG, "c"),
    "layers": [blob(GZIP, "a"), blob(GZIP, "b")],
    "annotations": {"org.opencontainers.image.version": "1"},
}
DOCKER_IMAGE = {
    "schemaVersion": 2,
    "mediaType": DOCKER,
    "config": blob(DOCKER_CONFIG, "c"),
    "layers": [blob(DOCKER_GZIP, "a")],
}
AMD64 = {"os": "linux", "architecture": "amd64"}
INDEX = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [blob(OCI, "a", platform=AMD64)]}
LIST = {"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": [blob(DOCKER, "a", platform=AMD64)]}
SCHEMA1_IMAGE = {"schemaVersion": 1, "name": "x", "fsLayers": [{}], "history": [{}], "signatures": [{}]}


def encoded(document: Any) -> bytes:
    return json.dumps(document, indent=3).encode()


def without(document: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in keys}


def test_an_oci_manifest_is_read_beside_its_bytes() -> None:
    raw = encoded(OCI_IMAGE)
    manifest = parse_manifest(raw, OCI)
    assert isinstance(manifest, Manifest)
    assert manifest.raw is raw
    assert str(manifest.digest) == f"sha256:{hashlib.sha256(raw).hexdigest()}"
    assert manifest.media_type == OCI
    assert manifest.image_id == "c" * 64
    assert [layer.digest.hex[0] for layer in manifest.layers] == ["a", "b"]
    assert manifest.annotations == {"org.opencontainers.image.version": "1"}


def test_an_index_is_read_beside_its_bytes() -> None:
    raw = encoded(INDEX)
    index = parse_manifest(raw, OCI_INDEX)
    assert isinstance(index, Index)
    assert index.raw is raw
    assert str(index.digest) == f"sha256:{hashlib.sha256(raw).hexdigest()}"
    assert [instance.media_type for instance in index.manifests] == [OCI]


# name: document, the server's word, the type that it has
ACCEPTED = {
    "an OCI manifest": (OCI_IMAGE, OCI, OCI),
    "a Docker manifest": (DOCKER_IMAGE, DOCKER, DOCKER),
    "an index": (INDEX, OCI_INDEX, OCI_INDEX),
    "a Docker list": (LIST, DOCKER_LIST, DOCKER_LIST),
    "a type with parameters": (OCI_IMAGE, f"{OCI}; charset=utf-8", OCI),
    "a type in capitals": (OCI_IMAGE, OCI.upper(), OCI),
    "an OCI manifest that does not state its type": (without(OCI_IMAGE, "mediaType"), OCI, OCI),
    "a Docker list that does not state its type": (without(LIST, "mediaType"), DOCKER_LIST, DOCKER_LIST),
    "no header": (DOCKER_IMAGE, "", DOCKER),
    "a header of any JSON": (INDEX, "application/json", OCI_INDEX),
    "a header of a static file server": (OCI_IMAGE, "text/plain; charset=utf-8", OCI),
    "a guess by the OCI config": (without(OCI_IMAGE, "mediaType"), "", OCI),
    "a guess by the list": (without(INDEX, "mediaType"), "", OCI_INDEX),
    "a guess for an unknown stated type": ({**OCI_IMAGE, "mediaType": "application/x"}, "", OCI),
    "keys that are null": ({**OCI_IMAGE, "manifests": None, "fsLayers": None, "annotations": None}, OCI, OCI),
    "an image without layers": ({**OCI_IMAGE, "layers": []}, OCI, OCI),
    "layers as Go writes an empty list": ({**DOCKER_IMAGE, "layers": None}, DOCKER, DOCKER),
    "unknown keys": ({**OCI_IMAGE, "subject": blob(OCI, "d"), "x-new": [1]}, OCI, OCI),
    "an OCI layer type of tomorrow": ({**OCI_IMAGE, "layers": [blob("application/x.tar+br", "a")]}, OCI, OCI),
    "as many layers as allowed": ({**OCI_IMAGE, "layers": [blob(GZIP, "a")] * 1000}, OCI, OCI),
}


@pytest.mark.parametrize("case", sorted(ACCEPTED))
def test_a_clear_manifest_is_accepted(case: str) -> None:
    document, header, kind = ACCEPTED[case]
    assert parse_manifest(encoded(document), header).media_type == kind


def mixed(config_type: str) -> dict[str, Any]:
    return {**OCI_IMAGE, "config": blob(config_type, "c")}


# name: document, the server's word, the code of the error, words of its message
REFUSED = {
    "a header of another type than stated": (OCI_IMAGE, DOCKER, "ambiguous_manifest", "disagree"),
    "an index served as an image": (INDEX, OCI, "ambiguous_manifest", "disagree"),
    "an image served as an index": (without(OCI_IMAGE, "mediaType"), OCI_INDEX, "ambiguous_manifest", "config, layers"),
    "an image that is also an index": (
        {**OCI_IMAGE, "manifests": INDEX["manifests"]},
        OCI,
        "ambiguous_manifest",
        "unexpected fields manifests in supposedly",
    ),
    "an index that is also an image": (
        {**INDEX, "layers": OCI_IMAGE["layers"]},
        OCI_INDEX,
        "ambiguous_manifest",
        "unexpected fields layers in supposedly",
    ),
    "a second schema's layers": ({**OCI_IMAGE, "fsLayers": []}, OCI, "ambiguous_manifest", "fsLayers"),
    "a second schema's history": ({**DOCKER_IMAGE, "history": []}, DOCKER, "ambiguous_manifest", "history"),
    "layers spelt twice": ({**OCI_IMAGE, "Layers": []}, OCI, "ambiguous_manifest", "take this key"),
    "layers in capitals": ({**OCI_IMAGE, "LAYERS": []}, OCI, "ambiguous_manifest", "take this key"),
    "layers with a long s": ({**OCI_IMAGE, "layer\u017f": []}, OCI, "ambiguous_manifest", "take this key"),
    "a type spelt twice": ({**OCI_IMAGE, "mediatype": DOCKER}, OCI, "ambiguous_manifest", "take this key"),
    "a version spelt twice": ({**OCI_IMAGE, "schemaversion": 1}, OCI, "ambiguous_manifest", "take this key"),
    "a layer's digest spelt twice": (
        {**OCI_IMAGE, "layers": [blob(GZIP, "a", Digest="sha256:" + "b" * 64)]},
        OCI,
        "ambiguous_manifest",
        "take this key",
    ),
    "a web page": ("<html>", "text/html; charset=utf-8", "unsupported_manifest", "something else than a manifest"),
    "the withdrawn OCI artifact": (
        {"mediaType": OCI_ARTIFACT, "artifactType": "application/x", "blobs": []},
        OCI_ARTIFACT,
        "not_an_image",
        "artifact",
    ),
    "the withdrawn OCI artifact without a header": (
        {"mediaType": OCI_ARTIFACT, "artifactType": "application/x", "blobs": []},
        "application/json",
        "not_an_image",
        "artifact",
    ),
    "the withdrawn OCI artifact served as an image": (
        {"mediaType": OCI_ARTIFACT, "artifactType": "application/x", "blobs": []},
        OCI,
        "ambiguous_manifest",
        "disagree",
    ),
    "schema 1 under a header of schema 2": (SCHEMA1_IMAGE, DOCKER, "invalid_manifest", "unsupported schema version"),
    "no version": (without(OCI_IMAGE, "schemaVersion"), OCI, "invalid_manifest", "unsupported schema version"),
    "a version that is a fraction": ({**OCI_IMAGE, "schemaVersion": 2.0}, OCI, "invalid_manifest", "version"),
    "a version that is text": ({**OCI_IMAGE, "schemaVersion": "2"}, OCI, "invalid_manifest", "version"),
    "a version of the future": ({**INDEX, "schemaVersion": 3}, OCI_INDEX, "invalid_manifest", "version"),
    "a Docker manifest that does not state its type": (
        without(DOCKER_IMAGE, "mediaType"),
        DOCKER,
        "invalid_manifest",
        "a field is missing",
    ),
    "a guessed Docker manifest": (without(DOCKER_IMAGE, "mediaType"), "", "invalid_manifest", "a field is missing"),
    "a type that is no text": ({**OCI_IMAGE, "mediaType": 1}, OCI, "invalid_manifest", "wrong type"),
    "an array": ([OCI_IMAGE], OCI, "invalid_manifest", "must be a JSON object"),
    "a null": (None, "", "invalid_manifest", "must be a JSON object"),
    "an empty object": ({}, "", "invalid_manifest", "version"),
    "an artifact": (mixed("application/vnd.oci.empty.v1+json"), OCI, "not_an_image", "artifact"),
    "a chart": (mixed("application/vnd.cncf.helm.config.v1+json"), "", "not_an_image", "artifact"),
    "an OCI image with a Docker config": (mixed(DOCKER_CONFIG), OCI, "invalid_manifest", "mixed OCI image"),
    "no config": (without(OCI_IMAGE, "config"), OCI, "invalid_manifest", "must be a JSON object"),
    "no layers": (without(OCI_IMAGE, "layers"), OCI, "invalid_manifest", "a field is missing"),
    "no manifests": (without(INDEX, "manifests"), OCI_INDEX, "invalid_manifest", "a field is missing"),
    "layers that are no list": ({**OCI_IMAGE, "layers": {}}, OCI, "invalid_manifest", "wrong type"),
    "a layer that is no object": ({**OCI_IMAGE, "layers": ["x"]}, OCI, "invalid_manifest", "must be a JSON object"),
    "annotations that are no text": ({**OCI_IMAGE, "annotations": {"a": 1}}, OCI, "invalid_manifest", "wrong type"),
    "too many layers": ({**OCI_IMAGE, "layers": [blob(GZIP, "a")] * 1001}, OCI, "invalid_manifest", "too many layers"),
    "an OCI layer in a Docker manifest": (
        {**DOCKER_IMAGE, "layers": [blob(GZIP, "a")]},
        DOCKER,
        "invalid_manifest",
        f'unsupported docker v2s2 media type: "{GZIP}"',
    ),
    # No reader of containers/image knows the type, and podman lists no image of a store that has one with it.
    "a Docker layer in zstd": (
        {**DOCKER_IMAGE, "layers": [blob("application/vnd.docker.image.rootfs.diff.tar.zstd", "a")]},
        DOCKER,
        "invalid_manifest",
        "unsupported docker v2s2 media type",
    ),
    "an encrypted layer": (
        {**OCI_IMAGE, "layers": [blob(GZIP, "a"), blob(f"{GZIP}+encrypted", "b")]},
        OCI,
        "unsupported_manifest",
        "encrypted",
    ),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_another_manifest_is_refused(case: str) -> None:
    document, header, code, words = REFUSED[case]
    raw = encoded(document)
    with pytest.raises(DataError) as caught:
        parse_manifest(raw, header)
    assert caught.value.code == code
    assert words in str(caught.value)
    assert f"manifest sha256:{hashlib.sha256(raw).hexdigest()}" in caught.value.subject


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>",
        encoded(OCI_IMAGE) + b"{}",
        encoded(OCI_IMAGE)[:-1],
        encoded(OCI_IMAGE).replace(b'"schemaVersion": 2', b'"schemaVersion": 2, "schemaVersion": 2'),
        encoded(OCI_IMAGE).replace(b'"size": 7', b'"size": NaN'),
    ],
)
def test_what_is_no_strict_json_is_refused(raw: bytes) -> None:
    with pytest.raises(DataError) as caught:
        parse_manifest(raw, OCI)
    assert caught.value.code == "invalid_json"


def test_the_types_that_we_ask_for_are_those_that_we_know() -> None:
    assert set(media_types.ACCEPT_MANIFESTS) == (
        media_types.MANIFEST_TYPES | media_types.INDEX_TYPES | media_types.SCHEMA1_TYPES
    )
    assert media_types.ACCEPT_MANIFESTS == (OCI, DOCKER, SCHEMA1_SIGNED, SCHEMA1, DOCKER_LIST, OCI_INDEX)


# Documents that resemble manifests, with every key of any of them and values of many types.
KEYS = [*OCI_IMAGE, "manifests", "fsLayers", "history", "Layers", "subject"]
VALUES = st.sampled_from(
    [None, 0, 1, 2, "", "x", True, [], {}, OCI, DOCKER, OCI_INDEX, *OCI_IMAGE.values(), *DOCKER_IMAGE.values()]
    + list(INDEX.values())
)


@given(
    st.dictionaries(st.sampled_from(KEYS), VALUES),
    st.sampled_from(["", "application/json", OCI, DOCKER, OCI_INDEX, DOCKER_LIST, SCHEMA1]),
)
def test_any_document_is_one_kind_of_manifest_or_an_error_of_ours(document: dict[str, Any], header: str) -> None:
    raw = encoded(document)
    try:
        parsed = parse_manifest(raw, header)
    except DataError:
        return
    if isinstance(parsed, Schema1Manifest):
        pytest.fail("no document here has the layers of schema 1")
    essential = {
        key for key in ("config", "layers", "manifests", "fsLayers", "history") if document.get(key) is not None
    }
    assert essential <= ({"manifests"} if isinstance(parsed, Index) else {"config", "layers"})
    assert "Layers" not in document


@pytest.mark.parametrize(
    "document",
    [
        mixed("x" * 10**6),
        {**OCI_IMAGE, "mediaType": "x" * 10**6},
        {**OCI_IMAGE, "config": blob(OCI_CONFIG, "c", digest="x" * 10**6)},
        {**OCI_IMAGE, "schemaVersion": "x" * 10**6},
        {**DOCKER_IMAGE, "layers": [blob("x" * 10**6, "a")]},
        {**OCI_IMAGE, "annotations": {"x" * 10**6: 1}},
    ],
)
def test_a_hostile_registry_cannot_flood_the_error(document: dict[str, Any]) -> None:
    with pytest.raises(DataError) as caught:
        parse_manifest(encoded(document), DOCKER if document["mediaType"] == DOCKER else OCI)
    assert len(str(caught.value)) < 1000
