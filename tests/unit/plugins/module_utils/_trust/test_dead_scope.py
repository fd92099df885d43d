# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scopes that no image can have, beside their living neighbours: what a scope covers is asked of ``docker_scopes``."""

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.reference import parse_reference
from ansible_collections.strata.containers.plugins.module_utils._trust.dead_scope import why_dead
from ansible_collections.strata.containers.plugins.module_utils._trust.scope import docker_scopes

HEX = "0123456789abcdef" * 4

# containers/image, ``transports/alltransports``, and those of which policies speak besides (containers-policy.json(5)).
TRANSPORTS = [
    *("atomic", "containers-storage", "dir", "docker-archive", "docker-daemon"),
    *("oci", "oci-archive", "ostree", "sif", "tarball"),
]

# With an image that is judged by the scope.
ALIVE = {
    "": "busybox",
    "quay.io": "quay.io/app:1",
    "localhost": "localhost/app:1",
    "localhost:5000": "localhost:5000/app:1",
    "Quay.io": "Quay.io/app:1",
    "quay.io/ns": "quay.io/ns/app:1",
    "quay.io:5000/ns/app": "quay.io:5000/ns/app:1",
    "quay.io/ns/app:1": "quay.io/ns/app:1",
    f"quay.io/app@sha256:{HEX}": f"quay.io/app@sha256:{HEX}",
    "docker.io/library": "busybox",
    "docker.io/library/busybox:latest": "busybox",
    # A namespace: docker.io/busybox itself is docker.io/library/busybox.
    "docker.io/busybox": "docker.io/busybox/app",
    "*.example.com": "a.example.com/app:1",
    "*.com": "example.com/app:1",
    "*.0.0.1": "127.0.0.1:5000/app:1",
    "*.eXample.com": "a.eXample.com/app:1",
}

DEAD = [
    "busybox",
    "default",
    "ns/app",
    "quay.io/",
    "quay.io/ns/",
    "https://quay.io",
    "docker://quay.io",
    "quay.io/App",
    "docker.io/busybox:latest",
    "index.docker.io",
    "quay.io/app:1@sha256:" + HEX,
    "quay.io/app@sha256:short",
    "*",
    "*.",
    "*.example.com:5000",
    "*.example.com/ns",
    "a.*.com",
    " quay.io",
]


@pytest.mark.parametrize("scope", ALIVE)
def test_a_scope_that_speaks_of_an_image_is_alive(scope: str) -> None:
    assert scope in docker_scopes(parse_reference(ALIVE[scope]))
    assert why_dead("docker", scope) == ""


@pytest.mark.parametrize("scope", DEAD)
def test_a_scope_that_speaks_of_none_is_dead(scope: str) -> None:
    assert why_dead("docker", scope)


def test_a_transport_that_nobody_knows_is_named() -> None:
    assert "dokcer" in why_dead("dokcer", "quay.io")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_of_other_transports_only_the_name_is_known(transport: str) -> None:
    assert why_dead(transport, "whatever the parser let pass") == ""
