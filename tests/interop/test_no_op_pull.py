# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pull that has nothing to do asks next to nothing, and several images of a task ask nothing twice.

The logs of docker-registry and of its token service are the judges, and a registry of the tests where docker-registry
cannot be made to behave otherwise.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from lab.access_log import Watch
from lab.commands import run
from lab.fixtures import push
from lab.flaky_registry import FlakyRegistry
from lab.modules import ModuleResult, run_module
from lab.odd_images import GZIP, Entry, ImageLayout, make_tar
from lab.registry import Login, Registry
from lab.stores import Store
from lab.token_service import running_token_registry
from lab.trees import snapshot

LOGIN = Login("user", "hunter2")
REJECT_ALL = {"default": [{"type": "reject"}]}


@pytest.fixture
def layout(tmp_path: Path) -> ImageLayout:
    return ImageLayout(str(tmp_path / "layout"))


@pytest.fixture
def store(make_store: Callable[[str], Store]) -> Store:
    return make_store("store")


@pytest.fixture
def pull(store: Store, pull_options: dict[str, Any]) -> Callable[..., ModuleResult]:
    def run_pull(name: object, *, check: bool = False, **options: Any) -> ModuleResult:
        return run_module(
            "image_pull", {**store.module_options(), **pull_options, **options, "name": name}, check=check
        )

    return run_pull


@pytest.fixture
def rejecting(tmp_path: Path) -> str:
    path = tmp_path / "reject.json"
    path.write_text(json.dumps(REJECT_ALL), encoding="utf-8")
    return str(path)


@pytest.fixture
def flaky(judges: None) -> Iterator[FlakyRegistry]:
    with FlakyRegistry() as registry:
        yield registry


@pytest.fixture
def private(judges: None, layout: ImageLayout, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A registry that wants tokens, with the images ``team/app:1``, ``team/app:2`` and ``team/web:1``."""
    layout.add_image("one", [_layer("a")])
    layout.add_image("two", [_layer("a"), _layer("b")])
    with running_token_registry(str(tmp_path / "tokens"), LOGIN) as (registry, service):
        for image, name in (("one", "team/app:1"), ("two", "team/app:2"), ("two", "team/web:1")):
            run(
                ["skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false"]
                + [f"--dest-creds={LOGIN.username}:{LOGIN.password}"]
                + [f"oci:{layout.directory}:{image}", f"docker://{registry.reference(name)}"]
            )
        service.asked.clear()
        yield SimpleNamespace(registry=registry, service=service)


def _layer(name: str, size: int = 1000) -> tuple[bytes, str]:
    return gzip.compress(make_tar([Entry(name, content=name.encode() * size)]), mtime=0), GZIP


class TestUnchangedTag:
    @pytest.mark.parametrize("policy", ["always", "newer"])
    @pytest.mark.parametrize("image", ["odd:1", "multi:1"])
    def test_it_costs_the_ping_and_one_head(
        self, registry: Registry, pull: Callable[..., ModuleResult], store: Store, policy: str, image: str
    ) -> None:
        name = registry.reference(image)
        done = pull(name)
        assert done.changed, done.text
        before = snapshot(store.root), snapshot(store.run_root)
        for check in (True, False):
            watch = Watch(registry)
            again = pull(name, pull=policy, check=check)
            repository, _colon, tag = image.partition(":")
            assert watch.seen() == ["GET /v2/", f"HEAD /v2/{repository}/manifests/{tag}"]
            assert not again.changed and again["image"]["id"] == done["image"]["id"], again.text
            assert (snapshot(store.root), snapshot(store.run_root)) == before

    @pytest.mark.parametrize("policy", ["always", "newer"])
    def test_with_tokens_it_costs_one_token_besides(
        self, private: SimpleNamespace, pull: Callable[..., ModuleResult], policy: str
    ) -> None:
        name = private.registry.reference("team/app:1")
        login = {"username": LOGIN.username, "password": LOGIN.password}
        done = pull(name, **login)
        assert done["image"]["credentials"] == "the options of the task", done.text
        assert [query["scope"] for query in private.service.asked] == [["repository:team/app:pull"]]
        private.service.asked.clear()
        watch = Watch(private.registry)
        again = pull(name, pull=policy, **login)
        assert not again.changed, again.text
        assert again["image"]["credentials"] == "the options of the task"
        assert watch.seen() == ["GET /v2/", "HEAD /v2/team/app/manifests/1"]
        assert [query["scope"] for query in private.service.asked] == [["repository:team/app:pull"]]
        assert LOGIN.password not in done.text + again.text

    def test_the_file_that_gave_the_credentials_is_named(
        self, private: SimpleNamespace, pull: Callable[..., ModuleResult], tmp_path: Path
    ) -> None:
        path = tmp_path / "auth.json"
        auth = base64.b64encode(f"{LOGIN.username}:{LOGIN.password}".encode()).decode()
        path.write_text(json.dumps({"auths": {private.registry.host: {"auth": auth}}}), encoding="utf-8")
        name = private.registry.reference("team/app:1")
        for check in (True, False, False):
            done = pull(name, authfile=str(path), check=check)
            assert done["image"]["credentials"] == str(path), done.text
            assert LOGIN.password not in done.text and auth not in done.text

    def test_a_registry_that_tells_no_digest_is_asked_for_the_manifest_once(
        self, flaky: FlakyRegistry, layout: ImageLayout, pull: Callable[..., ModuleResult]
    ) -> None:
        layout.add_index("multi", _platforms(layout, "amd64", "arm64"))
        flaky.add(layout, "multi", "app")
        flaky.head_tells_digest = False
        first = pull(flaky.reference("app:1"))
        assert first.changed, first.text
        flaky.served.clear()
        again = pull(flaky.reference("app:1"))
        assert not again.changed, again.text
        assert flaky.paths() == ["GET /v2/", "HEAD /v2/app/manifests/1", "GET /v2/app/manifests/1"]
        assert again["image"]["credentials"] is None


class TestPolicy:
    def test_a_present_digest_asks_nothing_and_is_judged_again(
        self, registry: Registry, store: Store, pull: Callable[..., ModuleResult], rejecting: str
    ) -> None:
        digest = pull(registry.reference("odd:1"))["image"]["digest"]
        name = registry.reference(f"odd@{digest}")
        assert pull(name).changed
        before = snapshot(store.root), snapshot(store.run_root)
        for policy in ("always", "newer", "missing", "never"):
            watch = Watch(registry)
            kept = pull(name, pull=policy)
            assert not kept.failed and not kept.changed, kept.text
            assert (kept["image"]["accepted_by"] is None) == (policy in ("missing", "never"))
            refused = pull(name, pull=policy, signature_policy=rejecting)
            assert refused.failed == (policy in ("always", "newer")), refused.text
            assert watch.seen() == []
            assert (snapshot(store.root), snapshot(store.run_root)) == before

    @pytest.mark.parametrize("policy", ["always", "newer"])
    def test_a_rejected_tag_is_not_asked_for(
        self, registry: Registry, pull: Callable[..., ModuleResult], rejecting: str, policy: str
    ) -> None:
        name = registry.reference("odd:1")
        assert pull(name).changed
        watch = Watch(registry)
        refused = pull(name, pull=policy, signature_policy=rejecting)
        assert refused.failed and not refused.changed
        assert watch.seen() == []


class TestSeveralImages:
    def test_they_share_ping_connection_and_tokens(
        self, private: SimpleNamespace, pull: Callable[..., ModuleResult]
    ) -> None:
        names = [private.registry.reference(name) for name in ("team/app:1", "team/app:2", "team/web:1")]
        watch = Watch(private.registry)
        done = pull(names, username=LOGIN.username, password=LOGIN.password)
        assert [image["plan"]["fetch"] for image in done["images"]] == [1, 1, 0], done.text
        seen = watch.seen()
        assert len(seen) == len(set(seen)), seen
        assert seen.count("GET /v2/") == 1
        scopes = [query["scope"] for query in private.service.asked]
        assert scopes == [["repository:team/app:pull"], ["repository:team/web:pull"]]

    def test_one_connection_serves_them_after_each_other(
        self, flaky: FlakyRegistry, layout: ImageLayout, pull: Callable[..., ModuleResult]
    ) -> None:
        layout.add_image("one", [_layer("a")])
        layout.add_image("two", [_layer("a"), _layer("b")])
        for number, image in enumerate(["one", "two"]):
            flaky.add(layout, image, f"app{number}")
        done = pull([flaky.reference("app0:1"), flaky.reference("app1:1")], max_parallel_downloads=1)
        assert not done.failed, done.text
        assert flaky.connections == 1

    def test_what_stands_twice_is_fetched_once(
        self, flaky: FlakyRegistry, layout: ImageLayout, store: Store, pull: Callable[..., ModuleResult]
    ) -> None:
        layout.add_image("app", [_layer("a"), _layer("b"), _layer("a"), _layer("b"), _layer("a")])
        manifest = flaky.add(layout, "app", "app")
        flaky.add(layout, "app", "app", "same")
        names = [flaky.reference("app:1"), flaky.reference("app:same")]
        predicted = pull(names, check=True)
        done = pull(names)
        assert [layer["action"] for layer in done["images"][0]["layers"]] == ["fetch", "fetch"] + ["reuse"] * 3
        paths = flaky.paths()
        for blob in {layer["digest"] for layer in manifest["layers"]}:
            assert paths.count(f"GET /v2/app/blobs/{blob}") == 1
        assert paths.count(f"GET /v2/app/blobs/{manifest['config']['digest']}") == 2, "once in each run"
        sizes = {layer["digest"]: layer["size"] for layer in manifest["layers"]}
        assert predicted["plan"] == done["plan"] == {"keep": 5, "reuse": 3, "fetch": 2, "bytes": sum(sizes.values())}
        assert done["bytes_downloaded"] == sum(sizes.values())
        assert store.podman("image", "inspect", "--format", "{{len .RootFS.Layers}}", names[1]) == "5"
        mount = Path(store.podman("image", "mount", names[0]))
        assert (mount / "a").read_bytes() == b"a" * 1000 and (mount / "b").read_bytes() == b"b" * 1000
        store.podman("image", "umount", names[0])


class TestCheckMode:
    def test_it_knows_what_the_images_before_would_have_left(
        self, registry: Registry, layout: ImageLayout, store: Store, pull: Callable[..., ModuleResult]
    ) -> None:
        """Layers that are shared, content on another base, an image under two names, a name that stands twice."""
        layout.add_image("one", [_layer("a"), _layer("b")])
        layout.add_image("two", [_layer("a"), _layer("b"), _layer("c")])
        layout.add_image("three", [_layer("d"), _layer("b")])
        layout.add_index("index", _platforms(layout, "amd64", "arm64"))
        for number, image in enumerate(["one", "two", "three", "index"]):
            push(layout, image, registry.reference(f"several/image{number}:1"))
        push(layout, "one", registry.reference("several/image0:same"))
        wanted = ["image0:1", "image1:1", "image2:1", "image0:same", "image3:1", "image0:1"]
        names = [registry.reference(f"several/{name}") for name in wanted]
        for policy in ("missing", "always"):
            predicted = pull(names, check=True, pull=policy)
            assert snapshot(store.root) == {} and snapshot(store.run_root) == {}
        done = pull(names)
        _compare(predicted, done)
        actions = [[layer["action"] for layer in image["layers"]] for image in done["images"]]
        assert actions == [
            ["fetch"] * 2,
            ["keep"] * 2 + ["fetch"],
            ["fetch", "reuse"],
            ["keep"] * 2,
            ["fetch"],
            ["keep"] * 2,
        ]
        again = pull(names, check=True)
        assert not again.changed and not pull(names).changed

    def test_a_tag_that_moved_is_foretold_among_others(
        self, registry: Registry, layout: ImageLayout, store: Store, pull: Callable[..., ModuleResult]
    ) -> None:
        for image, layers in (("old", "a"), ("new", "ab"), ("other", "abc")):
            layout.add_image(image, [_layer(name) for name in layers])
        moving, other = registry.reference("foretold/moving:1"), registry.reference("foretold/other:1")
        push(layout, "old", moving)
        push(layout, "other", other)
        old = pull(moving)["image"]["id"]
        push(layout, "new", moving)
        before = snapshot(store.root), snapshot(store.run_root)
        predicted = pull([moving, other, moving], check=True)
        assert (snapshot(store.root), snapshot(store.run_root)) == before
        done = pull([moving, other, moving])
        _compare(predicted, done)
        assert done["diff"]["before"] == {moving: old, other: None}
        assert done["diff"]["after"][moving] == done["images"][0]["id"] != old


class TestPlatform:
    """An index with an image for arm/v6 and one for arm/v7: what runs is not always what is wanted."""

    V6, V7 = {"platform": "linux/arm/v6"}, {"platform": "linux/arm/v7"}

    @pytest.fixture
    def name(self, registry: Registry, layout: ImageLayout, request: pytest.FixtureRequest) -> str:
        layout.add_index("index", _platforms(layout, "arm/v6", "arm/v7", "amd64", "arm64"))
        name = registry.reference(f"platforms/{request.node.name.lower().replace('[', '').replace(']', '')}:1")
        push(layout, "index", name)
        return name

    @pytest.mark.parametrize("policy", ["always", "missing", "newer"])
    def test_each_one_is_what_was_asked_for(
        self, store: Store, pull: Callable[..., ModuleResult], name: str, policy: str
    ) -> None:
        sequence = [self.V7, self.V7, self.V6, self.V6, self.V7]
        results = []
        for choice in sequence:
            predicted = pull(name, pull=policy, check=True, **choice)
            results.append(pull(name, pull=policy, **choice))
            _compare(predicted, results[-1])
        assert [result.changed for result in results] == [True, False, True, False, True]
        assert [result["image"]["platform"] for result in results] == [
            f"linux/arm/{variant}" for variant in ("v7", "v7", "v6", "v6", "v7")
        ]
        images = {image["id"]: image["names"] for image in run_module("image_info", store.module_options())["images"]}
        assert images == {results[0]["image"]["id"]: [name], results[2]["image"]["id"]: []}

    @pytest.mark.parametrize("policy", ["always", "newer"])
    def test_an_unchanged_one_needs_no_more_than_the_head(
        self, registry: Registry, pull: Callable[..., ModuleResult], name: str, policy: str
    ) -> None:
        for choice in (self.V6, self.V7, {"platform": "linux/arm64"}):
            assert pull(name, pull=policy, **choice).changed
            watch = Watch(registry)
            assert not pull(name, pull=policy, **choice).changed
            assert [line.partition(" ")[0] for line in watch.seen()] == ["GET", "HEAD"]

    def test_an_image_that_podman_pulled_is_judged_alike(
        self, registry: Registry, store: Store, pull: Callable[..., ModuleResult], name: str
    ) -> None:
        store.podman("pull", "--quiet", "--tls-verify=false", "--arch=arm", "--variant=v6", name)
        watch = Watch(registry)
        assert not pull(name, **self.V6).changed
        assert [line.partition(" ")[0] for line in watch.seen()] == ["GET", "HEAD"]
        assert pull(name, **self.V7).changed


def _platforms(layout: ImageLayout, *platforms: str) -> list[dict[str, Any]]:
    """Entries of an index: an image for each of ``platforms`` (architecture and variant)."""
    entries = []
    for text in platforms:
        architecture, _slash, variant = text.partition("/")
        descriptor = layout.add_image(f"for-{text}", [_layer(text)], architecture=architecture, variant=variant)
        platform = {"os": "linux", "architecture": architecture, **({"variant": variant} if variant else {})}
        entries.append({**descriptor, "platform": platform})
    return entries


def _compare(predicted: ModuleResult, done: ModuleResult) -> None:
    """What check mode said is what was done: everything but sizes that only the content can tell, and bytes that came."""
    assert not predicted.failed and not done.failed, predicted.text + done.text
    assert predicted.changed == done.changed
    assert predicted["diff"] == done["diff"]
    assert predicted["plan"] == done["plan"] and done["plan"]["bytes"] == done["bytes_downloaded"]
    for told, became in zip(predicted["images"], done["images"]):
        for layers in (told["layers"], became["layers"]):
            for layer in layers:
                layer.pop("size")
        for key in set(told) - {"size", "bytes_downloaded"}:
            assert told[key] == became[key], key
