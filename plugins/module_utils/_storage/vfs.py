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
from collections.abc import Sequence

from .._errors import HostError
from .._host.copy_tree import copy_tree
from .._host.filesystem import sync_filesystems
from .._host.machine import is_root
from .._host.os_errors import reporting
from .._host.remove_tree import remove_tree
from .driver import DriverUnsupported
from .json_record import StoreDamaged
from .layout import Layout
from .prepare import NotRoot
from .vfs_options import parse_vfs_options

_BASE_MODE = 0o555
# What a container or an image may ask for, and upstream ignores: the directory is writable for who can reach it.
_IGNORED_OPTION = "ro"


class VfsDriver:
    """Keeps the layer trees of one store. Calls that change something are made under the locks of the layers."""

    def __init__(self, layout: Layout, options: tuple[str, ...] = ()) -> None:
        """``options`` are driver options such as ``vfs.imagestore=/mnt/images``. Raises InvalidDriverOption."""
        self._layout = layout
        self._options = parse_vfs_options(options)

    # What can be done here

    def ensure_native(self) -> None:
        """Returns: no setting of this driver asks for what this engine has not."""

    def check_support(self) -> None:
        """Raises NotRoot where trees cannot be copied with their owners."""
        if not is_root():
            raise NotRoot("the vfs driver needs root rights", subject=self._layout.graph_root)

    def status(self) -> dict[str, str]:
        """Nothing, as upstream's."""
        return {}

    # Layers

    def begin_tree(self, tree: str, parent: str | None, staged: str | None) -> None:
        """Makes the empty directory ``tree`` a copy of the tree of ``parent``, which is ``staged`` or in the store.

        Raises StoreDamaged where it is in no store, or vanishes meanwhile, and HostError.
        """
        if parent is None:
            return
        source = staged or self._tree_of(parent)
        try:
            copy_tree(source, tree)
        except HostError as error:
            if os.path.isdir(source):
                raise
            raise StoreDamaged("the tree of the layer below is missing", subject=parent, wanted=source) from error

    def adopt_layer(self, layer_id: str, parent: str | None, tree: str, root_attributes: bool) -> None:
        """Makes the staged directory ``tree`` the tree of a new layer, by renaming it. Raises HostError."""
        target = self._layout.diff(layer_id)
        # What a killed process left.
        remove_tree(target)
        with reporting("move the layer to", target):
            # A copy has them from below.
            if parent is None and not root_attributes:
                _set_base_attributes(tree)
            os.rename(tree, target)

    def create_writable(self, layer_id: str, parent: str | None) -> None:
        """Makes a copy of the tree of ``parent`` that a container can write to.

        After an error the caller removes the layer. Raises StoreDamaged and HostError.
        """
        target = self._layout.diff(layer_id)
        remove_tree(target)
        with reporting("make the directory", target):
            os.mkdir(target, 0o700)
            _set_base_attributes(target)
        self.begin_tree(target, parent, None)

    def flush(self) -> None:
        """With the option ``sync=filesystem``, returns when all that was written to the store is on the disk. Raises HostError."""
        if self._options.sync:
            sync_filesystems(self._layout.graph_root, self._layout.driver_home)

    def remove(self, layer_id: str) -> None:
        """Removes the tree of a layer, complete or not. Raises HostError."""
        remove_tree(self._layout.driver_layer(layer_id))

    # Mounting

    def read_only(self, read_only: bool, mount_options: Sequence[str]) -> bool:
        """False: nothing keeps anybody from writing into the directory.

        Upstream takes the option ``ro`` and does nothing about it, as here. Raises DriverUnsupported for another, and where
        ``read_only`` is asked for.
        """
        for option in mount_options:
            if option != _IGNORED_OPTION:
                raise DriverUnsupported("the vfs driver knows no mount options", subject=option)
        if read_only:
            raise DriverUnsupported(
                "the vfs driver cannot keep the files of a container from being written",
                subject=self._layout.graph_root,
                wanted="a read-only mount",
            )
        return False

    def mount(
        self, layer_id: str, *, read_only: bool, mount_options: Sequence[str], mount_label: str, volatile: bool = False
    ) -> str:
        """The directory of the layer. Raises DriverUnsupported for what no directory can be, and StoreDamaged."""
        del mount_label, volatile
        self.read_only(read_only, mount_options)
        return self._tree_of(layer_id)

    def unmount(self, layer_id: str) -> None:
        """Does nothing: the count was all that there is."""
        del layer_id

    def make_mount_point(self, layer_id: str) -> None:
        """Does nothing: it is the tree."""
        del layer_id

    def renew_mount_point(self, layer_id: str) -> None:
        """Does nothing: it is the tree."""
        del layer_id

    def hold_home(self) -> None:
        """Does nothing: there are no mounts below it."""

    def release_home(self) -> bool:
        """False: there is nothing to release."""
        return False

    # Steps

    def _tree_of(self, layer_id: str) -> str:
        """The tree of a layer: in this store, else in the first additional one that has it. Raises StoreDamaged."""
        stores = (self._layout, *(self._layout.of(store) for store in self._options.image_stores))
        for store in stores:
            if os.path.isdir(store.diff(layer_id)):
                return store.diff(layer_id)
        raise StoreDamaged(
            "the layer has a record, but the driver has no tree for it",
            subject=layer_id,
            wanted=self._layout.diff(layer_id),
        )


def _set_base_attributes(tree: str) -> None:
    os.chown(tree, 0, 0)
    os.chmod(tree, _BASE_MODE)
