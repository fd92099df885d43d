# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A storage driver of plain directories, a layout in a temporary directory, and layers to commit to it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._storage.commit import NewImage, StagedLayer
from ansible_collections.strata.containers.plugins.module_utils._storage.image_signatures import ManifestSignatures
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.staging import Staging

FIXTURES = Path(__file__).parent / "data" / "podman-4.3.1"


class FakeDriver:
    """Keeps trees as the overlay driver does, without its links. ``before`` is called with the name of each call."""

    def __init__(self, layout: Layout, before: Callable[[str], None] = lambda _call: None) -> None:
        self._layout = layout
        self._before = before
        self.calls: list[tuple[str, str]] = []

    def adopt_layer(self, layer_id: str, parent: str | None, tree: str, root_attributes: bool) -> None:
        self._called("adopt_layer", layer_id)
        if parent is not None and not os.path.isdir(self._layout.diff(parent)):
            raise AssertionError(f"the parent of {layer_id} has no tree")
        os.mkdir(self._layout.driver_layer(layer_id))
        os.rename(tree, self._layout.diff(layer_id))

    def create_writable(self, layer_id: str, parent: str | None) -> None:
        self._called("create_writable", layer_id)
        os.makedirs(self._layout.diff(layer_id))

    def flush(self) -> None:
        """As of a store that does not wait for the disk."""

    def remove(self, layer_id: str) -> None:
        self._called("remove", layer_id)
        shutil.rmtree(self._layout.driver_layer(layer_id), ignore_errors=True)

    def _called(self, call: str, layer_id: str) -> None:
        self.calls.append((call, layer_id))
        self._before(call)


def layout_in(directory: Path) -> Layout:
    """A store that does not exist yet."""
    return Layout(str(directory / "graph"), str(directory / "run"))


def hex_id(text: str) -> str:
    """An ID as good as any, the same for the same text."""
    return hashlib.sha256(text.encode()).hexdigest()


def stage_layer(staging: Staging, name: str, parent: str | None = None) -> StagedLayer:
    """A layer with one file called ``name``; its parent is named in the same way."""
    tree = f"{staging.tree}/{name}"
    os.mkdir(tree)
    Path(tree, name).write_text(name)
    tar_split = f"{staging.records}/{name}"
    Path(tar_split).write_bytes(b"tar-split of " + name.encode())
    return StagedLayer(
        layer_id=hex_id(name),
        parent=hex_id(parent) if parent else None,
        blob_digest=Digest("sha256", hex_id(f"blob of {name}")),
        blob_size=100,
        diff_id=Digest("sha256", hex_id(f"diff of {name}")),
        diff_size=2048,
        compression=2,
        uids=(7, 0, 7),
        gids=(0, 8),
        tree=tree,
        tar_split=tar_split,
        root_attributes=False,
    )


def new_image(name: str, layers: tuple[str, ...], names: tuple[str, ...], manifest: bytes = b"{}") -> NewImage:
    """An image with the ID and the layers of these names."""
    digest = Digest.of(manifest)
    config = json.dumps({"name": name}).encode()
    chain = tuple(hex_id(layer) for layer in layers)
    return NewImage(
        image_id=hex_id(name),
        names=names,
        digest=digest,
        top_layer=chain[-1] if chain else None,
        created="2026-11-23T21:28:40.1+02:00",
        big_data=(
            (f"sha256:{hex_id(name)}", config),
            (f"manifest-{digest}", manifest),
            ("manifest", manifest),
        ),
        signatures=ManifestSignatures(digest),
        chain=chain,
    )


def files_of(directory: str) -> dict[str, tuple[int, int, bytes]]:
    """Every file below a directory with its inode, time of change and content: equal only where nothing was written."""
    found = {}
    for parent, _directories, names in os.walk(directory):
        for name in names:
            path = os.path.join(parent, name)
            status = os.lstat(path)
            found[path] = (status.st_ino, status.st_mtime_ns, Path(path).read_bytes())
    return found
