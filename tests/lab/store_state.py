# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All that makes a store what it is, without what differs each time: random IDs and links, and the times of their making.

Two stores in which the same was done, whatever happened on the way, have equal states.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .stores import Store, mounts_below
from .trees import describe_tree

# Below the graph root, and the run root, each with the name of the driver in front.
_RECORDS = {
    "layers": ("-layers/layers.json", "-layers/volatile-layers.json"),
    "images": ("-images/images.json",),
    "containers": ("-containers/containers.json", "-containers/volatile-containers.json"),
}
_COUNTS = "-layers/mountpoints.json"
_ROOMS = ("", "-layers", "-images", "-containers")
_RUN_ROOMS = ("-layers", "-containers")


# Where other drivers than overlay keep the trees of layers.
_WHOLE_TREES = ("root/vfs/dir/", "root/btrfs/subvolumes/")


def state(store: Store) -> dict[str, Any]:
    """Records, files and mounts of the store; IDs of containers and of their layers are told by the container's name."""
    names, driver = _names(store), store.driver
    # The bind of its home is podman's affair there: it stays while anything is counted as mounted, and else goes.
    points = [point for point in mounts_below(store.base) if not point.endswith("/root/btrfs")]
    rooms = [f"{driver}{room}" for room in _ROOMS]
    run_rooms = [*(f"{driver}{room}" for room in _RUN_ROOMS), "strata"]
    return {
        **{kind: _records(f"{store.root}/{driver}", paths, names) for kind, paths in _RECORDS.items()},
        "counts": _records(f"{store.run_root}/{driver}", (_COUNTS,), {**names, store.root: "ROOT"}),
        "files": {**_files(store.root, "root", rooms, names), **_files(store.run_root, "run", run_rooms, names)},
        "mounts": sorted(_named(os.path.relpath(point, store.base), names) for point in points),
    }


def ensure_same(wanted: Any, found: Any) -> None:
    """Fails with the places where two states, or two parts of them, differ."""
    lines = list(_differences("", wanted, found))
    assert not lines, "\n".join(lines[:20])


def without_rooms(found: dict[str, Any]) -> dict[str, Any]:
    """A state without the directories that a store needs, which whoever means to change it makes."""
    return {**found, "files": {path: entry for path, entry in found["files"].items() if path.count("/") > 1}}


def records(store: Store, kind: str) -> list[dict[str, Any]]:
    """The records of one kind as they are."""
    return [record for path in _RECORDS[kind] for record in _parsed(f"{store.root}/{store.driver}{path}", {})]


def _differences(place: str, wanted: Any, found: Any) -> Iterator[str]:
    if wanted == found:
        return
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in dict.fromkeys((*wanted, *found)):
            yield from _differences(f"{place}/{key}", wanted.get(key), found.get(key))
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for number, (one, other) in enumerate(zip(wanted, found)):
            yield from _differences(f"{place}[{number}]", one, other)
    else:
        yield f"{place}: wanted {wanted}, found {found}"


def _names(store: Store) -> dict[str, str]:
    """What stands for each random ID and link."""
    names = {}
    for container in records(store, "containers"):
        word = " ".join(container.get("names") or ["nameless"])
        names[container["id"]] = f"<container {word}>"
        names[container["layer"]] = f"<layer of {word}>"
    for image in records(store, "images"):
        for number, layer in enumerate(image.get("mapped-layers") or []):
            names[layer] = f"<copy {number} of {image['layer']}>"
    home = Path(store.root, "overlay")
    for link in home.glob("*/link"):
        layer = link.parent.name
        names[link.read_text(encoding="ascii")] = f"<link to {names.get(layer, layer)}>"
    return names


def _records(prefix: str, paths: tuple[str, ...], names: dict[str, str]) -> list[dict[str, Any]]:
    found = [record for path in paths for record in _parsed(f"{prefix}{path}", names)]
    for record in found:
        if "layers" in paths[0] or "containers" in paths[0]:
            # An image has the time of its config.
            record.pop("created", None)
    return sorted(found, key=lambda record: str(record["id"]))


def _parsed(path: str, names: dict[str, str]) -> list[dict[str, Any]]:
    text = Path(path).read_text(encoding="utf-8") if os.path.exists(path) else ""
    parsed: list[dict[str, Any]] = json.loads(_named(text, names) or "[]")
    return parsed


def _files(root: str, word: str, rooms: list[str], names: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for room in rooms:
        _add(os.path.join(root, room), f"{word}/{room}", names, found)
    return found


def _add(path: str, name: str, names: dict[str, str], found: dict[str, Any]) -> None:
    base = os.path.basename(name)
    if base.endswith((".lock", ".json")) and name.count("/") == 2:
        return
    status = os.lstat(path) if os.path.lexists(path) else None
    if status is None:
        return
    label = _named(name, names)
    if base == "diff" or name.startswith(_WHOLE_TREES):
        found[label] = _tree(path)
        return
    entry: list[Any] = [oct(status.st_mode), status.st_uid, status.st_gid]
    if os.path.islink(path):
        entry.append(_named(os.readlink(path), names))
    elif os.path.isfile(path) and base != "buildah.json":
        entry.append(_content(path, names))
    found[label] = entry
    if os.path.isdir(path) and not os.path.islink(path) and not (base == "merged" and os.path.ismount(path)):
        for inner in sorted(os.listdir(path)):
            _add(os.path.join(path, inner), f"{name}/{inner}", names, found)


def _tree(path: str) -> dict[str, Any]:
    """A layer's tree; its root, and whiteouts, have the time of their making."""
    entries = describe_tree(path, frozenset(["."]))
    for entry in entries.values():
        # The kernel gives each upper directory one when it is first mounted.
        entry["xattrs"].pop("trusted.overlay.uuid", None)
        if entry.get("device") == (0, 0):
            entry.pop("mtime_ns")
    return entries


def _content(path: str, names: dict[str, str]) -> str:
    data = Path(path).read_bytes()
    if path.endswith(".gz"):
        data = gzip.decompress(data)
    if os.path.dirname(path).endswith("strata/mounts") and not os.path.basename(path).startswith("."):
        # Which mount it is for is told by an inode and a time.
        return str(json.loads(data).get("count"))
    return _named(data.decode("latin-1"), names)


def _named(text: str, names: dict[str, str]) -> str:
    for raw, name in names.items():
        text = text.replace(raw, name)
    return text
