# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans and records of schema 1 images, of which it shows late what they are; podman 4.3.1 gave the image its ID."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._engine.new_image import new_image
from ansible_collections.strata.containers.plugins.module_utils._engine.planner import Planner
from ansible_collections.strata.containers.plugins.module_utils._engine.resolve import RemoteImage
from ansible_collections.strata.containers.plugins.module_utils._engine.schema1 import convert
from ansible_collections.strata.containers.plugins.module_utils._errors import StrataError
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._model.layer_ids import layer_chain
from ansible_collections.strata.containers.plugins.module_utils._model.manifest_parser import parse_manifest
from ansible_collections.strata.containers.plugins.module_utils._model.schema1 import Schema1Manifest
from ansible_collections.strata.containers.plugins.module_utils._storage.catalog import Catalog
from ansible_collections.strata.containers.plugins.module_utils._storage.commit import empty_record, with_data
from ansible_collections.strata.containers.plugins.module_utils._storage.image_signatures import ManifestSignatures
from ansible_collections.strata.containers.plugins.module_utils._storage.records import ImageRecord, LayerRecord
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._model.schema1_documents import (
    BASE,
    SKOPEO,
    TOP,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._storage.store_fakes import StagedLayer

IMAGE_ID = "8a47dd25180f53d70a8765ab435d30b108481397b1c24f8985a533eb1d2b3170"
BLOBS = [Digest.parse(BASE[0]), Digest.parse(TOP[0])]
DIFF_IDS = [Digest.parse(BASE[1]), Digest.parse(TOP[1])]
CHAIN = layer_chain(DIFF_IDS)
SIZES = {BLOBS[0]: 111, BLOBS[1]: 222}


class FakeWorkshop:
    """Unpacks every blob to what its diff ID says, without a byte of it."""

    def __init__(self) -> None:
        self.driver = SimpleNamespace(ensure_usable=lambda: None)
        self.layout = SimpleNamespace(stacked=True)
        self.staged: list[Any] = []
        self.assigned: list[str] = []
        self.failure: StrataError | None = None

    def stage(self, layers: Any, _source: object, _catalog: Catalog) -> list[StagedLayer]:
        if self.failure:
            raise self.failure
        self.staged += [layer.blob.digest for layer in layers]
        return [
            StagedLayer(
                layer_id=layer.layer_id,
                parent=layer.parent,
                blob_digest=layer.blob.digest,
                blob_size=SIZES[layer.blob.digest],
                diff_id=DIFF_IDS[BLOBS.index(layer.blob.digest)],
                diff_size=1,
                compression=2,
                uids=(),
                gids=(),
                tree="",
                tar_split="",
                root_attributes=True,
            )
            for layer in layers
        ]

    def assign(self, _staged: object, layers: Any) -> None:
        self.assigned = [layer.layer_id for layer in layers]


class FakeSource:
    """Tells the sizes of the blobs that it is said to tell."""

    def __init__(self, sizes: dict[Digest, int]) -> None:
        self.sizes = sizes
        self.asked: list[Digest] = []

    def blob_size(self, digest: Digest) -> int | None:
        self.asked.append(digest)
        return self.sizes.get(digest)


def _remote() -> RemoteImage:
    manifest = parse_manifest(SKOPEO, "")
    assert isinstance(manifest, Schema1Manifest)
    conversion = convert(manifest, {})
    return RemoteImage((), manifest, conversion.layers, conversion.config, conversion.stand_ins)


def _layer(number: int, blob: Digest | None = None) -> LayerRecord:
    return LayerRecord.of(
        id=CHAIN[number],
        parent=CHAIN[number - 1] if number else None,
        compressed_diff_digest=str(blob or BLOBS[number]),
        compressed_size=SIZES[BLOBS[number]],
        diff_digest=str(DIFF_IDS[number]),
        diff_size=1,
    )


def _plan(catalog: Catalog, workshop: FakeWorkshop, source: FakeSource | None = None) -> Any:
    planner = Planner(workshop, check_mode=source is not None)  # type: ignore[arg-type]
    return planner.plan(_remote(), source or FakeSource({}), catalog)  # type: ignore[arg-type]


def test_without_the_layers_neither_id_nor_diff_ids_are_known_and_the_platform_is() -> None:
    remote = _remote()
    assert len(remote.stand_ins) == 2 and not remote.stand_ins.intersection(DIFF_IDS)
    assert remote.image_id != IMAGE_ID
    assert str(remote.config.platform) == "linux/amd64"
    assert [layer.known_size for layer in remote.layers] == [None, None]


def test_a_run_unpacks_first_and_plans_then() -> None:
    workshop = FakeWorkshop()
    remote, plan = _plan(Catalog(), workshop)
    assert remote.stand_ins == frozenset() and remote.image_id == IMAGE_ID
    assert workshop.staged == BLOBS and tuple(workshop.assigned) == plan.chain == CHAIN
    assert plan.facts() == {"keep": 0, "reuse": 0, "fetch": 2, "bytes": 333}


@pytest.mark.parametrize(("told", "size"), [(SIZES, 333), ({BLOBS[1]: 222}, 222), ({}, 0)])
def test_check_mode_asks_for_sizes_and_unpacks_nothing(told: dict[Digest, int], size: int) -> None:
    workshop, source = FakeWorkshop(), FakeSource(told)
    remote, plan = _plan(Catalog(), workshop, source)
    assert workshop.staged == [] and source.asked == BLOBS
    assert plan.facts() == {"keep": 0, "reuse": 0, "fetch": 2, "bytes": size}
    assert plan.stand_in_ids == plan.chain and len(remote.stand_ins) == 2


@pytest.mark.parametrize("check_mode", [True, False])
def test_what_the_store_knows_is_not_asked_for(check_mode: bool) -> None:
    workshop, source = FakeWorkshop(), FakeSource(SIZES)
    _remote_image, plan = _plan(Catalog(layers=(_layer(0),)), workshop, source if check_mode else None)
    assert plan.chain[0] == CHAIN[0] and plan.layers[0].action == "keep"
    assert plan.facts() == {"keep": 1, "reuse": 0, "fetch": 1, "bytes": 222}
    assert (source.asked if check_mode else workshop.staged) == [BLOBS[1]]
    assert plan.stand_in_ids == (plan.chain[1:] if check_mode else ())


def test_with_all_layers_known_the_id_is() -> None:
    source = FakeSource({})
    remote, plan = _plan(Catalog(layers=(_layer(0), _layer(1))), FakeWorkshop(), source)
    assert remote.image_id == IMAGE_ID and plan.to_stage == () and source.asked == []


def test_an_image_of_this_manifest_tells_what_its_blobs_unpack_to() -> None:
    """Its layers may have been there before it, from blobs that were compressed otherwise."""
    other = Digest.of(b"compressed otherwise")
    layers = (_layer(0, other), _layer(1, other))
    record = ImageRecord.of(id=IMAGE_ID, digest=str(_remote().digest), layer=CHAIN[1])
    remote, plan = _plan(Catalog(layers=layers, images=(record,)), FakeWorkshop(), FakeSource({}))
    assert remote.image_id == IMAGE_ID and plan.to_stage == ()
    # One whose chain is damaged tells nothing.
    _remote_image, plan = _plan(Catalog(layers=layers[1:], images=(record,)), FakeWorkshop(), FakeSource({}))
    assert plan.facts()["fetch"] == 2


def test_what_was_unpacked_is_remembered_for_the_next_attempt() -> None:
    workshop = FakeWorkshop()
    planner = Planner(workshop, check_mode=False)  # type: ignore[arg-type]
    first = planner.plan(_remote(), FakeSource({}), Catalog())  # type: ignore[arg-type]
    workshop.failure = StrataError("nothing is unpacked twice")
    assert planner.plan(_remote(), FakeSource({}), Catalog()) == first  # type: ignore[arg-type]


def test_the_record_is_podmans() -> None:
    """Of an image that podman 4.3.1 pulled: big data, metadata and time."""
    remote, plan = _plan(Catalog(), FakeWorkshop())
    signatures = ManifestSignatures(remote.manifest.digest, noted=True)
    image = new_image(("example.com/s1:1",), remote, plan, signatures)
    digest = "sha256:bc24d960de02e7e79fd16fb224c423bf4d02a9e2ecf11a42df9be8617f60182d"
    assert [(key, len(data)) for key, data in image.items] == [
        (f"manifest-{digest}", len(SKOPEO)),
        ("manifest", len(SKOPEO)),
        (f"signature-{digest[7:]}", 0),
    ]
    assert with_data(empty_record(image), image).metadata == '{"signatures-sizes":{"' + digest + '":[]}}'
    assert (image.created, image.top_layer) == ("2026-11-03T10:31:07.5Z", CHAIN[1])
