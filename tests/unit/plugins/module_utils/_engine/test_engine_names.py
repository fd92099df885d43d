# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._engine.names import (
    TagGivenTwice,
    find_image,
    knows_image,
    local_name,
    remote_reference,
)
from ansible_collections.strata.containers.plugins.module_utils._model.reference import InvalidReference
from ansible_collections.strata.containers.plugins.module_utils._storage.catalog import (
    AmbiguousName,
    Catalog,
    UnknownImage,
)
from ansible_collections.strata.containers.plugins.module_utils._storage.records import ImageRecord

DIGEST = "sha256:" + "d" * 64


def _image(image_id: str, *names: str, digest: str = "") -> ImageRecord:
    return ImageRecord.of(id=image_id, names=list(names), digest=digest)


LOCAL = _image("a" * 64, "localhost/app:latest")
HUB = _image("b" * 64, "docker.io/library/app:latest", "docker.io/library/web:1")
FULL = _image("ab" + "c" * 62, "registry.example.com:5000/team/app:1.2", digest=DIGEST)
CATALOG = Catalog(images=(HUB, LOCAL, FULL))


@pytest.mark.parametrize(
    ("text", "tag", "expected"),
    [
        ("busybox", None, "docker.io/library/busybox:latest"),
        ("busybox", "1.36", "docker.io/library/busybox:1.36"),
        ("docker://quay.io/team/app:2", None, "quay.io/team/app:2"),
        (f"quay.io/team/app:2@{DIGEST}", None, f"quay.io/team/app@{DIGEST}"),
    ],
)
def test_a_remote_name_is_docker_hubs_unless_it_names_a_host(text: str, tag: str | None, expected: str) -> None:
    assert str(remote_reference(text, tag)) == expected


@pytest.mark.parametrize("text", ["app:1", f"app@{DIGEST}", "registry.example.com:5000/app:1"])
def test_a_tag_is_not_given_twice(text: str) -> None:
    with pytest.raises(TagGivenTwice):
        remote_reference(text, "2")


def test_a_malformed_tag_option_is_refused() -> None:
    with pytest.raises(InvalidReference):
        remote_reference("app", "foo/bar")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("app", "localhost/app:latest"),
        ("team/app:1", "localhost/team/app:1"),
        ("localhost/app", "localhost/app:latest"),
        ("registry.example.com/app", "registry.example.com/app:latest"),
    ],
)
def test_a_local_name_without_a_host_belongs_to_localhost(text: str, expected: str) -> None:
    assert str(local_name(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("app", LOCAL),
        ("docker.io/app", HUB),
        ("web:1", HUB),
        ("docker://registry.example.com:5000/team/app:1.2", FULL),
        ("a" * 64, LOCAL),
        ("sha256:" + "a" * 64, LOCAL),
        ("abc", FULL),
        (DIGEST, FULL),
    ],
)
def test_an_image_is_found_by_what_people_type(text: str, expected: ImageRecord) -> None:
    assert find_image(CATALOG, text) == expected


def test_an_unknown_image_is_an_error_or_none() -> None:
    with pytest.raises(UnknownImage):
        find_image(CATALOG, "nobody/knows")
    assert knows_image(CATALOG, "nobody/knows") is None


def test_an_ambiguous_prefix_lists_the_candidates() -> None:
    with pytest.raises(AmbiguousName) as caught:
        find_image(CATALOG, "a")
    assert LOCAL.id[:12] in str(caught.value) and FULL.id[:12] in str(caught.value)
