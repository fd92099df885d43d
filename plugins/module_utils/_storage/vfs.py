# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The vfs driver: each layer is a directory with the whole tree, made by copying the one below.

Upstream: ``drivers/vfs/driver.go`` of containers/storage. It needs nothing of the kernel, and the space of a full copy for
each layer and container, where the file system cannot share the blocks of files (Btrfs and XFS can).
"""

from __future__ import annotations

import os

from .._errors import HostError
from .._host.copy_tree import copy_tree
from .._host.filesystem import sync_filesystems
from .._host.os_errors import reporting
from .._host.remove_tree import remove_tree
from .json_record import StoreDamaged
from .layout import Layout
from .vfs_options import parse_vfs_options
from .whole_trees import WholeTreeDriver, set_base_attributes


class VfsDriver(WholeTreeDriver):
    """Keeps the layer trees of one store. Calls that change something are made under the locks of the layers."""

    def __init__(self, layout: Layout, options: tuple[str, ...] = ()) -> None:
        """``options`` are driver options such as ``vfs.imagestore=/mnt/images``. Raises InvalidDriverOption."""
        self._options = parse_vfs_options(options)
        super().__init__(layout, self._options.image_stores)

    def begin_tree(self, tree: str, parent: str | None, staged: str | None) -> None:
        """Makes the empty directory ``tree`` a copy of the tree of ``parent``, which is ``staged`` or in the store.

        Raises StoreDamaged where it is in no store, or vanishes meanwhile, and HostError.
        """
        if parent is None:
            return
        source = staged or self.tree_of(parent)
        try:
            copy_tree(source, tree)
        except HostError as error:
            if os.path.isdir(source):
                raise
            raise StoreDamaged("the tree of the layer below is missing", subject=parent, wanted=source) from error

    def create_writable(self, layer_id: str, parent: str | None) -> None:
        """Makes a copy of the tree of ``parent`` that a container can write to.

        After an error the caller removes the layer. Raises StoreDamaged and HostError.
        """
        target = self._layout.diff(layer_id)
        remove_tree(target)
        with reporting("make the directory", target):
            os.mkdir(target, 0o700)
            set_base_attributes(target)
        self.begin_tree(target, parent, None)

    def flush(self) -> None:
        """With the option ``sync=filesystem``, returns when all that was written to the store is on the disk. Raises HostError."""
        if self._options.sync:
            sync_filesystems(self._layout.graph_root, self._layout.driver_home)
