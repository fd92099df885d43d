# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What refusals mean. The expected leaves, texts and retries are those of containers/image and containers/common."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._registry.errors import (
    BlobUnknown,
    ManifestUnknown,
    NameUnknown,
    RegistryError,
    registry_error,
    status_text,
)
from hypothesis import given
from hypothesis import strategies as st


def _body(*codes: str, message: str = "") -> bytes:
    return json.dumps({"errors": [{"code": code, "message": message} for code in codes]}).encode()


@pytest.mark.parametrize(
    ("status", "body", "code", "retryable"),
    [
        (401, _body("UNAUTHORIZED"), "unauthorized", False),
        (401, b"", "unauthorized", False),
        (403, _body("DENIED"), "denied", False),
        (403, b"<html>", "denied", False),
        # Docker Hub answers so for a repository that does not exist.
        (401, _body("DENIED"), "denied", False),
        (404, _body("MANIFEST_UNKNOWN"), "manifest_unknown", False),
        (404, _body("NAME_UNKNOWN"), "name_unknown", False),
        # Red Hat and Harbor have code words of their own.
        (404, _body("UNKNOWN", message="Not Found"), "manifest_unknown", False),
        (404, _body("NOT_FOUND"), "manifest_unknown", False),
        (404, b"", "manifest_unknown", False),
        (404, _body("BLOB_UNKNOWN"), "blob_unknown", True),
        (429, _body("TOOMANYREQUESTS"), "rate_limited", True),
        (429, b"slow down", "rate_limited", False),
        (500, b"", "registry_error", False),
        (502, b"", "registry_error", True),
        (503, b"", "registry_error", True),
        (504, b"", "registry_error", True),
        (500, _body("UNKNOWN"), "registry_error", False),
        (500, _body("UNKNOWN", "DENIED"), "denied", False),
        (400, _body("UNKNOWN", "NAME_UNKNOWN"), "name_unknown", False),
        (418, b"", "registry_error", False),
    ],
)
def test_a_refusal_has_a_code_word_and_may_pass_or_not(status: int, body: bytes, code: str, retryable: bool) -> None:
    error = registry_error(status, body, subject="h/n:t", not_found=ManifestUnknown)
    assert (error.code, error.retryable, error.status, error.subject) == (code, retryable, status, "h/n:t")


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (404, _body("MANIFEST_UNKNOWN", message="manifest unknown"), "manifest unknown"),
        (404, _body("MANIFEST_UNKNOWN", message="gone"), "manifest unknown: gone"),
        (404, _body("MANIFEST_UNKNOWN"), "manifest unknown"),
        (502, b"<html>", "unexpected HTTP status 502 Bad Gateway"),
        (404, b"", "unexpected HTTP status 404 Not Found"),
        (404, b"[]", "unexpected HTTP status 404 Not Found"),
        (404, b"x" * 60, f'unexpected HTTP status 404 Not Found, "{"x" * 50}..."'),
        (401, b'{"details": "incorrect username or password"}', "401 Unauthorized: incorrect username or password"),
        (400, b'{"error": "invalid_grant", "error_description": "bad grant"}', "400 Bad Request: bad grant"),
        (403, b'{"error": {"code": 403, "message": "not yours", "status": "X"}}', "403 Forbidden: not yours"),
        (404, b'{"errors": "none"}', "unexpected HTTP status 404 Not Found"),
        (404, b'{"errors": [1, {"code": 5, "message": "m"}]}', "m"),
        (499, b"", "unexpected HTTP status 499"),
        (404, b'{"errors": [{}]}', "404 Not Found"),
    ],
)
def test_the_text_is_what_the_registry_says(status: int, body: bytes, text: str) -> None:
    assert registry_error(status, body, subject="").message == text


@pytest.mark.parametrize("leaf", [ManifestUnknown, BlobUnknown, NameUnknown])
def test_a_bare_404_means_what_was_asked_for(leaf: type[RegistryError]) -> None:
    assert isinstance(registry_error(404, b"", subject="", not_found=leaf), leaf)


@pytest.mark.parametrize(
    "body",
    [
        {"errors": [{"code": "X", "message": "you sent hunter2"}]},
        {"errors": [{"code": "hunter2", "message": ""}]},
        {"errors": [{"code": "X", "message": "x" * 297 + "hunter2"}]},
        {"details": "you sent hunter2"},
        "you sent hunter2",
    ],
)
def test_a_registry_cannot_make_us_print_a_secret(body: Any) -> None:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    error = registry_error(400, raw, subject="", secrets=["hunter2"])
    assert "hunt" not in str(error) + repr(error)


def test_a_status_has_its_name_where_http_gives_it_one() -> None:
    assert [status_text(404), status_text(599)] == ["404 Not Found", "599"]


@given(st.integers(100, 999), st.binary(max_size=200))
def test_any_answer_is_an_error(status: int, body: bytes) -> None:
    assert registry_error(status, body, subject="s").message
