# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Whose the files of a store's layers are: shown with other owners, or given to others, by whatever the driver can do.

This stands beside the drivers, since only containers with ID maps have a use for it, and few have some.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Optional, TypeVar

from .._errors import HostError
from .._host.os_errors import reporting
from .._host.rooted_tree import RootedTree
from .._model.id_map import IdMap, IdMaps, is_contiguous
from .driver import StoreDriver
from .json_record import StoreDamaged
from .layout import Layout
from .mount_owners import MountOwners
from .records import LayerRecord
from .unpack_tasks import KEEP, MASK

T = TypeVar("T")
# Gives a descriptor for reading the regular file of that name, None where there is none.
OpenFile = Callable[[bytes], Optional[int]]


class OwnersUnsupported(HostError):
    """The container has ID maps, and its files cannot be shown with the owners that it needs."""

    code = "id_maps_unsupported"


@dataclass(frozen=True)
class Owners:
    """The owners of files in the store at ``layout`` with its ``driver``. What changes something is called under its locks."""

    layout: Layout
    driver: StoreDriver

    def can_shift(self, maps: IdMaps) -> bool:
        """Whether a mount can show the files of the layers below with the owners of ``maps``. Only reads.

        Raises OwnersUnsupported where a mount program cannot, for which no copies are made.
        """
        if not self.layout.stacked:
            return False
        if self._by_program():
            if not (is_contiguous(maps.uids) and is_contiguous(maps.gids)):
                raise OwnersUnsupported(
                    "a mount program can show a map only whose ranges follow each other inside and on the host",
                    subject=self.layout.graph_root,
                    found=" ".join(map(str, (*maps.uids, *maps.gids))),
                )
            return True
        from .overlay_owners import supports_shifting

        return supports_shifting(self.layout)

    def at_mount(self, owner_id: str, maps: IdMaps, layer: LayerRecord) -> MountOwners:
        """Who owns what a mount of the layer shows, for the container ``owner_id`` with these maps. Only reads.

        Where only users or only groups are mapped the files are shown as they are, as upstream does. Raises OwnersUnsupported.
        """
        of_layer = maps_of(layer)
        if maps == of_layer:
            return MountOwners(maps.root)
        if of_layer:
            raise OwnersUnsupported(
                "the files of the container were made for other ID maps than it has", subject=owner_id, found=layer.id
            )
        if not self.can_shift(maps):
            raise OwnersUnsupported(
                "the container needs its files shown with other owners at the mount, which cannot be done here",
                subject=owner_id,
                wanted="the overlay driver and Linux 5.19",
            )
        if not maps.whole:
            return MountOwners(maps.root)
        if self._by_program():
            words = (_program_word("uid", maps.uids), _program_word("gid", maps.gids))
            # It stores what the container owns with the container's own IDs, and would show those of the host as nobody's.
            return MountOwners((0, 0), words=words)
        from .overlay_owners import make_mapped, mount_shifted

        return MountOwners(maps.root, partial(mount_shifted, self.layout, maps), partial(make_mapped, self.layout))

    def change(self, layer_id: str, before: IdMaps, after: IdMaps) -> None:
        """Gives all that a layer shows, which was just made on one with the maps ``before``, the owners of ``after``.

        After an error the caller removes the layer. Raises UnmappedOwner and HostError.
        """
        if self.layout.stacked:
            from .overlay_owners import change_overlay_owners

            change_overlay_owners(self.layout, self.driver, layer_id, before, after)
        else:
            _change_tree(self.layout.diff(layer_id), before, after)

    def own_directory(self, layer_id: str, maps: IdMaps) -> None:
        """Gives what the driver keeps for a new layer, on one that has the maps already, to their root, as upstream does.

        Raises HostError.
        """
        if self.layout.stacked:
            with reporting("set the owner of", self.layout.driver_layer(layer_id)):
                os.chown(self.layout.driver_layer(layer_id), *maps.root)

    def _by_program(self) -> bool:
        """Whether stacked layers are mounted by a program."""
        return self.driver.unpack_task in (KEEP, MASK)

    def with_files(self, layer_id: str, action: Callable[[OpenFile], T]) -> T:
        """What ``action`` returns, which gets a way to open the files that a layer of this store, or an additional one, shows.

        It only reads, as this does. Raises StoreDamaged and HostError.
        """
        stores = (self.layout, *(self.layout.of(store) for store in self.layout.additional))
        home = next((store for store in stores if os.path.isdir(store.diff(layer_id))), None)
        if home is None:
            raise StoreDamaged("the layer has a record, but the driver has no tree for it", subject=layer_id)

        def of_tree(tree: str) -> T:
            with RootedTree(tree) as rooted:
                return action(rooted.open_file)

        if not home.stacked:
            return of_tree(home.diff(layer_id))
        from .overlay import OverlayDriver
        from .overlay_owners import with_overlay_tree

        options = [f"overlay.imagestore={store}" for store in home.additional]
        lowers = OverlayDriver(home, tuple(options)).lower_chain(layer_id)
        if self._by_program():
            from .program_tree import ProgramTree

            return action(ProgramTree((home.diff(layer_id), *lowers)).open_file)
        return with_overlay_tree(home, layer_id, lowers, of_tree)


def maps_of(layer: LayerRecord) -> IdMaps:
    """The maps by which the files of the layer have their owners on the disk."""
    return IdMaps.from_json(layer.uidmap, layer.gidmap)


def _program_word(kind: str, maps: Sequence[IdMap]) -> str:
    """The option by which upstream tells a mount program whose the files are."""
    if len(maps) == 1 and maps[0].size == 1:
        return f"squash_to_{kind}={maps[0].host_id}"
    return f"{kind}mapping={':'.join(map(str, maps))}"


def _change_tree(tree: str, before: IdMaps, after: IdMaps) -> None:
    """Changes the owners in a whole tree, and its own, which podman 4.3 leaves as it was."""
    from .._host.chown_tree import chown_tree, overflow_owner
    from .._model.owner_shift import owner_shift

    owner_of = owner_shift(before, after, overflow_owner())
    chown_tree(tree, owner_of, copies=False)
    with reporting("set the owner of", tree):
        found = os.stat(tree)
        os.chown(tree, *owner_of((found.st_uid, found.st_gid)))
