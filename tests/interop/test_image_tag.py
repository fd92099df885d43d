# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_tag beside ``podman tag`` on a copy of the same store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from lab.modules import run_module
from lab.stores import Store
from lab.twins import fill, picture, twin_of

APP, OTHER = "example.com/app:1", "example.com/other:1"


@pytest.fixture
def ours(make_store: Callable[[str], Store], tmp_path: Path) -> Store:
    """A store with two images."""
    store = make_store("ours")
    fill(store, tmp_path / "layout", [(APP, ("one", "two"), {}), (OTHER, ("one", "three"), {})])
    return store


@pytest.fixture
def theirs(make_store: Callable[[str], Store], ours: Store) -> Store:
    """The same store once more, for podman."""
    return twin_of(ours, make_store("theirs"))


@pytest.mark.parametrize(
    "targets",
    [
        ["app"],
        ["x:2", "docker.io/x", "reg:5000/a/b"],
        [OTHER],
        [OTHER, APP, "last"],
    ],
    ids=" ".join,
)
def test_records_are_those_of_podman_tag(targets: list[str], ours: Store, theirs: Store) -> None:
    result = run_module("image_tag", {**ours.module_options(), "name": APP, "target_names": targets})
    assert result.changed, result.text
    theirs.podman("tag", APP, *targets)
    assert picture(ours) == picture(theirs)
    assert ours.podman("images", "--all", "--no-trunc") == theirs.podman("images", "--all", "--no-trunc")


def test_the_source_may_be_an_id_its_beginning_or_a_digest(ours: Store, theirs: Store) -> None:
    (record,) = ours.podman_json("image", "inspect", APP)
    sources = [record["Id"], record["Id"][:9], record["Digest"], f"sha256:{record['Id']}"]
    for number, source in enumerate(sources):
        result = run_module("image_tag", {**ours.module_options(), "name": source, "target_names": [f"name{number}"]})
        assert result.changed, result.text
        theirs.podman("tag", record["Id"], f"name{number}")
    assert picture(ours) == picture(theirs)


def test_an_image_that_loses_its_last_name_stays(ours: Store) -> None:
    (other,) = ours.podman_json("image", "inspect", OTHER)
    assert run_module("image_tag", {**ours.module_options(), "name": APP, "target_names": [OTHER]}).changed
    assert ours.podman("image", "inspect", "--format", "{{.RepoTags}}", other["Id"]) == "[]"


def test_names_that_podman_gave_are_there_already(ours: Store) -> None:
    ours.podman("tag", APP, "app", "second:2")
    before = picture(ours)
    result = run_module("image_tag", {**ours.module_options(), "name": APP, "target_names": ["app:latest", "second:2"]})
    assert not result.failed and not result.changed, result.text
    assert picture(ours) == before


def test_what_we_named_podman_untags_and_removes(ours: Store) -> None:
    run_module("image_tag", {**ours.module_options(), "name": APP, "target_names": ["mine", "mine:2"]})
    ours.podman("untag", APP, "mine:2")
    ours.podman("rmi", "mine")
    assert ours.podman("image", "inspect", "--format", "{{.RepoTags}}", APP) == f"[{APP}]"
