# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scopes of a name in a registry, in the order in which a policy is asked for them."""

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.reference import parse_reference
from ansible_collections.strata.containers.plugins.module_utils._trust.scope import (
    docker_scopes,
    nameless_scopes,
    path_scopes,
    storage_scopes,
    valid_scope,
)

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (
            "quay.io/ns/sub/app:v1",
            ["quay.io/ns/sub/app:v1", "quay.io/ns/sub/app", "quay.io/ns/sub", "quay.io/ns", "quay.io", "*.io", ""],
        ),
        (
            "busybox",
            [
                "docker.io/library/busybox:latest",
                "docker.io/library/busybox",
                "docker.io/library",
                "docker.io",
                "*.io",
                "",
            ],
        ),
        (
            f"a.b.example.com:5000/app@sha256:{HEX}",
            [
                f"a.b.example.com:5000/app@sha256:{HEX}",
                "a.b.example.com:5000/app",
                "a.b.example.com:5000",
                "*.b.example.com",
                "*.example.com",
                "*.com",
                "",
            ],
        ),
        ("localhost:5000/app:1", ["localhost:5000/app:1", "localhost:5000/app", "localhost:5000", ""]),
        ("localhost/app:1", ["localhost/app:1", "localhost/app", "localhost", ""]),
        (
            "127.0.0.1:5130/n/a:1",
            [
                "127.0.0.1:5130/n/a:1",
                "127.0.0.1:5130/n/a",
                "127.0.0.1:5130/n",
                "127.0.0.1:5130",
                "*.0.0.1",
                "*.0.1",
                "*.1",
                "",
            ],
        ),
    ],
)
def test_scopes_go_from_the_reference_to_the_whole_transport(name: str, wanted: list[str]) -> None:
    assert list(docker_scopes(parse_reference(name))) == wanted


def test_a_tag_beside_a_digest_is_dropped_as_podman_does() -> None:
    assert docker_scopes(parse_reference(f"a.b/c:1@sha256:{HEX}"))[0] == f"a.b/c@sha256:{HEX}"


def test_the_host_is_not_folded_to_lower_case() -> None:
    assert "LOCALHOST:5130" in docker_scopes(parse_reference("LOCALHOST:5130/x"))


@pytest.mark.parametrize("transport", ["docker", "dir", "docker-archive", "containers-storage", "unknown"])
def test_the_empty_scope_is_valid_for_every_transport(transport: str) -> None:
    assert valid_scope(transport, "")


# As containers/image's own tests have it (oci, directory and storage transports).
@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/srv/images/app", ["/srv/images/app", "/srv/images", "/srv", ""]),
        ("/app", ["/app", ""]),
        ("/", [""]),
    ],
)
def test_a_path_is_spoken_of_with_every_directory_above_it_but_the_root(path: str, wanted: list[str]) -> None:
    assert list(path_scopes(path)) == wanted
    assert all(valid_scope(transport, scope) for scope in wanted for transport in ("dir", "oci", "oci-archive", "sif"))


def test_images_without_a_name_are_spoken_of_by_the_empty_scope() -> None:
    assert nameless_scopes() == ("",)
    assert all(valid_scope(transport, "") for transport in ("docker-archive", "tarball", "docker-daemon"))


@pytest.mark.parametrize(
    ("name", "image_id", "wanted"),
    [
        (
            "docker.io/library/busybox:1",
            "",
            [
                "[o@/v]docker.io/library/busybox:1",
                "[o@/v]docker.io/library/busybox",
                "[o@/v]docker.io/library",
                "[o@/v]docker.io",
            ],
        ),
        (
            "a.b:5000/c:1",
            HEX,
            [f"[o@/v]a.b:5000/c:1@{HEX}", "[o@/v]a.b:5000/c:1", "[o@/v]a.b:5000/c", "[o@/v]a.b:5000"],
        ),
        (f"a.b/c@sha256:{HEX}", "", [f"[o@/v]a.b/c@sha256:{HEX}", "[o@/v]a.b/c", "[o@/v]a.b"]),
        (
            f"a.b/c:1@sha256:{HEX}",
            HEX,
            [
                f"[o@/v]a.b/c:1@sha256:{HEX}@{HEX}",
                f"[o@/v]a.b/c:1@sha256:{HEX}",
                "[o@/v]a.b/c:1",
                "[o@/v]a.b/c",
                "[o@/v]a.b",
            ],
        ),
        (None, HEX, [f"[o@/v]@{HEX}"]),
    ],
)
def test_an_image_of_a_store_is_spoken_of_with_its_store(name: str | None, image_id: str, wanted: list[str]) -> None:
    scopes = storage_scopes("o", "/v", parse_reference(name) if name else None, image_id)
    assert list(scopes) == [*wanted, "[o@/v]", "[/v]", ""]
    assert all(valid_scope("containers-storage", scope) for scope in scopes)


def test_an_image_of_a_store_may_be_without_an_id() -> None:
    assert storage_scopes("o", "/v", parse_reference("a.b/c:1"))[0] == "[o@/v]a.b/c:1"
