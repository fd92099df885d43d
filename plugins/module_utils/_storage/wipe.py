# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Emptying a store: every container, image and layer gone, the store itself as good as new.

The order is that of ``Wipe`` in containers/storage: containers, images, layers, and then what the driver still has. A kill
in between leaves a valid store with less in it, and the next wipe finds the rest.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from .._host.locks import exclusive
from .._host.mountinfo import mounts_below
from .._host.mounts import unmount
from .._host.remove_tree import remove_tree
from .broken_records import empty_unreadable
from .catalog import Catalog
from .check_orphans import link_problems, orphan_problems
from .driver import StoreDriver
from .edit import Tables, open_for_change
from .last_write import stamp
from .layout import Layout
from .mount_marker import holds_count
from .prepare import prepare_store
from .problem import Elsewhere, Evidence, Problem, listed
from .remove_layer import remove_layers


def is_store(layout: Layout) -> bool:
    """Whether the graph root is a store, or may become one: it is missing or empty, or has the directories of a store."""
    if not os.path.lexists(layout.graph_root):
        return True
    parts = (layout.driver_home, layout.layers_dir, layout.images_dir, layout.containers_dir)
    return os.path.isdir(layout.graph_root) and (
        any(map(os.path.isdir, parts)) or not any(True for _entry in listed(layout.graph_root))
    )


def in_use(evidence: Evidence) -> Iterator[tuple[str, str]]:
    """What others than this engine have mounted: the name or ID of a container, image or layer, and where.

    Only reads. Raises HostError.
    """
    layout, catalog = evidence.layout, evidence.catalog
    owners: dict[str, list[tuple[str, str]]] = {}
    for container in catalog.containers:
        owners.setdefault(container.layer, []).append((container.id, next(iter(container.names), container.id)))
    for image in catalog.images:
        owners.setdefault(image.layer, []).append((image.id, next(iter(image.names), image.id)))
    for layer_id, path in _mounts(evidence):
        recorded = catalog.mount_counts.get(layer_id)
        count = recorded.count if recorded else 0
        known = owners.get(layer_id, []) if layer_id else []
        ours = sum(holds_count(layout, owner_id, layer_id, count) for owner_id, _name in known)
        if ours == 0 or count > ours:
            yield known[0][1] if known else layer_id or "something unknown", path
    for container in catalog.containers:
        for entry in mounts_below(layout.container_dir(container.id)):
            yield next(iter(container.names), container.id), entry.mount_point


def _mounts(evidence: Evidence) -> Iterator[tuple[str, str]]:
    """The ID of each mounted layer, and where it is; an empty one for a mount of anything else in the driver's home."""
    layout, catalog = evidence.layout, evidence.catalog
    layers = {os.path.realpath(layout.merged(layer.id)): layer.id for layer in catalog.layers if layout.stacked}
    for entry in mounts_below(layout.driver_home):
        yield layers.get(entry.mount_point, ""), entry.mount_point
    if not layout.stacked:
        for layer_id, recorded in catalog.mount_counts.items():
            yield layer_id, recorded.path


def remains(evidence: Evidence) -> list[str]:
    """Paths of what is in the store without a readable record, and of record files that cannot be read. Only reads."""
    found: list[Problem] = [*orphan_problems(evidence), *link_problems(evidence)]
    paths = [problem.subject for problem in found]
    return paths + [error.subject for error in evidence.unreadable] + list(_copies(evidence.layout))


def wipe(layout: Layout, driver: StoreDriver, unreadable: tuple[str, ...]) -> None:
    """Deletes everything that is in the store, whoever uses it; ``unreadable`` are record files that count as empty.

    Raises HostError.
    """
    prepare_store(layout)
    for path in unreadable:
        empty_unreadable(layout, path)
    with exclusive(layout.storage_lock) as storage:
        with open_for_change(layout, layers=True, mounts=True, images=True, containers=True) as tables:
            _unmount_all(tables, layout, driver, storage)
            _forget_containers_and_images(tables, layout)
            layers = [layer.id for layer in tables.layers]
            remove_layers(tables, layout, driver, reversed(layers))
            _remove_rest(tables, layout, driver)


def _unmount_all(tables: Tables, layout: Layout, driver: StoreDriver, storage: int) -> None:
    for layer in tables.layers:
        driver.unmount(layer.id)
        tables.mounts.remove(layer.id)
    for record in list(tables.mounts):
        tables.mounts.remove(record.id)
    for directory in (layout.driver_home, layout.containers_dir):
        # The innermost come last in the table.
        for entry in reversed(mounts_below(directory)):
            unmount(entry.mount_point, detach=True)
    # While there are records by which the next wipe finds that this one was not done.
    if driver.release_home():
        stamp(storage)
    tables.save_mounts()
    remove_tree(layout.mount_markers)


def _forget_containers_and_images(tables: Tables, layout: Layout) -> None:
    containers = [container.id for container in tables.containers]
    for container_id in containers:
        tables.containers.remove(container_id)
    tables.save_containers()
    for container_id in containers:
        remove_tree(layout.container_dir(container_id))
        remove_tree(layout.container_run_dir(container_id))
    images = [image.id for image in tables.images]
    for image_id in images:
        tables.images.remove(image_id)
    tables.save_images()
    for image_id in images:
        remove_tree(layout.image_dir(image_id))


def _remove_rest(tables: Tables, layout: Layout, driver: StoreDriver) -> None:
    """Removes what had no record."""
    nothing = Evidence(layout, Catalog(), Elsewhere())
    for problems in (orphan_problems, link_problems):
        for problem in list(problems(nothing)):
            if problem.mend is not None:
                problem.mend.do(tables, layout, driver)
    for path in list(_copies(layout)):
        remove_tree(path)


def _copies(layout: Layout) -> Iterator[str]:
    """The copies of unreadable record files that a check kept."""
    for record_file in (*layout.record_files, layout.mountpoints_json):
        for _name, path in listed(os.path.dirname(record_file)):
            if path.startswith(layout.set_aside(record_file, "")):
                yield path
