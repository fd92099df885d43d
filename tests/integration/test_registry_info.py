# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tags and images of registries through Ansible, with skopeo as the judge of what they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lab.commands import CommandFailed, run
from lab.fixtures import push
from lab.modules import run_module
from lab.odd_images import ImageLayout
from lab.playbook import PlaybookRunner
from lab.registry import Login, Registry, running_registry

LOGIN = Login("user", "hunter2 & p\u00e4ss")
CHOICES = ("odd:1", "zstd:1", "multi:1", "base:1")

Play = Callable[..., dict[str, Any]]


@pytest.fixture
def play(run_playbook: PlaybookRunner) -> Play:
    """The result of one task of the collection, which is the same in check mode and changes nothing."""

    def run_both(module: str, **arguments: Any) -> dict[str, Any]:
        task = {f"strata.containers.{module}": {"validate_certs": False, **arguments}, "ignore_errors": True}
        tasks = [{"name": "do", **task}, {"name": "check", **task, "check_mode": True}]
        done, checked = run_playbook(tasks, diff=True).results
        assert {**checked, "_task": "do"} == done
        assert done["changed"] is False
        return done

    return run_both


@pytest.fixture
def alone(judges: None) -> Play:
    """The same by the module alone, for what has been seen through Ansible."""

    def run_both(module: str, **arguments: Any) -> dict[str, Any]:
        done, checked = (
            run_module(module, {"validate_certs": False, **arguments}, check=check, verbosity=0)
            for check in (False, True)
        )
        assert checked.data == done.data
        assert done.changed is False
        return {**done.data, "_status": "failed" if done.failed else "ok"}

    return run_both


@pytest.fixture(scope="module")
def private(judges: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that asks for LOGIN, with the image ``team/app`` under three tags."""
    directory = tmp_path_factory.mktemp("private")
    layout = ImageLayout(str(directory / "layout"))
    layout.add_image("app", [])
    with running_registry(str(directory), LOGIN) as registry:
        auth = ["--dest-username", LOGIN.username, "--dest-password", LOGIN.password, "--dest-tls-verify=false"]
        for tag in ("2", "10", "latest"):
            destination = f"docker://{registry.reference('team/app')}:{tag}"
            run(["skopeo", "--insecure-policy", "copy", *auth, f"oci:{layout.directory}:app", destination])
        yield registry


def _skopeo(*arguments: str, options: tuple[str, ...] = ()) -> Any:
    command, *rest = arguments
    return json.loads(run(["skopeo", *options, command, "--tls-verify=false", *rest]))


def _registries_conf(directory: Path, text: str) -> str:
    path = directory / "registries.conf"
    path.write_text(text, encoding="utf-8")
    return str(path)


def _authfile(directory: Path, registry: Registry) -> str:
    path = directory / "auth.json"
    login = ["--tls-verify=false", "--username", LOGIN.username, "--password", LOGIN.password]
    run(["skopeo", "login", "--authfile", str(path), *login, registry.host])
    return str(path)


class TestRegistryTagsInfo:
    def test_it_says_what_skopeo_says(self, play: Play, registry: Registry, tmp_path: Path) -> None:
        layout = ImageLayout(str(tmp_path / "layout"))
        layout.add_image("app", [])
        for tag in ("2", "10", "latest", "_x.y-Z"):
            push(layout, "app", registry.reference(f"tags/app:{tag}"))
        told = _skopeo("list-tags", f"docker://{registry.reference('tags/app')}")
        for name in (registry.reference("tags/app"), f"docker://{registry.reference('tags/app')}"):
            result = play("registry_tags_info", name=name)
            assert (result["repository"], result["tags"]) == (told["Repository"], told["Tags"])
            assert (result["source"], result["credentials"]) == (registry.reference("tags/app"), None)
        assert set(told["Tags"]) == {"2", "10", "latest", "_x.y-Z"}

    @pytest.mark.parametrize("suffix", [":1", "@sha256:" + "a" * 64])
    def test_the_name_of_an_image_is_refused_before_anything_is_asked(
        self, alone: Play, registry: Registry, suffix: str
    ) -> None:
        name = registry.reference(f"odd{suffix}")
        with pytest.raises(CommandFailed, match="[Nn]o tag or digest allowed"):
            _skopeo("list-tags", f"docker://{name}")
        before = len(registry.requests())
        result = alone("registry_tags_info", name=name)
        assert result["_status"] == "failed" and result["error"]["code"] == "invalid_reference"
        assert len(registry.requests()) == before

    def test_a_missing_repository_is_an_error(self, play: Play, registry: Registry) -> None:
        with pytest.raises(CommandFailed):
            _skopeo("list-tags", f"docker://{registry.reference('no/such')}")
        result = play("registry_tags_info", name=registry.reference("no/such"))
        assert result["_status"] == "failed"
        assert (result["error"]["code"], result["error"]["status"]) == ("name_unknown", 404)
        assert "no/such" in result["msg"] and "tags" not in result

    def test_credentials_open_it_and_are_named(self, alone: Play, private: Registry, tmp_path: Path) -> None:
        name = private.reference("team/app")
        result = alone("registry_tags_info", name=name)
        assert (result["error"]["code"], result["error"]["status"]) == ("unauthorized", 401)
        wrong = alone("registry_tags_info", name=name, username=LOGIN.username, password="wrong password")
        assert wrong["error"]["code"] == "unauthorized" and "wrong password" not in json.dumps(wrong)
        authfile = _authfile(tmp_path, private)
        typed = alone("registry_tags_info", name=name, username=LOGIN.username, password=LOGIN.password)
        found = alone("registry_tags_info", name=name, authfile=authfile)
        assert sorted(typed["tags"]) == sorted(found["tags"]) == ["10", "2", "latest"]
        assert (typed["credentials"], found["credentials"]) == ("the options of the task", authfile)
        assert LOGIN.password not in json.dumps([typed, found], ensure_ascii=False)

    def test_mirrors_and_rewriting_do_not_apply_but_blocks_do(
        self, alone: Play, registry: Registry, private: Registry, tmp_path: Path
    ) -> None:
        host = registry.host
        conf = _registries_conf(tmp_path, f'[[registry]]\nprefix="{host}/odd"\nlocation="{private.host}/team/app"\n')
        name = registry.reference("odd")
        told = _skopeo("list-tags", f"docker://{name}", options=("--registries-conf", conf))
        assert alone("registry_tags_info", name=name, registries_conf=conf)["tags"] == told["Tags"] == ["1"]
        conf = _registries_conf(tmp_path, f'[[registry]]\nlocation="{host}"\nblocked=true\n')
        with pytest.raises(CommandFailed, match="blocked"):
            _skopeo("list-tags", f"docker://{name}", options=("--registries-conf", conf))
        assert alone("registry_tags_info", name=name, registries_conf=conf)["error"]["code"] == "registry_blocked"


class TestRegistryImageInfo:
    @pytest.mark.parametrize("image", CHOICES)
    def test_it_says_what_skopeo_says(self, play: Play, registry: Registry, image: str) -> None:
        name = registry.reference(image)
        (entry,) = play("registry_image_info", name=name, gather=["config", "history", "manifest"])["images"]
        told = _skopeo("inspect", "--no-tags", f"docker://{name}")
        config = _skopeo("inspect", "--config", f"docker://{name}")
        assert (entry["name"], entry["digest"], entry["source"]) == (name, told["Digest"], told["Name"])
        assert (entry["created"] or "0001-01-01T00:00:00Z") == told["Created"]
        assert (entry["labels"] or None) == told["Labels"]
        assert entry["platform"] == f"{told['Os']}/{told['Architecture']}"
        assert [layer["digest"] for layer in entry["layers"]] == told["Layers"]
        assert [layer["diff_id"] for layer in entry["layers"]] == config["rootfs"]["diff_ids"]
        assert {key: value for key, value in entry["config"].items() if value} == config["config"]
        assert len(entry["history"]) == len(config.get("history", []))
        raw = f"docker://{registry.reference(image.split(':')[0])}@{entry['manifest_digest']}"
        manifest = _skopeo("inspect", "--raw", raw)
        assert entry["manifest"] == manifest
        for layer, listed in zip(entry["layers"], manifest["layers"]):
            assert (layer["media_type"], layer["size"]) == (listed["mediaType"], listed["size"])
        assert entry["size"] == sum(layer["size"] for layer in manifest["layers"])
        assert f"sha256:{entry['id']}" == manifest["config"]["digest"]
        assert entry["error"] is None and entry["credentials"] is None

    def test_an_index_is_listed_and_its_platform_chosen(self, alone: Play, registry: Registry) -> None:
        name = registry.reference("multi:1")
        index = _skopeo("inspect", "--raw", f"docker://{name}")
        entry = alone("registry_image_info", name=name, platform="linux/arm64")["image"]
        assert (entry["media_type"], entry["platform"]) == (index["mediaType"], "linux/arm64")
        assert [row["platform"] for row in entry["platforms"]] == ["linux/amd64", "linux/arm64/v8", "linux/s390x"]
        for row, listed in zip(entry["platforms"], index["manifests"]):
            assert (row["digest"], row["media_type"], row["size"]) == (
                listed["digest"],
                listed["mediaType"],
                listed["size"],
            )
        told = _skopeo("inspect", "--no-tags", f"docker://{name}", options=("--override-arch", "arm64"))
        assert [layer["digest"] for layer in entry["layers"]] == told["Layers"]
        assert entry["digest"] == told["Digest"] != entry["manifest_digest"] == entry["platforms"][1]["digest"]

    def test_a_platform_that_is_not_there_is_an_error(self, alone: Play, registry: Registry) -> None:
        for image in ("multi:1", "odd:1"):
            result = alone("registry_image_info", name=registry.reference(image), platform="linux/ppc64le")
            assert result["_status"] == "failed" and result["error"]["code"] == "no_such_platform"
            assert "linux/amd64" in result["error"]["found"]

    def test_one_that_fails_does_not_hide_the_others(self, play: Play, registry: Registry) -> None:
        names = [registry.reference(name) for name in ("odd:1", "odd:none", "no/such:1", "multi:1")]
        result = play("registry_image_info", name=names, gather=["history"])
        assert result["_status"] == "failed" and "2 of 4 images could not be inspected" in result["msg"]
        assert [image["name"] for image in result["images"]] == names
        codes = [image["error"]["code"] if image["error"] else None for image in result["images"]]
        assert codes == [None, "manifest_unknown", "manifest_unknown", None]
        assert (result["error"]["code"], result["error"]["object"]) == ("manifest_unknown", names[1])
        assert all(name in result["msg"] for name in names[1:3])
        assert all(set(image) == set(result["images"][0]) for image in result["images"])
        assert "image" not in result

    def test_only_manifests_are_asked_for_where_no_config_is_wanted(
        self, alone: Play, registry: Registry, tmp_path: Path
    ) -> None:
        names = [registry.reference(name) for name in ("odd:1", "multi:1")]
        before = len(registry.requests())
        single, multi = alone("registry_image_info", name=names, gather=[])["images"]
        asked = registry.requests()[before:]
        assert [request for request in asked if "/blobs/" in request] == []
        assert single["digest"] == _skopeo("inspect", "--no-tags", f"docker://{names[0]}")["Digest"]
        assert (single["platform"], multi["platform"]) == (None, "linux/amd64")
        assert single["labels"] is None and single["created"] is None and single["layers"][0]["diff_id"] is None
        assert single["id"] and single["size"] == sum(layer["size"] for layer in single["layers"])
        before = len(registry.requests())
        alone("registry_image_info", name=names[0])
        blobs = [request for request in registry.requests()[before:] if "/blobs/" in request]
        # Once in earnest and once in check mode.
        assert blobs == [f"GET /v2/odd/blobs/sha256:{single['id']}"] * 2

    def test_a_mirror_answers_in_place_of_the_registry(self, alone: Play, registry: Registry, tmp_path: Path) -> None:
        mirror = f'[[registry]]\nlocation="registry.invalid"\n[[registry.mirror]]\nlocation="{registry.host}"\n'
        conf = _registries_conf(tmp_path, mirror)
        entry = alone("registry_image_info", name="registry.invalid/odd:1", registries_conf=conf)["image"]
        assert (entry["name"], entry["source"]) == ("registry.invalid/odd:1", registry.reference("odd"))
        told = _skopeo("inspect", "--no-tags", "docker://registry.invalid/odd:1", options=("--registries-conf", conf))
        assert entry["digest"] == told["Digest"]

    def test_credentials_open_it_and_are_named(self, alone: Play, private: Registry, tmp_path: Path) -> None:
        name = private.reference("team/app:2")
        assert alone("registry_image_info", name=name)["image"]["error"]["code"] == "unauthorized"
        authfile = _authfile(tmp_path, private)
        entry = alone("registry_image_info", name=name, authfile=authfile)["image"]
        assert entry["credentials"] == authfile
        assert entry["layers"] == [] and entry["size"] == 0

    def test_a_malformed_name_or_platform_is_refused_before_anything_is_asked(
        self, alone: Play, registry: Registry
    ) -> None:
        before = len(registry.requests())
        good = registry.reference("odd:1")
        assert alone("registry_image_info", name=[good, "Upper/case"])["error"]["code"] == "invalid_reference"
        assert alone("registry_image_info", name=good, platform="arm64")["error"]["code"] == "invalid_platform"
        assert len(registry.requests()) == before
