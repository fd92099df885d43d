# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server may send without end or measure is cut off: bodies at their limits, headers, and what claims to be more."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from lab.fault_bench import ONCE, FaultBench
from lab.scripted_registry import OCI_MANIFEST, ScriptedRegistry, error_body, make_image, small_layer

LAYER = small_layer()
IMAGE = make_image([LAYER])
MANIFEST_PATH = "/v2/team/app/manifests/1"
MEBIBYTE = 1024 * 1024
# What the sockets of both sides may hold besides what is read.
IN_FLIGHT = 12 * MEBIBYTE
JSON = {"Content-Type": OCI_MANIFEST}


@pytest.mark.parametrize(
    ("path", "answer", "limit", "code"),
    [
        pytest.param(MANIFEST_PATH, {"headers": JSON}, 4, "too_large", id="manifest"),
        pytest.param(MANIFEST_PATH, {"status": 400}, 1, "registry_error", id="error_body"),
        pytest.param(
            MANIFEST_PATH, {"status": 307, "headers": {"Location": "/x"}}, 0, "manifest_unknown", id="redirect"
        ),
        pytest.param("/v2/", {}, 1, "manifest_unknown", id="ping"),
        pytest.param("/v2/", {"status": 500}, 1, "registry_error", id="failed_ping"),
        pytest.param(ScriptedRegistry.blob_path(IMAGE.config), {}, 0, "size_mismatch", id="config"),
        pytest.param(ScriptedRegistry.blob_path(LAYER), {}, 0, "size_mismatch", id="layer"),
    ],
)
def test_a_body_without_end(bench: FaultBench, path: str, answer: dict[str, Any], limit: int, code: str) -> None:
    """Without a length, so that only the reader can tell that it is too much; ``limit`` is in mebibytes."""
    step = bench.registry.expect("GET", path, body=b"{" * MEBIBYTE, endless=True, length=None, **answer)
    bench.registry.expect("GET", "/x", status=404, times=None)
    if code == "manifest_unknown" and path == "/v2/":
        bench.registry.expect("GET", MANIFEST_PATH, status=404)
    bench.registry.serve(IMAGE)
    bench.refused(bench.pull(), code)
    assert bench.registry.asked(path) == ONCE
    assert limit * MEBIBYTE <= step.sent < limit * MEBIBYTE + IN_FLIGHT


def test_a_token_without_end(bench: FaultBench) -> None:
    path = bench.registry.ask_for_token()
    step = bench.registry.expect("GET", path, body=b"x" * MEBIBYTE, endless=True, length=None)
    bench.refused(bench.pull(), "too_large", "1048576")
    assert step.sent < MEBIBYTE + IN_FLIGHT


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([(f"X-{number}", "x") for number in range(5000)], id="too_many"),
        pytest.param([("X-Long", "x" * 200_000)], id="too_long"),
    ],
)
def test_a_header_without_measure(bench: FaultBench, headers: list[tuple[str, str]]) -> None:
    bench.registry.expect("GET", MANIFEST_PATH, headers=headers, body=IMAGE.manifest, times=None)
    bench.registry.serve(IMAGE)
    bench.refused(bench.pull(), "too_large")
    assert bench.registry.asked(MANIFEST_PATH) == ONCE


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", "not_a_registry", id="another_protocol"),
        pytest.param(b"HTTP/1.1 abc OK\r\n\r\n", "not_a_registry", id="a_status_that_is_none"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "connection_lost", id="bad_chunk"),
        pytest.param(b"HTTP/1.1 200 " + b"x" * 100_000, "too_large", id="a_long_status_line"),
    ],
)
def test_an_answer_that_is_no_http(bench: FaultBench, raw: bytes, code: str) -> None:
    bench.registry.expect("GET", MANIFEST_PATH, raw=raw, times=None)
    bench.registry.serve(IMAGE)
    bench.refused(bench.pull(), code)
    assert bench.registry.asked(MANIFEST_PATH) == ONCE


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(gzip.compress(bytes(64 * 1024 * 1024)), "too_large", id="without_end"),
        pytest.param(gzip.compress(IMAGE.manifest)[:-8] + b"\0" * 8, "invalid_encoding", id="damaged"),
        pytest.param(gzip.compress(IMAGE.manifest)[:40], "invalid_json", id="cut"),
    ],
)
def test_a_manifest_that_is_compressed_on_the_way(bench: FaultBench, body: bytes, code: str) -> None:
    """Unpacked it has the limit that it has otherwise."""
    headers = {**JSON, "Content-Encoding": "gzip"}
    bench.registry.expect("GET", MANIFEST_PATH, headers=headers, body=body)
    bench.registry.serve(IMAGE)
    bench.refused(bench.pull(), code)


def test_json_without_depth_or_measure(bench: FaultBench) -> None:
    for number, body in enumerate((b"[" * 1_000_000, b'{"schemaVersion":' + b"9" * 100_000 + b"}", b'"\xff"')):
        bench.registry.expect("GET", bench.registry.manifest_path(f"odd{number}"), headers=JSON, body=body)
    bench.registry.ping()
    names = [bench.registry.reference(f"odd{number}") for number in range(3)]
    result = bench.pull(name=names)
    bench.refused(result, "invalid_json")
    assert [image["error"]["code"] for image in result["images"]] == ["invalid_json"] * 3


def test_an_error_that_would_steer_a_terminal_is_shown_plain(bench: FaultBench) -> None:
    evil = "\x1b]0;owned\x07\x1b[31m" + "long " * 1000
    bench.registry.ping()
    bench.registry.expect("GET", MANIFEST_PATH, status=400, body=error_body("MANIFEST_INVALID\x1b", evil), times=None)
    result = bench.pull(retries=0)
    bench.refused(result, "registry_error", "owned")
    assert "\x1b" not in json.dumps(result.data, ensure_ascii=False) and len(result["msg"]) < 1000
