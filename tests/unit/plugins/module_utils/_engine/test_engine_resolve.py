# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from ansible_collections.strata.containers.plugins.module_utils._engine.resolve import (
    LayerCountMismatch,
    OtherPlatform,
    PlatformChoice,
    RemoteImage,
    choose_manifest,
    fits,
    resolve_image,
)
from ansible_collections.strata.containers.plugins.module_utils._errors import StrataError
from ansible_collections.strata.containers.plugins.module_utils._layer import compression
from ansible_collections.strata.containers.plugins.module_utils._layer.verify import DigestMismatch, SizeMismatch
from ansible_collections.strata.containers.plugins.module_utils._model import media_types
from ansible_collections.strata.containers.plugins.module_utils._model.descriptor import Descriptor
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._model.index import NoSuchPlatform
from ansible_collections.strata.containers.plugins.module_utils._model.platform import Platform
from ansible_collections.strata.containers.plugins.module_utils._model.signature import Signature

AMD64 = PlatformChoice(Platform("linux", "amd64"))


class MemorySource:
    """A source that holds its manifests and blobs in memory; tests change them as data."""

    endpoint = "memory"
    credentials_origin = ""

    def __init__(self, top: bytes, manifests: dict[str, bytes], blobs: dict[str, bytes]) -> None:
        self.top = top
        self.manifests = manifests
        self.blobs = blobs

    def manifest(self, digest: Digest | None = None) -> tuple[bytes, str]:
        raw = self.manifests[str(digest)] if digest else self.top
        return raw, json.loads(raw)["mediaType"]

    def current_digest(self) -> Digest | None:
        return Digest.of(self.top)

    def blob(self, descriptor: Descriptor) -> Iterator[bytes]:
        yield self.blobs[str(descriptor.digest)]

    def blob_size(self, digest: Digest) -> int | None:
        return len(self.blobs[str(digest)])

    def signatures(self, digest: Digest) -> tuple[Signature, ...]:
        return ()

    def close(self) -> None:
        return


def _config(architecture: str = "amd64", layers: int = 1) -> bytes:
    diff_ids = ["sha256:" + str(number) * 64 for number in range(layers)]
    rootfs = {"type": "layers", "diff_ids": diff_ids}
    return json.dumps({"architecture": architecture, "os": "linux", "rootfs": rootfs}).encode()


def _manifest(config: bytes) -> bytes:
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": media_types.OCI_MANIFEST,
            "config": {
                "mediaType": media_types.OCI_CONFIG,
                "digest": str(Digest.of(config)),
                "size": len(config),
            },
            "layers": [{"mediaType": "application/x", "digest": "sha256:" + "9" * 64, "size": 1}],
        }
    ).encode()


def _index(*entries: tuple[bytes, str]) -> bytes:
    manifests = [
        {
            "mediaType": json.loads(raw)["mediaType"],
            "digest": str(Digest.of(raw)),
            "size": len(raw),
            "platform": {"os": "linux", "architecture": architecture},
        }
        for raw, architecture in entries
    ]
    return json.dumps({"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": manifests}).encode()


def _source(config: bytes) -> MemorySource:
    return MemorySource(_manifest(config), {}, {str(Digest.of(config)): config})


def _resolve(
    source: MemorySource, choice: PlatformChoice = AMD64, configs: dict[Digest, bytes] | None = None
) -> RemoteImage:
    return resolve_image(source, choose_manifest(source, choice.platform), choice, "image", configs)


def test_a_single_image_is_named_by_its_manifest() -> None:
    image = _resolve(_source(_config()))
    assert image.indexes == () and image.digest == image.manifest.digest


def test_of_an_index_the_instance_for_the_platform_is_taken_and_the_index_names_it() -> None:
    configs = {name: _config(name) for name in ("amd64", "arm64")}
    manifests = {name: _manifest(config) for name, config in configs.items()}
    top = _index((manifests["arm64"], "arm64"), (manifests["amd64"], "amd64"))
    source = MemorySource(
        top,
        {str(Digest.of(raw)): raw for raw in manifests.values()},
        {str(Digest.of(config)): config for config in configs.values()},
    )
    image = _resolve(source)
    assert image.manifest.raw == manifests["amd64"]
    assert image.digest == Digest.of(top)
    with pytest.raises(NoSuchPlatform):
        _resolve(source, PlatformChoice(Platform("linux", "s390x"), True))


@pytest.mark.parametrize("can_unpack_zstd", [True, False])
def test_of_two_forms_the_one_is_taken_that_can_be_unpacked_here(
    can_unpack_zstd: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = _config()
    gzip_form, zstd_form = _manifest(config), _manifest(config) + b"\n"
    top = json.loads(_index((gzip_form, "amd64"), (zstd_form, "amd64")))
    top["manifests"][1]["annotations"] = {"io.github.containers.compression.zstd": "true"}
    source = MemorySource(
        json.dumps(top).encode(),
        {str(Digest.of(raw)): raw for raw in (gzip_form, zstd_form)},
        {str(Digest.of(config)): config},
    )
    monkeypatch.setattr(compression, "zstd_available", lambda: can_unpack_zstd)
    assert _resolve(source).manifest.raw == (zstd_form if can_unpack_zstd else gzip_form)


def test_the_indexes_on_the_way_to_the_image_are_kept() -> None:
    config = _config()
    manifest = _manifest(config)
    inner = _index((manifest, "amd64"))
    top = _index((inner, "amd64"))
    manifests = {str(Digest.of(raw)): raw for raw in (inner, manifest)}
    image = _resolve(MemorySource(top, manifests, {str(Digest.of(config)): config}))
    assert image.digest == Digest.of(top) and image.manifest.raw == manifest
    assert [index.raw for index in image.indexes] == [top, inner]
    direct = _resolve(MemorySource(inner, manifests, {str(Digest.of(config)): config}))
    assert direct.digest == Digest.of(inner) and [index.raw for index in direct.indexes] == [inner]


def test_an_image_of_another_platform_is_refused_unless_allowed() -> None:
    source = _source(_config("arm64"))
    with pytest.raises(OtherPlatform) as caught:
        _resolve(source)
    assert (caught.value.wanted, caught.value.found) == ("linux/amd64", "linux/arm64")
    assert _resolve(source, PlatformChoice(Platform("linux", "amd64"), allow_other=True)).config.platform


def test_a_config_with_other_layers_than_the_manifest_is_refused() -> None:
    with pytest.raises(LayerCountMismatch):
        _resolve(_source(_config(layers=2)))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda data: data + b" ", SizeMismatch),
        (lambda data: data[:-1], SizeMismatch),
        (lambda data: data.replace(b"linux", b"Linux"), DigestMismatch),
    ],
)
def test_a_config_with_other_bytes_is_refused(change: object, error: type[StrataError]) -> None:
    config = _config()
    source = _source(config)
    source.blobs = {key: change(value) for key, value in source.blobs.items()}  # type: ignore[operator]
    with pytest.raises(error):
        _resolve(source)


def test_a_config_above_four_mebibytes_is_refused_before_it_is_asked_for() -> None:
    source = _source(_config())
    manifest = json.loads(source.top)
    manifest["config"]["size"] = (4 << 20) + 1
    source.top, source.blobs = json.dumps(manifest).encode(), {}
    with pytest.raises(StrataError, match="4194304") as caught:
        _resolve(source)
    assert caught.value.code == "too_large"


def test_a_config_that_the_task_has_is_not_asked_for() -> None:
    config = _config()
    source = _source(config)
    known: dict[Digest, bytes] = {}
    _resolve(source, configs=known)
    source.blobs = {}
    assert _resolve(source, configs=known).config.raw == config


def test_a_manifest_is_chosen_without_a_blob_being_asked_for() -> None:
    source = _source(_config())
    source.blobs = {}
    assert choose_manifest(source, AMD64.platform).manifest.raw == source.top


@pytest.mark.parametrize(
    ("platform", "choice", "expected"),
    [
        (Platform("linux", "amd64"), AMD64, True),
        (Platform("", ""), AMD64, True),
        (Platform("windows", "amd64"), AMD64, False),
        (Platform("linux", "arm", "v7"), PlatformChoice(Platform("linux", "arm", "v8")), True),
        (Platform("linux", "arm", "v7"), PlatformChoice(Platform("linux", "arm", "v8"), True), True),
        (Platform("linux", "arm", "v7"), PlatformChoice(Platform("linux", "arm", "v6"), True), False),
    ],
)
def test_a_platform_serves_a_choice(platform: Platform, choice: PlatformChoice, expected: bool) -> None:
    assert fits(platform, choice) is expected
