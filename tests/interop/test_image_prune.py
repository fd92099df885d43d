# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_prune beside ``podman image prune`` on a copy of the same store."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from lab.fixtures import scratch_stores
from lab.modules import ModuleResult, run_module
from lab.stores import Store
from lab.trees import snapshot
from lab.twins import build, fill, picture, twin_of

APP, OTHER, GONE, BUILT = "example.com/app:1", "example.com/other:1", "example.com/gone:1", "localhost/built:1"
# The images that fill() makes say that they are of 2026-11-03; podman builds at the time of the test.
IMAGES: list[tuple[str, tuple[str, ...], dict[str, Any]]] = [
    (APP, ("one", "two"), {"env": "prod", "com.example/stage": "test"}),
    (OTHER, ("one", "three"), {"env": "dev"}),
    (GONE, ("one", "four"), {"env": "dev", "com.example/stage": "test"}),
]


@pytest.fixture(scope="module")
def model(judges: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with two named images and a nameless one, and one that podman built in steps."""
    directory = tmp_path_factory.mktemp("model")
    with scratch_stores() as make_store:
        store = make_store("model")
        fill(store, directory / "layout", IMAGES)
        store.podman("untag", GONE)
        build(store, directory / "build", BUILT, ("COPY content /a", "LABEL env=dev", "COPY content /b"))
        yield store


@pytest.fixture
def ours(make_store: Callable[[str], Store], model: Store) -> Store:
    """A copy of the model."""
    return twin_of(model, make_store("ours"))


@pytest.fixture
def theirs(make_store: Callable[[str], Store]) -> Store:
    return make_store("theirs")


def _prune(store: Store, check: bool = False, **arguments: Any) -> ModuleResult:
    result = run_module("image_prune", {**store.module_options(), **arguments}, check=check)
    assert not result.failed, result.text
    return result


def _weight(store: Store) -> int:
    """The bytes of all layers and image data, by the records."""
    found = picture(store)
    layers = sum(layer.get("diff-size", 0) for layer in found["layers"])
    return layers + sum(sum(image.get("big-data-sizes", {}).values()) for image in found["images"])


def _both(ours: Store, theirs: Store, options: list[str], arguments: dict[str, Any]) -> ModuleResult:
    """Our result of pruning, predicted first; podman did the same on its copy, and the stores are equal."""
    twin_of(ours, theirs)
    weight = _weight(ours)
    before = snapshot(ours.root)
    predicted = _prune(ours, check=True, **arguments)
    assert snapshot(ours.root) == before
    done = _prune(ours, **arguments)
    for key in ("changed", "deleted", "untagged", "space_reclaimed", "diff"):
        assert predicted[key] == done[key], key
    printed = theirs.podman("image", "prune", "--force", *options)
    assert picture(ours) == picture(theirs)
    assert set(done["deleted"]) == set(printed.split())
    assert done["space_reclaimed"] == weight - _weight(ours)
    assert done.changed is bool(done["deleted"])
    again = _prune(ours, **arguments)
    assert (again.changed, again["deleted"], again["space_reclaimed"]) == (False, [], 0)
    return done


CASES: list[tuple[list[str], dict[str, Any]]] = [
    ([], {}),
    (["--all"], {"all": True}),
    (["--filter", "label=env=dev"], {"filters": {"label": ["env=dev"]}}),
    (["--all", "--filter", "label=env=dev"], {"all": True, "filters": {"label": ["env=dev"]}}),
    (["--all", "--filter", "label=env"], {"all": True, "filters": {"label": ["env"]}}),
    (["--all", "--filter", "label=stage*"], {"all": True, "filters": {"label": ["stage*"]}}),
    (["--all", "--filter", "label=com.exam*=test"], {"all": True, "filters": {"label": ["com.exam*=test"]}}),
    (["--all", "--filter", "label=absent"], {"all": True, "filters": {"label": ["absent"]}}),
    (["--all", "--filter", "until=2h"], {"all": True, "filters": {"until": "2h"}}),
    (["--filter", "until=2026-11-04"], {"filters": {"until": "2026-11-04"}}),
    (
        ["--all", "--filter", "until=2026-11-03T10:31:07.5Z"],
        {"all": True, "filters": {"until": "2026-11-03T10:31:07.5Z"}},
    ),
    (["--all", "--filter", "until=2026-11-03T10:31:08Z"], {"all": True, "filters": {"until": "2026-11-03T10:31:08Z"}}),
    (
        ["--all", "--filter", "until=2h", "--filter", "label=env=dev"],
        {"all": True, "filters": {"until": "2h", "label": ["env=dev"]}},
    ),
]


@pytest.mark.parametrize(("options", "arguments"), CASES, ids=[" ".join(options) for options, _arguments in CASES])
def test_what_goes_is_what_podman_takes(
    options: list[str], arguments: dict[str, Any], ours: Store, theirs: Store
) -> None:
    _both(ours, theirs, options, arguments)


def test_everything_goes_and_no_file_is_left(ours: Store, theirs: Store) -> None:
    done = _both(ours, theirs, ["--all"], {"all": True})
    assert sorted(done["untagged"]) == sorted([APP, OTHER, BUILT])
    assert not any(picture(ours).values())


def test_the_image_of_a_container_stays(ours: Store, theirs: Store) -> None:
    for image in (OTHER, BUILT):
        ours.buildah("from", "--pull-never", image)
    run_module("container_create", {**ours.module_options(), "image": APP, "name": "box"})
    _both(ours, theirs, ["--all"], {"all": True})
    names = [name for image in picture(ours)["images"] for name in image.get("names", [])]
    assert sorted(names) == sorted([APP, OTHER, BUILT])
    for image in (APP, OTHER, BUILT):
        assert os.path.isdir(ours.podman("image", "mount", image))


def test_several_labels_must_all_be_there(ours: Store) -> None:
    stage = "com.example/stage=test"
    assert _prune(ours, all=True, filters={"label": ["env=prod", stage, "absent"]})["deleted"] == []
    app = ours.podman("image", "inspect", "--format", "{{.Id}}", APP)
    assert _prune(ours, all=True, filters={"label": ["env=prod", stage]})["deleted"] == [app]


def test_names_to_keep_stay_with_the_images_that_have_them(ours: Store) -> None:
    app = ours.podman("image", "inspect", "--format", "{{.Id}}", APP)
    ours.podman("tag", APP, "localhost/release:stable")
    done = _prune(ours, all=True, keep=["*:stable", "built"])
    assert done["untagged"] == [OTHER]
    assert ours.podman("image", "inspect", "--format", "{{.Id}}", APP) == app
    assert os.path.isdir(ours.podman("image", "mount", BUILT))


def test_a_mounted_image_stays(ours: Store) -> None:
    point = ours.podman("image", "mount", OTHER)
    done = _prune(ours, all=True)
    assert OTHER not in done["untagged"] and APP in done["untagged"]
    assert os.path.ismount(point)
    ours.podman("image", "umount", OTHER)
    assert _prune(ours, all=True)["untagged"] == [OTHER]


def test_what_a_tag_that_moved_left_behind_goes(ours: Store) -> None:
    other = ours.podman("image", "inspect", "--format", "{{.Id}}", OTHER)
    _prune(ours)
    run_module("image_tag", {**ours.module_options(), "name": APP, "target_names": [OTHER]})
    assert _prune(ours)["deleted"] == [other]


def test_a_filter_that_is_no_time_is_an_error(ours: Store) -> None:
    refused = run_module("image_prune", {**ours.module_options(), "filters": {"until": "yesterday"}})
    assert refused.code == "invalid_filter" and "yesterday" in refused["msg"]


def test_a_missing_store_has_nothing_to_prune_and_stays_missing(theirs: Store) -> None:
    for check in (True, False):
        assert not _prune(theirs, check=check, all=True).changed
    assert not os.path.exists(theirs.root) and not os.path.exists(theirs.run_root)
