# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pull that is killed, or that meets another one of the same image, leaves a valid store and converges."""

from __future__ import annotations

import glob
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from lab.modules import ModuleResult, module_process, run_module
from lab.registry import Registry
from lab.stores import Store


@pytest.fixture
def store(make_store: Callable[[str], Store]) -> Store:
    return make_store("store")


def _arguments(store: Store, options: Mapping[str, Any], image: str) -> dict[str, Any]:
    return {**store.module_options(), **options, "name": image}


def _staged(store: Store) -> list[str]:
    """Whatever lies in a staging area, files of locks included."""
    places = ("overlay/tempdirs", "overlay-layers/tmp")
    return [path for place in places for path in glob.glob(os.path.join(store.root, place, "*"))]


def _unpacked_files(store: Store) -> int:
    """Files of layers on their way; the locks beside them do not count."""
    layers = glob.glob(os.path.join(store.root, "overlay/tempdirs/temp-dir-*/*"))
    return sum(len(files) for layer in layers for _directory, _directories, files in os.walk(layer))


@pytest.mark.parametrize("files_before_the_kill", [1, 2000])
def test_a_killed_pull_is_invisible_and_the_next_one_completes_and_cleans_up(
    registry: Registry, store: Store, pull_options: dict[str, Any], files_before_the_kill: int
) -> None:
    arguments = _arguments(store, pull_options, registry.reference("base:1"))
    process = module_process("image_pull", arguments)
    deadline = time.monotonic() + 60
    while _unpacked_files(store) < files_before_the_kill and time.monotonic() < deadline:
        assert process.poll() is None, "the pull ended before it could be killed"
        time.sleep(0.01)
    helpers = _descendants(process.pid)
    assert helpers
    process.send_signal(signal.SIGKILL)
    process.wait()
    _wait_until_gone(helpers)
    assert _staged(store) != []
    assert store.podman("images", "--all", "--quiet") == ""
    assert run_module("image_info", store.module_options())["images"] == []
    done = run_module("image_pull", arguments)
    assert done.changed, done.text
    assert _staged(store) == []
    assert store.podman("image", "inspect", "--format", "{{.Id}}", done["image"]["names"][0]) == done["image"]["id"]
    mount = store.podman("image", "mount", done["image"]["id"])
    assert os.path.exists(os.path.join(mount, "usr/bin/netprobe"))
    store.podman("image", "umount", done["image"]["id"])


def test_two_pulls_of_the_same_image_at_once_make_one_image(
    registry: Registry, store: Store, pull_options: dict[str, Any]
) -> None:
    arguments = _arguments(store, pull_options, registry.reference("base:1"))
    results: list[ModuleResult] = []
    threads = [
        threading.Thread(target=lambda: results.append(run_module("image_pull", arguments))) for _number in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.failed for result in results] == [False, False], [result.text for result in results]
    assert len({result["image"]["id"] for result in results}) == 1
    assert len(store.podman("images", "--quiet").splitlines()) == 1
    assert _staged(store) == []


def test_listing_while_podman_writes_gives_a_consistent_answer(registry: Registry, store: Store) -> None:
    stop = threading.Event()
    image = registry.reference("odd:1")

    def work() -> None:
        while not stop.is_set():
            store.podman("pull", "--quiet", "--tls-verify=false", image)
            store.podman("rmi", image)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        for _number in range(8):
            result = run_module("image_info", store.module_options())
            assert not result.failed, result.text
            assert all(len(listed["layers"]) == 6 for listed in result["images"])
    finally:
        stop.set()
        worker.join()


def _descendants(ancestor: int) -> set[int]:
    """The processes that ``ancestor`` started, and those that they started."""
    parents = {}
    for entry in filter(str.isdecimal, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as status:
                # The name in parentheses may hold anything; state and parent follow the last one.
                parents[int(entry)] = int(status.read().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = {ancestor}
    while True:
        more = {process for process, parent in parents.items() if parent in found} - found
        if not more:
            return found - {ancestor}
        found |= more


def _wait_until_gone(processes: set[int]) -> None:
    """The kernel ends the helper processes of a killed pull."""
    deadline = time.monotonic() + 60
    while any(os.path.exists(f"/proc/{process}") for process in processes):
        assert time.monotonic() < deadline, f"of {processes} some are left"
        time.sleep(0.05)
