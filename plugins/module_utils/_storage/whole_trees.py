# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What drivers have in common whose trees are whole: each layer is a directory with all that is below it.

To mount a layer is to count who uses its directory, and nothing else.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .._host.machine import is_root
from .._host.os_errors import reporting
from .._host.remove_tree import remove_tree
from .driver import DriverUnsupported, MountRequest
from .json_record import StoreDamaged
from .layout import Layout
from .prepare import NotRoot
from .unpack_tasks import APPLY

if TYPE_CHECKING:
    from .mount_owners import MountOwners

_BASE_MODE = 0o555
# What a container or an image may ask for, and upstream ignores: the directory is writable for who can reach it.
_IGNORED_OPTION = "ro"


class WholeTreeDriver:
    """Keeps the layer trees of one store. Calls that change something are made under the locks of the layers."""

    unpack_task = APPLY
    unpack_mode = None

    def __init__(self, layout: Layout, image_stores: tuple[str, ...] = ()) -> None:
        """``image_stores`` are the graph roots of additional stores."""
        self._layout = layout
        self._image_stores = image_stores

    # What can be done here

    def ensure_usable(self) -> None:
        """Returns: no setting asks for what this engine has not."""

    def check_support(self) -> None:
        """Raises NotRoot where trees cannot be made with their owners, and what ensure_usable() raises."""
        self.ensure_usable()
        if not is_root():
            raise NotRoot(f"the {self._layout.driver} driver needs root rights", subject=self._layout.graph_root)

    def status(self) -> dict[str, str]:
        """What the driver says of itself: nothing."""
        return {}

    # Layers

    def adopt_layer(self, layer_id: str, parent: str | None, tree: str, root_attributes: bool) -> None:
        """Makes the staged directory ``tree`` the tree of a new layer, by renaming it. Raises HostError."""
        target = self._layout.diff(layer_id)
        # What a killed process left.
        remove_tree(target)
        with reporting("move the layer to", target):
            # A tree that began as that of another layer has them from there.
            if parent is None and not root_attributes:
                set_base_attributes(tree)
            os.rename(tree, target)

    def flush(self) -> None:
        """Returns: without a setting nobody waits for the disk."""

    def remove(self, layer_id: str) -> None:
        """Removes the tree of a layer, complete or not. Raises HostError."""
        remove_tree(self._layout.driver_layer(layer_id))

    # Mounting

    def read_only(self, request: MountRequest) -> bool:
        """False: nothing keeps anybody from writing into the directory.

        Upstream takes the option ``ro`` and does nothing about it, as here. Raises DriverUnsupported for another, and where a
        read-only mount is asked for.
        """
        for option in request.options:
            if option != _IGNORED_OPTION:
                raise DriverUnsupported(f"the {self._layout.driver} driver knows no mount options", subject=option)
        if request.read_only:
            raise DriverUnsupported(
                f"the {self._layout.driver} driver cannot keep the files of a container from being written",
                subject=self._layout.graph_root,
                wanted="a read-only mount",
            )
        return False

    def mount(self, layer_id: str, request: MountRequest, owners: MountOwners | None = None) -> str:
        """The directory of the layer. Raises DriverUnsupported for what no directory can be, and StoreDamaged."""
        del owners
        self.read_only(request)
        return self.tree_of(layer_id)

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

    def tree_of(self, layer_id: str) -> str:
        """The tree of a layer: in this store, else in the first additional one that has it. Raises StoreDamaged."""
        stores = (self._layout, *(self._layout.of(store) for store in self._image_stores))
        for store in stores:
            if os.path.isdir(store.diff(layer_id)):
                return store.diff(layer_id)
        raise StoreDamaged(
            "the layer has a record, but the driver has no tree for it",
            subject=layer_id,
            wanted=self._layout.diff(layer_id),
        )


def set_base_attributes(tree: str) -> None:
    """Gives the root of a tree with nothing below the mode and owner that upstream gives it. Raises OSError."""
    os.chown(tree, 0, 0)
    os.chmod(tree, _BASE_MODE)
