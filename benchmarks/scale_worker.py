# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One action on one store in a process of its own, timed, with the time that its JSON takes: a part of scale.py.

Prints a JSON object: ``first`` is the action as the first of the process, ``again`` the median of repetitions; ``first_json``
and ``again_json`` the same for reading and writing the same files as often with plain ``json``, in a new process and in this
one, and ``records_json`` for reading each file of records once. Each is a pair: seconds of the clock, and seconds of the processor.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

from ansible_collections.strata.containers.plugins.module_utils._engine.create import ContainerRequest, Host, create
from ansible_collections.strata.containers.plugins.module_utils._engine.inspect import inspect_images
from ansible_collections.strata.containers.plugins.module_utils._engine.mount import mount_container, unmount_container
from ansible_collections.strata.containers.plugins.module_utils._engine.remove import remove_container
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter
from ansible_collections.strata.containers.plugins.module_utils._storage import loaded, tables
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.overlay import OverlayDriver

# Of the clock, and of the processor.
Seconds = tuple[float, float]

REPETITIONS = 5
BOX = "box"
# The action of the process that does only the JSON.
REPLAY = "replay"


class Engine:
    """The verbs that are measured, on one store."""

    def __init__(self, root: str, run_root: str, image: str) -> None:
        self.layout = Layout(root, run_root)
        self._driver = OverlayDriver(self.layout)
        self._image = image

    def info_one(self) -> None:
        """What the store knows of one image."""
        found = inspect_images(self.layout, [self._image], [], _no_short_names).facts["images"]
        _expect(len(found) == 1)

    def info_all(self) -> None:
        """What the store knows of all images."""
        _expect(len(inspect_images(self.layout, None, [], _no_short_names).facts["images"]) > 1)

    def life(self) -> None:
        """A container made, mounted, unmounted and deleted."""
        reporter = Reporter()
        host = Host(self.layout, self._driver, lambda: int(time.time()), _no_short_names)
        _expect(create(ContainerRequest(self._image, BOX), host, reporter, check_mode=False).changed)
        mounted = mount_container(
            self.layout, self._driver, BOX, reporter, read_only=False, may_be_volatile=True, check_mode=False
        )
        _expect(os.path.ismount(mounted.facts["mount_point"]))
        _expect(unmount_container(self.layout, self._driver, BOX, reporter, force=False, check_mode=False).changed)
        _expect(remove_container(self.layout, self._driver, BOX, reporter, force=False, check_mode=False).changed)


class Traffic:
    """Which files of JSON are parsed and written while it is on, and how long plain ``json`` takes for the same."""

    def __init__(self) -> None:
        self.parsed: list[str] = []
        self.written: list[tuple[str, bytes, bool]] = []
        decode, write = loaded.decode_records, tables.replace_file

        def noting_decode(data: bytes | None, kind: Any, path: str) -> Any:
            if data:
                self.parsed.append(path)
            return decode(data, kind, path)

        def noting_write(path: str, data: bytes, sync: bool = True, locked: bool = False) -> None:
            self.written.append((path, data, sync))
            write(path, data, sync=sync, locked=locked)

        loaded.decode_records = noting_decode
        tables.replace_file = noting_write

    def note_items(self, engine: Engine, action: str) -> None:
        """Adds the manifests and configs, which the engine reads besides the records."""
        wanted = "" if action == "info_all" else _image_of(engine)
        for directory, _directories, names in os.walk(engine.layout.images_dir):
            if directory.endswith(wanted):
                self.parsed += [
                    f"{directory}/{name}" for name in names if name == "manifest" or name.startswith("=c2hh")
                ]

    def take(self, scratch: str) -> Seconds:
        """The seconds that plain ``json`` takes for what was noted, which is forgotten."""
        written = [Written(path, json.loads(data), sync) for path, data, sync in self.written]
        seconds = _timed(lambda: replay(scratch, self.parsed, written))
        self.parsed.clear()
        self.written.clear()
        return seconds

    def take_anew(self, scratch: str) -> Seconds:
        """The same in a process that does nothing else: one that reads for the first time gets its memory meanwhile."""
        written = [(path, json.loads(data), sync) for path, data, sync in self.written]
        noted = json.dumps([self.parsed, written])
        output = subprocess.run(
            [sys.executable, __file__, REPLAY, scratch], input=noted, stdout=-1, check=True, text=True
        )
        self.parsed.clear()
        self.written.clear()
        clock, processor = json.loads(output.stdout)
        return clock, processor


class Written(NamedTuple):
    """What was written to which file, and whether the disk had to have it."""

    path: str
    value: Any
    sync: bool


def replay(scratch: str, parsed: list[str], written: list[Written]) -> None:
    """Reads the files ``parsed`` and writes files like those of ``written`` to the directory ``scratch``, with plain ``json``."""
    for path in parsed:
        with open(path, "rb") as file:
            json.loads(file.read())
    for path, value, sync in written:
        target = os.path.join(scratch, os.path.basename(path))
        with open(target + ".tmp", "wb") as file:
            file.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
            file.flush()
            if sync:
                os.fdatasync(file.fileno())
        os.rename(target + ".tmp", target)


def main() -> None:
    """Runs the action that the arguments name: action, graph root, run root, name of an image, scratch directory."""
    if sys.argv[1] == REPLAY:
        parsed, written = json.load(sys.stdin)
        print(json.dumps(_timed(lambda: replay(sys.argv[2], parsed, [Written(*one) for one in written]))))
        return
    action, root, run_root, image, scratch = sys.argv[1:]
    engine = Engine(root, run_root, image)
    act: Callable[[], None] = getattr(engine, action)
    traffic = Traffic()
    first = _timed(act)
    if action != "life":
        traffic.note_items(engine, action)
    first_json = traffic.take_anew(scratch)
    again, again_json = [], []
    for _repetition in range(REPETITIONS):
        again.append(_timed(act))
        if action != "life":
            traffic.note_items(engine, action)
        again_json.append(traffic.take(scratch))
    result = {"first": first, "first_json": first_json}
    result.update({"again": _median(again), "again_json": _median(again_json)})
    traffic.parsed += [path for path in engine.layout.record_files if os.path.exists(path)]
    result["records_json"] = traffic.take_anew(scratch)
    print(json.dumps(result))


def _timed(act: Callable[[], None]) -> Seconds:
    clock, processor = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - clock, time.process_time() - processor


def _median(samples: list[Seconds]) -> Seconds:
    return statistics.median(one[0] for one in samples), statistics.median(one[1] for one in samples)


def _image_of(engine: Engine) -> str:
    with open(engine.layout.images_json, "rb") as file:
        return next(image["id"] for image in json.load(file) if sys.argv[4] in image.get("names", []))


def _no_short_names() -> NoReturn:
    raise RuntimeError("the name is no short one")


def _expect(true: bool) -> None:
    if not true:
        raise RuntimeError("the engine did not do what is to be measured")


if __name__ == "__main__":
    main()
