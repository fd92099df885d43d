# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of faults, manifests and configs: the error word, how often the registry is asked, and that nothing stays.

The numbers are the rows of the table of failure semantics that the pull is built to; ``tests/interop/test_fault_rows.py``
holds that none is without a test.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from lab.fault_bench import EACH_COPY, ONCE, PATIENTLY, FaultBench, row
from lab.odd_images import GZIP
from lab.scripted_registry import (
    DOCKER_CONFIG,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Json,
    ScriptedImage,
    digest_of,
    error_body,
    image_config,
    make_image,
    make_index,
    small_layer,
)
from lab.stores import Store, pull_error

LAYER = small_layer()
IMAGE = make_image([LAYER])
MANIFEST_PATH = "/v2/team/app/manifests/1"
HTML = b"<html><body>Please sign in</body></html>"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        row(1, "an_upper_case_repository", "{host}/UPPER:1", "invalid_reference"),
        row(1, "a_short_digest", "{host}/team/app@sha256:abc", "invalid_reference"),
    ],
)
def test_a_bad_reference_asks_nobody(bench: FaultBench, name: str, code: str) -> None:
    bench.refused(bench.pull(name=name.format(host=bench.registry.host)), code)
    assert bench.registry.connections == 0


@pytest.mark.parametrize(
    ("status", "body", "code", "asked"),
    [
        row(3, "401", 401, error_body("UNAUTHORIZED"), "unauthorized", ONCE),
        row(3, "403", 403, error_body("DENIED"), "denied", ONCE),
        row(3, "403_without_a_body", 403, b"", "denied", ONCE),
        row(5, "manifest_unknown", 404, error_body("MANIFEST_UNKNOWN", "unknown tag"), "manifest_unknown", ONCE),
        row(5, "404_in_words_of_its_own", 404, b"page not found", "manifest_unknown", ONCE),
        row(6, "name_unknown", 404, error_body("NAME_UNKNOWN"), "name_unknown", ONCE),
        row(9, "500", 500, b"", "registry_error", ONCE),
        row(9, "500_with_an_error_body", 500, error_body("UNKNOWN"), "registry_error", ONCE),
        row(9, "502", 502, HTML, "registry_error", EACH_COPY),
        row(9, "503", 503, b"", "registry_error", EACH_COPY),
        row(9, "504", 504, b"", "registry_error", EACH_COPY),
    ],
)
def test_a_manifest_that_is_refused(bench: FaultBench, status: int, body: bytes, code: str, asked: int) -> None:
    path = bench.registry.manifest_path()
    bench.registry.ping()
    bench.registry.expect("GET", path, status=status, body=body, times=None)
    result = bench.pull()
    bench.refused(result, code, bench.registry.reference())
    assert result["error"]["status"] == status
    assert bench.registry.asked(path) == asked


def test_row_05_a_digest_that_is_not_there(bench: FaultBench) -> None:
    path = bench.registry.manifest_path(digest_of(b"nothing"))
    bench.registry.ping()
    bench.registry.expect("GET", path, status=404, body=error_body("MANIFEST_UNKNOWN"), times=None)
    bench.refused(bench.pull(name=bench.registry.reference(digest_of(b"nothing"))), "manifest_unknown")
    assert bench.registry.asked(path) == ONCE


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        row(8, "with_the_error_of_a_registry", error_body("TOOMANYREQUESTS", "pull rate"), PATIENTLY * EACH_COPY),
        row(8, "in_words_of_its_own", b"pull rate", PATIENTLY),
    ],
)
def test_too_many_requests(bench: FaultBench, body: bytes, asked: int) -> None:
    path = bench.registry.manifest_path()
    bench.registry.ping()
    bench.registry.expect("GET", path, status=429, headers={"Retry-After": "0"}, body=body, times=None)
    bench.refused(bench.pull(), "rate_limited", "pull rate")
    assert bench.registry.asked(path) == asked


@pytest.mark.parametrize(
    "path",
    [
        row(8, "of_the_ping", "/v2/"),
        row(8, "of_the_manifest", MANIFEST_PATH),
        row(8, "of_the_config", f"/v2/team/app/blobs/{digest_of(IMAGE.config)}"),
        row(8, "of_a_layer", f"/v2/team/app/blobs/{digest_of(LAYER)}"),
    ],
)
def test_too_many_requests_that_pass_are_waited_for(bench: FaultBench, path: str) -> None:
    bench.registry.expect("GET", path, status=429, headers={"Retry-After": "0"}, times=4)
    bench.registry.serve(IMAGE)
    assert bench.pull(retries=0).changed
    assert bench.registry.asked(path) == PATIENTLY
    assert bench.registry.asked(MANIFEST_PATH) == (PATIENTLY if path == MANIFEST_PATH else ONCE)


def test_row_08_the_pause_that_the_registry_asks_for_is_made(bench: FaultBench) -> None:
    path = bench.registry.manifest_path()
    bench.registry.expect("GET", path, status=429, headers={"Retry-After": "1"})
    bench.registry.serve(IMAGE)
    assert bench.pull(retries=0).changed
    first, second = (request.moment for request in bench.registry.requests if request.path == path)
    # The first pause that nobody asked for would be two seconds.
    assert 1.0 <= second - first < 1.9


def test_row_09_a_server_error_that_passes_is_retried_until_it_has_passed(bench: FaultBench) -> None:
    path = bench.registry.manifest_path()
    bench.registry.expect("GET", path, status=503, times=EACH_COPY - 1)
    bench.registry.serve(IMAGE)
    assert bench.pull().changed
    assert bench.registry.asked(path) == EACH_COPY


def test_row_10_a_manifest_above_the_limit(bench: FaultBench) -> None:
    padded = make_image([LAYER], spoil=lambda manifest: manifest.update(annotations={"a": "x" * (4 * 1024 * 1024)}))
    bench.registry.serve(padded)
    bench.refused(bench.pull(), "too_large", "4194304")
    assert bench.registry.asked(bench.registry.manifest_path()) == ONCE


def test_row_10_a_config_above_the_limit_is_not_asked_for(bench: FaultBench) -> None:
    image = make_image([LAYER], config=image_config([LAYER]) + b" " * 4 * 1024 * 1024)
    bench.registry.serve(image)
    bench.refused(bench.pull(), "too_large", "4194304")
    assert bench.registry.blobs_asked() == []


def test_row_11_another_manifest_than_its_digest_names(bench: FaultBench) -> None:
    wanted = digest_of(b"another manifest")
    bench.registry.ping()
    bench.registry.serve_manifest(IMAGE.manifest, IMAGE.media_type, wanted)
    bench.refused(bench.pull(name=bench.registry.reference(wanted)), "digest_mismatch", wanted)
    assert bench.registry.asked(bench.registry.manifest_path(wanted)) == ONCE
    assert bench.registry.blobs_asked() == []


def test_row_11_another_manifest_than_the_index_names(bench: FaultBench) -> None:
    wanted = digest_of(IMAGE.manifest)
    bench.registry.ping()
    bench.registry.serve_manifest(make_index(IMAGE.manifest), OCI_INDEX, "1")
    bench.registry.serve_manifest(IMAGE.manifest + b"\n", IMAGE.media_type, wanted)
    bench.refused(bench.pull(), "digest_mismatch", wanted)
    assert bench.registry.asked(bench.registry.manifest_path(wanted)) == ONCE


def _changed(**fields: Any) -> bytes:
    return json.dumps({**json.loads(IMAGE.manifest), **fields}).encode()


@pytest.mark.parametrize(
    ("body", "media_type", "code"),
    [
        row(12, "version_3", _changed(schemaVersion=3), OCI_MANIFEST, "invalid_manifest"),
        row(12, "a_type_nobody_knows", IMAGE.manifest, "application/vnd.example+json", "unsupported_manifest"),
        row(12, "a_login_page", HTML, "text/html; charset=utf-8", "not_a_registry"),
        row(12, "a_login_page_that_claims_json", HTML, "application/json", "invalid_json"),
        row(12, "no_body", b"", OCI_MANIFEST, "invalid_json"),
        row(13, "image_and_index", _changed(manifests=[]), OCI_MANIFEST, "ambiguous_manifest"),
        row(13, "a_key_in_other_case", _changed(Layers=[]), OCI_MANIFEST, "ambiguous_manifest"),
        row(13, "header_and_body_disagree", IMAGE.manifest, DOCKER_MANIFEST, "ambiguous_manifest"),
        row(13, "a_key_twice", IMAGE.manifest[:-1] + b',"layers":[]}', OCI_MANIFEST, "invalid_json"),
    ],
)
def test_a_manifest_that_is_none(bench: FaultBench, body: bytes, media_type: str, code: str) -> None:
    bench.registry.ping()
    bench.registry.serve_manifest(body, media_type, "1")
    bench.refused(bench.pull(), code)
    assert bench.registry.asked(bench.registry.manifest_path()) == ONCE
    assert bench.registry.blobs_asked() == []


def test_row_14_a_list_in_a_list(bench: FaultBench) -> None:
    """Docker's lists hold images alone; an OCI index may list others, which test_indexes shows."""
    inner = make_index(IMAGE.manifest, kind=DOCKER_LIST)
    bench.registry.ping()
    bench.registry.serve_manifest(make_index(inner, media_type=DOCKER_LIST, kind=DOCKER_LIST), DOCKER_LIST, "1")
    bench.registry.serve_manifest(inner, DOCKER_LIST, digest_of(inner))
    bench.refused(bench.pull(), "invalid_manifest", digest_of(inner))
    assert bench.registry.blobs_asked() == []


def _config_type(media_type: str) -> Callable[[Json], None]:
    def change(manifest: Json) -> None:
        manifest["config"]["mediaType"] = media_type

    return change


def _layer_type(media_type: str) -> Callable[[Json], None]:
    def change(manifest: Json) -> None:
        manifest["layers"][0]["mediaType"] = media_type

    return change


@pytest.mark.parametrize(
    ("image", "code", "word"),
    [
        row(
            14,
            "an_artifact",
            make_image([LAYER], spoil=_config_type("application/vnd.example.config.v1+json")),
            "not_an_image",
            "artifact",
        ),
        row(
            14,
            "a_mixed_image",
            make_image([LAYER], spoil=_config_type(DOCKER_CONFIG)),
            "invalid_manifest",
            "mixed",
        ),
        row(
            25,
            "an_unknown_type_of_layer",
            make_image([LAYER], docker=True, layer_type="application/vnd.example.layer"),
            "invalid_manifest",
            'unsupported docker v2s2 media type: "application/vnd.example.layer"',
        ),
        row(
            43,
            "an_encrypted_layer",
            make_image([LAYER], spoil=_layer_type(f"{GZIP}+encrypted")),
            "unsupported_manifest",
            "encrypted",
        ),
    ],
)
def test_an_image_that_cannot_be_used_is_not_downloaded(
    bench: FaultBench, image: ScriptedImage, code: str, word: str
) -> None:
    bench.registry.serve(image)
    bench.refused(bench.pull(), code, word)
    assert bench.registry.asked(bench.registry.manifest_path()) == ONCE
    assert bench.registry.blobs_asked() == []


def test_row_14_a_config_whose_digest_can_be_no_image_id(bench: FaultBench, make_store: Callable[[str], Store]) -> None:
    """podman refuses it, too; of a store that has such an image it lists nothing, and it cannot remove it."""
    config = image_config([LAYER])
    wanted = f"sha512:{hashlib.sha512(config).hexdigest()}"
    bench.registry.expect("GET", f"/v2/team/app/blobs/{wanted}", body=config, times=None)
    bench.registry.serve(make_image([LAYER], spoil=lambda manifest: manifest["config"].update(digest=wanted)))
    assert "does not match expected sha512" in pull_error(make_store("theirs"), bench.registry.reference())
    asked = len(bench.registry.blobs_asked())
    bench.refused(bench.pull(), "unsupported_manifest", wanted)
    assert len(bench.registry.blobs_asked()) == asked


def test_row_15_no_image_for_the_platform(bench: FaultBench) -> None:
    bench.registry.ping()
    other = {"os": "linux", "architecture": "riscv128"}
    bench.registry.serve_manifest(make_index(IMAGE.manifest, platform=other), OCI_INDEX, "1")
    bench.refused(bench.pull(), "no_such_platform", "linux/riscv128")
    assert bench.registry.paths().count(f"GET {bench.registry.manifest_path()}") == ONCE
    assert bench.registry.blobs_asked() == []


@pytest.mark.parametrize(
    ("declared", "sent", "code"),
    [
        row(16, "another_config", IMAGE.config, IMAGE.config.replace(b"layers", b"lay3rs"), "digest_mismatch"),
        row(16, "a_longer_config", IMAGE.config, IMAGE.config + b" ", "size_mismatch"),
        row(16, "a_shorter_config", IMAGE.config, IMAGE.config[:-1], "size_mismatch"),
        row(16, "no_json", b"no json", b"no json", "invalid_json"),
        row(16, "no_config", b"[]", b"[]", "invalid_image_config"),
        row(24, "too_few_diff_ids", image_config([]), image_config([]), "invalid_manifest"),
        row(24, "too_many_diff_ids", image_config([LAYER, LAYER]), image_config([LAYER, LAYER]), "invalid_manifest"),
    ],
)
def test_a_config_that_does_not_belong(bench: FaultBench, declared: bytes, sent: bytes, code: str) -> None:
    image = make_image([LAYER], config=declared)
    path = bench.registry.blob_path(declared)
    bench.registry.expect("GET", path, body=sent, times=None)
    bench.registry.serve(image)
    bench.refused(bench.pull(), code)
    assert bench.registry.blobs_asked() == [f"GET {path}"] * ONCE


def test_row_45_a_blob_that_is_listed_twice_is_applied_twice(bench: FaultBench) -> None:
    bench.registry.serve(make_image([LAYER, LAYER]))
    result = bench.pull()
    assert result.changed and not result.failed, result.text
    first, second = result["image"]["layers"]
    assert first["digest"] == second["digest"] == digest_of(LAYER)
    assert first["id"] != second["id"] and result["image"]["top_layer"] == second["id"]
    assert 1 <= bench.registry.asked(bench.registry.blob_path(LAYER)) <= 2
    assert bench.store.podman("image", "inspect", "--format", "{{len .RootFS.Layers}}", result["image"]["id"]) == "2"
