# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pull survives what passes, fails at once on what does not, and asks for nothing that it has.

The judge of what was asked for and what had arrived is the server; that of the image is podman.
"""

from __future__ import annotations

import gzip
import json
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lab.flaky_registry import END, RESET, STALL, Fault, FlakyRegistry
from lab.modules import ModuleResult, run_module
from lab.odd_images import GZIP, PLAIN, Entry, ImageLayout, make_tar
from lab.stores import Store

MEBIBYTE = 1 << 20
TEAM = "team/app"


@pytest.fixture
def registry(judges: None) -> Iterator[FlakyRegistry]:
    with FlakyRegistry() as registry:
        yield registry


@pytest.fixture
def layout(tmp_path: Path) -> ImageLayout:
    return ImageLayout(str(tmp_path / "layout"))


@pytest.fixture
def store(make_store: Callable[[str], Store]) -> Store:
    return make_store("store")


@pytest.fixture
def pull(store: Store, pull_options: dict[str, Any]) -> Callable[..., ModuleResult]:
    """Pulls as a process of its own, with pauses that a test can wait for."""

    def run(name: object, *, check: bool = False, **options: Any) -> ModuleResult:
        waiting = {"retry_delay": 0.01, "timeout": 30}
        arguments = {**store.module_options(), **pull_options, **waiting, **options, "name": name}
        return run_module("image_pull", arguments, check=check)

    return run


def _layer(name: str, size: int = 1000) -> tuple[bytes, str]:
    content = random.Random(name).randbytes(size)
    return gzip.compress(make_tar([Entry(name, content=content)]), 1, mtime=0), GZIP


def _blob(repository: str, descriptor: dict[str, Any]) -> str:
    return f"/v2/{repository}/blobs/{descriptor['digest']}"


def _blobs(repository: str, manifest: dict[str, Any]) -> list[str]:
    """The paths of the layers."""
    return [_blob(repository, layer) for layer in manifest["layers"]]


def _error(code: str) -> bytes:
    return json.dumps({"errors": [{"code": code, "message": "says the test"}]}).encode()


def _patience(how: str) -> int:
    """The timeout in seconds: short where it is to pass, and longer than a slow machine may stop."""
    return 2 if how == STALL else 30


def _retries(result: ModuleResult) -> list[dict[str, Any]]:
    return [step for step in result["steps"] if step["action"] == "retrying"]


class TestResume:
    def test_a_blob_of_200_mb_that_is_cut_five_times_arrives_whole_and_no_byte_is_asked_for_again(
        self, registry: FlakyRegistry, layout: ImageLayout, store: Store, pull: Callable[..., ModuleResult]
    ) -> None:
        """Cut in order, by a reset, and by silence; at places that are no multiple of anything."""
        content = random.Random(0).randbytes(200 * 10**6)
        layout.add_image("large", [(make_tar([Entry("large", content=content)]), PLAIN)])
        (path,) = _blobs(TEAM, registry.add(layout, "large", TEAM))
        sizes = [20_000_003, 1_100_001, 50_000_017, 1_048_577, 31_111_111]
        cuts = zip(sizes, [END, RESET, STALL, RESET, END])
        registry.fail(path, *(Fault(after=size, how=how) for size, how in cuts))
        result = pull(registry.reference(f"{TEAM}:1"), retries=0, timeout=3)
        assert not result.failed, result.text
        asked = [(one.start, one.received) for one in registry.served if one.path == path]
        assert [start for start, _received in asked] == [0, *(sum(sizes[: count + 1]) for count in range(5))]
        assert sum(received for _start, received in asked) == result["bytes_downloaded"] == result["plan"]["bytes"]
        mount = Path(store.podman("image", "mount", result["image"]["id"]))
        assert (mount / "large").read_bytes() == content
        store.podman("image", "umount", result["image"]["id"])

    @pytest.mark.parametrize("how", [END, RESET, STALL])
    @pytest.mark.parametrize("after", [0, 1, 8192, 262_145])
    def test_the_rest_is_asked_for_from_the_very_byte_that_did_not_come(
        self, registry: FlakyRegistry, layout: ImageLayout, pull: Callable[..., ModuleResult], how: str, after: int
    ) -> None:
        layout.add_image("app", [_layer("a", 400_000)])
        (path,) = _blobs(TEAM, registry.add(layout, "app", TEAM))
        registry.fail(path, Fault(after=after, how=how))
        result = pull(registry.reference(f"{TEAM}:1"), retries=0, timeout=_patience(how))
        assert not result.failed, result.text
        assert registry.starts(path) == [0, after]

    def test_a_server_without_ranges_sends_all_again(
        self, registry: FlakyRegistry, layout: ImageLayout, pull: Callable[..., ModuleResult]
    ) -> None:
        layout.add_image("app", [_layer("a", 400_000)])
        (path,) = _blobs(TEAM, registry.add(layout, "app", TEAM))
        registry.ranges = False
        registry.fail(path, Fault(after=300_000))
        result = pull(registry.reference(f"{TEAM}:1"), retries=0)
        assert not result.failed, result.text
        assert result["bytes_downloaded"] == result["plan"]["bytes"]

    @pytest.mark.parametrize(("how", "attempts"), [(END, 1), (RESET, 3), (STALL, 3)])
    def test_a_connection_that_brings_nothing_is_given_up(
        self,
        registry: FlakyRegistry,
        layout: ImageLayout,
        store: Store,
        pull: Callable[..., ModuleResult],
        how: str,
        attempts: int,
    ) -> None:
        """Twice in a row; then the copy is repeated as containers/common does it: after a reset, not after an end."""
        layout.add_image("app", [_layer("a", 400_000)])
        (path,) = _blobs(TEAM, registry.add(layout, "app", TEAM))
        registry.fail(path, Fault(after=1000, how=how, times=99))
        result = pull(registry.reference(f"{TEAM}:1"), retries=2, timeout=_patience(how))
        assert (result.code, result.changed) == ("connection_lost", False), result.text
        assert registry.starts(path) == [0, 1000] * attempts
        assert store.podman("images", "--all", "--quiet") == ""


class TestWholeCopy:
    def test_only_what_is_missing_is_fetched_again(
        self, registry: FlakyRegistry, layout: ImageLayout, store: Store, pull: Callable[..., ModuleResult]
    ) -> None:
        layout.add_image("app", [_layer(name, size) for name, size in (("a", 1000), ("b", 9000), ("c", 5000))])
        manifest = registry.add(layout, "app", TEAM)
        paths = _blobs(TEAM, manifest)
        # One after the other, the largest first: the last to be fetched fails twice.
        registry.fail(paths[0], Fault(status=503), Fault(status=502))
        result = pull(registry.reference(f"{TEAM}:1"), max_parallel_downloads=1)
        assert result.changed and not result.failed, result.text
        assert [registry.starts(path) for path in paths] == [[0, 0, 0], [0], [0]]
        assert [step["attempt"] for step in _retries(result)] == [1, 2]
        assert result["bytes_downloaded"] == result["plan"]["bytes"] == sum(one["size"] for one in manifest["layers"])
        assert result["plan"] == {"keep": 0, "reuse": 0, "fetch": 3, "bytes": result["bytes_downloaded"]}
        assert store.podman("image", "inspect", "--format", "{{len .RootFS.Layers}}", result["image"]["id"]) == "3"

    @pytest.mark.parametrize(
        ("fault", "requests", "code"),
        [
            (Fault(status=502, times=9), 3, "registry_error"),
            (Fault(status=503, times=9), 3, "registry_error"),
            (Fault(status=504, times=9), 3, "registry_error"),
            (Fault(how=END, times=9), 3, "registry_unreachable"),
            (Fault(how=RESET, times=9), 3, "registry_unreachable"),
            (Fault(how=STALL, times=9), 3, "registry_unreachable"),
            (Fault(status=404, body=_error("BLOB_UNKNOWN"), times=9), 3, "blob_unknown"),
            (Fault(status=500, times=9), 1, "registry_error"),
            (Fault(status=500, body=_error("UNKNOWN"), times=9), 1, "registry_error"),
            (Fault(status=401, times=9), 1, "unauthorized"),
            (Fault(status=403, body=_error("DENIED"), times=9), 1, "denied"),
            (Fault(status=403, body=_error("UNKNOWN"), times=9), 1, "denied"),
            (Fault(status=404, times=9), 1, "blob_unknown"),
            (Fault(status=200, body=b"x" * 1000, times=9), 1, "size_mismatch"),
        ],
    )
    def test_a_failure_that_may_pass_is_repeated_and_another_is_not(
        self,
        registry: FlakyRegistry,
        layout: ImageLayout,
        store: Store,
        pull: Callable[..., ModuleResult],
        fault: Fault,
        requests: int,
        code: str,
    ) -> None:
        layout.add_image("app", [_layer("a", 500)])
        (path,) = _blobs(TEAM, registry.add(layout, "app", TEAM))
        registry.fail(path, Fault(**vars(fault)))
        result = pull(registry.reference(f"{TEAM}:1"), retries=2, timeout=_patience(fault.how))
        assert (result.failed, result.changed, result.code) == (True, False, code), result.text
        # A kept connection that ends without an answer may have been idle for too long: the request goes out on a new one.
        anew = not fault.status and fault.how != STALL
        assert registry.starts(path) == [0] * requests * (2 if anew else 1)
        assert len(_retries(result)) == requests - 1
        assert result["image"]["plan"] is None and result["image"]["credentials"] is None
        assert store.podman("images", "--all", "--quiet") == ""
        # The registry is well again, and the same task goes through.
        registry.heal()
        assert pull(registry.reference(f"{TEAM}:1")).changed

    @pytest.mark.parametrize("where", ["ping", "manifest", "config"])
    def test_the_failure_may_be_anywhere_on_the_way(
        self, registry: FlakyRegistry, layout: ImageLayout, pull: Callable[..., ModuleResult], where: str
    ) -> None:
        layout.add_image("app", [_layer("a")])
        manifest = registry.add(layout, "app", TEAM)
        places = {"ping": "/v2/", "manifest": f"/v2/{TEAM}/manifests/1", "config": _blob(TEAM, manifest["config"])}
        registry.fail(places[where], Fault(status=503), Fault(how=RESET), Fault(how=STALL))
        result = pull(registry.reference(f"{TEAM}:1"), timeout=_patience(STALL))
        assert not result.failed, result.text
        # The reset meets a kept connection, for which a new one is made.
        assert len(_retries(result)) == 2

    @pytest.mark.parametrize(("body", "requests"), [(_error("TOOMANYREQUESTS"), 10), (b"wait", 5)])
    def test_too_many_requests_are_repeated_five_times_and_the_copy_where_the_registry_explains_itself(
        self,
        registry: FlakyRegistry,
        layout: ImageLayout,
        pull: Callable[..., ModuleResult],
        body: bytes,
        requests: int,
    ) -> None:
        layout.add_image("app", [_layer("a")])
        (path,) = _blobs(TEAM, registry.add(layout, "app", TEAM))
        registry.fail(path, Fault(status=429, headers={"Retry-After": "0"}, body=body, times=99))
        result = pull(registry.reference(f"{TEAM}:1"), retries=1)
        assert (result.code, result.changed) == ("rate_limited", False), result.text
        assert registry.starts(path) == [0] * requests

    def test_pauses_double(
        self, registry: FlakyRegistry, layout: ImageLayout, pull: Callable[..., ModuleResult]
    ) -> None:
        layout.add_image("app", [_layer("a")])
        registry.add(layout, "app", TEAM)
        registry.fail(f"/v2/{TEAM}/manifests/1", Fault(status=503, times=9))
        begun = time.monotonic()
        assert pull(registry.reference(f"{TEAM}:1"), retries=3, retry_delay=0.5).failed
        assert time.monotonic() - begun > 0.5 + 1 + 2

    def test_newer_keeps_the_present_image_only_after_the_last_attempt(
        self, registry: FlakyRegistry, layout: ImageLayout, pull: Callable[..., ModuleResult]
    ) -> None:
        layout.add_image("old", [_layer("a")])
        layout.add_image("new", [_layer("b")])
        name, tag = registry.reference(f"{TEAM}:1"), f"/v2/{TEAM}/manifests/1"
        registry.add(layout, "old", TEAM)
        old = pull(name)["image"]["id"]
        registry.add(layout, "new", TEAM)
        registry.fail(tag, Fault(how=RESET, times=6))
        kept = pull(name, pull="newer", retries=2)
        assert (kept.failed, kept.changed, kept["image"]["id"]) == (False, False, old), kept.text
        assert len(_retries(kept)) == 2 and "the present image stays" in str(kept["warnings"])
        registry.heal()
        registry.fail(tag, Fault(how=RESET, times=2))
        moved = pull(name, pull="newer", retries=2)
        assert moved.changed and moved["image"]["id"] != old, moved.text
        assert not moved.data.get("warnings")
