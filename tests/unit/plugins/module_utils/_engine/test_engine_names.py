# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.registries_conf import RegistriesConf
from ansible_collections.strata.containers.plugins.module_utils._config.short_name_aliases import Alias
from ansible_collections.strata.containers.plugins.module_utils._config.short_names import ShortNames
from ansible_collections.strata.containers.plugins.module_utils._engine.names import (
    ImageId,
    TagGivenTwice,
    find_image,
    find_locally,
    image_name,
    knows_image,
    local_name,
    remote_reference,
)
from ansible_collections.strata.containers.plugins.module_utils._model.reference import (
    ImageIdGiven,
    InvalidReference,
    Reference,
    parse_reference,
)
from ansible_collections.strata.containers.plugins.module_utils._model.short_name import ShortName
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


# The second and third would make a registry of the name, and a digest of the tag.
@pytest.mark.parametrize("tag", ["foo/bar", "5000/bar", f"1@{DIGEST}", "a b", "-x", "t" * 129, "1\n", "1:2"])
@pytest.mark.parametrize("text", ["app", "docker://app", "quay.io/app"])
def test_a_malformed_tag_option_is_refused(text: str, tag: str) -> None:
    for make in (remote_reference, image_name):
        with pytest.raises(InvalidReference) as caught:
            make(text, tag)
        assert caught.value.message == "invalid tag format"


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
    assert find_image(CATALOG, text, ShortNames) == expected


def test_an_unknown_image_is_an_error_or_none() -> None:
    with pytest.raises(UnknownImage):
        find_image(CATALOG, "nobody/knows", ShortNames)
    assert knows_image(CATALOG, "nobody/knows", ShortNames) is None


def test_an_ambiguous_prefix_lists_the_candidates() -> None:
    with pytest.raises(AmbiguousName) as caught:
        find_image(CATALOG, "a", ShortNames)
    assert LOCAL.id[:12] in str(caught.value) and FULL.id[:12] in str(caught.value)


@pytest.mark.parametrize(
    ("text", "tag", "expected"),
    [
        ("app", None, ShortName("app")),
        ("app", "1", ShortName("app", "1")),
        (f"team/app:1@{DIGEST}", None, ShortName("team/app", None, parse_reference(f"x@{DIGEST}").digest)),
        ("docker://app", None, Reference("docker.io", "library/app", "latest")),
        ("docker://app", "1", Reference("docker.io", "library/app", "1")),
        ("quay.io/app", None, Reference("quay.io", "app", "latest")),
        ("host:5000/app", "1", Reference("host:5000", "app", "1")),
        ("a" * 64, None, ImageId("a" * 64)),
        ("sha256:" + "a" * 64, None, ImageId("a" * 64)),
        ("docker://sha256:abc", None, Reference("docker.io", "library/sha256", "abc")),
    ],
)
def test_what_people_type_is_a_full_name_a_short_one_or_an_id(text: str, tag: str | None, expected: object) -> None:
    assert image_name(text, tag) == expected


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("sha256:abc", None),
        ("sha256:" + "A" * 64, None),
        ("a" * 64, "1"),
        ("sha256:" + "a" * 64, "1"),
        ("docker://" + "a" * 64, None),
    ],
)
def test_an_id_is_whole_and_has_no_tag(text: str, tag: str | None) -> None:
    with pytest.raises(ImageIdGiven) as caught:
        image_name(text, tag)
    assert caught.value.code == "image_id_not_a_name"


def test_an_extra_name_with_tag_and_digest_is_named_by_its_digest() -> None:
    assert str(local_name(f"app:1@{DIGEST}")) == f"localhost/app@{DIGEST}"


def _names(**aliases: str) -> ShortNames:
    known = {name: Alias(parse_reference(value) if value else None, "file") for name, value in aliases.items()}
    return ShortNames(RegistriesConf(search=("a.test", "b.test"), aliases=known))


ORDER = ["c.test/app:latest", "localhost/app:latest", "a.test/app:latest", "b.test/app:latest"]
ORDER += ["docker.io/library/app:latest", "z.test/deep/app:latest"]


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_a_short_name_is_looked_for_in_podmans_order(first: int) -> None:
    images = tuple(_image(str(number) * 64, name) for number, name in enumerate(ORDER) if number >= first)
    found = find_locally(Catalog(images=images[::-1]), ShortName("app"), lambda: _names(app="c.test/app"))
    assert found is not None and str(found.name) == ORDER[first]


def test_the_beginning_of_an_id_goes_before_a_name_that_ends_in_it_and_after_the_others() -> None:
    by_id, by_end = _image("cafe" + "0" * 60), _image("1" * 64, "z.test/deep/cafe:latest")
    found = find_locally(Catalog(images=(by_end, by_id)), ShortName("cafe"), _names)
    assert found is not None and (found.image, found.name) == (by_id, None)
    named = _image("2" * 64, "b.test/cafe:latest")
    found = find_locally(Catalog(images=(by_end, by_id, named)), ShortName("cafe"), _names)
    assert found is not None and found.image == named
    # One that several images share says nothing.
    found = find_locally(Catalog(images=(by_end, by_id, _image("cafe" + "1" * 60))), ShortName("cafe"), _names)
    assert found is not None and found.image == by_end
    # A tag makes it a name.
    assert find_locally(Catalog(images=(by_id,)), ShortName("cafe", "1"), _names) is None


def test_the_tag_is_that_which_was_asked_for() -> None:
    catalog = Catalog(images=(_image("1" * 64, "z.test/app:2"), _image("2" * 64, "z.test/app:1")))
    found = find_locally(catalog, ShortName("app", "1"), _names)
    assert found is not None and str(found.name) == "z.test/app:1"
    assert find_locally(catalog, ShortName("app"), _names) is None


@pytest.mark.parametrize(
    "text", [f"app@{DIGEST}", f"team/app:9@{DIGEST}", f"registry.example.com:5000/team/app@{DIGEST}"]
)
def test_an_image_is_found_by_repository_and_digest_whatever_its_tag(text: str) -> None:
    assert find_image(CATALOG, text, _names) == FULL


@pytest.mark.parametrize(
    "text", [f"other@{DIGEST}", f"registry.example.com/team/app@{DIGEST}", "app@sha256:" + "e" * 64]
)
def test_a_digest_of_another_repository_is_another_image(text: str) -> None:
    with pytest.raises(UnknownImage):
        find_image(CATALOG, text, _names)


@pytest.mark.parametrize("text", ["a" * 64, "sha256:" + "a" * 64, DIGEST, "docker.io/app", "docker://app"])
def test_nothing_is_read_for_what_is_no_short_name(text: str) -> None:
    def unread() -> ShortNames:
        raise AssertionError("the configuration was read")

    find_image(CATALOG, text, unread)


def test_a_transport_before_a_name_makes_it_docker_hubs() -> None:
    assert find_image(CATALOG, "docker://app", _names) == HUB


def test_names_that_are_no_references_are_passed_over() -> None:
    odd = _image("1" * 64, "Not A Name", "z.test/app:latest")
    assert find_image(Catalog(images=(odd,)), "app", _names) == odd
    assert find_image(Catalog(images=(odd,)), "Not A Name", _names) == odd
