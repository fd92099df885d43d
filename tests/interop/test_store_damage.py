# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each kind of damage, done by hand to a store that other tools filled: found, repaired, and podman goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab.check_bench import (
    APP,
    BUILT,
    OTHER,
    app,
    check_here,
    make_orphan,
    model,
    repair,
    store,
    tools_accept,
    wrong,
)
from lab.damage import (
    ORPHAN,
    change_layer,
    cut,
    flag_incomplete,
    flip,
    image_of,
    item_path,
    layer_of,
    lose_both_links,
    lose_link,
    lose_link_file,
    lose_tree,
    records,
    rewrite,
    tar_split,
    tree,
)
from lab.stores import Store

__all__ = ["model", "store"]

Damage = Callable[[Store], object]


def _change_item(store: Store, key: str, change: Callable[[str], object]) -> None:
    change(item_path(store, image_of(store, APP), key))


def _config_key(store: Store) -> str:
    return f"sha256:{image_of(store, APP)['id']}"


def _change_size(store: Store) -> None:
    def change(images: list[dict[str, Any]]) -> None:
        for image in images:
            if APP in image.get("names", []):
                image["big-data-sizes"]["manifest"] += 1

    rewrite(store, "images", change)


def _stale_link(store: Store) -> None:
    os.symlink(f"../{ORPHAN}/diff", os.path.join(store.root, "overlay", "l", "A" * 26))


def _stale_count(store: Store) -> None:
    entry = {"id": app(store), "path": tree(store, app(store), "merged"), "count": 2}
    os.makedirs(os.path.join(store.run_root, "overlay-layers"))
    Path(store.run_root, "overlay-layers", "mountpoints.json").write_text(json.dumps([entry]), encoding="ascii")


def _leave_staging(store: Store) -> None:
    make_orphan(store, "overlay", "tempdirs", "temp-dir-7")
    Path(store.root, "overlay", "tempdirs", "lock-7").touch()


def _touch_tree(store: Store) -> None:
    os.chmod(tree(store, app(store), "diff", "two"), 0o4711)


def _add_file(store: Store) -> None:
    Path(tree(store, app(store), "diff", "planted")).write_text("#!/bin/sh", encoding="ascii")


# Each kind of damage: what is lost, how it gets lost, and the kind of problem that it is.
MENDED: list[tuple[str, Damage, str]] = [
    ("the link file", lambda store: lose_link_file(store, app(store)), "layer_link_lost"),
    ("the link", lambda store: lose_link(store, app(store)), "layer_link_lost"),
    (
        "both links of a base layer",
        lambda store: lose_both_links(store, layer_of(store, APP)["parent"]),
        "layer_link_lost",
    ),
    ("the list of lower layers", lambda store: os.unlink(tree(store, app(store), "lower")), "layer_lower_wrong"),
    (
        "the empty directory of a base layer",
        lambda store: os.rmdir(tree(store, layer_of(store, APP)["parent"], "empty")),
        "layer_directory_missing",
    ),
    ("the size of a layer", lambda store: change_layer(store, app(store), diff_size=7), "layer_size_wrong"),
    ("the manifest", lambda store: _change_item(store, "manifest", os.unlink), "image_data_missing"),
    ("half of the manifest", lambda store: _change_item(store, "manifest", cut), "image_data_changed"),
    ("a bit of the manifest", lambda store: _change_item(store, "manifest", flip), "image_data_changed"),
    ("the size of the manifest", _change_size, "image_data_size_wrong"),
    ("an orphan layer", lambda store: make_orphan(store, "overlay", ORPHAN, "diff"), "orphan_layer_directory"),
    ("orphan layer data", lambda store: make_orphan(store, "overlay-layers", ORPHAN), "orphan_layer_data"),
    ("an orphan tar-split", lambda store: Path(tar_split(store, ORPHAN)).touch(), "orphan_tar_split"),
    ("orphan image data", lambda store: make_orphan(store, "overlay-images", ORPHAN), "orphan_image_directory"),
    (
        "orphan container data",
        lambda store: make_orphan(store, "overlay-containers", ORPHAN, "userdata"),
        "orphan_container_directory",
    ),
    ("a link to nothing", _stale_link, "stale_link"),
    ("a mount count", _stale_count, "mount_count_stale"),
    ("a staging area", _leave_staging, "leftover"),
    ("half a file", lambda store: Path(store.root, "overlay-layers", ".tmp-layers.json12").touch(), "leftover"),
]
DELETED: list[tuple[str, Damage, str]] = [
    ("the tree", lambda store: lose_tree(store, app(store)), "layer_tree_missing"),
    ("the tar-split file", lambda store: os.unlink(tar_split(store, app(store))), "tar_split_missing"),
    ("all of the tar-split file", lambda store: os.truncate(tar_split(store, app(store)), 0), "tar_split_damaged"),
    ("half of the tar-split file", lambda store: cut(tar_split(store, app(store))), "tar_split_damaged"),
    ("a bit of a file", lambda store: flip(tree(store, app(store), "diff", "two")), "layer_content_changed"),
    ("a file", lambda store: os.unlink(tree(store, app(store), "diff", "two")), "layer_content_changed"),
    ("the mode of a file", _touch_tree, "layer_tree_changed"),
    ("a file too many", _add_file, "layer_tree_changed"),
    ("the layer unfinished", lambda store: flag_incomplete(store, app(store)), "layer_incomplete"),
    ("the config", lambda store: _change_item(store, _config_key(store), os.unlink), "image_data_missing"),
    ("half of the config", lambda store: _change_item(store, _config_key(store), cut), "image_data_changed"),
    ("a bit of the config", lambda store: _change_item(store, _config_key(store), flip), "image_data_changed"),
]
# The names of those that only a deep check finds begin like this.
NAMED_DEEP = ("a bit of a", "half of the tar", "a file", "the mode", "a bit of", "the size of a layer")


class TestDamage:
    @pytest.mark.parametrize(("name", "damage", "kind"), MENDED, ids=[case[0] for case in MENDED])
    def test_is_mended_and_nothing_is_lost(self, name: str, damage: Damage, kind: str, store: Store) -> None:
        damage(store)
        assert {kind for kind, _object in wrong(check_here(store, deep=True))} == {kind}
        if not name.startswith(NAMED_DEEP):
            assert not check_here(store)["healthy"]
        repair(store)
        assert tools_accept(store, APP, OTHER, BUILT)

    @pytest.mark.parametrize(("name", "damage", "kind"), DELETED, ids=[case[0] for case in DELETED])
    def test_beyond_mending_takes_the_image_along(self, name: str, damage: Damage, kind: str, store: Store) -> None:
        kept = [layer["id"] for layer in records(store, "layers") if layer["id"] != app(store)]
        damage(store)
        assert {kind for kind, _object in wrong(check_here(store, deep=True))} == {kind}
        if not name.startswith(NAMED_DEEP):
            assert not check_here(store)["healthy"]
        repair(store)
        assert [layer["id"] for layer in records(store, "layers")] == kept
        assert tools_accept(store, OTHER, BUILT)
