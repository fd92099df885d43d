# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process of ours that lives on while podman changes the store: it sees every change, and reads only what changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._storage import loaded
from ansible_collections.strata.containers.plugins.module_utils._storage.catalog import Catalog, read_catalog
from ansible_collections.strata.containers.plugins.module_utils._storage.image_names import change_names
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from lab.many_images import fill_with_images, image_name
from lab.stores import Store

COUNT = 10
NAME = image_name(0)


@pytest.fixture
def store(make_store: Callable[[str], Store]) -> Store:
    store = make_store("store")
    fill_with_images(store, COUNT)
    # podman sets up what it wants to have beside the records.
    store.podman("images")
    return store


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of the record files with content that were parsed since the list was last cleared."""
    files: list[str] = []
    real = loaded.decode_records

    def decode(data, kind, path):  # type: ignore[no-untyped-def]
        if data:
            files.append(os.path.basename(path))
        return real(data, kind, path)

    monkeypatch.setattr(loaded, "decode_records", decode)
    yield files


def _catalog(store: Store) -> Catalog:
    return read_catalog(Layout(store.root, store.run_root))


def test_only_the_file_that_podman_wrote_is_read_again(store: Store, parsed: list[str]) -> None:
    before = _catalog(store)
    parsed.clear()
    assert _catalog(store) is before and parsed == []
    store.podman("image", "exists", NAME)
    # Just by starting it signs for the layers, which upstream too reads again then.
    assert _catalog(store).images is before.images and set(parsed) <= {"layers.json"}
    parsed.clear()
    store.podman("tag", NAME, "localhost/tagged:1")
    after = _catalog(store)
    assert after.image("localhost/tagged:1").id == before.image(NAME).id
    assert "images.json" in parsed and "containers.json" not in parsed


def test_a_change_of_the_same_size_in_the_same_moment_is_seen(store: Store) -> None:
    store.podman("create", "--name", "aaaa", NAME, "true")
    path = Path(store.root, "overlay-containers", "containers.json")
    first = path.stat()
    names = ("aaaa", "bbbb", "cccc", "dddd")
    assert _catalog(store).containers[0].names == names[:1]
    for before, name in zip(names, names[1:]):
        store.podman("rename", before, name)
        # As if all of it had happened within one tick of the clock.
        os.utime(path, ns=(first.st_atime_ns, first.st_mtime_ns))
        assert path.stat().st_size == first.st_size
        (record,) = _catalog(store).containers
        assert record.names == (name,)


def test_every_one_of_many_changes_by_podman_is_seen_at_once(store: Store, parsed: list[str]) -> None:
    for number in range(6):
        store.podman("tag", NAME, f"localhost/tag:{number}")
        assert f"localhost/tag:{number}" in _catalog(store).image(NAME).names
        parsed.clear()
        _catalog(store)
        assert parsed == []


def test_our_change_after_one_of_podman_keeps_it_and_podman_sees_both(store: Store) -> None:
    image = _catalog(store).image(NAME)
    store.podman("tag", NAME, "localhost/theirs:1")
    layout = Layout(store.root, store.run_root)
    change_names(
        layout,
        image.id,
        lambda images: [*next(one for one in images if one.id == image.id).names, "localhost/ours:1"],
    )
    (found,) = store.podman_json("image", "inspect", NAME)
    assert set(found["RepoTags"]) == {NAME, "localhost/theirs:1", "localhost/ours:1"}


def test_mounts_and_containers_that_come_and_go_are_seen(store: Store) -> None:
    box = store.podman("create", NAME, "true")
    layer = _catalog(store).container(box).layer
    point = store.podman("mount", box)
    assert _catalog(store).mount_counts[layer].path == point
    store.podman("umount", box)
    assert layer not in _catalog(store).mount_counts
    store.podman("rm", box)
    after = _catalog(store)
    assert after.containers == () and after.layer(layer) is None
    store.podman("rmi", image_name(1))
    assert len(_catalog(store).images) == COUNT - 1
