# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One store, many tools: what we write the others read, export and delete, and the other way round."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab.commands import run
from lab.modules import run_module
from lab.podman_service import podman_service
from lab.registry import Registry
from lab.stores import Store


@pytest.fixture
def ours(make_store: Callable[[str], Store]) -> Store:
    return make_store("ours")


@pytest.fixture
def theirs(make_store: Callable[[str], Store]) -> Store:
    return make_store("theirs")


def _pull(store: Store, image: str, options: dict[str, Any], **more: Any) -> dict[str, Any]:
    result = run_module("image_pull", {**store.module_options(), **options, "name": image, **more})
    assert not result.failed, result.text
    return dict(result["image"])


def _registry_config(image: str) -> dict[str, Any]:
    """The config of ``image`` as skopeo reads it from the registry."""
    return dict(json.loads(run(["skopeo", "inspect", "--tls-verify=false", "--config", "--raw", f"docker://{image}"])))


IMAGES = ("base:1", "odd:1", "zstd:1")


class TestOthersOnAStoreWeFilled:
    @pytest.mark.parametrize("name", IMAGES)
    def test_podman_lists_mounts_creates_and_removes(
        self, name: str, registry: Registry, ours: Store, pull_options: dict[str, Any]
    ) -> None:
        image = registry.reference(name)
        pulled = _pull(ours, image, pull_options)
        assert pulled["id"] in ours.podman("images", "--no-trunc", "--quiet")
        assert os.path.isdir(ours.podman("image", "mount", image))
        ours.podman("image", "umount", image)
        container = ours.podman("create", "--name", "probe", image, "true")
        assert container in ours.podman("ps", "-a", "--no-trunc", "--quiet")
        ours.podman("rm", "probe")
        ours.podman("rmi", image)
        assert ours.podman("images", "--quiet") == ""
        with open(os.path.join(ours.root, "overlay-layers", "layers.json"), encoding="utf-8") as records:
            assert json.load(records) == []
        assert os.listdir(os.path.join(ours.root, "overlay", "l")) == []

    def test_podman_lists_our_container_as_external(
        self, registry: Registry, ours: Store, pull_options: dict[str, Any]
    ) -> None:
        image = registry.reference("odd:1")
        _pull(ours, image, pull_options)
        created = run_module("container_create", {**ours.module_options(), "image": image, "name": "ours"})
        assert not created.failed, created.text
        (listed,) = ours.podman_json("ps", "-a", "--external", "--no-trunc", "--format", "json")
        assert listed["Id"] == created["container"]["id"]
        assert listed["Names"] == ["ours"]
        with pytest.raises(Exception, match="use"):
            ours.podman("rmi", image)
        ours.podman("rm", "ours")
        assert run_module("image_info", {**ours.module_options()})["images"] != []

    @pytest.mark.parametrize("name", IMAGES)
    def test_podman_saves_the_ids_of_the_registry(
        self, name: str, registry: Registry, ours: Store, pull_options: dict[str, Any], tmp_path: Path
    ) -> None:
        image = registry.reference(name)
        pulled = _pull(ours, image, pull_options)
        config = _registry_config(image)
        archive = tmp_path / "saved.tar"
        ours.podman("save", "--format", "oci-archive", "-o", str(archive), image)
        with tarfile.open(archive) as tar:
            index = _json_member(tar, "index.json")
            manifest = _json_member(tar, _blob(index["manifests"][0]["digest"]))
            exported = _json_member(tar, _blob(manifest["config"]["digest"]))
        assert manifest["config"]["digest"] == f"sha256:{pulled['id']}"
        assert exported["rootfs"]["diff_ids"] == config["rootfs"]["diff_ids"]

    def test_podman_saves_a_docker_archive(
        self, registry: Registry, ours: Store, pull_options: dict[str, Any], tmp_path: Path
    ) -> None:
        image = registry.reference("odd:1")
        _pull(ours, image, pull_options)
        ours.podman("save", "-o", str(tmp_path / "saved.tar"), image)
        with tarfile.open(tmp_path / "saved.tar") as tar:
            (entry,) = _json_member(tar, "manifest.json")
            assert len(entry["Layers"]) == len(_registry_config(image)["rootfs"]["diff_ids"])

    @pytest.mark.parametrize("name", IMAGES)
    def test_skopeo_exports_what_it_exports_from_podmans_store(
        self,
        name: str,
        registry: Registry,
        ours: Store,
        theirs: Store,
        pull_options: dict[str, Any],
        tmp_path: Path,
    ) -> None:
        image = registry.reference(name)
        _pull(ours, image, pull_options)
        theirs.podman("pull", "--quiet", "--tls-verify=false", image)
        manifests = []
        for number, store in enumerate((theirs, ours)):
            target = tmp_path / f"dir{number}"
            run(["skopeo", "--insecure-policy", "copy", store.bracket + image, f"dir:{target}"])
            manifests.append((target / "manifest.json").read_bytes())
            _check_blobs(target)
        assert manifests[0] == manifests[1]

    def test_buildah_builds_on_it(self, registry: Registry, ours: Store, pull_options: dict[str, Any]) -> None:
        image = registry.reference("odd:1")
        _pull(ours, image, pull_options)
        container = ours.buildah("from", "--pull-never", image)
        assert container in ours.buildah("containers", "--format", "{{.ContainerName}}")
        ours.buildah("mount", container)
        ours.buildah("umount", container)
        ours.buildah("commit", container, "built")
        ours.buildah("rm", container)
        assert "localhost/built" in ours.podman("images", "--format", "{{.Repository}}")

    def test_containers_storage_reads_every_record(
        self, registry: Registry, ours: Store, pull_options: dict[str, Any]
    ) -> None:
        image = registry.reference("odd:1")
        pulled = _pull(ours, image, pull_options)
        created = run_module("container_create", {**ours.module_options(), "image": image, "name": "ours"})
        layers = ours.containers_storage("layers", "--json")
        assert {layer["id"] for layer in pulled["layers"]} <= {layer["id"] for layer in json.loads(layers)}
        (record,) = json.loads(ours.containers_storage("images", "--json"))
        assert record["id"] == pulled["id"]
        (container,) = json.loads(ours.containers_storage("containers", "--json"))
        assert container["id"] == created["container"]["id"]

    def test_a_running_podman_service_sees_our_change(
        self, registry: Registry, ours: Store, pull_options: dict[str, Any]
    ) -> None:
        ours.podman("images")  # makes the store
        with podman_service(ours) as ask:
            assert ask("GET", "images/json") == []
            pulled = _pull(ours, registry.reference("odd:1"), pull_options)
            assert [image["Id"].removeprefix("sha256:") for image in ask("GET", "images/json")] == [pulled["id"]]


class TestWeOnAStorePodmanFilled:
    def test_list_create_mount_write_and_delete(self, registry: Registry, theirs: Store) -> None:
        image = registry.reference("base:1")
        theirs.podman("pull", "--quiet", "--tls-verify=false", image)
        (listed,) = run_module("image_info", theirs.module_options())["images"]
        (record,) = theirs.podman_json("image", "inspect", image)
        assert listed["id"] == record["Id"]
        options = theirs.module_options()
        assert run_module("container_create", {**options, "image": image, "name": "ours"}).changed
        mounted = run_module("container_mount", {**options, "name": "ours"})
        assert mounted.changed, mounted.text
        with open(os.path.join(mounted["mount_point"], "etc", "issue"), encoding="utf-8") as stream:
            assert stream.read() == "second\n"
        with open(os.path.join(mounted["mount_point"], "written"), "w", encoding="utf-8") as stream:
            stream.write("x")
        assert run_module("container_mount", {**options, "name": "ours", "state": "unmounted"}).changed
        assert run_module("container_create", {**options, "name": "ours", "state": "absent"}).changed
        theirs.podman("rmi", image)
        assert theirs.podman("images", "--quiet") == ""

    def test_a_second_pull_of_podmans_image_changes_nothing(
        self, registry: Registry, theirs: Store, pull_options: dict[str, Any]
    ) -> None:
        image = registry.reference("multi:1")
        theirs.podman("pull", "--quiet", "--tls-verify=false", image)
        result = run_module("image_pull", {**theirs.module_options(), **pull_options, "name": image})
        assert not result.changed, result.text

    def test_a_record_without_manifest_is_listed(self, theirs: Store) -> None:
        layer = theirs.containers_storage("create-layer").split()[0]
        theirs.containers_storage("create-image", "--name", "bare", layer)
        (listed,) = run_module("image_info", theirs.module_options())["images"]
        assert listed["platform"] is None
        assert listed["top_layer"] == layer


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _json_member(tar: tarfile.TarFile, name: str) -> Any:
    stream = tar.extractfile(name)
    assert stream is not None
    return json.load(stream)


def _check_blobs(directory: Path) -> None:
    for blob in directory.iterdir():
        if len(blob.name) == 64:
            assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
