# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What clients of one pool share, and what they do not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.credentials import Credentials
from ansible_collections.strata.containers.plugins.module_utils._registry.http import ConnectionOptions
from ansible_collections.strata.containers.plugins.module_utils._registry.pool import RegistryPool
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.registry_script import (
    LATEST,
    TOKEN_PATH,
    bearer_ping,
    token_body,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.scripted_server import (
    ScriptedServer,
)

OPTIONS = ConnectionOptions(timeout=5, allow_http=True)
BASE = "/v2/team/base/manifests/latest"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def pool() -> Iterator[RegistryPool]:
    pool = RegistryPool()
    yield pool
    pool.close()


def test_two_images_of_a_repository_share_ping_token_and_connection(server: ScriptedServer, pool: RegistryPool) -> None:
    bearer_ping(server)
    server.expect("GET", TOKEN_PATH, body=token_body("abc"))
    server.expect("GET", LATEST, body=b"{}", requires={"Authorization": "Bearer abc"}, times=2)
    for _count in range(2):
        client = pool.client(server.host, "team/app", None, OPTIONS)
        client.manifest("latest")
        client.close()
    # The first question is https, which this server does not speak.
    assert server.connections == 2


def test_another_repository_has_a_token_of_its_own(server: ScriptedServer, pool: RegistryPool) -> None:
    bearer_ping(server)
    server.expect("GET", TOKEN_PATH, body=token_body("abc"))
    server.expect("GET", LATEST, body=b"{}", requires={"Authorization": "Bearer abc"})
    server.expect("GET", TOKEN_PATH.replace("app", "base"), body=token_body("def"))
    server.expect("GET", BASE, body=b"{}", requires={"Authorization": "Bearer def"})
    for repository in ("team/app", "team/base"):
        pool.client(server.host, repository, None, OPTIONS).manifest("latest")


@pytest.mark.parametrize(
    ("credentials", "options"),
    [
        (Credentials("user", "hunter2"), OPTIONS),
        (Credentials("other", "hunter2"), OPTIONS),
        (None, ConnectionOptions(timeout=6, allow_http=True)),
    ],
)
def test_another_user_or_another_way_to_connect_shares_nothing(
    server: ScriptedServer, pool: RegistryPool, credentials: Credentials | None, options: ConnectionOptions
) -> None:
    server.expect("GET", "/v2/", times=2)
    server.expect("GET", LATEST, body=b"{}", times=2)
    pool.client(server.host, "team/app", None, OPTIONS).manifest("latest")
    pool.client(server.host, "team/app", credentials, options).manifest("latest")


def test_a_warning_is_told_once_for_all_images(server: ScriptedServer) -> None:
    warnings: list[str] = []
    pool = RegistryPool(warn=warnings.append)
    server.expect("GET", "/v2/")
    for path in (LATEST, BASE):
        server.expect("GET", path, body=b"{}", headers={"Warning": '299 - "go elsewhere"'})
    for repository in ("team/app", "team/base"):
        pool.client(server.host, repository, None, OPTIONS).manifest("latest")
    assert warnings == [f"{server.host}: go elsewhere"]
    pool.close()
