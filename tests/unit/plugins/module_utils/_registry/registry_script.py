# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What scripted conversations with a registry have in common: its name, its challenges, its token, a blob."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.strata.containers.plugins.module_utils._model.credentials import Credentials
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._registry.client import RegistryClient
from ansible_collections.strata.containers.plugins.module_utils._registry.http import ConnectionOptions
from ansible_collections.strata.containers.plugins.module_utils._registry.retry import Clock
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.scripted_server import (
    FakeClock,
    ScriptedServer,
)

OCI = "application/vnd.oci.image.manifest.v1+json"
LATEST = "/v2/team/app/manifests/latest"
TOKEN_PATH = "/token?service=tests&scope=repository%3Ateam%2Fapp%3Apull"
BLOB = bytes(range(256)) * 4096  # 1 MiB
DIGEST = Digest.of(BLOB)
BLOB_PATH = f"/v2/team/app/blobs/{DIGEST}"


def make_client(
    server: ScriptedServer,
    credentials: Credentials | None = None,
    clock: FakeClock | None = None,
    warnings: list[str] | None = None,
) -> RegistryClient:
    clock = clock or FakeClock()
    return RegistryClient(
        server.host,
        "team/app",
        credentials,
        ConnectionOptions(timeout=5, allow_http=True),
        clock=Clock(clock.now, clock.now, clock.sleep),
        warn=(warnings if warnings is not None else []).append,
    )


def basic_ping(server: ScriptedServer) -> None:
    server.expect("GET", "/v2/", status=401, headers={"WWW-Authenticate": 'Basic realm="tests"'})


def bearer_ping(server: ScriptedServer) -> None:
    challenge = f'Bearer realm="{server.url}/token",service="tests",scope="ignored:here:pull"'
    server.expect("GET", "/v2/", status=401, headers={"WWW-Authenticate": challenge})


def token_body(value: str, **fields: Any) -> bytes:
    return json.dumps({"token": value, **fields}).encode()


def error_body(code: str, message: str = "") -> bytes:
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode()
