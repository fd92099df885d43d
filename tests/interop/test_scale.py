# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is done for one image or container is the same in a store of few images and in one of many: counted, not timed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._engine.inspect import inspect_images
from ansible_collections.strata.containers.plugins.module_utils._storage import json_record, loaded
from ansible_collections.strata.containers.plugins.module_utils._storage.edit import open_for_change
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from lab.collection import collections_root
from lab.commands import run
from lab.fixtures import scratch_stores
from lab.many_images import fill_with_images, image_name
from lab.modules import run_module
from lab.stores import Store

FEW, MANY = 10, 60
# It has as many layers in the one store as in the other.
NAME = image_name(7)

# Every system call with a path, and those by which files are locked and written; how often a file or a directory is read
# depends on its length.
_CALLS = "trace=%file,fcntl,pwrite64,fdatasync,fchmod,fchown"
_CALL = re.compile(r"^\d+ +(\w+)\(", re.MULTILINE)


@pytest.fixture(scope="module")
def stores(judges: None) -> Iterator[dict[int, Store]]:
    with scratch_stores() as make:
        stores = {count: make(str(count)) for count in (FEW, MANY)}
        for count, store in stores.items():
            fill_with_images(store, count)
        yield stores


def test_podman_and_the_others_read_the_stores(stores: dict[int, Store], tmp_path: Path) -> None:
    for count, store in stores.items():
        assert len(set(store.podman("images", "--quiet", "--no-trunc").split())) == count
        assert len(json.loads(store.containers_storage("layers", "-j"))) == 3 * count
        # The content of every layer is held against its digest.
        run(["skopeo", "copy", f"{store.bracket}{NAME}", f"dir:{tmp_path / str(count)}"])
        point = Path(store.podman("image", "mount", NAME))
        assert point.joinpath("own-7-0").read_text(encoding="utf-8").startswith("the only file of layer own-7-0\n")
        store.podman("image", "umount", NAME)


def test_the_record_files_are_parsed_once_whatever_is_asked(
    stores: dict[int, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []
    real = loaded.decode_records

    def decode(data, kind, path):  # type: ignore[no-untyped-def]
        parsed.extend([os.path.basename(path)] * bool(data))
        return real(data, kind, path)

    monkeypatch.setattr(loaded, "decode_records", decode)
    for store in stores.values():
        parsed.clear()
        # As for a new process.
        loaded._files.clear()
        layout = Layout(store.root, store.run_root)
        for names in ([NAME], [NAME], None):
            assert inspect_images(layout, names, ["config"], pytest.fail).facts["images"]
        assert sorted(parsed) == sorted(set(parsed)) and "images.json" in parsed


def test_no_record_is_looked_at_for_itself_but_to_make_and_to_find_it(stores: dict[int, Store]) -> None:
    calls = {count: _python_calls(Layout(store.root, store.run_root)) for count, store in stores.items()}
    # One image and three layers are four records. For each a value is made; and an image has its name looked at.
    further = (MANY - FEW) * 4
    assert calls[MANY] - calls[FEW] < 2 * further, calls


def _python_calls(layout: Layout) -> int:
    """How many functions of Python are called for the facts of one image, as in a new process."""
    calls = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    for _time in range(2):
        # The first time notes names and patterns for good.
        loaded._files.clear()
        calls = 0
        sys.setprofile(note)
        try:
            inspect_images(layout, [NAME], [], pytest.fail)
        finally:
            sys.setprofile(None)
    return calls


def test_of_many_records_only_the_one_that_changes_is_encoded(
    stores: dict[int, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[str] = []
    real = json_record.go_json

    def encode(value):  # type: ignore[no-untyped-def]
        encoded.append(value["id"])
        return real(value)

    monkeypatch.setattr(json_record, "go_json", encode)
    for store in stores.values():
        layout = Layout(store.root, store.run_root)
        loaded._files.clear()
        encoded.clear()
        with open_for_change(layout, images=True, layers=True) as tables:
            image, layer = next(iter(tables.images)), next(iter(tables.layers))
            tables.images.replace(image.changed(metadata="{ }"))
            tables.layers.replace(layer.changed(metadata="{ }"))
            tables.save_images()
            tables.save_layers()
        assert encoded == [image.id, layer.id]


# Runs a module whose verb does nothing, and tells how many objects the collector of cyclic garbage would have gone through
# when the verb began and when the process ended.
_IDLE_MODULE = """
import atexit, gc, sys
from ansible_collections.strata.containers.plugins.module_utils._engine.outcome import Outcome
from ansible_collections.strata.containers.plugins.module_utils._module.run import run_verb

tell = lambda: sys.stderr.write(f"{len(gc.get_objects())} ")

def verb(task):
    tell()
    verb.kept = [[] for _number in range(10_000)]
    return Outcome(False, {})

atexit.register(tell)
run_verb({}, verb)
"""


def test_the_collector_has_nothing_to_look_at_when_a_module_begins_and_ends() -> None:
    paths = os.pathsep.join([collections_root(), *(path for path in sys.path if path.endswith("-packages"))])
    process = subprocess.run(
        [sys.executable, "-c", _IDLE_MODULE],
        input='{"ANSIBLE_MODULE_ARGS": {}}',
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(process.stdout)["changed"] is False
    begin, end = map(int, process.stderr.split())
    assert begin < 3000 and end < 3000, process.stderr


LIFE: list[tuple[str, dict[str, Any]]] = [
    ("image_info", {"name": [NAME]}),
    ("container_create", {"name": "box", "image": NAME}),
    ("container_mount", {"name": "box"}),
    ("container_mount", {"name": "box", "state": "unmounted"}),
    ("container_create", {"name": "box", "state": "absent"}),
    ("image_remove", {"name": [NAME]}),
]


def test_no_module_makes_more_system_calls_among_many_images(stores: dict[int, Store], tmp_path: Path) -> None:
    # The first run in a store notes what kind of store it is.
    for store in stores.values():
        run_module("container_create", {**store.module_options(), "name": "first", "image": image_name(5)})
    for module, arguments in LIFE:
        few, many = (_calls(store, module, arguments, tmp_path) for store in stores.values())
        assert many == few, f"{module} {arguments}"


def _calls(store: Store, module: str, arguments: dict[str, Any], directory: Path) -> Counter[str]:
    """How often the module made each system call."""
    trace = directory / "trace"
    strace = ("strace", "-f", "-qq", "-o", str(trace), "-e", _CALLS)
    result = run_module(module, {**store.module_options(), **arguments}, prefix=strace, diff=False)
    assert not result.failed and result.changed == (module != "image_info"), result.text
    return Counter(_CALL.findall(trace.read_text(encoding="utf-8", errors="replace")))
