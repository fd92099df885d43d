# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Of an index and of what it lists the image is taken that podman takes, or none."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from lab.image_forms import (
    DOCKER_LAYER,
    DOCKER_LIST,
    OCI,
    OCI_INDEX,
    OCI_LAYER,
    Form,
    docker_form,
    gzipped,
    serve,
)
from lab.modules import ModuleResult, run_module
from lab.static_registry import StaticRegistry
from lab.stores import Store, image_record, pull_error


@pytest.fixture
def store(make_store: Callable[[str], Store]) -> Store:
    return make_store("ours")


def _pull(store: Store, options: dict[str, Any], name: str, **more: Any) -> ModuleResult:
    return run_module("image_pull", {**store.module_options(), "retries": 0, **options, "name": name, **more})


def _index(registry: StaticRegistry, kind: str, *entries: tuple[dict[str, Any], str], tag: str = "") -> dict[str, Any]:
    """Serves an index or list of ``entries``, each a descriptor and an architecture (empty: no platform)."""
    listed = [
        {**entry, **({"platform": {"os": "linux", "architecture": words}} if words else {})} for entry, words in entries
    ]
    raw = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": listed}).encode()
    return registry.add_manifest("app", raw, kind, tag)


@pytest.mark.parametrize("kind", [OCI_INDEX, DOCKER_LIST])
def test_an_index_and_a_list_are_chosen_from_as_podman_does(
    kind: str,
    static_registry: StaticRegistry,
    make_store: Callable[[str], Store],
    store: Store,
    pull_options: dict[str, Any],
) -> None:
    form = Form(gzipped, f"{OCI_LAYER}+gzip") if kind == OCI_INDEX else docker_form(gzipped, f"{DOCKER_LAYER}.gzip")
    image = serve(static_registry, form, "app", "alone")
    other = {"mediaType": form.manifest, "digest": "sha256:" + "0" * 64, "size": 7}
    _index(static_registry, kind, (other, "s390x"), (image, "amd64"), (other, "amd64"), tag="1")
    name = static_registry.reference("app:1")
    theirs = make_store("theirs")
    theirs.podman("pull", "--quiet", "--tls-verify=false", name)
    assert _pull(store, pull_options, name).changed
    assert image_record(theirs, name) == image_record(store, name)


def test_an_index_in_an_index_is_followed_where_podman_gives_up(
    static_registry: StaticRegistry, make_store: Callable[[str], Store], store: Store, pull_options: dict[str, Any]
) -> None:
    """Image-spec, image-index.md: implementations SHOULD support an index as an entry."""
    image = serve(static_registry, Form(gzipped, f"{OCI_LAYER}+gzip"), "app", "alone")
    other = {"mediaType": OCI, "digest": "sha256:" + "0" * 64, "size": 7}
    empty = _index(static_registry, OCI_INDEX, (other, "s390x"))
    inner = _index(static_registry, OCI_INDEX, (other, "s390x"), (image, "amd64"))
    top = _index(static_registry, OCI_INDEX, (empty, ""), (inner, ""), tag="1")
    name = static_registry.reference("app:1")
    assert "manifest list instead of a manifest" in pull_error(make_store("theirs"), name)
    result = _pull(store, pull_options, name)
    assert result.changed, result.text
    assert result["image"]["digest"] == top["digest"]
    assert image_record(store, name)["Digest"] == top["digest"]
    assert not _pull(store, pull_options, name).changed


def test_every_index_on_the_way_is_kept_and_tells_without_the_registry_what_it_was_chosen_for(
    static_registry: StaticRegistry, store: Store, pull_options: dict[str, Any]
) -> None:
    image = serve(static_registry, Form(gzipped, f"{OCI_LAYER}+gzip"), "app", "alone")
    other = {"mediaType": OCI, "digest": "sha256:" + "0" * 64, "size": 7}
    inner = _index(static_registry, OCI_INDEX, (other, "s390x"), (image, "amd64"))
    top = _index(static_registry, OCI_INDEX, (inner, ""), tag="1")
    name = static_registry.reference("app:1")
    pulled = _pull(store, pull_options, name)["image"]
    assert set(pulled["digests"]) == {part["digest"] for part in (top, inner, image)}
    static_registry.asked.clear()
    assert not _pull(store, pull_options, name, pull="missing", platform="linux/amd64").changed
    assert static_registry.asked == []
    by_digest = f"{static_registry.reference('app')}@{inner['digest']}"
    assert _pull(store, pull_options, by_digest).changed
    assert not _pull(store, pull_options, by_digest).changed
    assert store.podman("image", "inspect", "--format", "{{.Id}}", by_digest) == pulled["id"]


@pytest.mark.parametrize(("outer", "inner"), [(DOCKER_LIST, DOCKER_LIST), (DOCKER_LIST, OCI_INDEX)])
def test_a_list_in_a_docker_list_is_refused_as_by_podman(
    outer: str,
    inner: str,
    static_registry: StaticRegistry,
    make_store: Callable[[str], Store],
    store: Store,
    pull_options: dict[str, Any],
) -> None:
    image = serve(static_registry, docker_form(gzipped, f"{DOCKER_LAYER}.gzip"), "app", "alone")
    listed = _index(static_registry, inner, (image, "amd64"))
    _index(static_registry, outer, (listed, "amd64"), tag="1")
    name = static_registry.reference("app:1")
    words = "manifest list instead of a manifest for a single image"
    assert words in pull_error(make_store("theirs"), name)
    result = _pull(store, pull_options, name)
    assert result.code == "invalid_manifest" and words in result["msg"], result.text
