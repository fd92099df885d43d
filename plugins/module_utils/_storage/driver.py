# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What a store asks of its storage driver: the part that keeps the trees of layers and mounts them.

Where the trees lie is the business of the layout. Which drivers there are is told by ``drivers``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from .._errors import HostError

if TYPE_CHECKING:
    from .mount_owners import MountOwners


class DriverUnsupported(HostError):
    """The store belongs to a driver, or is set up for something, that this engine does not have."""

    code = "driver_unsupported"


class MountRequest(NamedTuple):
    """How a layer is to be mounted.

    ``options`` are those of the container; with none the store's hold. ``label`` is an SELinux context, empty for none. With
    ``volatile`` nothing that is written needs to be synced: the container's files may be lost with the power.
    """

    read_only: bool = False
    options: Sequence[str] = ()
    label: str = ""
    volatile: bool = False


class TreeDriver(Protocol):
    """Keeps the trees of layers. Every call is made under the exclusive lock of the layers and raises HostError."""

    def adopt_layer(self, layer_id: str, parent: str | None, tree: str, root_attributes: bool) -> None:
        """Makes the staged directory ``tree`` the tree of a new layer on ``parent``, by renaming it.

        ``root_attributes`` tells that the tree's own root has the mode and owner that the layer wants.
        """

    def create_writable(self, layer_id: str, parent: str | None) -> None:
        """Makes an empty layer on ``parent`` that a container can write to."""

    def flush(self) -> None:
        """Returns when all that was written to the store is on the disk, where the store is set to wait for that."""

    def remove(self, layer_id: str) -> None:
        """Removes all that the driver keeps for a layer, complete or not; nothing to do where there is nothing."""


class StoreDriver(TreeDriver, Protocol):
    """A driver as the verbs need it. What changes something is called under the locks of the layers."""

    @property
    def unpack_task(self) -> str:
        """How the archive of a layer becomes its tree: one of those of ``unpack_tasks``."""

    @property
    def unpack_mode(self) -> int | None:
        """The mode that the task gives all files, None where each gets its own."""

    def begin_tree(self, tree: str, parent: str | None, staged: str | None) -> None:
        """Makes the empty directory ``tree`` what the archive of a layer on ``parent`` is to be unpacked into.

        That is a copy of the tree of ``parent`` where trees are whole, and stays empty else. ``staged`` is where that tree
        lies, None where it is in the store already. No lock is needed. Raises StoreDamaged where it is not, and HostError.
        """

    def ensure_usable(self) -> None:
        """Raises DriverUnsupported where the store is set up for something that this engine cannot do."""

    def check_support(self) -> None:
        """Returns when layers can be kept and mounted here. Raises DriverUnsupported, NotRoot and HostError."""

    def status(self) -> dict[str, str]:
        """What the driver is, in the words of ``podman info``; only reads, also where the store does not exist."""

    def read_only(self, request: MountRequest) -> bool:
        """Whether such a mount cannot be written. Raises DriverUnsupported where the driver has no such mounts."""

    def mount(self, layer_id: str, request: MountRequest, owners: MountOwners | None = None) -> str:
        """Mounts a layer, and returns the path. ``owners`` is for a container with ID maps.

        Raises DriverUnsupported, StoreDamaged and HostError.
        """

    def unmount(self, layer_id: str) -> None:
        """Takes every mount of a layer away. Raises HostError."""

    def make_mount_point(self, layer_id: str) -> None:
        """Makes the directory on which a layer is mounted, where it is missing. Raises HostError."""

    def renew_mount_point(self, layer_id: str) -> None:
        """Puts a fresh mount point in the place of one that was used. Raises HostError."""

    def hold_home(self) -> None:
        """Makes the driver's home ready for mounts. The caller holds ``storage.lock``. Raises HostError."""

    def release_home(self) -> bool:
        """Takes back what hold_home() did where nothing is mounted, and tells whether there was something to take back.

        The caller holds ``storage.lock``. Raises HostError.
        """
