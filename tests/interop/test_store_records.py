# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The records side of the store alone: layers unpacked by GNU tar, committed by us, judged by the other tools."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._host.locks import exclusive
from ansible_collections.strata.containers.plugins.module_utils._layer.tar_reader import TarReader
from ansible_collections.strata.containers.plugins.module_utils._layer.tar_split import GzipWriter, TarSplitWriter
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._model.layer_ids import layer_chain
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter
from ansible_collections.strata.containers.plugins.module_utils._storage.catalog import Catalog, read_catalog
from ansible_collections.strata.containers.plugins.module_utils._storage.commit import (
    NewImage,
    StagedLayer,
    commit_image,
)
from ansible_collections.strata.containers.plugins.module_utils._storage.containers import (
    NewContainer,
    create_container,
    delete_container,
)
from ansible_collections.strata.containers.plugins.module_utils._storage.diff import reassemble
from ansible_collections.strata.containers.plugins.module_utils._storage.edit import open_for_change
from ansible_collections.strata.containers.plugins.module_utils._storage.image_names import add_names, change_names
from ansible_collections.strata.containers.plugins.module_utils._storage.image_signatures import ManifestSignatures
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.overlay import OverlayDriver
from ansible_collections.strata.containers.plugins.module_utils._storage.prepare import prepare_store
from ansible_collections.strata.containers.plugins.module_utils._storage.records import ImageRecord, LayerRecord
from ansible_collections.strata.containers.plugins.module_utils._storage.staging import Staging, open_staging
from lab.commands import CommandFailed, run
from lab.odd_images import PLAIN, Entry, ImageLayout, make_tar
from lab.podman_service import podman_service
from lab.stores import Store

NAME = "example.com/strata/two:1"
LAYERS = [
    make_tar([Entry("etc/hello", content=b"hello\n", uid=7, gid=8), Entry("<&> \u2028", content=b"escaped")]),
    make_tar([Entry("two", content=b"two\n" * 50_000), Entry("empty")]),
]


@pytest.fixture
def image(tmp_path: Path) -> ImageLayout:
    """The image as an OCI layout, from which both sides fill their stores."""
    layout = ImageLayout(str(tmp_path / "layout"))
    layout.add_image("two", [(tar, PLAIN) for tar in LAYERS])
    return layout


@pytest.fixture
def make_store(judges: None) -> Iterator[Callable[[str], Store]]:
    """As the shared one, with short names: podman refuses a run root of more than 50 characters."""
    with tempfile.TemporaryDirectory(prefix="st") as directory:
        stores = []

        def make(name: str) -> Store:
            stores.append(Store(f"{directory}/{name}"))
            os.mkdir(stores[-1].base)
            return stores[-1]

        yield make
        for store in stores:
            store.destroy()


@pytest.fixture
def ours(make_store: Callable[[str], Store]) -> Store:
    return make_store("ours")


@pytest.fixture
def theirs(make_store: Callable[[str], Store]) -> Store:
    return make_store("theirs")


def layout_of(store: Store) -> Layout:
    return Layout(store.root, store.run_root)


def read_blob(image: ImageLayout, digest: str) -> bytes:
    return Path(image.directory, "blobs", "sha256", digest.partition(":")[2]).read_bytes()


def stage(staging: Staging, tar: bytes, layer_id: str, parent: str | None) -> StagedLayer:
    """A layer unpacked by GNU tar, with the records that our reader makes of its archive."""
    tree, tar_split = f"{staging.tree}/{layer_id}", f"{staging.records}/{layer_id}"
    os.mkdir(tree)
    run(["tar", "--numeric-owner", "-xpf", "-", "-C", tree], stdin=tar)
    with open(tar_split, "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        gzip_writer = GzipWriter(file.write)
        reader = TarReader(iter([tar]), TarSplitWriter(gzip_writer.write))
        members = list(reader)
        reader.drain()
        gzip_writer.close()
    return StagedLayer(
        layer_id=layer_id,
        parent=parent,
        blob_digest=Digest.of(tar),
        blob_size=len(tar),
        diff_id=Digest.of(tar),
        diff_size=len(tar),
        compression=0,
        uids=tuple(member.uid for member in members),
        gids=tuple(member.gid for member in members),
        tree=tree,
        tar_split=tar_split,
        root_attributes=False,
    )


def fill(store: Store, image: ImageLayout, names: tuple[str, ...] = (NAME,)) -> ImageRecord:
    """Commits the image to a store of ours."""
    layout = layout_of(store)
    prepare_store(layout)
    index = json.loads(Path(image.directory, "index.json").read_bytes())
    manifest_digest = index["manifests"][0]["digest"]
    manifest_bytes = read_blob(image, manifest_digest)
    config_digest = json.loads(manifest_bytes)["config"]["digest"]
    config = read_blob(image, config_digest)
    chain = layer_chain([Digest.of(tar) for tar in LAYERS])
    new = NewImage(
        image_id=config_digest.partition(":")[2],
        names=names,
        digest=Digest.parse(manifest_digest),
        top_layer=chain[-1],
        created=json.loads(config)["created"],
        big_data=(
            (config_digest, config),
            (f"manifest-{manifest_digest}", manifest_bytes),
            ("manifest", manifest_bytes),
        ),
        signatures=ManifestSignatures(Digest.parse(manifest_digest)),
        chain=chain,
    )
    with open_staging(layout) as staging:
        staged = [stage(staging, tar, *ids) for tar, *ids in zip(LAYERS, chain, (None, *chain))]
        return commit_image(layout, OverlayDriver(layout), staged, new, Reporter())


def fill_theirs(store: Store, image: ImageLayout) -> None:
    """Lets skopeo copy the image to a store of theirs."""
    run(["skopeo", "--insecure-policy", "copy", f"oci:{image.directory}:two", store.bracket + NAME])


def catalog_of(store: Store) -> Catalog:
    return read_catalog(layout_of(store))


def add_container(store: Store, image: ImageRecord, name: str = "box") -> str:
    layout = layout_of(store)
    metadata = json.dumps({"image-name": NAME, "image-id": image.id, "name": name, "created-at": 1})
    new = NewContainer(image_id=image.id, top_layer=image.layer, name=name, metadata=lambda _id: metadata)
    return create_container(layout, OverlayDriver(layout), new).id


class TestWeWriteAndTheyRead:
    def test_every_tool_lists_the_image(self, ours: Store, image: ImageLayout) -> None:
        record = fill(ours, image)
        (listed,) = ours.podman_json("images", "--no-trunc", "--format", "json")
        assert (listed["Id"], listed["Names"]) == (record.id, [NAME])
        assert len(ours.podman("image", "tree", NAME).splitlines()) > len(LAYERS)
        assert {layer["id"] for layer in json.loads(ours.containers_storage("layers", "--json"))} == {
            layer.id for layer in catalog_of(ours).layers
        }
        (seen,) = json.loads(ours.containers_storage("images", "--json"))
        assert seen["id"] == record.id
        assert record.id in ours.buildah("images", "--no-trunc")

    def test_records_are_those_that_skopeo_writes_for_the_same_image(
        self, ours: Store, theirs: Store, image: ImageLayout
    ) -> None:
        fill(ours, image)
        fill_theirs(theirs, image)
        mine, other = catalog_of(ours), catalog_of(theirs)
        assert [without(layer, "created") for layer in mine.layers] == [
            without(layer, "created") for layer in other.layers
        ]
        assert [list(layer.fields) for layer in mine.layers] == [list(layer.fields) for layer in other.layers]
        signature = "signature-" + other.images[0].digest.partition(":")[2]
        assert without(mine.images[0], "metadata") == without(
            # skopeo 1.9 notes an empty signature, which newer versions do not.
            other.images[0].changed(
                big_data_names=[key for key in other.images[0].big_data_names if key != signature],
                big_data_sizes={k: v for k, v in other.images[0].big_data_sizes.items() if k != signature},
                big_data_digests={k: v for k, v in other.images[0].big_data_digests.items() if k != signature},
            ),
            "metadata",
        )

    def test_modes_of_files_and_directories_are_theirs(self, ours: Store, theirs: Store, image: ImageLayout) -> None:
        fill(ours, image)
        fill_theirs(theirs, image)
        mine, other = modes(ours.root), modes(theirs.root)
        # Older versions make directories and locks that nobody needed here, and an item for an empty signature.
        unneeded = {"mounts", "tmp", "userns.lock", "storage.lock", "overlay-containers/containers.lock"}
        assert {path for path in set(other) - set(mine) if "c2lnbmF0dXJl" not in path} <= unneeded
        assert set(mine) <= set(other)
        assert {path: mode for path, mode in mine.items() if other[path] != mode} == {}

    def test_skopeo_exports_the_very_layers(self, ours: Store, image: ImageLayout, tmp_path: Path) -> None:
        fill(ours, image)
        run(["skopeo", "--insecure-policy", "copy", ours.bracket + NAME, f"dir:{tmp_path / 'out'}"])
        for tar in LAYERS:
            digest = hashlib.sha256(tar).hexdigest()
            assert (tmp_path / "out" / digest).read_bytes() == tar

    def test_podman_mounts_and_deletes_it(self, ours: Store, image: ImageLayout) -> None:
        fill(ours, image)
        point = Path(ours.podman("image", "mount", NAME))
        assert (point / "etc" / "hello").read_text() == "hello\n"
        ours.podman("image", "umount", NAME)
        ours.podman("rmi", NAME)
        assert catalog_of(ours) == Catalog()
        assert os.listdir(layout_of(ours).driver_links) == []

    def test_container_is_listed_kept_and_removed_by_podman(self, ours: Store, image: ImageLayout) -> None:
        record = fill(ours, image)
        container = add_container(ours, record)
        (listed,) = ours.podman_json("ps", "-a", "--external", "--no-trunc", "--format", "json")
        assert (listed["Id"], listed["Names"], listed["ImageID"]) == (container, ["box"], record.id)
        with pytest.raises(CommandFailed, match="in use"):
            ours.podman("rmi", NAME)
        ours.podman("rm", "box")
        catalog = catalog_of(ours)
        assert catalog.containers == ()
        assert len(catalog.layers) == len(LAYERS)

    def test_container_without_a_name_is_listed(self, ours: Store, image: ImageLayout) -> None:
        record = fill(ours, image)
        layout = layout_of(ours)
        new = NewContainer(image_id=record.id, top_layer=record.layer, name=None, metadata=lambda _id: "")
        container = create_container(layout, OverlayDriver(layout), new).id
        assert container in ours.podman("ps", "-a", "--external", "--no-trunc", "--quiet")
        assert container in ours.containers_storage("containers")

    def test_names_move_for_the_others_too(self, ours: Store, image: ImageLayout) -> None:
        record = fill(ours, image)
        add_names(layout_of(ours), record.id, ["example.com/strata/new:1"])
        listed = ours.podman_json("images", "--format", "json")
        assert [found["Names"] for found in listed] == [["example.com/strata/new:1", NAME]] * 2
        ours.podman("untag", record.id, NAME)
        ours.podman("tag", record.id, "example.com/strata/last:1")
        assert set(catalog_of(ours).images[0].names) == {"example.com/strata/new:1", "example.com/strata/last:1"}

    def test_service_that_was_running_sees_the_change(self, ours: Store, image: ImageLayout) -> None:
        with podman_service(ours) as ask:
            assert ask("GET", "images/json") == []
            record = fill(ours, image)
            assert [found["Id"] for found in ask("GET", "images/json")] == [record.id]
            change_names(layout_of(ours), record.id, lambda _images: ["example.com/strata/moved:1"])
            assert ask("GET", "images/json")[0]["Names"] == ["example.com/strata/moved:1"]
            container = add_container(ours, record)
            assert ask("GET", "containers/json?all=true&external=true")[0]["Id"] == container
            layout = layout_of(ours)
            delete_container(layout, OverlayDriver(layout), read_catalog(layout).container("box"))
            assert ask("GET", "containers/json?all=true&external=true") == []


class TestTheyWriteAndWeRead:
    def test_catalog_of_a_store_that_skopeo_filled(self, theirs: Store, image: ImageLayout) -> None:
        fill_theirs(theirs, image)
        catalog = catalog_of(theirs)
        found = catalog.image(NAME)
        assert [layer.diff_digest for layer in catalog.layer_chain(found.layer)] == [
            str(Digest.of(tar)) for tar in LAYERS
        ]

    def test_layers_are_put_together_byte_for_byte(self, theirs: Store, image: ImageLayout) -> None:
        fill_theirs(theirs, image)
        catalog = catalog_of(theirs)
        chain = catalog.layer_chain(catalog.image(NAME).layer)
        assert [b"".join(reassemble(layout_of(theirs), catalog, layer)) for layer in chain] == LAYERS

    def test_container_of_buildah_is_deleted_by_us(self, theirs: Store, image: ImageLayout) -> None:
        fill_theirs(theirs, image)
        name = theirs.buildah("from", "--pull-never", NAME)
        layout = layout_of(theirs)
        record = catalog_of(theirs).container(name)
        assert record.flags["Volatile"] is True
        delete_container(layout, OverlayDriver(layout), record)
        assert theirs.buildah("containers", "--quiet") == ""
        assert json.loads(theirs.containers_storage("layers", "--json"))
        theirs.podman("rmi", NAME)
        assert catalog_of(theirs).layers == ()

    def test_image_of_podman_gets_our_container(self, theirs: Store, image: ImageLayout) -> None:
        fill_theirs(theirs, image)
        container = add_container(theirs, catalog_of(theirs).image(NAME))
        point = Path(theirs.containers_storage("mount", container))
        assert (point / "two").read_bytes() == b"two\n" * 50_000
        theirs.containers_storage("unmount", container)
        theirs.containers_storage("delete-container", container)
        assert catalog_of(theirs).containers == ()

    def test_image_record_without_manifest_is_read(self, theirs: Store, image: ImageLayout) -> None:
        fill_theirs(theirs, image)
        top = catalog_of(theirs).image(NAME).layer
        theirs.containers_storage("create-image", "-n", "bare", top)
        found = catalog_of(theirs).image("bare")
        assert (found.layer, found.digest, found.big_data_names) == (top, "", ())


class TestBothAtWork:
    @pytest.mark.parametrize("lock", ["storage_lock", "layers_lock", "images_lock", "containers_lock"])
    def test_podman_waits_for_our_lock(self, ours: Store, image: ImageLayout, lock: str) -> None:
        fill(ours, image)
        command = ours.podman_command("ps" if lock == "containers_lock" else "images", "-a", "-q")
        if lock == "containers_lock":
            command.insert(-1, "--external")
        with exclusive(getattr(layout_of(ours), lock)):
            waiting = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with pytest.raises(subprocess.TimeoutExpired):
                waiting.wait(1)
        assert waiting.wait(30) == 0

    def test_podman_removes_the_layer_of_a_killed_commit(self, ours: Store, image: ImageLayout) -> None:
        fill(ours, image)
        layout = layout_of(ours)
        left = "f" * 64
        with open_for_change(layout, layers=True) as tables:
            tables.layers.add(LayerRecord.of(id=left, created="2026-01-01T00:00:00Z", flags={"incomplete": True}))
            tables.save_layers()
            OverlayDriver(layout).create_writable(left, None)
        ours.podman("images")
        assert catalog_of(ours).layer(left) is None
        assert not os.path.exists(layout.driver_layer(left))

    def test_no_name_is_lost_when_others_and_we_name_images_at_the_same_time(
        self, ours: Store, image: ImageLayout
    ) -> None:
        """skopeo adds a name under the lock. ``podman tag`` before 4.8 and ``containers-storage add-names`` are no judges.

        They read the names first, and under the lock write all that they read, and so lose one another's too.
        """
        record = fill(ours, image)
        layout = layout_of(ours)
        others_are_done = threading.Event()
        expected = {f"example.com/theirs:{number}" for number in range(12)}
        failures: list[BaseException] = []

        def ours_in_turn() -> None:
            try:
                while not others_are_done.is_set():
                    with open_for_change(layout, images=True) as tables:
                        current = tables.images.get(record.id)
                        assert current is not None
                        name = f"example.com/ours:{len(expected)}"
                        tables.images.replace(current.changed(names=[*current.names, name]))
                        tables.save_images()
                    expected.add(name)
                    # One that always holds a lock starves who waits for it.
                    time.sleep(0.002)
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=ours_in_turn)
        thread.start()
        for name in sorted(expected):
            run(["skopeo", "--insecure-policy", "copy", "--quiet", f"oci:{image.directory}:two", ours.bracket + name])
        others_are_done.set()
        thread.join()
        assert failures == []
        assert set(catalog_of(ours).images[0].names) == {*record.names, *expected}


def without(record: LayerRecord | ImageRecord, *keys: str) -> dict[str, Any]:
    return {key: value for key, value in record.fields.items() if key not in keys}


def modes(root: str) -> dict[str, int]:
    """The mode of everything below a graph root but the content of layers and the names that are made at random."""
    found = {}
    for parent, directories, files in os.walk(root):
        if parent.endswith("/diff"):
            directories.clear()
            continue
        for name in [*directories, *files]:
            path = os.path.join(parent, name)
            if not path.startswith(f"{root}/overlay/l/"):
                found[os.path.relpath(path, root)] = os.lstat(path).st_mode
    return found
