# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images in every form that registries in the field serve are pulled as podman pulls them, or refused before a layer is fetched."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from lab.commands import CommandFailed
from lab.fixtures import ACCEPT_ALL
from lab.layer_blobs import estargz, gzip_members, skippable, zstd, zstd_chunked
from lab.modules import ModuleResult, run_module
from lab.odd_images import Entry, make_tar
from lab.static_registry import StaticRegistry, running_static_registry
from lab.stores import Store
from lab.trees import describe_tree, differences


def _tar(case: str) -> bytes:
    """A tar of its own for each image, so that no layer is in the store before it is pulled."""
    return make_tar(
        [
            Entry("./", b"5", mode=0o755),
            Entry("file", content=case.encode() * 5000, mode=0o640, uid=3),
            Entry("directory/", b"5", mode=0o750),
            Entry("directory/link", b"2", target="../file", mode=0o777),
            Entry("long-" + "n" * 120, content=b"pax"),
        ]
    )


def _plain(tar: bytes) -> bytes:
    return tar


def _gzip(tar: bytes) -> bytes:
    return gzip.compress(tar, mtime=0)


OCI = "application/vnd.oci.image.manifest.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
OCI_FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar"


@dataclass(frozen=True)
class Form:
    """One way to serve an image: how its layer is packed, and the types of everything."""

    pack: Callable[[bytes], bytes]
    layer: str
    manifest: str = OCI
    config: str = OCI_CONFIG
    # The header where it is not the type of the manifest, and whether the body states that type.
    header: str = ""
    stated: bool = True
    more: Mapping[str, Any] = field(default_factory=dict)
    # What the packed layer unpacks to, where that is not the tar that was packed.
    unpacked: Callable[[bytes], bytes] = _plain


def _docker(pack: Callable[[bytes], bytes], layer: str, config: str = DOCKER_CONFIG) -> Form:
    return Form(pack, layer, DOCKER, config)


_CHUNKED = {
    "io.github.containers.zstd-chunked.manifest-checksum": "sha256:" + "0" * 64,
    "io.github.containers.zstd-chunked.manifest-position": "1:2:3:1",
}
_STARGZ = {"containerd.io/snapshot/stargz/toc.digest": "sha256:" + "0" * 64}

# Forms that podman 4.3 accepts too.
FORMS = {
    "an OCI layer, plain": Form(_plain, OCI_LAYER),
    "an OCI layer in gzip": Form(_gzip, f"{OCI_LAYER}+gzip"),
    "an OCI layer in zstd": Form(zstd, f"{OCI_LAYER}+zstd"),
    "a layer in bzip2": Form(bz2.compress, f"{OCI_LAYER}+bzip2"),
    "a layer in xz": Form(lzma.compress, f"{OCI_LAYER}+xz"),
    "a plain layer called gzip": Form(_plain, f"{OCI_LAYER}+gzip"),
    "a plain layer called zstd": Form(_plain, f"{OCI_LAYER}+zstd"),
    "gzip called plain": Form(_gzip, OCI_LAYER),
    "zstd called gzip": Form(zstd, f"{OCI_LAYER}+gzip"),
    "gzip called zstd": Form(_gzip, f"{OCI_LAYER}+zstd"),
    "bzip2 called gzip": Form(bz2.compress, f"{OCI_LAYER}+gzip"),
    "xz called gzip": Form(lzma.compress, f"{OCI_LAYER}+gzip"),
    "a nondistributable layer, plain": Form(_plain, OCI_FOREIGN),
    "a nondistributable layer in gzip": Form(_gzip, f"{OCI_FOREIGN}+gzip"),
    "a nondistributable layer in zstd": Form(zstd, f"{OCI_FOREIGN}+zstd"),
    "a Docker layer in gzip": _docker(_gzip, f"{DOCKER_LAYER}.gzip"),
    "a Docker layer, plain": _docker(_plain, DOCKER_LAYER),
    "a Docker layer in zstd called gzip": _docker(zstd, f"{DOCKER_LAYER}.gzip"),
    "a foreign Docker layer, plain": _docker(_plain, DOCKER_FOREIGN),
    "a foreign Docker layer in gzip": _docker(_gzip, f"{DOCKER_FOREIGN}.gzip"),
    "a Docker config of the early days": _docker(_gzip, f"{DOCKER_LAYER}.gzip", "application/octet-stream"),
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
    "an OCI manifest that does not state its type": Form(_gzip, f"{OCI_LAYER}+gzip", stated=False),
    "an OCI manifest with parameters in the header": Form(_gzip, f"{OCI_LAYER}+gzip", header=f"{OCI}; charset=utf-8"),
}


def _serve(registry: StaticRegistry, form: Form, repository: str, tag: str = "1") -> dict[str, Any]:
    """Serves the image in ``form`` and returns the descriptor of its manifest."""
    tar = _tar(repository)
    diff_id = hashlib.sha256(form.unpacked(tar)).hexdigest()
    config = {
        "created": "2026-11-03T10:31:07.5Z",
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["/bin/sh"], "Labels": {"repository": repository}},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff_id}"]},
        "history": [{"created_by": "tests"}],
    }
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "config": registry.add_blob(repository, json.dumps(config).encode(), form.config),
        "layers": [{**registry.add_blob(repository, form.pack(tar), form.layer), **form.more}],
    }
    if form.stated:
        manifest["mediaType"] = form.manifest
    raw = json.dumps(manifest).encode()
    descriptor = registry.add_manifest(repository, raw, form.header or form.manifest, tag)
    return {**descriptor, "mediaType": form.manifest}


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
    with running_static_registry() as registry:
        names = {case: registry.reference(f"{_repository(case)}:1") for case in FORMS}
        for case, form in FORMS.items():
            _serve(registry, form, _repository(case))
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
    records = [_record(store, pulled.names[case]) for store in (pulled.theirs, pulled.ours)]
    assert records[1]["Id"] == pulled.ids[case]
    assert records[0] == records[1]
    layers = [_layer(store, pulled.names[case]) for store in (pulled.theirs, pulled.ours)]
    assert layers[0] == layers[1]
    # The root has no entry with a time that storage would set.
    trees = [describe_tree(_diff(store, layers[0]["id"]), frozenset({"."})) for store in (pulled.theirs, pulled.ours)]
    assert "file" in trees[0]
    assert "\n".join(differences(*trees)) == ""


def _record(store: Store, name: str) -> dict[str, Any]:
    (record,) = store.podman_json("image", "inspect", name)
    return {key: value for key, value in record.items() if key != "GraphDriver"}


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
    "gzip with zeros after it": (Form(lambda tar: _gzip(tar) + bytes(512), f"{OCI_LAYER}+gzip"), "invalid header"),
    "bzip2 with zeros after it": (Form(lambda tar: bz2.compress(tar) + bytes(512), OCI_LAYER), "bzip2 data invalid"),
    "zstd behind a skippable frame": (
        Form(lambda tar: skippable(b"size") + zstd(tar), f"{OCI_LAYER}+zstd"),
        "tar file",
    ),
    "a header of a file server": (
        Form(_gzip, f"{OCI_LAYER}+gzip", header="text/plain"),
        "unsupported schema version 2",
    ),
}

# Forms that are refused before a layer is asked for: the code of our error, and of podman's text (empty where it goes on).
REFUSED = {
    "an encrypted layer": (Form(_gzip, f"{OCI_LAYER}+gzip+encrypted"), "unsupported_manifest", ""),
    "an artifact": (
        Form(_gzip, f"{OCI_LAYER}+gzip", config="application/vnd.oci.empty.v1+json"),
        "not_an_image",
        "on artifact",
    ),
    "a chart": (
        Form(
            _gzip,
            "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
            config="application/vnd.cncf.helm.config.v1+json",
        ),
        "not_an_image",
        "on artifact",
    ),
    "a withdrawn artifact manifest": (
        Form(_gzip, f"{OCI_LAYER}+gzip", "application/vnd.oci.artifact.manifest.v1+json"),
        "not_an_image",
        "unsupported schema version 2",
    ),
    "an OCI image with a Docker config": (
        Form(_gzip, f"{OCI_LAYER}+gzip", config=DOCKER_CONFIG),
        "invalid_manifest",
        "on artifact",
    ),
    "an OCI layer in a Docker manifest": (
        _docker(_gzip, f"{OCI_LAYER}+gzip"),
        "invalid_manifest",
        "unsupported docker v2s2 media type",
    ),
    "a Docker layer of the type for zstd that no specification has": (
        _docker(zstd, f"{DOCKER_LAYER}.zstd"),
        "invalid_manifest",
        "unsupported docker v2s2 media type",
    ),
    "a Docker manifest that does not state its type": (
        Form(_gzip, f"{DOCKER_LAYER}.gzip", DOCKER, DOCKER_CONFIG, stated=False),
        "invalid_manifest",
        "unsupported docker v2s2 media type",
    ),
    "a Docker manifest under the header of an OCI one": (
        Form(_gzip, f"{DOCKER_LAYER}.gzip", DOCKER, DOCKER_CONFIG, header=OCI),
        "ambiguous_manifest",
        "on artifact",
    ),
    "a Docker manifest under the header of schema 1": (
        Form(
            _gzip,
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
def static_registry(judges: None) -> Iterator[StaticRegistry]:
    with running_static_registry() as registry:
        yield registry


@pytest.fixture
def store(make_store: Callable[[str], Store]) -> Store:
    return make_store("ours")


def _pull(store: Store, options: dict[str, Any], name: str, **more: Any) -> ModuleResult:
    return run_module("image_pull", {**store.module_options(), "retries": 0, **options, "name": name, **more})


def _podmans_error(store: Store, name: str, *options: str) -> str:
    """What podman says when it cannot pull ``name``, empty where it can."""
    try:
        store.podman("pull", "--quiet", "--tls-verify=false", *options, name)
    except CommandFailed as error:
        return str(error)
    return ""


@pytest.mark.parametrize("case", sorted(OUR_FORMS))
def test_a_form_that_podman_does_not_know_is_pulled_and_podman_reads_it_then(
    case: str,
    static_registry: StaticRegistry,
    make_store: Callable[[str], Store],
    store: Store,
    pull_options: dict[str, Any],
) -> None:
    form, words = OUR_FORMS[case]
    _serve(static_registry, form, "app")
    name = static_registry.reference("app:1")
    assert words in _podmans_error(make_store("theirs"), name)
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
    _serve(static_registry, form, "app")
    name = static_registry.reference("app:1")
    result = _pull(store, pull_options, name)
    assert result.code == code and not result.changed, result.text
    assert [path for path, _headers in static_registry.asked if "/blobs/" in path] == []
    error = _podmans_error(make_store("theirs"), name)
    assert (words in error) if words else not error


# Where a foreign layer lies: what its urls are, whether the registry has it too, and the code of the error where it cannot be
# pulled. ``#`` stands for the address of another host, which has the layer at /layer, other bytes at /other, and asks for a
# password at /private.
FOREIGN = {
    "at its address": (["#/layer"], False, ""),
    "at its address before the registry": (["#/layer"], True, ""),
    "at the second address": (["#/none", "#/layer"], False, ""),
    "behind an address that wants a password": (["#/private", "#/layer"], True, ""),
    "at no address that can be asked": (["ftp://127.0.0.1/layer"], True, ""),
    "at the only address that can be asked": (["ftp://127.0.0.1/layer", "#/layer"], False, ""),
    "nowhere": (["#/none"], False, "blob_unknown"),
    "not at its address, though in the registry": (["#/none"], True, "blob_unknown"),
    "behind a password, though in the registry": (["#/private"], True, "unauthorized"),
    "at an address with other bytes": (["#/other"], True, "digest_mismatch"),
}


@pytest.mark.parametrize(
    ("case", "manifest"), [*((case, DOCKER) for case in sorted(FOREIGN)), ("at its address before the registry", OCI)]
)
def test_a_foreign_layer_comes_from_where_podman_takes_it(
    case: str,
    manifest: str,
    static_registry: StaticRegistry,
    make_store: Callable[[str], Store],
    store: Store,
    pull_options: dict[str, Any],
) -> None:
    urls, in_registry, code = FOREIGN[case]
    layer, config = (
        (f"{OCI_FOREIGN}+gzip", OCI_CONFIG) if manifest == OCI else (f"{DOCKER_FOREIGN}.gzip", DOCKER_CONFIG)
    )
    with running_static_registry() as elsewhere:
        elsewhere.private = ("/private",)
        addresses = [url.replace("#", elsewhere.url("")) for url in urls]
        data = _gzip(_tar("app"))
        elsewhere.pages = {"/layer": ("", data), "/other": ("", data[::-1]), "/private": ("", data)}
        _serve(static_registry, Form(_gzip, layer, manifest, config, more={"urls": addresses}), "app")
        blob = f"/v2/app/blobs/sha256:{hashlib.sha256(data).hexdigest()}"
        if not in_registry:
            del static_registry.pages[blob]
        static_registry.private = ("/v2/",)
        name = static_registry.reference("app:1")
        theirs = make_store("theirs")
        assert (_podmans_error(theirs, name, "--creds=user:hunter2") != "") is bool(code)
        asked = [path for path, _headers in elsewhere.asked]
        elsewhere.asked.clear()
        static_registry.asked.clear()
        result = _pull(store, pull_options, name, username="user", password="hunter2")
    assert (result.code, result.changed) == (code, not code), result.text
    assert [path for path, _headers in elsewhere.asked] == asked
    assert [headers for _path, headers in elsewhere.asked if "Authorization" in headers] == []
    assert (blob in [path for path, _headers in static_registry.asked]) is not any("#" in url for url in urls)
    assert "hunter2" not in result.text
    if code:
        assert not theirs.podman("images", "--quiet") and not store.podman("images", "--quiet")


def _index(registry: StaticRegistry, kind: str, *entries: tuple[dict[str, Any], str], tag: str = "") -> dict[str, Any]:
    """Serves an index or list of ``entries``, each a descriptor and an architecture (empty: no platform)."""
    listed = [
        {**entry, **({"platform": {"os": "linux", "architecture": words}} if words else {})} for entry, words in entries
    ]
    raw = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": listed}).encode()
    return registry.add_manifest("app", raw, kind, tag)


@pytest.mark.parametrize("kind", [OCI_INDEX, DOCKER_LIST])
def test_an_index_and_a_list_are_chosen_from_as_podman_does(
    kind: str,
    static_registry: StaticRegistry,
    make_store: Callable[[str], Store],
    store: Store,
    pull_options: dict[str, Any],
) -> None:
    form = Form(_gzip, f"{OCI_LAYER}+gzip") if kind == OCI_INDEX else _docker(_gzip, f"{DOCKER_LAYER}.gzip")
    image = _serve(static_registry, form, "app", "alone")
    other = {"mediaType": form.manifest, "digest": "sha256:" + "0" * 64, "size": 7}
    _index(static_registry, kind, (other, "s390x"), (image, "amd64"), (other, "amd64"), tag="1")
    name = static_registry.reference("app:1")
    theirs = make_store("theirs")
    theirs.podman("pull", "--quiet", "--tls-verify=false", name)
    assert _pull(store, pull_options, name).changed
    assert _record(theirs, name) == _record(store, name)


def test_an_index_in_an_index_is_followed_where_podman_gives_up(
    static_registry: StaticRegistry, make_store: Callable[[str], Store], store: Store, pull_options: dict[str, Any]
) -> None:
    """Image-spec, image-index.md: implementations SHOULD support an index as an entry."""
    image = _serve(static_registry, Form(_gzip, f"{OCI_LAYER}+gzip"), "app", "alone")
    other = {"mediaType": OCI, "digest": "sha256:" + "0" * 64, "size": 7}
    empty = _index(static_registry, OCI_INDEX, (other, "s390x"))
    inner = _index(static_registry, OCI_INDEX, (other, "s390x"), (image, "amd64"))
    top = _index(static_registry, OCI_INDEX, (empty, ""), (inner, ""), tag="1")
    name = static_registry.reference("app:1")
    assert "manifest list instead of a manifest" in _podmans_error(make_store("theirs"), name)
    result = _pull(store, pull_options, name)
    assert result.changed, result.text
    assert result["image"]["digest"] == top["digest"]
    assert _record(store, name)["Digest"] == top["digest"]
    assert not _pull(store, pull_options, name).changed


@pytest.mark.parametrize(("outer", "inner"), [(DOCKER_LIST, DOCKER_LIST), (DOCKER_LIST, OCI_INDEX)])
def test_a_list_in_a_docker_list_is_refused_as_by_podman(
    outer: str,
    inner: str,
    static_registry: StaticRegistry,
    make_store: Callable[[str], Store],
    store: Store,
    pull_options: dict[str, Any],
) -> None:
    image = _serve(static_registry, _docker(_gzip, f"{DOCKER_LAYER}.gzip"), "app", "alone")
    listed = _index(static_registry, inner, (image, "amd64"))
    _index(static_registry, outer, (listed, "amd64"), tag="1")
    name = static_registry.reference("app:1")
    words = "manifest list instead of a manifest for a single image"
    assert words in _podmans_error(make_store("theirs"), name)
    result = _pull(store, pull_options, name)
    assert result.code == "invalid_manifest" and words in result["msg"], result.text
