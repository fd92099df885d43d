# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pulls into stores of drivers whose trees are whole: every tree and record is as podman makes it."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab.commands import run
from lab.flaky_registry import FlakyRegistry
from lab.long_run import LONG, only_long
from lab.modules import run_module
from lab.odd_images import PLAIN, Entry, ImageLayout, make_tar
from lab.registry import Registry
from lab.schema1_images import OldImage, tar_of
from lab.static_registry import StaticRegistry
from lab.stores import Store, image_record
from lab.trees import describe_tree, differences
from lab.whole_trees import (
    DRIVERS,
    done,
    home,
    is_empty,
    known,
    module,
    of_records,
    problems,
    records,
    runs,
    saved_layers,
    trees,
    unnamed_times,
)


def test_every_tree_and_record_is_podmans(
    layout: ImageLayout, make: Callable[[str], Store], local: FlakyRegistry, pull_options: dict[str, Any]
) -> None:
    ours, theirs = make("ours"), make("theirs")
    image = local.reference("odd:1")
    local.add(layout, "odd", "odd")
    began = os.stat(ours.base).st_mtime_ns
    result = done(ours, "image_pull", **pull_options, name=image)
    theirs.podman("pull", "--quiet", "--tls-verify=false", image)
    for record in records(theirs, "layers"):
        trees_of_both = [describe_tree(os.path.join(trees(store), record["id"])) for store in (theirs, ours)]
        unnamed_times(*trees_of_both, began)
        for tree in trees_of_both:
            # podman changes its root into it, and so changes its time.
            tree["."]["mtime_ns"] = None
        assert "\n".join(differences(*trees_of_both)) == ""
    without_times = [[{**layer, "created": ""} for layer in records(store, "layers")] for store in (theirs, ours)]
    assert without_times[0] == without_times[1]
    assert image_record(ours, image) == image_record(theirs, image)
    # Each layer is a tree, or a subvolume, of its own, and nothing else is: what was staged is what is there.
    assert known(ours) == of_records(ours) == known(theirs)
    assert os.listdir(home(ours)) == [os.path.basename(trees(ours))]
    assert sorted(os.listdir(trees(ours))) == sorted(os.listdir(trees(theirs)))
    assert [layer["path"] for layer in result["images"][0]["layers"]] == [
        os.path.join(trees(ours), layer["id"]) for layer in records(ours, "layers")
    ]
    # The archives that go out of the store are those that came, as podman puts them together and skopeo sees to.
    ours.podman("save", "--quiet", "--output", f"{ours.base}/archive", image)
    assert saved_layers(f"{ours.base}/archive") == [layer["diff-digest"] for layer in records(theirs, "layers")]
    run(["skopeo", "--insecure-policy", "copy", ours.bracket + image, f"dir:{ours.base}/saved"])
    assert problems(ours, deep=True) == problems(theirs, deep=True) == []
    ours.podman("rmi", image)
    assert is_empty(ours) and known(ours) == []


def test_a_blob_that_is_not_what_it_should_be_leaves_nothing(
    store: Store, layout: ImageLayout, local: FlakyRegistry, pull_options: dict[str, Any]
) -> None:
    wrong = [(make_tar([Entry("one")]), PLAIN), (make_tar([Entry("a"), Entry("a/.wh.b/c")]), PLAIN)]
    layout.add_image("wrong", wrong)
    local.add(layout, "wrong", "wrong")
    options = {**store.module_options(), **pull_options, "name": local.reference("wrong:1"), "retries": 0}
    result = run_module("image_pull", options)
    assert result.failed and result.code == "unsafe_layer", result.text
    assert is_empty(store) and known(store) == []
    assert os.listdir(home(store)) == [os.path.basename(trees(store))]


@pytest.mark.parametrize("driver", DRIVERS if LONG else DRIVERS[:1], indirect=True)
def test_an_old_image_whose_layers_show_what_they_are_when_they_are_unpacked(
    make: Callable[[str], Store],
    tmp_path: Path,
    static_registry: StaticRegistry,
    pull_options: dict[str, Any],
) -> None:
    ours, theirs = make("ours"), make("theirs")
    OldImage(["a", "b", "a", "a"]).serve(static_registry, "app")
    image = static_registry.reference("app:1")
    # The base is there from another blob, and is known only after all was staged.
    base = ImageLayout(str(tmp_path / "images"))
    base.add_image("base", [(tar_of("a"), PLAIN)])
    run(["skopeo", "--insecure-policy", "copy", f"oci:{base.directory}:base", f"{ours.bracket}base:1"])
    # In the second image one that is known by then lies between two that are not.
    OldImage(["c", "a", "d"]).serve(static_registry, "mixed")
    for name in (image, static_registry.reference("mixed:1")):
        module(ours, "image_pull", **pull_options, name=name)
        theirs.podman("pull", "--quiet", "--tls-verify=false", name)
    for record in records(theirs, "layers"):
        ids = [os.path.join(trees(store), record["id"]) for store in (theirs, ours)]
        assert differences(*(describe_tree(path, frozenset({"."})) for path in ids)) == []
    assert problems(ours, deep=True) == []


# A distribution is unpacked, and its shell run.
@only_long
def test_what_was_pulled_runs(store: Store, registry: Registry, pull_options: dict[str, Any]) -> None:
    module(store, "image_pull", **pull_options, name=registry.reference("base:1"))
    runs(store, registry.reference("base:1"))


@pytest.mark.parametrize("driver", ["btrfs"], indirect=True)
def test_a_layer_takes_no_more_room_than_what_it_changes(
    store: Store, layout: ImageLayout, local: FlakyRegistry, pull_options: dict[str, Any]
) -> None:
    base = (make_tar([Entry("large", content=random.Random(1).randbytes(4 << 20))]), PLAIN)
    layout.add_image("large", [base, *[(make_tar([Entry(name)]), PLAIN) for name in "abc"]])
    local.add(layout, "large", "large")
    module(store, "image_pull", **pull_options, name=local.reference("large:1"))
    os.sync()
    paths = [os.path.join(home(store), name) for name in of_records(store)]
    usage = run(["btrfs", "filesystem", "du", "--raw", "--summarize", *paths])
    exclusive = [int(line.split()[1]) for line in usage.splitlines()[1:]]
    assert len(exclusive) == 4 and sum(exclusive) < 1 << 20, usage
