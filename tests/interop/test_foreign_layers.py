# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Layers that lie elsewhere than in the registry are fetched from where podman fetches them, and no password goes there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from lab.image_forms import (
    DOCKER,
    DOCKER_CONFIG,
    DOCKER_FOREIGN,
    OCI,
    OCI_CONFIG,
    OCI_FOREIGN,
    Form,
    gzipped,
    serve,
    tar_of,
)
from lab.modules import ModuleResult, run_module
from lab.static_registry import StaticRegistry
from lab.stores import Store, pull_error


@pytest.fixture
def store(make_store: Callable[[str], Store]) -> Store:
    return make_store("ours")


def _pull(store: Store, options: dict[str, Any], name: str, **more: Any) -> ModuleResult:
    return run_module("image_pull", {**store.module_options(), "retries": 0, **options, "name": name, **more})


# Where a foreign layer lies: what its urls are, whether the registry has it too, and the code of the error where it cannot be
# pulled. ``#`` stands for the address of another host, which has the layer at /layer, other bytes at /other, and asks for a
# password at /private.
FOREIGN = {
    "at its address": (["#/layer"], False, ""),
    "at its address before the registry": (["#/layer"], True, ""),
    "at the second address": (["#/none", "#/layer"], False, ""),
    "behind an address that wants a password": (["#/private", "#/layer"], True, ""),
    "at no address that can be asked": (["ftp://127.0.0.1/layer"], True, ""),
    "at the only address that can be asked": (["ftp://127.0.0.1/layer", "#/layer"], False, ""),
    "nowhere": (["#/none"], False, "blob_unknown"),
    "not at its address, though in the registry": (["#/none"], True, "blob_unknown"),
    "behind a password, though in the registry": (["#/private"], True, "unauthorized"),
    "at an address with other bytes": (["#/other"], True, "digest_mismatch"),
}


@pytest.mark.parametrize(
    ("case", "manifest"), [*((case, DOCKER) for case in sorted(FOREIGN)), ("at its address before the registry", OCI)]
)
def test_a_foreign_layer_comes_from_where_podman_takes_it(
    case: str,
    manifest: str,
    static_registry: StaticRegistry,
    make_store: Callable[[str], Store],
    store: Store,
    pull_options: dict[str, Any],
) -> None:
    urls, in_registry, code = FOREIGN[case]
    layer, config = (
        (f"{OCI_FOREIGN}+gzip", OCI_CONFIG) if manifest == OCI else (f"{DOCKER_FOREIGN}.gzip", DOCKER_CONFIG)
    )
    with StaticRegistry() as elsewhere:
        elsewhere.private = ("/private",)
        addresses = [url.replace("#", elsewhere.url("")) for url in urls]
        data = gzipped(tar_of("app"))
        elsewhere.pages = {"/layer": ("", data), "/other": ("", data[::-1]), "/private": ("", data)}
        serve(static_registry, Form(gzipped, layer, manifest, config, more={"urls": addresses}), "app")
        blob = f"/v2/app/blobs/sha256:{hashlib.sha256(data).hexdigest()}"
        if not in_registry:
            del static_registry.pages[blob]
        static_registry.private = ("/v2/",)
        name = static_registry.reference("app:1")
        theirs = make_store("theirs")
        assert (pull_error(theirs, name, "--creds=user:hunter2") != "") is bool(code)
        asked = [path for path, _headers in elsewhere.asked]
        elsewhere.asked.clear()
        static_registry.asked.clear()
        result = _pull(store, pull_options, name, username="user", password="hunter2")
    assert (result.code, result.changed) == (code, not code), result.text
    assert [path for path, _headers in elsewhere.asked] == asked
    assert [headers for _path, headers in elsewhere.asked if "Authorization" in headers] == []
    assert (blob in [path for path, _headers in static_registry.asked]) is not any("#" in url for url in urls)
    assert "hunter2" not in result.text
    if code:
        assert not theirs.podman("images", "--quiet") and not store.podman("images", "--quiet")
