# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._host.locks import exclusive
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._storage.catalog import (
    AmbiguousName,
    Catalog,
    MountCount,
    UnknownContainer,
    UnknownImage,
    read_catalog,
)
from ansible_collections.strata.containers.plugins.module_utils._storage.json_record import StoreDamaged
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.records import (
    ContainerRecord,
    ImageRecord,
    LayerRecord,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._storage.store_fakes import (
    FIXTURES,
    files_of,
    layout_in,
)

BASE = "9d215d76ad2209a4be74ac1777234727c754722e28ab5a9bcb71f9ea01d8e9df"
TOP = "5046c67e65c98e87155da0d9d98a3309caa5869f6e46b39542b51515b1f22a97"
TWO = "6fb649abbaddae900b1f0f55f0e8c45a2667e681cbb68d38f8834a21738de5a2"
TWO_MANIFEST = "sha256:8917d3f5f6b02a71a49e231d500cf94398c0e3d2714f94e78bd698240a9ec5ad"
BOX = "6eff40ebfe800aa60cb327791d8d69d1c66a7b890ebcb3e06e686e6d2110e072"
BOX_LAYER = "a4c49361e5a61a0e5b9b75397ece1cd2c6079a368265375fa1269f021056769c"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """The records of a store that podman filled."""
    layout = layout_in(tmp_path)
    for path in (layout.layers_json, layout.images_json, layout.containers_json):
        os.makedirs(os.path.dirname(path))
        shutil.copy(FIXTURES / os.path.basename(path), path)
    return layout


def test_store_that_does_not_exist_is_empty_and_stays_away(tmp_path: Path) -> None:
    assert read_catalog(layout_in(tmp_path)) == Catalog()
    assert os.listdir(tmp_path) == []


def test_reading_writes_nothing(layout: Layout) -> None:
    before = files_of(layout.graph_root)
    read_catalog(layout)
    assert files_of(layout.graph_root) == before
    assert not os.path.exists(layout.run_root)


def test_records_of_podman_are_all_there_in_order(layout: Layout) -> None:
    catalog = read_catalog(layout)
    assert [layer.id for layer in catalog.layers][:2] == [BASE, TOP]
    assert [len(catalog.layers), len(catalog.images), len(catalog.containers)] == [4, 2, 2]
    assert catalog.mount_counts == {}


def test_mount_counts_are_read_from_the_run_root(layout: Layout) -> None:
    os.makedirs(layout.run_layers_dir)
    Path(layout.mountpoints_json).write_text(
        f'[{{"id":"{BOX_LAYER}","path":"/m","count":2}},{{"id":"{BASE}","path":"/n","count":0}}]'
    )
    assert read_catalog(layout).mount_counts == {BOX_LAYER: MountCount("/m", 2)}


def test_volatile_records_follow_the_others_and_repeated_ids_are_skipped(layout: Layout) -> None:
    Path(layout.volatile_layers_json).write_text(f'[{{"id":"{BASE}"}},{{"id":"volatile"}}]')
    Path(layout.volatile_containers_json).write_text('[{"id":"volatile","layer":"volatile"}]')
    catalog = read_catalog(layout)
    assert catalog.layers[-1].id == "volatile"
    assert len(catalog.layers) == 5
    base = catalog.layer(BASE)
    assert base is not None
    assert base.diff_size == 10240
    assert catalog.container("volatile").layer == "volatile"


@pytest.mark.parametrize("name", ["layers.json", "images.json", "containers.json"])
def test_damaged_file_is_named(layout: Layout, name: str) -> None:
    path = Path(layout.graph_root, f"overlay-{name[:-5]}", name)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreDamaged) as caught:
        read_catalog(layout)
    assert caught.value.subject == str(path)


def test_reader_waits_for_a_writer(layout: Layout) -> None:
    done = threading.Event()

    def read() -> None:
        read_catalog(layout)
        done.set()

    thread = threading.Thread(target=read)
    with exclusive(layout.images_lock):
        thread.start()
        assert not done.wait(0.1)
    thread.join(5)
    assert done.is_set()


@pytest.mark.parametrize(
    "wanted",
    [TWO, "example.com/strata/two:1", "example.com/strata/two:latest", TWO_MANIFEST, f"sha256:{TWO}", TWO[:12], "6"],
)
def test_image_is_found_by_what_a_person_types(layout: Layout, wanted: str) -> None:
    assert read_catalog(layout).image(wanted).id == TWO


@pytest.mark.parametrize(
    "wanted", ["", "two", "example.com/strata/two", "sha256:", "f" * 64, TWO + "0", "sha256:" + "0" * 64]
)
def test_what_no_image_is_called_is_unknown(layout: Layout, wanted: str) -> None:
    with pytest.raises(UnknownImage) as caught:
        read_catalog(layout).image(wanted)
    assert caught.value.code == "unknown_image"


@pytest.mark.parametrize("wanted", [BOX, "box", BOX_LAYER, BOX[:8], "6"])
def test_container_is_found_by_what_a_person_types(layout: Layout, wanted: str) -> None:
    assert read_catalog(layout).container(wanted).id == BOX


@pytest.mark.parametrize("wanted", ["", "bo", "box-layer", TWO])
def test_what_no_container_is_called_is_unknown(layout: Layout, wanted: str) -> None:
    with pytest.raises(UnknownContainer):
        read_catalog(layout).container(wanted)


def test_ambiguous_prefix_lists_the_candidates() -> None:
    catalog = Catalog(
        images=(ImageRecord.of(id="ab1" + "0" * 61, names=["one"]), ImageRecord.of(id="ab2" + "0" * 61)),
        containers=(ContainerRecord.of(id="cd1" + "0" * 61), ContainerRecord.of(id="cd2" + "0" * 61, names=["box"])),
    )
    with pytest.raises(AmbiguousName, match="ab1000000000 one, ab2000000000") as caught:
        catalog.image("ab")
    assert caught.value.code == "ambiguous_name"
    with pytest.raises(AmbiguousName, match="cd1000000000, cd2000000000 box"):
        catalog.container("cd")


def test_manifest_digest_of_two_images_is_ambiguous_and_their_ids_are_not() -> None:
    digest = "sha256:" + "e" * 64
    catalog = Catalog(images=(ImageRecord.of(id="a" * 64, digest=digest), ImageRecord.of(id="b" * 64, digest=digest)))
    with pytest.raises(AmbiguousName):
        catalog.image(digest)
    assert catalog.image("sha256:" + "a" * 64).id == "a" * 64


def test_name_beats_an_id_prefix_and_the_later_of_two_records_has_the_name() -> None:
    catalog = Catalog(
        images=(
            ImageRecord.of(id="cafe" + "0" * 60),
            ImageRecord.of(id="b" * 64, names=["cafe"]),
            ImageRecord.of(id="c" * 64, names=["cafe"]),
        )
    )
    assert catalog.image("cafe").id == "c" * 64
    found = catalog.image_named("cafe")
    assert found is not None
    assert found.id == "c" * 64
    assert catalog.image_named("caf") is None


def test_layer_chain_starts_at_the_base(layout: Layout) -> None:
    catalog = read_catalog(layout)
    assert [layer.id for layer in catalog.layer_chain(BOX_LAYER)] == [BASE, TOP, BOX_LAYER]
    assert catalog.layer("absent") is None


def test_layer_chain_with_a_hole_or_a_ring_is_damage() -> None:
    catalog = Catalog(
        layers=(
            LayerRecord.of(id="a", parent="absent"),
            LayerRecord.of(id="b", parent="c"),
            LayerRecord.of(id="c", parent="b"),
        )
    )
    with pytest.raises(StoreDamaged, match="has no record") as caught:
        catalog.layer_chain("a")
    assert caught.value.subject == "absent"
    with pytest.raises(StoreDamaged, match="is below itself"):
        catalog.layer_chain("b")


def test_layers_with_a_diff_are_those_from_which_it_can_be_taken() -> None:
    digest = Digest("sha256", "d" * 64)
    mapped = [{"container_id": 0, "host_id": 1000, "size": 1}]
    catalog = Catalog(
        layers=(
            LayerRecord.of(id="a", diff_digest=str(digest), flags={"incomplete": True}),
            LayerRecord.of(id="b", diff_digest=str(digest), uidmap=mapped),
            LayerRecord.of(id="c", diff_digest=str(digest)),
            LayerRecord.of(id="d"),
        )
    )
    assert [layer.id for layer in catalog.layers_with_diff(digest)] == ["c"]


def test_a_layer_is_found_by_the_blob_it_was_unpacked_from_unless_it_is_half_made() -> None:
    blob = Digest.of(b"blob")
    catalog = Catalog(
        layers=(
            LayerRecord.of(id="a", compressed_diff_digest=str(blob), diff_digest="x", flags={"incomplete": True}),
            LayerRecord.of(id="b", compressed_diff_digest=str(blob)),
            LayerRecord.of(id="c", compressed_diff_digest=str(blob), diff_digest="x"),
        )
    )
    found = catalog.layer_of_blob(blob)
    assert found is not None and found.id == "c"
    assert catalog.layer_of_blob(Digest.of(b"other")) is None


class TestAdditionalStores:
    """A store of its own beside two others; each row of images is ID, names and store."""

    IMAGES = (
        ("1" * 64, ["mine"], ""),
        ("2" * 64, ["both"], ""),
        ("2" * 64, ["theirs"], "/a"),
        ("3" * 64, ["both"], "/a"),
    )

    @pytest.fixture
    def catalog(self) -> Catalog:
        rows = (*self.IMAGES, ("4" * 64, ["deep"], "/b"), ("5" * 64, ["deep"], "/b"), ("6" * 64, ["deep"], "/c"))
        return Catalog(images=tuple(ImageRecord({"id": name, "names": names}, store) for name, names, store in rows))

    @pytest.mark.parametrize(
        ("wanted", "found"),
        [
            ("mine", ("1", "")),
            ("both", ("2", "")),
            ("theirs", ("2", "/a")),
            ("2" * 64, ("2", "")),
            ("22", ("2", "")),
            ("333", ("3", "/a")),
            # Within one store the later record has the name, and a further store is not asked.
            ("deep", ("5", "/b")),
        ],
    )
    def test_the_first_store_that_knows_an_image_gives_it(
        self, catalog: Catalog, wanted: str, found: tuple[str, str]
    ) -> None:
        image = catalog.image(wanted)
        assert (image.id[0], image.store) == found

    def test_what_can_be_changed_is_the_stores_own(self, catalog: Catalog) -> None:
        assert [image.id[0] for image in catalog.own().images] == ["1", "2"]

    def test_they_are_read_without_what_is_being_made_there(self, layout: Layout, tmp_path: Path) -> None:
        own = Layout(str(tmp_path / "own"), str(tmp_path / "own-run"), additional=(layout.graph_root, "/nowhere"))
        before = files_of(layout.graph_root)
        text = Path(layout.layers_json).read_text(encoding="utf-8")
        catalog = read_catalog(own)
        assert {layer.id for layer in catalog.layers} >= {BASE, TOP}
        assert catalog.containers == () and catalog.own() == Catalog()
        assert {layer.store for layer in catalog.layers} == {layout.graph_root}
        assert own.of(catalog.layers[0].store).diff(BASE) == layout.diff(BASE)
        assert own.of("") is own
        assert files_of(layout.graph_root) == before and os.listdir(tmp_path) == [os.path.basename(layout.graph_root)]
        flagged = text.replace(f'{{"id":"{TOP}",', f'{{"id":"{TOP}","flags":{{"incomplete":true}},')
        assert flagged != text
        Path(layout.layers_json).write_text(flagged, encoding="utf-8")
        assert read_catalog(own).layer(TOP) is None and read_catalog(own).layer(BASE) is not None
