# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the images of one task have in common is asked for once: blobs, connections, pings and tokens."""

from __future__ import annotations

import gzip
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional

import pytest
from lab.fixtures import push
from lab.modules import run_module
from lab.odd_images import GZIP, Entry, ImageLayout, make_tar
from lab.recording_server import Answer, Heard, RecordingServer, registry_error, registry_of
from lab.registry import Registry
from lab.stores import Store


def _layer(name: str) -> tuple[bytes, str]:
    return gzip.compress(make_tar([Entry(name, content=name.encode() * 4000)]), mtime=0), GZIP


@pytest.fixture
def layout(judges: None, tmp_path: Path) -> ImageLayout:
    """``one`` and ``two`` have their base in common, ``three`` has it on top of another, ``twice`` has a layer two times."""
    layout = ImageLayout(str(tmp_path / "layout"))
    layout.add_image("one", [_layer("base"), _layer("one")])
    layout.add_image("two", [_layer("base"), _layer("two")])
    layout.add_image("three", [_layer("three"), _layer("base")])
    layout.add_image("twice", [_layer("same"), _layer("between"), _layer("same")])
    return layout


@pytest.fixture
def store(make_store: Callable[[str], Store]) -> Store:
    return make_store("store")


def test_a_blob_that_several_images_share_is_fetched_once(
    registry: Registry, layout: ImageLayout, store: Store, pull_options: dict[str, Any]
) -> None:
    names = {f"in-common/{name}:1": name for name in ("one", "two", "three", "twice")}
    # The same image in another repository, and under another tag.
    names.update({"in-common/other/one:1": "one", "in-common/two:2": "two"})
    for reference, name in names.items():
        push(layout, name, registry.reference(reference))
    result = run_module(
        "image_pull",
        {**store.module_options(), **pull_options, "name": [registry.reference(reference) for reference in names]},
    )
    assert result.changed, result.text
    fetched = Counter(path.rpartition("/")[2] for path in _blobs(registry, "in-common/", 10))
    # base, one, two, three, same, between; and the configs of four images.
    assert len(fetched) == 10, fetched
    assert set(fetched.values()) == {1}, fetched
    assert len(store.podman("images", "--quiet", "--no-trunc").split()) == len(set(names.values()))
    for reference in names:
        (record,) = store.podman_json("image", "inspect", registry.reference(reference))
        assert record["RootFS"]["Layers"]


def _blobs(registry: Registry, repository: str, count: int) -> list[str]:
    """The blobs that the registry gave; it writes its log a moment after it answered."""
    for _round in range(100):
        found = [line for line in registry.requests() if line.startswith(f"GET /v2/{repository}") and "/blobs/" in line]
        if len(found) >= count:
            break
        time.sleep(0.05)
    time.sleep(0.2)
    return [line for line in registry.requests() if line.startswith(f"GET /v2/{repository}") and "/blobs/" in line]


class Guarded:
    """A registry that wants a token for each repository, and the service that gives it."""

    def __init__(self, layout: ImageLayout) -> None:
        self._serve = registry_of(layout)
        self.realm = ""

    def registry(self, heard: Heard) -> Optional[Answer]:
        repository = heard.target.split("/")[2] if heard.target.count("/") > 2 else ""
        if not repository or heard.header("Authorization") != f"Bearer token-for-{repository}":
            challenge = f'Bearer realm="{self.realm}",service="tests"'
            return registry_error(401, "UNAUTHORIZED", "a token is wanted", [("WWW-Authenticate", challenge)])
        return self._serve(heard)

    def service(self, heard: Heard) -> Answer:
        repository = heard.target.rpartition("repository%3A")[2].partition("%3A")[0]
        return Answer(body=json.dumps({"token": f"token-for-{repository}", "expires_in": 300}).encode())


@pytest.mark.parametrize("downloads", [1, 6])
def test_the_images_of_a_task_share_ping_tokens_and_connections(
    layout: ImageLayout, store: Store, pull_options: dict[str, Any], downloads: int
) -> None:
    guarded = Guarded(layout)
    with RecordingServer(guarded.registry) as registry, RecordingServer(guarded.service) as service:
        guarded.realm = f"{service.url}/token"
        names = ["app:one", "app:two", "app:three", "other:twice", "other:one"]
        result = run_module(
            "image_pull",
            {
                **store.module_options(),
                **pull_options,
                "name": [registry.reference(name) for name in names],
                "max_parallel_downloads": downloads,
            },
        )
        assert result.changed, result.text
        scopes = [heard.target.rpartition("scope=")[2] for heard in service.heard]
        assert sorted(scopes) == ["repository%3Aapp%3Apull", "repository%3Aother%3Apull"]
        assert registry.requests().count("GET /v2/") == 1
        assert len(registry.heard) >= 15
        # One for what is asked in order, and one for each layer that is on its way at the same time.
        assert len({heard.connection for heard in registry.heard}) <= 1 + downloads
        if downloads == 1:
            assert len({heard.connection for heard in service.heard}) == 1


def test_a_repeated_copy_fetches_what_is_missing_only(
    layout: ImageLayout, store: Store, pull_options: dict[str, Any]
) -> None:
    serve = registry_of(layout)
    broken: list[str] = []

    def answer(heard: Heard) -> Optional[Answer]:
        found = serve(heard)
        is_second = found is not None and "/blobs/" in heard.target and found.body == _layer("one")[0]
        if is_second and len(broken) < 2:
            broken.append(heard.target)
            return Answer(503)
        return found

    with RecordingServer(answer) as registry:
        options = {**pull_options, "name": registry.reference("app:one"), "retries": 2, "retry_delay": 0.01}
        # One after the other, so that the first layer is there when the second one fails.
        result = run_module("image_pull", {**store.module_options(), **options, "max_parallel_downloads": 1})
        assert result.changed, result.text
        fetched = Counter(line for line in registry.requests() if "/blobs/" in line)
        assert len(broken) == 2 and fetched.pop(f"GET {broken[0]}") == 3
        assert set(fetched.values()) == {1}, fetched
