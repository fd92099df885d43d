# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option ``sync``: what a record tells of is on the disk before the record is, and a pull before it is reported.

The judge is the order of the system calls, as strace sees them. What a syncfs leaves behind is the kernel's promise
(syncfs(2)); a power cut cannot be made here.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lab.configured_store import ConfiguredStore
from lab.fault_bench import FaultBench
from lab.modules import ModuleResult, run_module
from lab.scripted_registry import make_image, small_layer

SYNC = "syncfs"
_CALL = re.compile(r"^\d+ +(?P<call>\w+)\((?P<arguments>.*)\) += 0$")
_PATHS = re.compile(r'"([^"]*)"|<([^<>]*)>')


@dataclass(frozen=True)
class Traced:
    """A module's result, and its calls that rename or sync, in their order: ``syncfs``, or what a file became inside the store."""

    result: ModuleResult
    calls: list[str]

    def names(self) -> list[str]:
        return [call for call in self.calls if call != SYNC]

    def after_last_sync(self) -> list[str]:
        return self.calls[len(self.calls) - self.calls[::-1].index(SYNC) :]


def traced(store: ConfiguredStore, log: Path, module: str, arguments: dict[str, Any]) -> Traced:
    assert shutil.which("strace"), "strace is the judge here"
    trace = ["strace", "-f", "-y", "-s", "4096", "-e", "trace=/rename,syncfs,fsync", "-o", str(log)]
    result = run_module(module, {**store.module_options(), **arguments}, prefix=trace)
    calls = []
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        found = _CALL.match(line)
        if found is None:
            continue
        paths = [text or descriptor for text, descriptor in _PATHS.findall(found["arguments"])]
        if found["call"] == SYNC:
            assert paths[0].startswith(store.root), line
            calls.append(SYNC)
        elif paths[-1].startswith(store.root):
            calls.append(os.path.relpath(paths[-1], store.root))
    return Traced(result, calls)


@pytest.fixture
def image(bench: FaultBench) -> str:
    bench.registry.serve(make_image([small_layer("one"), small_layer("two")]))
    bench.registry.expect("HEAD", bench.registry.manifest_path(), status=405, times=None)
    return bench.registry.reference()


def configured(bench: FaultBench, *overlay: str) -> ConfiguredStore:
    store = ConfiguredStore(bench.store.base, overlay=overlay)
    store.configure()
    return store


def pull(bench: FaultBench, store: ConfiguredStore, image: str, names: Sequence[str] = ()) -> Traced:
    arguments = {**bench.options, "name": image, "names": list(names)}
    return traced(store, bench.directory / "trace", "image_pull", arguments)


def test_a_pull_is_on_the_disk_before_its_records_and_before_it_is_reported(bench: FaultBench, image: str) -> None:
    store = configured(bench, 'sync = "filesystem"')
    done = pull(bench, store, image)
    assert done.result.changed, done.result.text
    layers = [layer["id"] for layer in done.result["image"]["layers"]]
    assert done.calls.count(SYNC) == 2
    first = done.calls.index(SYNC)
    before, after = done.calls[:first], done.calls[first + 1 :]
    for layer in layers:
        assert f"overlay/{layer}/diff" in before and f"overlay-layers/{layer}.tar-split.gz" in before
        assert f"overlay/{layer}/link" in before
    # The records that call the layers incomplete, and those that call them complete.
    assert before.count("overlay-layers/layers.json") == 1 and after.count("overlay-layers/layers.json") == 1
    assert after[0] == "overlay-layers/layers.json"
    assert "overlay-images/images.json" in after
    assert done.after_last_sync() == []


def test_a_second_pull_syncs_nothing_and_a_further_name_once(bench: FaultBench, image: str) -> None:
    store = configured(bench, 'sync = "filesystem"')
    assert pull(bench, store, image).result.changed
    again = pull(bench, store, image)
    assert not again.result.changed and again.calls == []
    named = pull(bench, store, image, ["localhost/other:1"])
    assert named.result.changed
    assert named.calls == ["overlay-images/images.json", SYNC]


def test_the_layer_of_a_container_is_on_the_disk_before_its_record(bench: FaultBench, image: str) -> None:
    store = configured(bench, 'sync = "filesystem"')
    assert pull(bench, store, image).result.changed
    made = traced(store, bench.directory / "trace", "container_create", {"image": image, "name": "box"})
    layer = made.result["container"]["layer_id"]
    assert made.calls.index(f"overlay/{layer}/link") < made.calls.index(SYNC)
    assert "overlay-layers/layers.json" in made.after_last_sync()


@pytest.mark.parametrize("overlay", [[], ['sync = "none"'], ['sync = ""']])
def test_without_the_option_nothing_waits(bench: FaultBench, image: str, overlay: list[str]) -> None:
    done = pull(bench, configured(bench, *overlay), image)
    assert done.result.changed and done.calls.count(SYNC) == 0
    assert "overlay-images/images.json" in done.names()


def test_a_way_that_nobody_knows_is_an_error(bench: FaultBench, image: str) -> None:
    done = pull(bench, configured(bench, 'sync = "always"'), image)
    assert done.result.code == "invalid_config" and "overlay.sync=always" in done.result["msg"], done.result.text
