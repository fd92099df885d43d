# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Docker's manifests of schema 1: what we read and make of them is what skopeo, docker-registry and podman do."""

from __future__ import annotations

import gzip
import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._model.manifest_parser import parse_manifest
from ansible_collections.strata.containers.plugins.module_utils._model.media_types import DOCKER_SCHEMA1_SIGNED
from ansible_collections.strata.containers.plugins.module_utils._model.schema1 import Schema1Manifest
from ansible_collections.strata.containers.plugins.module_utils._model.schema1_convert import (
    schema2_config,
    schema2_manifest,
)
from lab.access_log import Watch
from lab.commands import run
from lab.modules import run_module
from lab.odd_images import GZIP, Entry, ImageLayout, make_tar
from lab.registry import Registry, running_registry
from lab.stores import Store, image_record

_TARS = [make_tar([Entry(f"file{number}", content=b"x" * 1000 * number)]) for number in (1, 2, 3)]
_CONFIG = {"Cmd": ["/bin/sh", "-c", "a < b && c > d"], "Env": ["A=\u00fc\u2028"], "Labels": {"b": "2", "a": "1"}}


@pytest.fixture(scope="module")
def old_registry(judges: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry with the image ``app:1``, which skopeo converted to schema 1: three layers, and two entries without one."""
    directory = tmp_path_factory.mktemp("schema1")
    with running_registry(str(directory / "registry"), schema1=True) as registry:
        layout = ImageLayout(str(directory / "layout"))
        history = [{"created_by": f"ADD layer {number} <&> in /"} for number in (1, 2, 3)]
        history.insert(1, {"created_by": "ENV A=b", "empty_layer": True, "author": "\u00e4 <a@b>"})
        history.append({"created_by": "CMD", "empty_layer": True, "comment": "last"})
        layers = [(gzip.compress(tar, mtime=0), GZIP) for tar in _TARS]
        layout.add_image("app", layers, config=_CONFIG, history=history)
        run(
            ["skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", "--format", "v2s1"]
            + [f"oci:{layout.directory}:app", f"docker://{registry.reference('app:1')}"]
        )
        yield registry


@pytest.fixture(scope="module")
def fetched(old_registry: Registry) -> tuple[Schema1Manifest, str]:
    """The manifest as the registry sends it, parsed, and the digest that the registry gives it."""
    url = f"http://{old_registry.reference('').rstrip('/')}/v2/app/manifests/1"
    request = urllib.request.Request(url, headers={"Accept": DOCKER_SCHEMA1_SIGNED})
    with urllib.request.urlopen(request) as response:
        manifest = parse_manifest(response.read(), response.headers["Content-Type"])
        digest = response.headers["Docker-Content-Digest"]
    assert isinstance(manifest, Schema1Manifest)
    return manifest, digest


def _config(manifest: Schema1Manifest) -> bytes:
    return schema2_config(manifest, [Digest.of(tar) for tar in _TARS])


def test_the_digest_is_the_registrys(fetched: tuple[Schema1Manifest, str]) -> None:
    manifest, digest = fetched
    assert str(manifest.digest) == digest
    assert [layer.empty for layer in manifest.history] == [False, True, False, False, True]
    assert [str(blob) for blob in manifest.layers] == [str(Digest.of(gzip.compress(tar, mtime=0))) for tar in _TARS]


def test_the_config_and_the_manifest_are_those_that_skopeo_converts_to(
    old_registry: Registry, fetched: tuple[Schema1Manifest, str], tmp_path: Path
) -> None:
    run(
        ["skopeo", "--insecure-policy", "copy", "--src-tls-verify=false", "--format", "v2s2"]
        + [f"docker://{old_registry.reference('app:1')}", f"dir:{tmp_path}"]
    )
    manifest, _digest = fetched
    config = _config(manifest)
    sizes = [len(gzip.compress(tar, mtime=0)) for tar in _TARS]
    assert (tmp_path / "manifest.json").read_bytes() == schema2_manifest(manifest, config, sizes)
    assert (tmp_path / Digest.of(config).hex).read_bytes() == config


def test_the_id_digest_and_layers_are_those_that_podman_pulls(
    old_registry: Registry, fetched: tuple[Schema1Manifest, str], make_store: Callable[[str], Store]
) -> None:
    store = make_store("theirs")
    manifest, digest = fetched
    image_id = store.podman("pull", "--quiet", "--tls-verify=false", old_registry.reference("app:1"))
    assert image_id == Digest.of(_config(manifest)).hex
    record: dict[str, Any] = json.loads(Path(store.root, "overlay-images/images.json").read_text(encoding="utf-8"))[0]
    assert record["digest"] == str(manifest.digest) == digest
    layers = json.loads(Path(store.root, "overlay-layers/layers.json").read_text(encoding="utf-8"))
    assert [layer["compressed-diff-digest"] for layer in layers] == [str(blob) for blob in manifest.layers]


def test_a_second_pull_asks_the_ping_and_one_head(
    old_registry: Registry, make_store: Callable[[str], Store], pull_options: dict[str, Any]
) -> None:
    ours, theirs = make_store("ours"), make_store("theirs")
    name = old_registry.reference("app:1")
    theirs.podman("pull", "--quiet", "--tls-verify=false", name)
    expected = image_record(theirs, name)
    for store, changed in ((ours, True), (theirs, False)):
        options = {**store.module_options(), **pull_options, "name": name}
        runs = [run_module("image_pull", options, check=check) for check in (True, False)]
        assert [done.changed for done in runs] == [changed, changed], runs[1].text
        assert image_record(store, name) == expected
        for check in (True, False):
            watch = Watch(old_registry)
            again = run_module("image_pull", options, check=check)
            assert watch.seen() == ["GET /v2/", "HEAD /v2/app/manifests/1"]
            assert not again.changed and again["image"]["id"] == expected["Id"], again.text


def test_registry_image_info_says_what_skopeo_says(old_registry: Registry) -> None:
    name = old_registry.reference("app:1")
    options = {"name": name, "validate_certs": False, "gather": ["config", "history"]}
    (found,) = run_module("registry_image_info", options)["images"]
    told = _skopeo("inspect", "--no-tags", f"docker://{name}")
    config = _skopeo("inspect", "--config", f"docker://{name}")
    assert found["digest"] == found["manifest_digest"] == told["Digest"]
    assert found["media_type"] == DOCKER_SCHEMA1_SIGNED
    assert found["platform"] == f"{told['Os']}/{told['Architecture']}"
    assert found["labels"] == told["Labels"]
    # skopeo lists what stands for the layers without content too, which nobody fetches.
    nothing = "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4"
    assert [layer["digest"] for layer in found["layers"]] == [blob for blob in told["Layers"] if blob != nothing]
    assert found["config"] == config["config"]
    assert found["history"] == config["history"]
    assert {layer["diff_id"] for layer in found["layers"]} == {layer["size"] for layer in found["layers"]} == {None}
    assert found["id"] is None and found["size"] is None


def _skopeo(command: str, *arguments: str) -> Any:
    return json.loads(run(["skopeo", command, "--tls-verify=false", *arguments]))
