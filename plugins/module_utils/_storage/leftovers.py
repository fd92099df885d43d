# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Removing the files that killed processes left half-made in the store, where no record tells of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from .._host.atomic_files import temporary_of
from .._host.locks import exclusive
from .._host.os_errors import reporting
from .._host.remove_tree import remove_tree
from .catalog import Catalog, read_catalog
from .layout import ATOMIC_PREFIX, Layout
from .mount_marker import marked_owners, remove_marker, unsettled_markers, write_marker
from .prepare import make_directory, prepare_store
from .records import ContainerRecord, ImageRecord
from .temp_dirs import recover_temp_dirs

_IMAGE_ID = re.compile(r"[0-9a-f]{64}", re.ASCII)


def recover_leftovers(layout: Layout, catalog: Catalog | None = None) -> None:
    """Removes what processes that are gone left half-made in the store; what anybody works on is not touched.

    These are staging areas whose lock is free, temporary files of record files and big data, directories of images
    without a record, and mount markers of what is mounted no more. The files are written under the exclusive lock of
    their records only, so whatever is there while we hold that lock is nobody's. A lock is taken only where there is
    something to look at. With ``catalog``, the records as they were just now, the look is a quick one: what is well does not
    cost more the more layers there are. The directories of images that have a record are left out then, and of record files
    only what we write ourselves is looked for. Raises HostError.
    """
    recover_temp_dirs(layout.tempdirs)
    recover_temp_dirs(layout.layers_tmp)
    for directory, written, lock in (
        (layout.layers_dir, (layout.layers_json, layout.volatile_layers_json), layout.layers_lock),
        (layout.driver_home, (layout.has_mount_program,), layout.layers_lock),
        (layout.run_layers_dir, (layout.mountpoints_json,), layout.mountpoints_lock),
        (layout.containers_dir, (layout.containers_json, layout.volatile_containers_json), layout.containers_lock),
    ):
        if catalog and not any(map(os.path.lexists, map(temporary_of, written))):
            continue
        _recover_files(layout, directory, lock)
    _recover_files(layout, layout.mount_markers, layout.mountpoints_lock)
    _recover_images(layout, catalog)
    _recover_markers(layout, catalog)


def _recover_files(layout: Layout, directory: str, lock: str) -> None:
    if unfinished(directory):
        # The run root is emptied by a reboot, and perhaps not all of it.
        prepare_store(layout)
        with exclusive(lock):
            _remove(unfinished(directory))


def unfinished(directory: str) -> list[str]:
    """The files in ``directory`` that an interrupted atomic write left, or that is being written now."""
    return [f"{directory}/{name}" for name in filter(_is_temporary, _listed(directory))]


def _is_temporary(name: str) -> bool:
    return name.startswith(ATOMIC_PREFIX)


def _recover_images(layout: Layout, catalog: Catalog | None) -> None:
    names = _listed(layout.images_dir)
    known = {record.id for record in (catalog or read_catalog(layout)).own().images}
    unknown = [name for name in names if name not in known and _IMAGE_ID.fullmatch(name)]
    looked_at = unknown if catalog else list(filter(_IMAGE_ID.fullmatch, names))
    if (
        not unknown
        and not any(map(_is_temporary, names))
        and not any(map(unfinished, map(layout.image_dir, looked_at)))
    ):
        return
    from .edit import open_for_change

    with open_for_change(layout, images=True) as tables:
        known = {record.id for record in tables.images}
        for path in map(layout.image_dir, filter(_IMAGE_ID.fullmatch, names)):
            _remove(unfinished(path) if os.path.basename(path) in known else [path])
        _remove(unfinished(layout.images_dir))


def _recover_markers(layout: Layout, catalog: Catalog | None) -> None:
    if not marked_owners(layout):
        return
    known = (catalog or read_catalog(layout)).own()
    counts = {layer_id: recorded.count for layer_id, recorded in known.mount_counts.items()}
    if not any(unsettled_markers(layout, _layers_of(known.images, known.containers), counts)):
        return
    from .edit import open_for_change

    with open_for_change(layout, layers=True, mounts=True, images=True, containers=True) as tables:
        layers = _layers_of(tables.images, tables.containers)
        counts = {record.id: record.count for record in tables.mounts}
        dead, ours = unsettled_markers(layout, layers, counts)
        for owner_id in dead:
            # Between taking a used mount point away and putting a fresh one in its place the process may have died.
            if os.path.isdir(layout.diff(layers.get(owner_id, ""))):
                make_directory(layout.merged(layers[owner_id]))
            remove_marker(layout, owner_id)
        for owner_id in ours:
            write_marker(layout, owner_id, layers[owner_id])


def _layers_of(images: Iterable[ImageRecord], containers: Iterable[ContainerRecord]) -> dict[str, str]:
    """Which layer is mounted for each image and container."""
    return {
        **{image.id: image.layer for image in images},
        **{container.id: container.layer for container in containers},
    }


def _listed(directory: str) -> list[str]:
    """The names of all entries; none where the directory is missing. There may be thousands, of which all is well with each."""
    if not os.path.isdir(directory):
        return []
    with reporting("list", directory):
        return os.listdir(directory)


def _remove(paths: Iterable[str]) -> None:
    for path in paths:
        remove_tree(path)
