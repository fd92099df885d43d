# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""image_pull by short names and by IDs, with a registry that serves them and podman reading the same files."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lab.commands import run
from lab.fixtures import push
from lab.modules import ModuleResult, run_module
from lab.odd_images import GZIP, Entry, ImageLayout, make_tar
from lab.registry import Registry, free_port, running_registry
from lab.stores import Store
from lab.trees import snapshot


@pytest.fixture(scope="module")
def small(judges: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry over plain http with ``app:1``, ``app:latest`` and ``team/tool:1``, all different."""
    directory = tmp_path_factory.mktemp("small")
    layout = ImageLayout(str(directory / "layout"))
    with running_registry(str(directory)) as registry:
        for number, name in enumerate(("app:1", "app:latest", "team/tool:1")):
            data = gzip.compress(make_tar([Entry("file", content=name.encode())]), mtime=0)
            layout.add_image(f"image-{number}", [(data, GZIP)])
            push(layout, f"image-{number}", registry.reference(name))
        yield registry


class Host:
    """A store and a registries.conf that our modules and podman share."""

    def __init__(self, store: Store, conf: Path, pull_options: dict[str, Any]) -> None:
        self.store = store
        self.conf = conf
        self._options = {**pull_options, "retries": 0, "timeout": 5}

    def configure(self, *lines: str) -> None:
        self.conf.write_text("\n".join(lines), encoding="utf-8")

    def pull(self, name: Any, pull: str = "always", check: bool = False, **more: Any) -> ModuleResult:
        options = {**self.store.module_options(), **self._options, "registries_conf": str(self.conf)}
        return run_module("image_pull", {**options, "name": name, "pull": pull, **more}, check=check)

    def module(self, module: str, **arguments: Any) -> ModuleResult:
        env = {"CONTAINERS_REGISTRIES_CONF": str(self.conf)}
        return run_module(module, {**self.store.module_options(), **arguments}, env=env)

    def podman(self, *arguments: str) -> str:
        return run(self.store.podman_command(*arguments), env={"CONTAINERS_REGISTRIES_CONF": str(self.conf)}).strip()

    def id_by_podman(self, name: str) -> str:
        return self.podman("image", "inspect", "--format", "{{.Id}}", name)


@pytest.fixture
def host(make_store: Callable[[str], Store], tmp_path: Path, pull_options: dict[str, Any]) -> Host:
    return Host(make_store("store"), tmp_path / "registries.conf", pull_options)


@pytest.fixture
def nobody() -> str:
    """A place where no registry is."""
    return f"127.0.0.1:{free_port()}"


def search(*registries: str) -> str:
    return f"unqualified-search-registries={list(registries)}"


def test_the_first_search_registry_that_has_the_image_serves_it(host: Host, small: Registry, nobody: str) -> None:
    host.configure(search(nobody, small.host))
    full = small.reference("app:1")
    planned, pulled = host.pull("app:1", check=True), host.pull("app:1")
    for result in (planned, pulled):
        assert not result.failed and result.changed, result.text
        assert result["image"]["names"] == [full]
        assert set(result["diff"]["after"]) == {full}
    assert host.id_by_podman("app:1") == host.id_by_podman(full) == pulled["image"]["id"]
    before = snapshot(host.store.root)
    for name in (full, "app:1", f"docker://{full}"):
        for check in (True, False):
            again = host.pull(name, check=check)
            assert not again.failed and not again.changed, again.text
            assert again["image"]["names"] == [full]
    assert snapshot(host.store.root) == before


def test_a_present_image_is_not_asked_for(host: Host, small: Registry, nobody: str) -> None:
    host.configure(search(nobody, small.host))
    host.pull("app:1")
    before = len(small.requests())
    for policy, check in (("missing", True), ("missing", False), ("never", False)):
        result = host.pull("app:1", policy, check)
        assert not result.failed and not result.changed, result.text
        assert result["image"]["names"] == [small.reference("app:1")] and result["image"]["source"] is None
    assert len(small.requests()) == before


def test_the_registry_is_asked_where_the_image_came_from(host: Host, small: Registry, nobody: str) -> None:
    """podman, too, pulls the name that the short one has locally, before it thinks of candidates."""
    host.configure(search(small.host))
    host.pull(small.reference("team/tool:1"))
    host.configure(search(nobody))
    result = host.pull("tool:1")
    assert not result.failed and not result.changed and result["image"]["names"] == [small.reference("team/tool:1")]
    assert host.id_by_podman("tool:1") == result["image"]["id"]


def test_an_alias_is_asked_alone(host: Host, small: Registry, nobody: str) -> None:
    host.configure(search(nobody), "[aliases]", f'tool="{small.host}/team/tool"', f'gone="{nobody}/gone"')
    result = host.pull("tool:1")
    assert result.changed and result["image"]["names"] == [small.reference("team/tool:1")]
    alone = host.pull("gone")
    assert alone.failed and f"{nobody}/gone" in alone.text and "errors occurred" not in alone.text


def test_when_all_candidates_fail_the_error_names_each_and_nothing_is_stored(
    host: Host, small: Registry, nobody: str
) -> None:
    host.configure(search(nobody, small.host))
    result = host.pull(["none:1", "app:1"])
    assert result.failed and result.changed
    (failed, pulled) = result["images"]
    assert failed["error"]["code"] == "candidates_failed" and failed["names"] == ["none:1"]
    assert "2 errors occurred while pulling" in result["msg"]
    for place in (nobody, small.host):
        assert f"[{place}/none:1: " in result["msg"]
    assert pulled["names"] == [small.reference("app:1")]
    assert len(host.podman("images", "--quiet").splitlines()) == 1


def test_failures_that_agree_are_told_by_their_code_and_status(host: Host, small: Registry) -> None:
    host.configure(search(small.host, small.host))
    result = host.pull("none:1")
    assert (result.code, result["error"]["status"]) == ("manifest_unknown", 404)


def test_what_cannot_be_resolved_is_an_error_and_not_docker_hub(host: Host) -> None:
    host.configure('short-name-mode="enforcing"')
    for policy in ("always", "newer", "missing"):
        result = host.pull("app:1", policy)
        assert result.code == "short_name_unresolved" and not result.changed
        assert f'no unqualified-search registries are defined in "{host.conf}"' in result["msg"]
    assert host.pull("app:1", "never").code == "not_present"
    host.configure('short-name-mode="enforcing"', search("a.test", "b.test"))
    assert host.pull("app:1").code == "short_name_enforced"


def test_an_unusable_registries_conf_is_named(host: Host) -> None:
    host.configure('[aliases]\na="b"')
    for policy in ("always", "never"):
        result = host.pull("app", policy)
        assert result.code == "invalid_config" and str(host.conf) in result["msg"] and not result.changed


class TestByImageId:
    @pytest.fixture
    def image_id(self, host: Host, small: Registry) -> str:
        host.configure()
        return str(host.pull(small.reference("app:1"))["image"]["id"])

    def test_a_present_one_is_kept_unasked(self, host: Host, small: Registry, image_id: str) -> None:
        before = len(small.requests())
        for name, policy, check in ((image_id, "missing", True), (f"sha256:{image_id}", "never", False)):
            result = host.pull(name, policy, check)
            assert not result.failed and not result.changed, result.text
            assert result["image"]["names"] == [small.reference("app:1")]
        assert len(small.requests()) == before

    def test_further_names_are_given_once(self, host: Host, small: Registry, image_id: str) -> None:
        changes = []
        for check in (True, False, True, False):
            result = host.pull(image_id, "missing", check, names=["mine:1"])
            assert set(result["image"]["names"]) == {"localhost/mine:1", small.reference("app:1")}
            changes.append(result.changed)
        assert changes == [True, True, False, False]
        assert host.id_by_podman("mine:1") == image_id

    @pytest.mark.parametrize("policy", ["always", "newer"])
    def test_none_is_pulled(self, host: Host, image_id: str, policy: str) -> None:
        for name in (image_id, f"sha256:{image_id}", "0" * 64):
            result = host.pull(name, policy)
            assert result.code == "image_id_not_a_name" and not result.changed
            assert f"pull is {policy}" in result["msg"]

    def test_an_absent_one_is_not_looked_for_elsewhere(self, host: Host, image_id: str) -> None:
        for policy in ("missing", "never"):
            assert host.pull("0" * 64, policy).code == "not_present"

    @pytest.mark.parametrize("form", ["{}", "sha256:{}"])
    def test_it_has_no_tag(self, host: Host, image_id: str, form: str) -> None:
        assert host.pull(form.format(image_id), "missing", tag="1").code == "image_id_not_a_name"

    def test_half_of_one_is_no_name(self, host: Host, image_id: str) -> None:
        for policy in ("always", "missing"):
            assert host.pull(f"sha256:{image_id[:12]}", policy).code == "image_id_not_a_name"


class TestTagAndDigest:
    """Of both the digest decides, and nothing changes without end."""

    def test_the_image_is_named_by_its_digest(self, host: Host, small: Registry) -> None:
        host.configure(search(small.host))
        digest = host.pull(small.reference("app:1"))["image"]["digest"]
        changes = []
        full = f"docker://{small.host}/app:2@{digest}"
        for name, check in ((f"app:1@{digest}", True), (f"app:1@{digest}", False), (full, True), (full, False)):
            result = host.pull(name, check=check)
            assert not result.failed, result.text
            changes.append(result.changed)
        assert changes == [True, True, False, False]
        names = host.podman("image", "inspect", "--format", "{{range .NamesHistory}}{{println .}}{{end}}", "app:1")
        assert f"{small.host}/app@{digest}" in names.split()

    def test_a_further_name_keeps_its_digest_alone(self, host: Host, small: Registry) -> None:
        host.configure()
        image = small.reference("app:1")
        digest = host.pull(image)["image"]["digest"]
        changes = []
        for check in (True, False, True, False):
            result = host.pull(image, check=check, names=[f"mine:1@{digest}"])
            assert set(result["image"]["names"]) == {image, f"localhost/mine@{digest}"}
            changes.append(result.changed)
        assert changes == [True, True, False, False]

    @pytest.mark.parametrize("present", [False, True])
    def test_a_further_name_with_the_digest_of_another_image_is_refused(
        self, host: Host, small: Registry, present: bool
    ) -> None:
        host.configure()
        image = small.reference("app:1")
        if present:
            host.pull(image)
        before = snapshot(host.store.root)
        for check in (True, False):
            result = host.pull(image, check=check, names=["mine@sha256:" + "0" * 64])
            assert result.code == "digest_mismatch" and not result.changed
        assert snapshot(host.store.root) == before

    def test_the_option_tag_is_too_much(self, host: Host, small: Registry) -> None:
        before = len(small.requests())
        for name, check in ((f"app:1@sha256:{'a' * 64}", True), ("app:1", False), (small.reference("app:1"), True)):
            assert host.pull(name, check=check, tag="2").code == "tag_given_twice"
        assert len(small.requests()) == before


def test_a_bad_name_among_good_ones_stops_the_task_before_any_request(host: Host, small: Registry) -> None:
    host.configure(search(small.host))
    before = len(small.requests())
    for name in ("App", "app:foo/bar", "", "https://quay.io/app"):
        result = host.pull([small.reference("app:1"), name])
        assert result.code == "invalid_reference" and not result.changed
    assert host.pull("app", tag="foo/bar").code == "invalid_reference"
    assert len(small.requests()) == before


def test_other_modules_find_by_short_names_what_podman_finds(host: Host, small: Registry) -> None:
    host.configure(search(small.host), "[aliases]", f'nick="{small.host}/app"')
    host.pull(["app:1", "nick"])
    host.pull(small.reference("team/tool:1"))
    names = ["app:1", "nick:1", "app", "tool:1", "team/tool:1"]
    info = host.module("image_info", name=[*names, "ool:1", "nick:2"])
    assert [image["id"] for image in info["images"]] == [host.id_by_podman(name) for name in names]
    assert info["missing"] == ["ool:1", "nick:2"]
    created = host.module("container_create", image="nick:1", name="box")
    assert created["container"]["image_id"] == host.id_by_podman("nick:1")
