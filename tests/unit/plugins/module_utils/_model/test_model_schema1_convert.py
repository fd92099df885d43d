# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The IDs are those that podman 4.3.1 gave the images; skopeo 1.9.3 (``--format v2s2``) wrote the same configs and manifests."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import DataError
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._model.image_config import parse_image_config
from ansible_collections.strata.containers.plugins.module_utils._model.manifest import Manifest
from ansible_collections.strata.containers.plugins.module_utils._model.manifest_parser import parse_manifest
from ansible_collections.strata.containers.plugins.module_utils._model.raw_json import compacted, raw_members
from ansible_collections.strata.containers.plugins.module_utils._model.schema1 import Schema1Manifest
from ansible_collections.strata.containers.plugins.module_utils._model.schema1_convert import (
    schema2_config,
    schema2_manifest,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._model.schema1_documents import (
    BASE,
    EMPTY,
    SKOPEO,
    TOP,
    Entry,
    document,
    entry,
    layer_id,
)

# From before Docker 1.8.3: written anew, so that missing fields come and unknown ones go.
OLD = {
    "created": "2015-04-17T22:01:13.062200000+00:00",
    "container": "c0",
    "container_config": {
        "Hostname": "x",
        "Cmd": ["/bin/sh", "-c", '#(nop) CMD ["<a> & b"]'],
        "Memory": 0,
        "PortSpecs": None,
        "Env": ["A=<b>"],
        "ExposedPorts": {"80/tcp": {}},
    },
    "docker_version": "1.6.0",
    "author": "A & B \u2028 <x@y>",
    "config": {
        "Cmd": "sh",
        "Env": None,
        "Labels": {"z": "1", "a": "<"},
        "Volumes": {"/v": {}, "/a": {}},
        "OnBuild": [],
        "Entrypoint": ["x"],
        "ExposedPorts": {},
    },
    "architecture": "amd64",
    "os": "linux",
    "Size": 12,
    "extra": "gone",
}
NEW = {
    **OLD,
    "docker_version": "1.10.0",
    "number": 1.50,
    "config": {"Cmd": ["sh"], "Zed": 1, "Alpha": "\u003c\u00e9/"},
    "extra": {"b": 1, "a": [1, 2.50, -0.0, 1e5]},
}
# Spaces, escapes and numbers as no library would write them.
RAW = (
    '{ "os" : "linux",\t"architecture":"amd64", "Size" : 7, "size2":1.0e+2, '
    f'"esc\\u003c<":"a\\/b<\\u003c\\u00e9\u2028", "id":"{layer_id(1)}","parent":"{layer_id(0)}", '
    '"config" : { "Cmd" : [ "x y" , "z\\"  q" ] , "Labels":{"b":"2","a":"1"} }, '
    '"created":"2016-01-02T03:04:05.123456789Z","docker_version":"1.8.3" }'
)


def _four(newest: dict[str, Any]) -> list[tuple[str, Entry]]:
    second = {"comment": "hi", "created": "2015-04-17T22:01:12.100Z", "container_config": {"Cmd": ["ADD", "x"]}}
    return [
        (EMPTY, entry(3, 2, throwaway=True, **newest)),
        (TOP[0], entry(2, 1, **second)),
        (EMPTY, entry(1, 0, throwaway=True, created="2014-04-17T22:01:12+02:00")),
        (BASE[0], entry(0)),
    ]


def _twin(comment: str) -> tuple[str, Entry]:
    made = {"os": "linux", "architecture": "amd64", "created": "2016-01-02T03:04:05Z", "comment": comment}
    return (TOP[0], entry(1, 0, **made))


# name: history, image ID
IMAGES: dict[str, tuple[list[tuple[str, Entry]], str]] = {
    "old": (_four(OLD), "282b4c4158e3257125dc636f18800b1abc31d3b662d08b57397472537e792944"),
    "new": (_four(NEW), "40668a978837bd68a207e1af5088056c3da11ee7c9d5047850c6c6d880447054"),
    "raw": (
        [(TOP[0], RAW), (BASE[0], entry(0))],
        "f2250eec67c4bb9048e6b1e603030c246270339780c4fe05809fb427ba6d495e",
    ),
    "twins": (
        [_twin("newest"), _twin("middle"), (BASE[0], entry(0))],
        "c732cfba0a9c34adb8ecbde75b1dc65dd699e763608ca9b7bdade43e053f36ea",
    ),
    "no content": (
        [(EMPTY, entry(0, os="linux", architecture="amd64", throwaway=True))],
        "f80ac0901dbecc16122b509f23ad09f4ebb27904e0509da2e1dc37361ea24418",
    ),
}


def parse(raw: bytes) -> Schema1Manifest:
    manifest = parse_manifest(raw, "")
    assert isinstance(manifest, Schema1Manifest)
    return manifest


def diff_ids(manifest: Schema1Manifest) -> list[Digest]:
    known = dict([BASE, TOP])
    return [Digest.parse(known[str(blob)]) for blob in manifest.layers]


@pytest.mark.parametrize("case", sorted(IMAGES))
def test_the_config_names_the_image_as_podman_does(case: str) -> None:
    entries, image_id = IMAGES[case]
    manifest = parse(json.dumps(document(entries)).encode())
    config = schema2_config(manifest, diff_ids(manifest))
    assert hashlib.sha256(config).hexdigest() == image_id
    parsed = parse_image_config(config)
    assert list(parsed.diff_ids) == diff_ids(manifest)
    assert str(parsed.platform) == "linux/amd64"


def test_the_image_that_skopeo_pushed_has_podmans_id() -> None:
    manifest = parse(SKOPEO)
    config = schema2_config(manifest, diff_ids(manifest))
    assert hashlib.sha256(config).hexdigest() == "8a47dd25180f53d70a8765ab435d30b108481397b1c24f8985a533eb1d2b3170"


def test_the_manifest_of_schema_2_lists_the_same_layers() -> None:
    entries, image_id = IMAGES["old"]
    manifest = parse(json.dumps(document(entries)).encode())
    config = schema2_config(manifest, diff_ids(manifest))
    # The text that skopeo wrote.
    assert schema2_manifest(manifest, config, [99, 103]).decode() == (
        '{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{"mediaType":'
        f'"application/vnd.docker.container.image.v1+json","size":{len(config)},"digest":"sha256:{image_id}"}},"layers":['
        '{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","size":99,"digest":"%s"},'
        '{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","size":103,"digest":"%s"}]}'
        % (BASE[0], TOP[0])
    )
    assert isinstance(parse_manifest(schema2_manifest(manifest, config, [99, 103]), ""), Manifest)


def test_an_image_without_content_has_no_layers() -> None:
    manifest = parse(json.dumps(document(IMAGES["no content"][0])).encode())
    config = schema2_config(manifest, [])
    assert json.loads(config)["rootfs"] == {"type": "layers"}
    assert schema2_manifest(manifest, config, []).endswith(b'"layers":null}')


@pytest.mark.parametrize("count", [0, 1, 3])
def test_another_number_of_layers_is_refused(count: int) -> None:
    manifest = parse(json.dumps(document(IMAGES["old"][0])).encode())
    with pytest.raises(DataError) as caught:
        schema2_config(manifest, [Digest.parse(BASE[1])] * count)
    assert caught.value.code == "invalid_manifest" and "2 diff IDs" in str(caught.value)
    with pytest.raises(DataError):
        schema2_manifest(manifest, b"{}", [1] * count)


@pytest.mark.parametrize(
    "wrong",
    [
        {"config": []},
        {"config": {"Tty": 1}},
        {"config": {"Env": "A=b"}},
        {"config": {"Volumes": {"/v": 1}}},
        {"config": {"Labels": {"a": 1}}},
        {"config": {"StopTimeout": "1"}},
        {"config": {"env": []}},
        {"config": {"Healthcheck": 1}},
        {"container": 1},
        {"os": 1},
    ],
)
def test_an_old_config_of_other_types_than_dockers_is_refused(wrong: dict[str, Any]) -> None:
    manifest = parse(json.dumps(document([(BASE[0], entry(0, **{**OLD, **wrong}))])).encode())
    with pytest.raises(DataError) as caught:
        schema2_config(manifest, [Digest.parse(BASE[1])])
    assert caught.value.code in ("invalid_manifest", "ambiguous_manifest")


# From the implementation of docker/docker's versions.LessThan: number by number, what is none counts as 0.
@pytest.mark.parametrize(
    ("version", "old"),
    [
        ("", False),
        ("1.8.2", True),
        ("1.8.3", False),
        ("1.8", True),
        ("1.10", False),
        ("0.6.3", True),
        ("1.8.3-rc1", True),
        ("20.10.1-ce", False),
        ("swarm", True),
    ],
)
def test_only_configs_of_old_dockers_are_written_anew(version: str, old: bool) -> None:
    manifest = parse(json.dumps(document([(BASE[0], entry(0, **{**OLD, "docker_version": version}))])).encode())
    assert ("extra" not in json.loads(schema2_config(manifest, [Digest.parse(BASE[1])]))) is old


# Go's encoding/json: RawMessage keeps tokens, drops space, escapes < > & U+2028 U+2029.
@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("{}", {}),
        (" {\n}\t", {}),
        ('{"a":1}', {"a": "1"}),
        ('{ "a" : 1.50 , "b":[ 1 , "x  y" ] }', {"a": "1.50", "b": '[1,"x  y"]'}),
        (r'{"a\u0062": "\/ \" , }"}', {"ab": r'"\/ \" , }"'}),
        ('{"a":{"z": null, "b":  -0.0e+01}}', {"a": '{"z":null,"b":-0.0e+01}'}),
        ('{"a":"<&> \u2028\u2029"}', {"a": r'"\u003c\u0026\u003e \u2028\u2029"'}),
    ],
)
def test_values_are_kept_as_they_were_written(text: str, members: dict[str, str]) -> None:
    assert {key: compacted(raw) for key, raw in raw_members(text).items()} == members
