# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Files and directories of the store that belong to nothing, and mount counts without a mount."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from .._host.mountinfo import mount_at, mounts_below
from .._host.os_errors import reporting
from .._host.remove_tree import remove_tree
from .driver import StoreDriver
from .edit import Tables
from .layout import ATOMIC_PREFIX, NO_LAYERS, TAR_SPLIT_SUFFIX, Layout
from .overlay_links import dangling_links
from .problem import CONTAINER, Doing, Evidence, Mend, Problem, listed
from .temp_dirs import dead_temp_dirs, recover_temp_dirs

_ID = re.compile(r"[0-9a-f]{64}", re.ASCII)


def orphan_problems(evidence: Evidence) -> Iterator[Problem]:
    """What lies in the store without a record, or is left of processes that died. Only IDs are looked at. Raises HostError."""
    layout, catalog = evidence.layout, evidence.catalog
    layers = {layer.id for layer in catalog.layers}
    images = {image.id for image in catalog.images}
    containers = {container.id for container in catalog.containers}
    needed = _needed(evidence)
    yield from _layer_directories(layout, layers, needed)
    for name, path in listed(layout.layers_dir):
        layer_id = name[: -len(TAR_SPLIT_SUFFIX)] if name.endswith(TAR_SPLIT_SUFFIX) else name
        if _ID.fullmatch(layer_id) and layer_id not in layers:
            kind = "orphan_layer_data" if name == layer_id else "orphan_tar_split"
            yield _orphan(kind, path, "data of a layer that has no record", needed.get(layer_id))
    for directory, known, word in (
        (layout.images_dir, images, "image"),
        (layout.containers_dir, containers, "container"),
        (layout.run_containers_dir, containers, "container"),
    ):
        for name, path in listed(directory):
            if _ID.fullmatch(name) and name not in known and os.path.isdir(path):
                yield _orphan(f"orphan_{word}_directory", path, f"a directory of {word} data that has no record")
    yield from _leftovers(layout)


def link_problems(evidence: Evidence) -> Iterator[Problem]:
    """Short links that lead nowhere; only where trees are stacked there are any. Raises HostError."""
    if not evidence.layout.stacked:
        return
    for name in dangling_links(evidence.layout, {layer.id for layer in evidence.catalog.layers}):
        path = evidence.layout.link(name)
        yield Problem("stale_link", path, "the short link leads to no layer", Mend("remove the link", _unlinker(path)))


def count_problems(evidence: Evidence) -> Iterator[Problem]:
    """Mount counts of what is not mounted, as a crash leaves them behind. Raises HostError."""
    if not evidence.layout.stacked:
        yield from _counts_of_nothing(evidence)
        return
    points = {entry.mount_point for entry in mounts_below(evidence.layout.driver_home)}
    for layer_id, recorded in evidence.catalog.mount_counts.items():
        inside = os.path.realpath(recorded.path) in points
        if inside or (not recorded.path.startswith(evidence.layout.driver_home) and mount_at(recorded.path)):
            continue
        message = f"{recorded.count} users of a mount at {recorded.path} are recorded, and nothing is mounted there"
        yield _stale_count(layer_id, message)


def _counts_of_nothing(evidence: Evidence) -> Iterator[Problem]:
    """Where trees are whole a count is all that there is of a mount, and only one of a layer that is gone is wrong."""
    for layer_id, recorded in evidence.catalog.mount_counts.items():
        if evidence.catalog.layer(layer_id) is None:
            yield _stale_count(layer_id, f"{recorded.count} users of a layer that has no record are recorded")


def _stale_count(layer_id: str, message: str) -> Problem:
    return Problem("mount_count_stale", layer_id, message, Mend("drop the count", _count_dropper(layer_id)))


def _needed(evidence: Evidence) -> dict[str, tuple[str, str]]:
    """The layers without a record that a container has for its own or lies on, by their IDs, each with the container.

    What was written in the container is in the first, and cannot be used without the second.
    """
    needed: dict[str, tuple[str, str]] = {}
    for container in evidence.catalog.containers:
        chain = evidence.lineage(container.layer)
        lost = (chain[-1].parent if chain else container.layer) or ""
        needed.setdefault(lost, (CONTAINER, container.id))
    return needed


def _layer_directories(
    layout: Layout, layers: Iterable[str], needed: Mapping[str, tuple[str, str]]
) -> Iterator[Problem]:
    points = [entry.mount_point for entry in mounts_below(layout.driver_home)]
    known = set(layers)
    for name, path in listed(layout.layer_trees):
        if name in NO_LAYERS or name in known or not _ID.fullmatch(name) or not os.path.isdir(path):
            continue
        inside = os.path.join(os.path.realpath(path), "")
        message = "the driver has a directory for a layer that has no record"
        if name not in needed and any(point.startswith(inside) for point in points):
            yield Problem("orphan_layer_directory", path, f"{message}, and something is mounted in it")
        else:
            mend = Mend("delete the directory", _tree_remover(name))
            yield Problem("orphan_layer_directory", path, message, mend, needed.get(name))


def _leftovers(layout: Layout) -> Iterator[Problem]:
    message = "left behind by a process that died"
    for root in (layout.tempdirs, layout.layers_tmp):
        for path in dead_temp_dirs(root):
            yield Problem("leftover", path, message, Mend("delete it", _temp_remover(root)))
    directories = [layout.layers_dir, layout.run_layers_dir, layout.containers_dir, layout.images_dir]
    for parent in (layout.images_dir, layout.containers_dir):
        directories += [path for name, path in listed(parent) if _ID.fullmatch(name) and os.path.isdir(path)]
    for directory in directories:
        for name, path in listed(directory):
            if name.startswith(ATOMIC_PREFIX):
                yield _orphan("leftover", path, message)


def _orphan(kind: str, path: str, message: str, owner: tuple[str, str] | None = None) -> Problem:
    return Problem(kind, path, message, Mend("delete it", _path_remover(path)), owner)


def _path_remover(path: str) -> Doing:
    def remove(_tables: Tables, _layout: Layout, _driver: StoreDriver) -> None:
        remove_tree(path)

    return remove


def _tree_remover(layer_id: str) -> Doing:
    def remove(_tables: Tables, _layout: Layout, driver: StoreDriver) -> None:
        # That of a container may be mounted.
        driver.unmount(layer_id)
        driver.remove(layer_id)

    return remove


def _temp_remover(root: str) -> Doing:
    def remove(_tables: Tables, _layout: Layout, _driver: StoreDriver) -> None:
        recover_temp_dirs(root)

    return remove


def _unlinker(path: str) -> Doing:
    def unlink(_tables: Tables, _layout: Layout, _driver: StoreDriver) -> None:
        with reporting("unlink", path), suppress(FileNotFoundError):
            os.unlink(path)

    return unlink


def _count_dropper(layer_id: str) -> Doing:
    def drop(tables: Tables, _layout: Layout, _driver: StoreDriver) -> None:
        tables.mounts.remove(layer_id)
        tables.save_mounts()

    return drop
