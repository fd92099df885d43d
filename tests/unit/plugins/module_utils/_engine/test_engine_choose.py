# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Optional

import pytest
from ansible_collections.strata.containers.plugins.module_utils._engine.choose import (
    Chosen,
    NestedIndex,
    Parsed,
    choose_instance,
)
from ansible_collections.strata.containers.plugins.module_utils._errors import StrataError
from ansible_collections.strata.containers.plugins.module_utils._model.descriptor import Descriptor
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._model.index import Index
from ansible_collections.strata.containers.plugins.module_utils._model.manifest import Manifest
from ansible_collections.strata.containers.plugins.module_utils._model.platform import Platform

OCI = "application/vnd.oci.image.index.v1+json"
LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
IMAGE = "application/vnd.oci.image.manifest.v1+json"
AMD64 = Platform("linux", "amd64")

# What is in an index: platform or none, and the name of an image or another index.
Listed = tuple[Optional[str], Any]


class Lab:
    """Indexes and images that are served by digest, and what was asked for."""

    def __init__(self) -> None:
        self.served: dict[Digest, Parsed] = {}
        self.asked: list[Digest] = []

    def index(self, *entries: Listed, kind: str = OCI) -> Index:
        descriptors = []
        for platform, value in entries:
            served = value if isinstance(value, Index) else self.image(value)
            words = None if platform is None else Platform(*platform.split("/"))
            descriptors.append(Descriptor(served.media_type, served.digest, 1, platform=words))
            self.served[served.digest] = served
        return Index(repr((kind, entries)).encode(), kind, tuple(descriptors))

    @staticmethod
    def image(name: str) -> Manifest:
        config = Descriptor("application/vnd.oci.image.config.v1+json", Digest.of(b""), 0)
        return Manifest(name.encode(), IMAGE, config, ())

    def fetch(self, digest: Digest) -> Parsed:
        self.asked.append(digest)
        return self.served[digest]

    def choose(self, index: Index, platform: Platform = AMD64) -> Chosen:
        return choose_instance(index, platform, self.fetch)


def _choices(lab: Lab) -> dict[str, tuple[Index, str]]:
    amd64, arm64 = lab.index(("linux/amd64", "inner")), lab.index(("linux/arm64", "arm"))
    return {
        "the entry itself": (lab.index(("linux/amd64", "flat"), ("linux/arm64", "arm")), "flat"),
        "an index for the platform": (lab.index(("linux/arm64", arm64), ("linux/amd64", amd64)), "inner"),
        "an index for the platform before a later image": (
            lab.index(("linux/amd64", amd64), ("linux/amd64", "flat")),
            "inner",
        ),
        "an image before a later index": (lab.index(("linux/amd64", "flat"), ("linux/amd64", amd64)), "flat"),
        "an image after an index that has none": (
            lab.index(("linux/amd64", arm64), ("linux/amd64", "flat")),
            "flat",
        ),
        "an index without a platform last": (lab.index((None, amd64), ("linux/amd64", "flat")), "flat"),
        "an index without a platform": (lab.index(("linux/s390x", "s390x"), (None, amd64)), "inner"),
        "the second of two without a platform": (lab.index((None, arm64), (None, amd64)), "inner"),
        "an image without a platform in its turn": (lab.index((None, arm64), (None, "any"), (None, amd64)), "any"),
        "one without a platform where that of the platform has none": (
            lab.index(("linux/amd64", arm64), (None, amd64)),
            "inner",
        ),
        "three deep": (lab.index((None, lab.index((None, lab.index((None, amd64)))))), "inner"),
        "back out of a deep one that has none": (
            lab.index((None, lab.index((None, arm64))), (None, lab.index((None, amd64)))),
            "inner",
        ),
    }


@pytest.mark.parametrize("case", sorted(_choices(Lab())))
def test_the_image_is_found_through_the_indexes(case: str) -> None:
    lab = Lab()
    index, expected = _choices(lab)[case]
    assert lab.choose(index).manifest.raw == expected.encode()


def test_the_way_to_the_image_is_told() -> None:
    lab = Lab()
    inner = lab.index(("linux/amd64", "image"))
    middle = lab.index((None, inner))
    empty = lab.index(("linux/arm64", "arm"))
    assert lab.choose(lab.index((None, empty), (None, middle))).indexes[1:] == (middle, inner)
    assert lab.choose(inner).indexes == (inner,)


def test_an_index_that_is_listed_twice_is_fetched_once() -> None:
    lab = Lab()
    empty = lab.index(("linux/arm64", "arm"))
    top = lab.index((None, empty), (None, empty), (None, lab.index((None, empty), (None, "x"))))
    assert lab.choose(top).manifest.raw == b"x"
    assert lab.asked.count(empty.digest) == 1


def test_the_error_lists_the_platforms_of_all_indexes() -> None:
    lab = Lab()
    top = lab.index(("linux/s390x", "s390x"), (None, lab.index(("linux/arm64", "arm"))))
    with pytest.raises(StrataError) as caught:
        lab.choose(top)
    assert caught.value.code == "no_such_platform"
    assert caught.value.found == "linux/arm64, linux/s390x"
    assert str(top.digest) in caught.value.subject


@pytest.mark.parametrize(("outer", "inner"), [(LIST, LIST), (LIST, OCI), (OCI, LIST)])
@pytest.mark.parametrize("platform", ["linux/amd64", None])
def test_a_docker_list_neither_holds_nor_is_held(outer: str, inner: str, platform: str | None) -> None:
    """containers/image's words; a Docker list takes no entry without a platform."""
    lab = Lab()
    top = lab.index((platform, lab.index(("linux/amd64", "x"), kind=inner)), kind=outer)
    with pytest.raises(StrataError) as caught:
        lab.choose(top)
    if outer == LIST and platform is None:
        assert caught.value.code == "no_such_platform"
        return
    assert caught.value.code == "invalid_manifest"
    assert "manifest list instead of a manifest for a single image" in str(caught.value)


def _deep(lab: Lab, levels: int) -> Index:
    index = lab.index(("linux/amd64", "bottom"))
    for _level in range(levels):
        index = lab.index((None, index))
    return index


def test_indexes_are_followed_eight_deep_and_no_deeper() -> None:
    lab = Lab()
    assert lab.choose(_deep(lab, 8)).manifest.raw == b"bottom"
    with pytest.raises(NestedIndex) as caught:
        lab.choose(_deep(lab, 9))
    assert caught.value.code == "invalid_manifest" and "too deeply" in str(caught.value)


@pytest.mark.parametrize(("count", "fails"), [(64, False), (65, True)])
def test_a_registry_cannot_make_us_fetch_without_end(count: int, fails: bool) -> None:
    lab = Lab()
    empty = [(None, lab.index(("linux/arm64", f"arm{number}"))) for number in range(count)]
    with pytest.raises(StrataError) as caught:
        lab.choose(lab.index(*empty))
    assert caught.value.code == ("invalid_manifest" if fails else "no_such_platform")
    assert len(lab.asked) == count
