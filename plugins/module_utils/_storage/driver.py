# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What the records of a store ask of a storage driver: the part that keeps the trees of layers."""

from __future__ import annotations

from typing import Protocol


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
