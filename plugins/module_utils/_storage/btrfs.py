# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The btrfs driver: each layer is a subvolume with the whole tree, made as a snapshot of the one below.

Upstream: ``drivers/btrfs/btrfs.go`` of containers/storage. What a snapshot does not change it shares with its source, and it
is made at once however large that is.
"""

from __future__ import annotations

import os

from .._errors import HostError
from .._host.btrfs import create_subvolume, is_subvolume, snapshot
from .._host.filesystem import backing_filesystem, nearest_directory
from .._host.mounts import release_bind
from .._host.os_errors import reporting
from .._host.remove_tree import remove_tree
from .btrfs_options import first_limit
from .driver import DriverUnsupported
from .json_record import StoreDamaged
from .layout import BtrfsLayout
from .whole_trees import WholeTreeDriver, set_base_attributes

_NAME = "btrfs"


class BtrfsDriver(WholeTreeDriver):
    """Keeps the layer trees of one store. Calls that change something are made under the locks of the layers."""

    def __init__(self, layout: BtrfsLayout, options: tuple[str, ...] = ()) -> None:
        """``options`` are driver options such as ``btrfs.min_space=1G``. Raises InvalidDriverOption."""
        super().__init__(layout)
        self._quota = layout.quota
        self._limit = first_limit(options)

    def ensure_usable(self) -> None:
        """Raises DriverUnsupported where the store is on another file system, LimitUnsupported where sizes shall be limited."""
        home = self._layout.driver_home
        found = backing_filesystem(home)
        if found != _NAME:
            raise DriverUnsupported(
                "the store is not on a Btrfs file system", subject=home, wanted=_NAME, found=f"{found}, {_place(home)}"
            )
        if self._limit:
            from .overlay_support import LimitUnsupported

            raise LimitUnsupported("this engine sets no quotas of Btrfs yet", subject=self._limit)

    def begin_tree(self, tree: str, parent: str | None, staged: str | None) -> None:
        """Puts a subvolume in the place of the empty directory ``tree``: a snapshot of ``parent``, which is ``staged`` or in
        the store, or an empty one.

        Raises StoreDamaged where ``parent`` has no subvolume, and HostError.
        """
        with reporting("make a subvolume of", tree):
            os.rmdir(tree)
        self._make(tree, parent, staged)
        if parent is None:
            with reporting("set the mode of", tree):
                os.chmod(tree, 0o700)

    def create_writable(self, layer_id: str, parent: str | None) -> None:
        """Makes a snapshot of the tree of ``parent`` that a container can write to.

        After an error the caller removes the layer. Raises StoreDamaged and HostError.
        """
        target = self._layout.diff(layer_id)
        remove_tree(target)
        self._make(target, parent, None)
        if parent is None:
            with reporting("set the owner of", target):
                set_base_attributes(target)

    def remove(self, layer_id: str) -> None:
        """Removes the subvolume of a layer, complete or not, with those inside it. Raises HostError."""
        # The other way round a kill would leave the file for ever.
        remove_tree(self._quota(layer_id))
        super().remove(layer_id)

    def release_home(self) -> bool:
        """Takes the bind of the home onto itself away that other tools make, though nothing is mounted in it, and often leave.

        The caller holds ``storage.lock``. Raises HostError.
        """
        return release_bind(self._layout.driver_home)

    def _make(self, tree: str, parent: str | None, staged: str | None) -> None:
        if parent is None:
            create_subvolume(tree)
            return
        source = staged or self.tree_of(parent)
        try:
            snapshot(source, tree)
        except HostError as error:
            if not os.path.isdir(source):
                raise StoreDamaged("the tree of the layer below is missing", subject=parent, wanted=source) from error
            if not is_subvolume(source):
                raise StoreDamaged(
                    "the tree of the layer below is a plain directory",
                    subject=parent,
                    wanted="a subvolume",
                    found=source,
                ) from error
            raise


def _place(home: str) -> str:
    nearest = nearest_directory(home)
    return "which is there" if nearest == home else f"by the directory {nearest}"
