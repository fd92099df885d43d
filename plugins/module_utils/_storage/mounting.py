# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Mounting and unmounting with the counts that all tools share.

``mountpoints.json`` in the run root says how many users the mount of a layer has. Of these, exactly one is ours for each
owner (a container, or an image) that this engine mounted; a marker file in the run root tells which. The locks and their
order are those of upstream's ``Mount`` and ``Unmount`` (``store.go``, ``layers.go``).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._errors import StrataError, UsageError
from .._host.locks import exclusive
from .catalog import Catalog, UnknownContainer, read_catalog
from .driver import MountRequest, StoreDriver
from .edit import Tables, open_for_change
from .last_write import stamp
from .layout import Layout
from .mount_marker import began_mount, holds_count, remove_marker, write_marker
from .mounted import mounted
from .records import LayerRecord

if TYPE_CHECKING:
    from .mount_owners import MountOwners


class ReadOnlyConflict(UsageError):
    """It is mounted already, and the other way with respect to writing."""

    code = "read_only_conflict"


@dataclass(frozen=True)
class MountState:
    """How a layer is mounted.

    ``mount_point`` is the path where it really is mounted in this mount namespace, None where it is not.
    ``mount_count`` is what the records say, as every tool counts; after a crash it may be above zero without a mount,
    where the driver has mounts of the kernel.
    ``mounted_here`` tells that one of the counts is ours. ``read_only`` is None where nothing is mounted.
    """

    mount_point: str | None
    mount_count: int
    mounted_here: bool
    read_only: bool | None


def mount_state(layout: Layout, catalog: Catalog, owner_id: str, layer_id: str) -> MountState:
    """How the layer ``layer_id`` of a container (or image) ``owner_id`` is mounted now. Only reads. Raises HostError."""
    recorded = catalog.mount_counts.get(layer_id)
    return _state(layout, owner_id, layer_id, recorded.count if recorded else 0)


def ensure_same_mode(owner_id: str, state: MountState, read_only: bool) -> None:
    """Raises ReadOnlyConflict where it is mounted, and not as ``read_only`` says."""
    if state.read_only is not None and state.read_only != read_only:
        raise ReadOnlyConflict(
            "it is mounted already: unmount it first",
            subject=owner_id,
            wanted=_mode(read_only),
            found=f"{_mode(state.read_only)} at {state.mount_point}",
        )


def can_unmount(layout: Layout, owner_id: str, layer_id: str, state: MountState, force: bool) -> bool:
    """Whether there is something that unmounting would take away. Only reads. Raises HostError."""
    if force and (state.mount_count > 0 or state.mount_point is not None):
        return True
    # Without a count but with a marker: we were killed, and what we left may be mounted, if only the driver's home.
    return state.mounted_here or (state.mount_count == 0 and began_mount(layout, owner_id, layer_id))


def mount(
    layout: Layout,
    driver: StoreDriver,
    owner_id: str,
    layer_id: str,
    request: MountRequest,
    owners_of: Callable[[LayerRecord], MountOwners] | None = None,
) -> tuple[MountState, bool]:
    """The layer of ``owner_id`` mounted with one count of ours, and whether anything had to be done for it.

    Without a label in ``request`` that of the layer's record holds. ``owners_of`` tells who owns the files of a container with
    ID maps. Raises ReadOnlyConflict, UnknownContainer where the layer was deleted meanwhile, DriverUnsupported, MountFailed,
    StoreDamaged, HostError, and what ``owners_of`` raises.
    """
    wanted_read_only = driver.read_only(request)
    before = mount_state(layout, read_catalog(layout), owner_id, layer_id)
    ensure_same_mode(owner_id, before, wanted_read_only)
    if before.mounted_here and before.mount_point:
        return before, False
    with exclusive(layout.storage_lock) as storage, open_for_change(layout, layers=True, mounts=True) as tables:
        layer = _layer(tables, owner_id, layer_id)
        count = _recorded(tables, layer_id)
        before = _state(layout, owner_id, layer_id, count)
        ensure_same_mode(owner_id, before, wanted_read_only)
        if before.mounted_here and before.mount_point:
            return before, False
        owners = owners_of(layer) if owners_of and not before.mount_point else None
        # A count of ours that outlived its mount is taken over; those of others are theirs to give back.
        after = count if before.mounted_here else count + 1
        driver.make_mount_point(layer_id)
        if owners and owners.prepare:
            owners.prepare(layer_id)
        # A marker is for the layer's directory as it is now.
        write_marker(layout, owner_id, layer_id, after)
        try:
            if not before.mount_point:
                driver.hold_home()
                driver.mount(layer_id, request._replace(label=request.label or layer.mount_label), owners)
            _record(layout, tables, layer_id, after)
        except StrataError:
            _give_up(layout, driver, tables, owner_id, layer_id, before, storage)
            raise
        write_marker(layout, owner_id, layer_id)
        return _state(layout, owner_id, layer_id, after), True


def unmount(
    layout: Layout, driver: StoreDriver, owner_id: str, layer_id: str, *, force: bool
) -> tuple[MountState, bool]:
    """Our count of the layer's mount given back, and whether there was one; the last count takes the mount with it.

    With ``force`` the counts of all tools go. When nothing in the store is mounted any more, the mount of the driver's
    home goes too. Raises MountFailed, StoreDamaged and HostError.
    """
    before = mount_state(layout, read_catalog(layout), owner_id, layer_id)
    if not can_unmount(layout, owner_id, layer_id, before, force):
        return before, False
    with exclusive(layout.storage_lock) as storage, open_for_change(layout, layers=True, mounts=True) as tables:
        count = _recorded(tables, layer_id)
        before = _state(layout, owner_id, layer_id, count)
        if not can_unmount(layout, owner_id, layer_id, before, force):
            return before, False
        left = 0 if force else max(count - 1, 0)
        if before.mounted_here:
            write_marker(layout, owner_id, layer_id, count)
        if left == 0:
            driver.unmount(layer_id)
            _release_home(driver, tables, layer_id, storage)
        _record(layout, tables, layer_id, left)
        if left == 0:
            driver.renew_mount_point(layer_id)
        remove_marker(layout, owner_id)
        return _state(layout, owner_id, layer_id, left), True


def _give_up(
    layout: Layout,
    driver: StoreDriver,
    tables: Tables,
    owner_id: str,
    layer_id: str,
    before: MountState,
    storage: int,
) -> None:
    """Takes back what a mount did that failed, as far as that works: the next command of any tool finds it as it was."""
    with suppress(StrataError):
        if not before.mount_point:
            driver.unmount(layer_id)
            _release_home(driver, tables, layer_id, storage)
        if not before.mounted_here:
            remove_marker(layout, owner_id)


def _release_home(driver: StoreDriver, tables: Tables, layer_id: str, storage: int) -> None:
    """Unmounts the driver's home when no layer but this one has users."""
    if any(record.id != layer_id for record in tables.mounts):
        return
    if driver.release_home():
        # By this other processes learn that they have to set the driver up again before they mount.
        stamp(storage)


def _record(layout: Layout, tables: Tables, layer_id: str, count: int) -> None:
    """Writes the count of the layer."""
    tables.mounts.put(layer_id, layout.merged(layer_id), count)
    tables.save_mounts()


def _recorded(tables: Tables, layer_id: str) -> int:
    record = tables.mounts.get(layer_id)
    return max(record.count, 0) if record is not None else 0


def _layer(tables: Tables, owner_id: str, layer_id: str) -> LayerRecord:
    layer = tables.layers.get(layer_id)
    if layer is None or layer.incomplete:
        raise UnknownContainer("its layer was deleted meanwhile", subject=owner_id, wanted=layer_id)
    return layer


def _state(layout: Layout, owner_id: str, layer_id: str, count: int) -> MountState:
    entry = mounted(layout, layer_id, count)
    return MountState(
        mount_point=entry.path if entry else None,
        mount_count=count,
        mounted_here=holds_count(layout, owner_id, layer_id, count),
        read_only=entry.read_only if entry else None,
    )


def _mode(read_only: bool) -> str:
    return "read-only" if read_only else "writable"
