# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_pull through docker-registry as a pull-through cache of another one: who served is named, and who was left out."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lab.commands import CommandFailed, run
from lab.fixtures import push
from lab.modules import ModuleResult, run_module
from lab.odd_images import GZIP, Entry, ImageLayout, make_tar
from lab.registry import Registry, free_port, running_registry
from lab.stores import Store

# Where the registry would be if it had a name; nobody answers there, registries.conf leads elsewhere.
LOGICAL = "registry.invalid/team/app"


@pytest.fixture
def origin(judges: None, tmp_path: Path) -> Iterator[Registry]:
    layout = ImageLayout(str(tmp_path / "layout"))
    content = gzip.compress(make_tar([Entry("file", content=b"content" * 5000)]), mtime=0)
    layout.add_image("app", [(content, GZIP)])
    with running_registry(str(tmp_path / "origin")) as registry:
        push(layout, "app", registry.reference("team/app:1"))
        yield registry


@pytest.fixture
def mirror(origin: Registry, tmp_path: Path) -> Iterator[Registry]:
    with running_registry(str(tmp_path / "mirror"), mirror_of=f"http://{origin.host}") as registry:
        yield registry


@pytest.fixture
def pull(make_store: Callable[[str], Store], policy_file: str, tmp_path: Path) -> Callable[..., ModuleResult]:
    """Pulls one image into a new store under the given text of registries.conf; podman does the same, and must agree."""
    number = 0

    def run_pull(text: str, name: str, **options: Any) -> ModuleResult:
        nonlocal number
        number += 1
        conf = tmp_path / f"registries-{number}.conf"
        conf.write_text(text, encoding="utf-8")
        ours, theirs = make_store(f"ours{number}"), make_store(f"theirs{number}")
        arguments = {"signature_policy": policy_file, "registries_conf": str(conf), "retries": 0, "name": name}
        result = run_module("image_pull", {**ours.module_options(), **arguments, **options})
        command = theirs.podman_command("pull", "--quiet", name)
        try:
            run(command, env={"CONTAINERS_REGISTRIES_CONF": str(conf)})
            judged = True
        except CommandFailed:
            judged = False
        assert judged is not result.failed, result.text
        return result

    return run_pull


def _conf(origin: Registry, *mirrors: str, more: str = "", each: str = "") -> str:
    """registries.conf for LOGICAL: the origin and its mirrors, all over http."""
    text = f'[[registry]]\nprefix = "registry.invalid"\nlocation = "{origin.host}"\ninsecure = true\n{more}\n'
    for host in mirrors:
        text += f'[[registry.mirror]]\nlocation = "{host}"\ninsecure = true\n{each}\n'
    return text


def _seen(registry: Registry, word: str, count: int) -> list[str]:
    """The paths with ``word`` that the registry was asked for; it writes its log a moment after it answered."""
    deadline = time.monotonic() + 30
    while True:
        seen = [line for line in registry.requests() if word in line]
        if len(seen) >= count or time.monotonic() > deadline:
            return seen
        time.sleep(0.05)


def test_a_pull_through_cache_serves_and_is_named(
    origin: Registry, mirror: Registry, pull: Callable[..., ModuleResult]
) -> None:
    result = pull(_conf(origin, mirror.host), f"{LOGICAL}:1")
    assert result.changed, result.text
    assert mirror.host in result["image"]["source"] and origin.host not in result["image"]["source"]
    assert result["image"]["names"] == [f"{LOGICAL}:1"]
    assert [line for line in _seen(mirror, "/blobs/", 2) if line.startswith("GET")]
    agents = Path(origin.log).read_text(encoding="utf-8")
    assert "strata" not in agents and "docker-registry" not in result.text
    assert _seen(origin, "/blobs/", 1), "the cache had to fetch it"


def test_a_second_host_is_served_from_the_cache_without_the_origins_blobs(
    origin: Registry, mirror: Registry, pull: Callable[..., ModuleResult]
) -> None:
    pull(_conf(origin, mirror.host), f"{LOGICAL}:1")
    before = len(_seen(origin, "/blobs/", 2))
    again = pull(_conf(origin, mirror.host), f"{LOGICAL}:1")
    assert again.changed and mirror.host in again["image"]["source"]
    assert len(_seen(origin, "/blobs/", before)) == before


@pytest.mark.parametrize("fault", ["down", "without the image"])
def test_where_the_mirror_fails_the_origin_serves_and_is_named(
    origin: Registry, pull: Callable[..., ModuleResult], tmp_path: Path, fault: str
) -> None:
    with running_registry(str(tmp_path / "empty")) as empty:
        host = f"127.0.0.1:{free_port()}" if fault == "down" else empty.host
        result = pull(_conf(origin, host), f"{LOGICAL}:1")
        assert result.changed, result.text
        assert origin.host in result["image"]["source"] and host not in result["image"]["source"]
        if fault != "down":
            assert _seen(empty, "/manifests/1", 1)


def test_where_all_fail_every_endpoint_and_its_fault_is_named(
    mirror: Registry, origin: Registry, pull: Callable[..., ModuleResult]
) -> None:
    down = f"127.0.0.1:{free_port()}"
    result = pull(_conf(origin, down, mirror.host), f"{LOGICAL}:none")
    assert result.code == "manifest_unknown" and not result.changed, result.text
    for text in (down, mirror.host, origin.host, "Connection refused", "manifest unknown"):
        assert text in result["msg"], result["msg"]


@pytest.mark.parametrize(
    ("restriction", "by", "served"),
    [
        ("more", "tag", "origin"),
        ("more", "digest", "mirror"),
        ("digest-only", "tag", "origin"),
        ("digest-only", "digest", "mirror"),
        ("tag-only", "tag", "mirror"),
        ("tag-only", "digest", "origin"),
        ("all", "digest", "mirror"),
    ],
)
def test_mirrors_for_digests_or_tags_only(
    origin: Registry, mirror: Registry, pull: Callable[..., ModuleResult], restriction: str, by: str, served: str
) -> None:
    inspected = run(["skopeo", "inspect", "--tls-verify=false", f"docker://{origin.reference('team/app:1')}"])
    digest = next(line.split('"')[3] for line in inspected.splitlines() if '"Digest"' in line)
    name = f"{LOGICAL}@{digest}" if by == "digest" else f"{LOGICAL}:1"
    if restriction == "more":
        conf = _conf(origin, mirror.host, more="mirror-by-digest-only = true")
    else:
        conf = _conf(origin, mirror.host, each=f'pull-from-mirror = "{restriction}"')
    before = len(mirror.requests())
    result = pull(conf, name)
    expected = {"origin": origin, "mirror": mirror}[served]
    assert result.changed and expected.host in result["image"]["source"], result.text
    if served == "origin":
        time.sleep(0.2)
        assert len(mirror.requests()) == before


def test_a_blocked_registry_with_a_working_mirror_is_a_mirror_only_set_up(
    origin: Registry, mirror: Registry, pull: Callable[..., ModuleResult]
) -> None:
    conf = _blocked(origin, mirror.host)
    result = pull(conf, origin.reference("team/app:1"))
    assert result.changed and mirror.host in result["image"]["source"], result.text
    missing = pull(conf, origin.reference("team/app:none"))
    assert missing.failed and not missing.changed
    assert mirror.host in missing["msg"], missing["msg"]


def test_a_blocked_registry_without_a_working_mirror_is_never_asked(
    origin: Registry, pull: Callable[..., ModuleResult]
) -> None:
    before = len(origin.requests())
    result = pull(_blocked(origin, f"127.0.0.1:{free_port()}"), origin.reference("team/app:1"))
    assert result.failed and "Connection refused" in result["msg"], result.text
    time.sleep(0.2)
    assert len(origin.requests()) == before


def _blocked(origin: Registry, mirror: str) -> str:
    """A table that blocks a registry blocks the place, not the name: it must be that of the place that is asked."""
    return (
        f'[[registry]]\nlocation = "{origin.host}"\nblocked = true\n'
        f'[[registry.mirror]]\nlocation = "{mirror}"\ninsecure = true\n'
    )


def test_a_new_image_at_the_origin_is_found_through_the_mirror(
    origin: Registry, mirror: Registry, pull: Callable[..., ModuleResult], tmp_path: Path
) -> None:
    first = pull(_conf(origin, mirror.host), f"{LOGICAL}:1")["image"]
    layout = ImageLayout(str(tmp_path / "newer"))
    layout.add_image("app", [(gzip.compress(make_tar([Entry("file", content=b"newer")]), mtime=0), GZIP)])
    push(layout, "app", origin.reference("team/app:1"))
    second = pull(_conf(origin, mirror.host), f"{LOGICAL}:1")["image"]
    assert second["id"] != first["id"] and mirror.host in second["source"]
