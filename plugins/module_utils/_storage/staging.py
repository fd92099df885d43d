# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Where layers are made ready before they enter the store, and the removal of what killed processes left behind.

Trees are staged inside the driver's home: while a layer is mounted the home is a mount of its own, and a rename into it
from outside fails.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .._host.locks import exclusive
from .._host.os_errors import reporting
from .._host.remove_tree import remove_tree
from .catalog import read_catalog
from .edit import open_for_change
from .layout import ATOMIC_PREFIX, Layout
from .temp_dirs import recover_temp_dirs, temp_dir

_IMAGE_ID = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class Staging:
    """Two empty directories: ``tree`` for layer trees, ``records`` for files that go beside the layer records."""

    tree: str
    records: str


@contextmanager
def open_staging(layout: Layout) -> Iterator[Staging]:
    """Makes a staging area in a prepared store; at the end whatever is left in it is removed, whoever owns it.

    Raises HostError.
    """
    with temp_dir(layout.tempdirs) as tree, temp_dir(layout.layers_tmp) as records:
        yield Staging(tree, records)


def recover_leftovers(layout: Layout) -> None:
    """Removes what processes that are gone left half-made in the store; what anybody works on is not touched.

    These are staging areas whose lock is free, temporary files of record files and big data, and directories of images
    without a record. The files are written under the exclusive lock of their records only, so whatever is there while
    we hold that lock is nobody's. A lock is taken only where there is something to look at. Raises HostError.
    """
    recover_temp_dirs(layout.tempdirs)
    recover_temp_dirs(layout.layers_tmp)
    for directory, lock in (
        (layout.layers_dir, layout.layers_lock),
        (layout.run_layers_dir, layout.mountpoints_lock),
        (layout.containers_dir, layout.containers_lock),
    ):
        if _unfinished(directory):
            with exclusive(lock):
                _remove(_unfinished(directory))
    _recover_images(layout)


def _recover_images(layout: Layout) -> None:
    directories = [path for path in _listed(layout.images_dir) if _IMAGE_ID.fullmatch(os.path.basename(path))]
    known = {record.id for record in read_catalog(layout).images}
    if not any(map(_unfinished, [layout.images_dir, *directories])) and all(
        os.path.basename(path) in known for path in directories
    ):
        return
    with open_for_change(layout, images=True) as tables:
        known = {record.id for record in tables.images}
        for path in directories:
            _remove(_unfinished(path) if os.path.basename(path) in known else [path])
        _remove(_unfinished(layout.images_dir))


def _unfinished(directory: str) -> list[str]:
    """The files in ``directory`` that an interrupted atomic write left, or that is being written now."""
    return [path for path in _listed(directory) if os.path.basename(path).startswith(ATOMIC_PREFIX)]


def _listed(directory: str) -> list[str]:
    """The paths of all entries; none where the directory is missing."""
    if not os.path.isdir(directory):
        return []
    with reporting("list", directory):
        return [f"{directory}/{name}" for name in os.listdir(directory)]


def _remove(paths: Iterable[str]) -> None:
    for path in paths:
        remove_tree(path)
