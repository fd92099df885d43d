# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys
import time
from dataclasses import replace

import pytest
from ansible_collections.strata.containers.plugins.module_utils._engine.lineage import Lineage
from ansible_collections.strata.containers.plugins.module_utils._engine.prune import PruneRequest, play_prune
from ansible_collections.strata.containers.plugins.module_utils._engine.prune_filters import (
    InvalidFilter,
    created_before,
    cutoff,
    has_labels,
    matches_name,
)
from ansible_collections.strata.containers.plugins.module_utils._engine.removal import Removal
from ansible_collections.strata.containers.plugins.module_utils._storage.catalog import Catalog
from ansible_collections.strata.containers.plugins.module_utils._storage.records import (
    UNKNOWN_TIME,
    ContainerRecord,
    ImageRecord,
    LayerRecord,
)

SECOND = 10**9
# date -u -d 2026-11-23T16:53:00Z +%s
NOVEMBER = 1795452780


@pytest.mark.parametrize(
    ("text", "seconds_ago"),
    [("1h30m", 5400), ("24h", 86_400), ("10d", 864_000), ("1.5h", 5400), ("1m0.5s", 60.5), ("250ms", 0.25), ("0s", 0)],
)
def test_a_duration_is_counted_from_now(text: str, seconds_ago: float) -> None:
    assert cutoff(text, NOVEMBER * SECOND) == NOVEMBER * SECOND - int(seconds_ago * SECOND)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T16:53:00Z", NOVEMBER * SECOND),
        ("2026-11-23T18:53:00.5+02:00", NOVEMBER * SECOND + SECOND // 2),
        (str(NOVEMBER), NOVEMBER * SECOND),
        (f"{NOVEMBER}.25", NOVEMBER * SECOND + SECOND // 4),
        ("0", 0),
        ("24", 24 * SECOND),
    ],
)
def test_a_time_is_itself(text: str, expected: int) -> None:
    assert cutoff(text, 0) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # TZ=America/New_York date -d TEXT +%s
        ("2026-11-23", 1795410000),
        ("2026-07-01", 1782878400),
        ("2026-11-23T11", 1795449600),
        ("2026-11-23T11:53", NOVEMBER),
        ("2026-11-23T11:53:00", NOVEMBER),
    ],
)
def test_a_time_without_a_zone_is_the_targets(text: str, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "EST5EDT,M3.2.0,M11.1.0")
    time.tzset()
    try:
        assert cutoff(text, 0) == expected * SECOND
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["", "yesterday", "1y", "h", "-1h", "2026-13-01", "2026-11-23 10:00", "1h "])
def test_anything_else_is_no_time(text: str) -> None:
    with pytest.raises(InvalidFilter):
        cutoff(text, 0)


def test_an_image_of_unknown_age_is_old_and_one_of_unreadable_age_is_not() -> None:
    assert created_before(UNKNOWN_TIME, 0)
    assert not created_before("some time", NOVEMBER * SECOND)
    assert created_before("2026-11-23T16:52:59Z", NOVEMBER * SECOND)
    assert not created_before("2026-11-23T16:53:00Z", NOVEMBER * SECOND)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ((), True),
        (("env",), True),
        (("env=",), True),
        (("env=dev",), True),
        (("env=dev", "com.example/stage"), True),
        (("env=dev", "other"), False),
        (("env=de",), False),
        (("en",), False),
        (("en*",), True),
        (("example*=test",), True),
        (("*=prod",), False),
    ],
)
def test_labels_are_compared_as_in_podman_and_all_must_be_there(wanted: tuple[str, ...], expected: bool) -> None:
    assert has_labels({"env": "dev", "com.example/stage": "test"}, wanted) is expected


TAGGED = "registry.example.com:5000/base/debian:12"
DIGESTED = "registry.example.com/app@sha256:" + "d" * 64


@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        (TAGGED, TAGGED, True),
        (TAGGED, "registry.example.com:5000/base/debian", True),
        (TAGGED, "registry.example.com:5000/*", True),
        (TAGGED, "base/debian:12", True),
        (TAGGED, "base/debian", True),
        (TAGGED, "debian:12", True),
        (TAGGED, "debian", True),
        (TAGGED, "*:12", True),
        (TAGGED, "*:1?", True),
        (TAGGED, "debian:11", False),
        (TAGGED, "registry.example.com", False),
        (TAGGED, "deb", False),
        (TAGGED, "12", False),
        (TAGGED, "Debian", False),
        (DIGESTED, "registry.example.com/app", True),
        (DIGESTED, "app", True),
        (DIGESTED, "app@sha256:*", True),
        (DIGESTED, "d*", False),
    ],
)
def test_a_name_matches_in_each_of_its_forms(name: str, pattern: str, expected: bool) -> None:
    assert matches_name(["localhost/unrelated:1", name], [pattern]) is expected
    assert not matches_name([], [pattern])


def _image(name: str, layer: str, *names: str, created: str = "2026-11-01T00:00:00Z") -> ImageRecord:
    return ImageRecord.of(id=name, layer=layer, names=list(names), created=created, big_data_sizes={"manifest": 1})


CATALOG = Catalog(
    layers=(
        LayerRecord.of(id="base", diff_digest="sha256:0", diff_size=1000),
        *(
            LayerRecord.of(id=name, parent="base", diff_digest="sha256:0", diff_size=size)
            for name, size in (("named", 100), ("nameless", 20), ("used", 4))
        ),
        LayerRecord.of(id="writable", parent="used"),
    ),
    images=(
        _image("one", "named", "localhost/one:1"),
        _image("two", "nameless", created="2026-11-20T00:00:00Z"),
        _image("three", "used", "localhost/three:1"),
        _image("four", "base", "localhost/four:1"),
    ),
    containers=(ContainerRecord.of(id="box", image="three", layer="writable"),),
)


def _removal(catalog: Catalog, *mounted: str, held: str = "") -> Removal:
    """A removal from a store in which these layers are mounted, and the image ``held`` by us."""
    return Removal(
        catalog,
        Lineage(lambda _image: None),
        lambda layer: "/m" if layer in mounted else None,
        lambda image: "/m" if image.id == held else None,
    )


def _play(request: PruneRequest, *mounted: str, held: str = "", moment: int | None = None) -> Removal:
    removal = _removal(CATALOG, *mounted, held=held)
    play_prune(removal, request, moment)
    return removal


@pytest.mark.parametrize(
    ("request_", "moment", "deleted", "size"),
    [
        (PruneRequest(), None, ["two"], 21),
        (PruneRequest(all=True), None, ["one", "two", "four"], 123),
        (PruneRequest(all=True, keep=["one"]), None, ["two", "four"], 22),
        (PruneRequest(all=True, labels=["none"]), None, [], 0),
        (PruneRequest(all=True), cutoff("2026-11-10T00:00:00Z", 0), ["one", "four"], 102),
        (PruneRequest(), cutoff("2026-11-10T00:00:00Z", 0), [], 0),
    ],
)
def test_what_goes_is_what_no_container_uses_and_the_filters_let_go(
    request_: PruneRequest, moment: int | None, deleted: list[str], size: int
) -> None:
    removal = _play(request_, moment=moment)
    assert (removal.deleted, removal.size) == (deleted, size)


def test_what_is_mounted_stays_even_when_it_is_the_last_that_holds_the_mounted_layer() -> None:
    assert _play(PruneRequest(all=True), "named").deleted == ["two", "four"]
    assert _play(PruneRequest(all=True), "base").deleted == ["one", "two"]
    alone = Catalog(layers=CATALOG.layers[:2], images=(CATALOG.images[0], CATALOG.images[3]))
    removal = _removal(alone, "base")
    play_prune(removal, PruneRequest(all=True), None)
    assert [image.id for image in removal.images] == ["four"]


def test_of_images_with_one_mounted_layer_the_one_stays_that_we_hold_or_else_the_last() -> None:
    same = replace(CATALOG, images=(_image("five", "base"), *CATALOG.images[2:]))
    for held, deleted in (("five", ["four"]), ("four", ["five"]), ("", ["five"])):
        removal = _removal(same, "base", held=held)
        play_prune(removal, PruneRequest(all=True), None)
        assert removal.deleted == deleted, held


def _many(count: int) -> Catalog:
    """As many images, each with a layer of its own on one that ten share; every other one has no name."""
    shared = [LayerRecord.of(id=f"shared {number}") for number in range(count // 10)]
    own = [LayerRecord.of(id=f"own {number}", parent=f"shared {number // 10}") for number in range(count)]
    images = [
        _image(str(number), f"own {number}", *[f"localhost/{number}:1"] * (number % 2)) for number in range(count)
    ]
    return Catalog(layers=(*shared, *own), images=tuple(images))


def _calls_to_prune(catalog: Catalog) -> int:
    """How many functions were called to plan that all images go."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    removal = _removal(catalog)
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        play_prune(removal, PruneRequest(all=True, keep=["none"]), None)
    finally:
        sys.setprofile(before)
    assert len(removal.deleted) == len(catalog.images) and not removal.images
    return calls


def test_twice_as_many_images_take_twice_the_steps() -> None:
    assert _calls_to_prune(_many(400)) <= 2.1 * _calls_to_prune(_many(200))
