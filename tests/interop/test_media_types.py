# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images in every form that registries in the field serve are pulled as podman pulls them, or refused before a layer is fetched."""

from __future__ import annotations

import bz2
import hashlib
import json
import lzma
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from lab.fixtures import ACCEPT_ALL
from lab.image_forms import (
    DOCKER,
    DOCKER_CONFIG,
    DOCKER_FOREIGN,
    DOCKER_LAYER,
    OCI,
    OCI_FOREIGN,
    OCI_LAYER,
    Form,
    docker_form,
    gzipped,
    plain,
    serve,
)
from lab.layer_blobs import estargz, gzip_members, skippable, zstd, zstd_chunked
from lab.modules import ModuleResult, run_module
from lab.static_registry import StaticRegistry
from lab.stores import Store, image_record, pull_error
from lab.trees import describe_tree, differences

_CHUNKED = {
    "io.github.containers.zstd-chunked.manifest-checksum": "sha256:" + "0" * 64,
    "io.github.containers.zstd-chunked.manifest-position": "1:2:3:1",
}
_STARGZ = {"containerd.io/snapshot/stargz/toc.digest": "sha256:" + "0" * 64}

# Forms that podman 4.3 accepts too.
FORMS = {
    "an OCI layer, plain": Form(plain, OCI_LAYER),
    "an OCI layer in gzip": Form(gzipped, f"{OCI_LAYER}+gzip"),
    "an OCI layer in zstd": Form(zstd, f"{OCI_LAYER}+zstd"),
    "a layer in bzip2": Form(bz2.compress, f"{OCI_LAYER}+bzip2"),
    "a layer in xz": Form(lzma.compress, f"{OCI_LAYER}+xz"),
    "a plain layer called gzip": Form(plain, f"{OCI_LAYER}+gzip"),
    "a plain layer called zstd": Form(plain, f"{OCI_LAYER}+zstd"),
    "gzip called plain": Form(gzipped, OCI_LAYER),
    "zstd called gzip": Form(zstd, f"{OCI_LAYER}+gzip"),
    "gzip called zstd": Form(gzipped, f"{OCI_LAYER}+zstd"),
    "bzip2 called gzip": Form(bz2.compress, f"{OCI_LAYER}+gzip"),
    "xz called gzip": Form(lzma.compress, f"{OCI_LAYER}+gzip"),
    "a nondistributable layer, plain": Form(plain, OCI_FOREIGN),
    "a nondistributable layer in gzip": Form(gzipped, f"{OCI_FOREIGN}+gzip"),
    "a nondistributable layer in zstd": Form(zstd, f"{OCI_FOREIGN}+zstd"),
    "a Docker layer in gzip": docker_form(gzipped, f"{DOCKER_LAYER}.gzip"),
    "a Docker layer, plain": docker_form(plain, DOCKER_LAYER),
    "a Docker layer in zstd called gzip": docker_form(zstd, f"{DOCKER_LAYER}.gzip"),
    "a foreign Docker layer, plain": docker_form(plain, DOCKER_FOREIGN),
    "a foreign Docker layer in gzip": docker_form(gzipped, f"{DOCKER_FOREIGN}.gzip"),
    "a Docker config of the early days": docker_form(gzipped, f"{DOCKER_LAYER}.gzip", "application/octet-stream"),
    "several gzip members": Form(lambda tar: gzip_members(tar, (100, 512, 1)), f"{OCI_LAYER}+gzip"),
    "several zstd frames": Form(lambda tar: zstd(tar[:700]) + zstd(b"") + zstd(tar[700:]), f"{OCI_LAYER}+zstd"),
    "zstd with skippable frames": Form(
        lambda tar: zstd(tar[:700]) + skippable(b"x" * 9, 7) + zstd(tar[700:]) + skippable(b""), f"{OCI_LAYER}+zstd"
    ),
    "zstd:chunked": Form(zstd_chunked, f"{OCI_LAYER}+zstd"),
    "zstd:chunked with annotations": Form(zstd_chunked, f"{OCI_LAYER}+zstd", more={"annotations": _CHUNKED}),
    "eStargz": Form(
        lambda tar: estargz(tar)[0],
        f"{OCI_LAYER}+gzip",
        more={"annotations": _STARGZ},
        unpacked=lambda tar: estargz(tar)[1],
    ),
    "an OCI manifest that does not state its type": Form(gzipped, f"{OCI_LAYER}+gzip", stated=False),
    "an OCI manifest with parameters in the header": Form(gzipped, f"{OCI_LAYER}+gzip", header=f"{OCI}; charset=utf-8"),
}


def _repository(case: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in case.lower())


@dataclass(frozen=True)
class Pulled:
    """All forms in two stores: ours by one task, theirs by one command."""

    ours: Store
    theirs: Store
    ids: Mapping[str, str]
    names: Mapping[str, str]


@pytest.fixture(scope="module")
def pulled(judges: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pulled]:
    # podman refuses a run root whose path is longer than 50 characters, which pytest's own directories exceed.
    base = tempfile.mkdtemp(prefix="st-")
    ours, theirs = Store(os.path.join(base, "ours")), Store(os.path.join(base, "theirs"))
    policy = tmp_path_factory.mktemp("policy") / "policy.json"
    policy.write_text(json.dumps(ACCEPT_ALL), encoding="utf-8")
    with StaticRegistry() as registry:
        names = {case: registry.reference(f"{_repository(case)}:1") for case in FORMS}
        for case, form in FORMS.items():
            serve(registry, form, _repository(case))
        for store in (ours, theirs):
            os.makedirs(store.base)
        ids = theirs.podman("pull", "--quiet", "--tls-verify=false", *names.values()).split()
        options = {"signature_policy": str(policy), "validate_certs": False, "retries": 0}
        result = run_module("image_pull", {**ours.module_options(), **options, "name": list(names.values())})
        assert not result.failed, result.text
    yield Pulled(ours, theirs, dict(zip(names, ids)), names)
    for store in (ours, theirs):
        store.destroy()
    os.rmdir(base)


@pytest.mark.parametrize("case", sorted(FORMS))
def test_the_image_is_what_podman_pulls(case: str, pulled: Pulled) -> None:
    records = [image_record(store, pulled.names[case]) for store in (pulled.theirs, pulled.ours)]
    assert records[1]["Id"] == pulled.ids[case]
    assert records[0] == records[1]
    layers = [_layer(store, pulled.names[case]) for store in (pulled.theirs, pulled.ours)]
    assert layers[0] == layers[1]
    # The root has no entry with a time that storage would set.
    trees = [describe_tree(_diff(store, layers[0]["id"]), frozenset({"."})) for store in (pulled.theirs, pulled.ours)]
    assert "file" in trees[0]
    assert "\n".join(differences(*trees)) == ""


def _layer(store: Store, name: str) -> dict[str, Any]:
    """The record of the image's only layer: digests, sizes, compression."""
    with open(os.path.join(store.root, "overlay-images", "images.json"), encoding="utf-8") as stream:
        (top,) = (image["layer"] for image in json.load(stream) if name in image["names"])
    with open(os.path.join(store.root, "overlay-layers", "layers.json"), encoding="utf-8") as stream:
        (layer,) = (layer for layer in json.load(stream) if layer["id"] == top)
    return {key: value for key, value in layer.items() if key != "created"}


def _diff(store: Store, layer_id: str) -> str:
    return os.path.join(store.root, "overlay", layer_id, "diff")


# Forms that podman 4.3 refuses and others read. Of the first three its reason is no rule of any format: gzip, bzip2 and zstd
# programs write or ignore zeros at the end, and pzstd begins with a skippable frame, as Docker and containerd know.
OUR_FORMS = {
    "gzip with zeros after it": (Form(lambda tar: gzipped(tar) + bytes(512), f"{OCI_LAYER}+gzip"), "invalid header"),
    "bzip2 with zeros after it": (Form(lambda tar: bz2.compress(tar) + bytes(512), OCI_LAYER), "bzip2 data invalid"),
    "zstd behind a skippable frame": (
        Form(lambda tar: skippable(b"size") + zstd(tar), f"{OCI_LAYER}+zstd"),
        "tar file",
    ),
    "a header of a file server": (
        Form(gzipped, f"{OCI_LAYER}+gzip", header="text/plain"),
        "unsupported schema version 2",
    ),
}

# Forms that are refused before a layer is asked for: the code of our error, and of podman's text (empty where it goes on).
REFUSED = {
    "an encrypted layer": (Form(gzipped, f"{OCI_LAYER}+gzip+encrypted"), "unsupported_manifest", ""),
    "an artifact": (
        Form(gzipped, f"{OCI_LAYER}+gzip", config="application/vnd.oci.empty.v1+json"),
        "not_an_image",
        "on artifact",
    ),
    "a chart": (
        Form(
            gzipped,
            "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
            config="application/vnd.cncf.helm.config.v1+json",
        ),
        "not_an_image",
        "on artifact",
    ),
    "a withdrawn artifact manifest": (
        Form(gzipped, f"{OCI_LAYER}+gzip", "application/vnd.oci.artifact.manifest.v1+json"),
        "not_an_image",
        "unsupported schema version 2",
    ),
    "an OCI image with a Docker config": (
        Form(gzipped, f"{OCI_LAYER}+gzip", config=DOCKER_CONFIG),
        "invalid_manifest",
        "on artifact",
    ),
    "an OCI layer in a Docker manifest": (
        docker_form(gzipped, f"{OCI_LAYER}+gzip"),
        "invalid_manifest",
        "unsupported docker v2s2 media type",
    ),
    "a Docker layer of the type for zstd that no specification has": (
        docker_form(zstd, f"{DOCKER_LAYER}.zstd"),
        "invalid_manifest",
        "unsupported docker v2s2 media type",
    ),
    "a Docker manifest that does not state its type": (
        Form(gzipped, f"{DOCKER_LAYER}.gzip", DOCKER, DOCKER_CONFIG, stated=False),
        "invalid_manifest",
        "unsupported docker v2s2 media type",
    ),
    "a Docker manifest under the header of an OCI one": (
        Form(gzipped, f"{DOCKER_LAYER}.gzip", DOCKER, DOCKER_CONFIG, header=OCI),
        "ambiguous_manifest",
        "on artifact",
    ),
    "a Docker manifest under the header of schema 1": (
        Form(
            gzipped,
            f"{DOCKER_LAYER}.gzip",
            DOCKER,
            DOCKER_CONFIG,
            header="application/vnd.docker.distribution.manifest.v1+prettyjws",
        ),
        "ambiguous_manifest",
        "unsupported schema version 2",
    ),
}


@pytest.fixture
def store(make_store: Callable[[str], Store]) -> Store:
    return make_store("ours")


def _pull(store: Store, options: dict[str, Any], name: str, **more: Any) -> ModuleResult:
    return run_module("image_pull", {**store.module_options(), "retries": 0, **options, "name": name, **more})


@pytest.mark.parametrize("case", sorted(OUR_FORMS))
def test_a_form_that_podman_does_not_know_is_pulled_and_podman_reads_it_then(
    case: str,
    static_registry: StaticRegistry,
    make_store: Callable[[str], Store],
    store: Store,
    pull_options: dict[str, Any],
) -> None:
    form, words = OUR_FORMS[case]
    serve(static_registry, form, "app")
    name = static_registry.reference("app:1")
    assert words in pull_error(make_store("theirs"), name)
    result = _pull(store, pull_options, name)
    assert not result.failed, result.text
    (record,) = store.podman_json("image", "inspect", name)
    assert record["Id"] == result["image"]["id"]
    mount = store.podman("image", "mount", name)
    tree = describe_tree(mount)
    store.podman("image", "umount", name)
    assert tree["file"]["sha256"] == hashlib.sha256(b"app" * 5000).hexdigest()


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_another_form_is_refused_before_a_layer_is_fetched(
    case: str,
    static_registry: StaticRegistry,
    make_store: Callable[[str], Store],
    store: Store,
    pull_options: dict[str, Any],
) -> None:
    form, code, words = REFUSED[case]
    serve(static_registry, form, "app")
    name = static_registry.reference("app:1")
    result = _pull(store, pull_options, name)
    assert result.code == code and not result.changed, result.text
    assert [path for path, _headers in static_registry.asked if "/blobs/" in path] == []
    error = pull_error(make_store("theirs"), name)
    assert (words in error) if words else not error
