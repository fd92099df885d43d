# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Blobs that a server compressed on the way, and those that stores of objects only call so: both arrive as they are named."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import DataError
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._registry.encoding import BadEncoding
from ansible_collections.strata.containers.plugins.module_utils._registry.failures import ConnectionLost
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.registry_script import make_client
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.scripted_server import (
    ScriptedServer,
)

TAR = b"name".ljust(512, b"\0") + random.Random(1).randbytes(700_000)
CONFIG = json.dumps({"architecture": "amd64", "history": ["x" * 1000] * 200}).encode()
LAYER = gzip.compress(TAR)
ENCODED = {"Content-Encoding": "gzip"}


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        server.expect("GET", "/v2/")
        yield server


def _path(blob: bytes) -> str:
    return f"/v2/team/app/blobs/{Digest.of(blob)}"


def _blob(server: ScriptedServer, blob: bytes) -> bytes:
    return b"".join(make_client(server).blob(Digest.of(blob), len(blob)))


@pytest.mark.parametrize("blob", [CONFIG, LAYER, TAR, b"{}"], ids=["config", "gzip", "tar", "small"])
def test_one_that_was_packed_on_the_way_is_unpacked(server: ScriptedServer, blob: bytes) -> None:
    server.expect(
        "GET", _path(blob), body=gzip.compress(blob), headers=ENCODED, requires={"Accept-Encoding": "identity"}
    )
    assert _blob(server, blob) == blob


@pytest.mark.parametrize("blob", [CONFIG, LAYER], ids=["config", "gzip"])
def test_without_a_length_what_is_inside_tells_it(server: ScriptedServer, blob: bytes) -> None:
    server.expect("GET", _path(blob), body=gzip.compress(blob), headers=ENCODED, length=None)
    assert _blob(server, blob) == blob


@pytest.mark.parametrize("length", ["", None])
@pytest.mark.parametrize("blob", [CONFIG, LAYER, TAR], ids=["config", "gzip", "tar"])
def test_one_that_is_only_called_so_is_taken_as_sent(server: ScriptedServer, blob: bytes, length: str | None) -> None:
    server.expect("GET", _path(blob), body=blob, headers=ENCODED, length=length)
    assert _blob(server, blob) == blob


def test_another_length_is_refused_as_without_the_header(server: ScriptedServer) -> None:
    server.expect("GET", _path(CONFIG), body=CONFIG[:-1], headers=ENCODED)
    with pytest.raises(DataError, match="blob size mismatch"):
        _blob(server, CONFIG)


def test_one_that_cannot_be_unpacked_is_an_error(server: ScriptedServer) -> None:
    packed = gzip.compress(LAYER)
    server.expect("GET", _path(LAYER), body=packed[:-8] + bytes(8), headers=ENCODED)
    with pytest.raises(BadEncoding):
        _blob(server, LAYER)


def test_more_than_the_blob_is_not_unpacked(server: ScriptedServer) -> None:
    server.expect("GET", _path(CONFIG), body=gzip.compress(CONFIG + bytes(10_000_000)), headers=ENCODED)
    chunks = make_client(server).blob(Digest.of(CONFIG), len(CONFIG))
    assert sum(len(chunk) for _count, chunk in zip(range(2), chunks)) <= len(CONFIG) + 2


def test_one_that_ends_early_is_not_whole(server: ScriptedServer) -> None:
    server.expect("GET", _path(LAYER), body=gzip.compress(LAYER), headers=ENCODED, cut=len(LAYER) // 2, times=2)
    with pytest.raises(ConnectionLost):
        _blob(server, LAYER)
