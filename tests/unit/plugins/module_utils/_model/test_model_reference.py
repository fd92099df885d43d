# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._model.reference import (
    ImageIdGiven,
    InvalidReference,
    Reference,
    parse_reference,
)
from hypothesis import given
from hypothesis import strategies as st

HEX = "a" * 64
DIGEST = f"sha256:{HEX}"
LIBRARY = "docker.io/library/"

INVALID = InvalidReference("invalid reference format at character")
LOWER_CASE = InvalidReference("invalid reference format: repository name must be lowercase")
TOO_LONG = InvalidReference("repository name must not be more than 255 characters")
DIGEST_FORMAT = InvalidReference("invalid checksum digest format")
DIGEST_LENGTH = InvalidReference("invalid checksum digest length")
DIGEST_ALGORITHM = InvalidReference("unsupported digest algorithm")
IMAGE_ID = ImageIdGiven("cannot specify 64-byte hexadecimal strings")

# What distribution/reference (as containers/image uses it) makes of an input, with the default tag.
VECTORS = [
    (1, "busybox", f"{LIBRARY}busybox:latest"),
    (2, "busybox:1.36", f"{LIBRARY}busybox:1.36"),
    (3, "library/busybox", f"{LIBRARY}busybox:latest"),
    (4, "docker.io/busybox", f"{LIBRARY}busybox:latest"),
    (5, "index.docker.io/busybox", f"{LIBRARY}busybox:latest"),
    (6, "docker.io/library/busybox:latest", f"{LIBRARY}busybox:latest"),
    (7, "user/app", "docker.io/user/app:latest"),
    (8, "registry-1.docker.io/busybox", "registry-1.docker.io/busybox:latest"),
    (9, "localhost/app", "localhost/app:latest"),
    (10, "localhost:5000/app:v1", "localhost:5000/app:v1"),
    (11, "localhost", f"{LIBRARY}localhost:latest"),
    (12, "myhost/app", "docker.io/myhost/app:latest"),
    (13, "myhost:5000/app", "myhost:5000/app:latest"),
    (14, "host.tld/a/b/c/d:tag", "host.tld/a/b/c/d:tag"),
    (15, "EXAMPLE.com/app", "EXAMPLE.com/app:latest"),
    (16, "Localhost:5000/app", "Localhost:5000/app:latest"),
    (17, "LOCALHOST/app", LOWER_CASE),
    (18, "Example/app", LOWER_CASE),
    (19, "example.com/App", LOWER_CASE),
    (20, "aA/b", LOWER_CASE),
    (21, "localhost/A", LOWER_CASE),
    (22, "host.tld/A:b", LOWER_CASE),
    (23, "busybox:LATEST", f"{LIBRARY}busybox:LATEST"),
    (24, "lowercase:Uppercase", f"{LIBRARY}lowercase:Uppercase"),
    (25, f"busybox@{DIGEST}", f"{LIBRARY}busybox@{DIGEST}"),
    (26, f"busybox:1@{DIGEST}", f"{LIBRARY}busybox:1@{DIGEST}"),
    (27, f"{HEX}", IMAGE_ID),
    (28, f"docker.io/{HEX}", f"{LIBRARY}{HEX}:latest"),
    (29, f"sha256:{HEX}", f"{LIBRARY}sha256:{HEX}"),
    (30, "sha256:abc", f"{LIBRARY}sha256:abc"),
    (31, f"busybox@sha256:{'A' * 64}", DIGEST_FORMAT),
    (32, f"busybox@sha256:{'a' * 63}", DIGEST_LENGTH),
    (33, f"busybox@sha256:{'a' * 31}", INVALID),
    (34, f"busybox@md5:{'a' * 32}", DIGEST_ALGORITHM),
    (35, f"busybox@x+y.z:{'f' * 64}", DIGEST_ALGORITHM),
    (36, f"busybox@SHA256:{HEX}", LOWER_CASE),
    (37, f"busybox@sha512:{'a' * 128}", f"{LIBRARY}busybox@sha512:{'a' * 128}"),
    (38, f"busybox@sha384:{'b' * 96}", f"{LIBRARY}busybox@sha384:{'b' * 96}"),
    (39, "a__b/c", "docker.io/a__b/c:latest"),
    (40, "a___b/c", INVALID),
    (41, "a-b", f"{LIBRARY}a-b:latest"),
    (42, "a--b---c", f"{LIBRARY}a--b---c:latest"),
    (43, "a_b.c", f"{LIBRARY}a_b.c:latest"),
    (44, "a..b", INVALID),
    (45, "a.-b", INVALID),
    (46, "-a", INVALID),
    (47, "a-", INVALID),
    (48, ".a", INVALID),
    (49, "_a", INVALID),
    (50, "a/", INVALID),
    (51, "/a", INVALID),
    (52, "a//b", INVALID),
    (53, "", INVALID),
    (54, "  ", INVALID),
    (55, "busybox:", INVALID),
    (56, "busybox:-x", INVALID),
    (57, "busybox:.x", INVALID),
    (58, "busybox:_x", f"{LIBRARY}busybox:_x"),
    (59, "busybox:" + "t" * 128, f"{LIBRARY}busybox:{'t' * 128}"),
    (60, "busybox:" + "t" * 129, INVALID),
    (61, "busybox:a+b", INVALID),
    (62, "host.tld:port/a", INVALID),
    (63, "host.tld:/a", INVALID),
    (64, "host.tld:80/a", "host.tld:80/a:latest"),
    (65, "-host.tld/a", INVALID),
    (66, "host-.tld/a", INVALID),
    (67, "host..tld/a", INVALID),
    (68, "[::1]:5000/app", INVALID),
    (69, "192.168.1.1:5000/a", "192.168.1.1:5000/a:latest"),
    (70, "https://quay.io/a", INVALID),
    (71, "quay.io/a b", INVALID),
    (72, "quay.io/é", INVALID),
    (73, "quay.io", f"{LIBRARY}quay.io:latest"),
    (74, "quay.io:5000", f"{LIBRARY}quay.io:5000"),
    (75, "test:5000/repo", "test:5000/repo:latest"),
    (76, "foo_bar.com:8080", f"{LIBRARY}foo_bar.com:8080"),
    (77, "a:b:c", INVALID),
    (78, "a@b", INVALID),
    (79, "busybox\n", INVALID),
    (80, "host.tld/a:tag@", INVALID),
    (81, f"host.tld/a@{DIGEST}@{DIGEST}", INVALID),
    (82, "a:1/b", "a:1/b:latest"),
    (83, "host.tld/" + "a" * 246, f"host.tld/{'a' * 246}:latest"),
    (84, "host.tld/" + "a" * 247, TOO_LONG),
    (85, "a" * 237, f"{LIBRARY}{'a' * 237}:latest"),
    (86, "a" * 238, TOO_LONG),
    (87, "host_x.tld/a", INVALID),
    (88, "a.b/c", "a.b/c:latest"),
]


@pytest.mark.parametrize(("number", "text", "expected"), VECTORS)
def test_the_normaliser_agrees_with_upstream(number: int, text: str, expected: object) -> None:
    if isinstance(expected, str):
        assert str(parse_reference(text).with_default_tag()) == expected
        return
    assert isinstance(expected, InvalidReference)
    with pytest.raises(type(expected)) as caught:
        parse_reference(text)
    assert expected.message in caught.value.message
    assert caught.value.code == expected.code


def test_a_reference_knows_its_parts() -> None:
    reference = parse_reference(f"registry.example.com:5000/team/app:1.2@{DIGEST}")
    assert reference == Reference("registry.example.com:5000", "team/app", "1.2", Digest("sha256", HEX))
    assert reference.name == "registry.example.com:5000/team/app"
    assert str(reference.digest_only()) == f"registry.example.com:5000/team/app@{DIGEST}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("docker.io/library/busybox:1", "busybox:1"),
        ("docker.io/user/app:1", "user/app:1"),
        ("docker.io/library/team/app", "library/team/app"),
        ("quay.io/library/app", "quay.io/library/app"),
    ],
)
def test_the_familiar_form_is_short(text: str, expected: str) -> None:
    assert parse_reference(text).familiar() == expected


@pytest.mark.parametrize(
    ("text", "character", "found"),
    [
        ("", 1, ""),
        ("a//b", 2, "//b"),
        ("-a", 1, "-a"),
        ("busybox:-x", 8, ":-x"),
        ("busybox:a+b", 10, "+b"),
        ("quay.io/a b", 10, " b"),
        ("index.docker.io/a b", 18, " b"),
        ("docker.io/a:1@sha256:abc", 14, "@sha256:abc"),
        ("https://quay.io/a", 6, "://quay.io/a"),
        ("host..tld/a", 5, "..tld/a"),
        ("host.tld:port/a", 9, ":port/a"),
        ("host_x.tld/a", 5, "_x.tld/a"),
        ("[::1]:5000/app", 1, "[::1]:5000/app"),
        ("busybox\n", 8, "\n"),
    ],
)
def test_the_error_shows_where_the_text_stops_being_a_reference(text: str, character: int, found: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        parse_reference(text)
    assert caught.value.message == f"invalid reference format at character {character}"
    assert caught.value.found == repr(found)
    assert str(caught.value).isprintable()


# Each made a matcher that tries all ways run for minutes.
@pytest.mark.parametrize(
    "text", ["a-" * 400 + "!", "a" * 1000 + "!", "a." * 400 + "!/a", "A" * 500 + "-/", "a" * 10**6]
)
def test_a_hostile_input_is_refused_at_once(text: str) -> None:
    start = time.process_time()
    with pytest.raises(InvalidReference):
        parse_reference(text)
    assert time.process_time() - start < 1


def test_another_name_keeps_tag_and_digest() -> None:
    reference = parse_reference(f"docker.io/library/app:1@{DIGEST}")
    assert str(reference.with_name("mirror.example.com/hub/app")) == f"mirror.example.com/hub/app:1@{DIGEST}"


@pytest.mark.parametrize(
    "name", ["app", "docker.io/app", "mirror.example.com/app:1", f"mirror.example.com/app@{DIGEST}"]
)
def test_another_name_must_be_whole_and_nothing_but_a_name(name: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        parse_reference("docker.io/library/app:1").with_name(name)
    assert caught.value.message == "repository name must be canonical"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("docker.io/library/app", "docker.io/library/app:latest"),
        ("docker.io/library/app:1", "docker.io/library/app:1"),
        (f"docker.io/library/app@{DIGEST}", f"docker.io/library/app@{DIGEST}"),
        (f"docker.io/library/app:1@{DIGEST}", f"docker.io/library/app@{DIGEST}"),
    ],
)
def test_podman_names_an_image_by_its_digest_alone_or_else_by_a_tag(text: str, expected: str) -> None:
    assert str(parse_reference(text).digest_only().with_default_tag()) == expected


ALPHANUMERIC = st.from_regex(r"[a-z0-9]{1,6}", fullmatch=True)
SEPARATORS = st.sampled_from([".", "_", "__", "-", "--", "---"])
COMPONENTS = st.builds("{}{}{}".format, ALPHANUMERIC, SEPARATORS, ALPHANUMERIC) | ALPHANUMERIC
DOMAINS = st.sampled_from(["quay.io", "localhost", "localhost:5000", "host:1", "10.0.0.1:443", "A.b-c.D", "docker.io"])
TAGS = st.none() | st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", fullmatch=True)
DIGESTS = st.none() | st.binary(max_size=4).map(Digest.of)


@given(DOMAINS, st.lists(COMPONENTS, min_size=2, max_size=5), TAGS, DIGESTS)
def test_a_reference_survives_being_written_and_read(
    domain: str, components: list[str], tag: str | None, digest: Digest | None
) -> None:
    reference = Reference(domain, "/".join(components), tag, digest)
    assert parse_reference(str(reference)) == reference
    assert parse_reference(reference.with_default_tag().name) == Reference(domain, reference.path)


@given(ALPHANUMERIC, TAGS, DIGESTS)
def test_the_familiar_form_stands_for_the_same_image(name: str, tag: str | None, digest: Digest | None) -> None:
    reference = Reference("docker.io", f"library/{name}", tag, digest)
    assert parse_reference(reference.familiar()) == reference


@given(st.text(max_size=80) | st.text(alphabet="aA0.:/@-_ \n", max_size=30))
def test_any_text_is_a_reference_or_an_error_of_ours(text: str) -> None:
    try:
        reference = parse_reference(text)
    except InvalidReference:
        return
    assert parse_reference(str(reference)) == reference
