# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Overlays whose files have other owners than those on the disk: by mounts of the kernel's, or by a copy of each file.

Upstream: ``get``, ``UpdateLayerIDMap`` and ``supportsIDmappedMounts`` in ``drivers/overlay/overlay.go``. All that is mounted on
the way is mounted where no other process sees it, other than upstream: whoever is killed leaves no mount behind.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TypeVar

from .._errors import HostError
from .._host.chown_tree import chown_tree, overflow_owner
from .._host.idmapped_mounts import attach_mount, clone_mount, map_owners, user_namespace
from .._host.mounts import mount, unmount
from .._host.os_errors import reporting
from .._host.private_thread import with_own_mounts
from .._host.remove_tree import remove_tree
from .._model.id_map import IdMap, IdMaps
from .._model.owner_shift import Owner, owner_shift
from .driver import MountRequest, StoreDriver
from .layout import Layout
from .overlay_data import OverlayStack, mount_arguments
from .overlay_mount import mount_overlay
from .prepare import make_directory

T = TypeVar("T")

# The name under which upstream notes in the run root whether the kernel can do it, so that others need not try.
_FEATURE = "idmapped-lower-dir"
# For the trial nobody's files have to be shown.
_TRIAL = ((0, 0, 1),)


def supports_shifting(layout: Layout) -> bool:
    """Whether the kernel stacks trees that a mount shows with other owners (Linux 5.19), on this file system.

    What upstream noted in the run root counts; else it is tried, which writes nothing.
    """
    for found in (True, False):
        if os.path.exists(layout.feature_note(_FEATURE, found)):
            return found

    def attempt() -> None:
        copy = clone_mount(layout.driver_home)
        try:
            with user_namespace(_TRIAL, _TRIAL) as namespace:
                map_owners(copy, namespace, layout.driver_home)
            attach_mount(copy, layout.driver_home)
        finally:
            os.close(copy)
        data, flags = mount_arguments(OverlayStack((layout.driver_links, layout.run_root)), (), "")
        mount("overlay", layout.driver_home, "overlay", flags, data)

    try:
        with_own_mounts(attempt)
    except HostError:
        return False
    return True


def make_mapped(layout: Layout, layer_id: str) -> None:
    """Makes the directory that mount_shifted() needs, where it is missing. Raises HostError."""
    make_directory(layout.mapped(layer_id))


def mount_shifted(
    layout: Layout, maps: IdMaps, layer_id: str, stack: OverlayStack, make: Callable[[OverlayStack], None]
) -> None:
    """Mounts the stack at the layer's mount point such that its lower layers show the owners that ``maps`` say.

    ``make`` mounts a stack there. The upper directory holds IDs of the host. Raises MountFailed and HostError.
    """
    mapped = layout.mapped(layer_id)

    def work(namespace: int) -> int:
        make(OverlayStack(_shown(stack.lowers, mapped, namespace), stack.upper, stack.work))
        return clone_mount(layout.merged(layer_id))

    with user_namespace(_extents(maps.uids), _extents(maps.gids)) as namespace:
        merged = with_own_mounts(lambda: work(namespace))
    try:
        attach_mount(merged, layout.merged(layer_id))
    finally:
        os.close(merged)


def change_overlay_owners(layout: Layout, driver: StoreDriver, layer_id: str, before: IdMaps, after: IdMaps) -> None:
    """Gives all files that a new, empty layer shows the owners of ``after`` for those of ``before``, by copying them into it.

    Then the copies move below what the layer itself is to hold, which is empty again. Raises UnmappedOwner, MountFailed and
    HostError.
    """
    owner_of = owner_shift(before, after, overflow_owner())

    def work() -> None:
        merged = driver.mount(layer_id, MountRequest())
        chown_tree(merged, owner_of, copies=True)
        # At once, and not when the namespace is cleared away: the kernel is to be done with the directories.
        unmount(merged)

    with_own_mounts(work)
    _rotate(layout, layer_id, after.root)


def with_overlay_tree(layout: Layout, layer_id: str, lowers: Sequence[str], action: Callable[[str], T]) -> T:
    """What ``action`` returns for a directory that has all that the layer of the store at ``layout`` shows.

    ``lowers`` are the directories below it. Nobody else sees the mount, and nothing is written. Raises MountFailed and HostError.
    """
    target = layout.diff(layer_id)

    def work() -> T:
        mount_overlay(OverlayStack((target, *lowers)), (), "", target, False)
        return action(target)

    return with_own_mounts(work)


def _shown(lowers: Sequence[str], mapped: str, namespace: int) -> tuple[str, ...]:
    """The directories through mounts that show other owners, one for each store, as upstream names them."""
    roots: dict[str, str] = {}
    for lower in lowers:
        home = _home_of(lower)
        if home in roots:
            continue
        roots[home] = os.path.join(mapped, str(len(roots)))
        make_directory(roots[home])
        with ExitStack() as opened:
            copy = clone_mount(home)
            opened.callback(os.close, copy)
            map_owners(copy, namespace, home)
            attach_mount(copy, roots[home])
    return tuple(roots[_home_of(lower)] + lower[len(_home_of(lower)) :] for lower in lowers)


def _home_of(lower: str) -> str:
    """The driver's home that a lower directory is reached from: by a short link, or as a directory beside ``diff``."""
    return os.path.dirname(os.path.dirname(lower.partition("/../")[0]))


def _rotate(layout: Layout, layer_id: str, root: Owner) -> None:
    """Makes ``diff`` the first older generation, each older one older by one, and a new ``diff`` and working directory."""
    diff, work = layout.diff(layer_id), layout.work(layer_id)
    with reporting("make the directory", diff):
        mode = os.stat(diff).st_mode & 0o7777
        count = 1
        while os.path.isdir(layout.older_diff(layer_id, count)):
            count += 1
        for number in range(count, 1, -1):
            os.rename(layout.older_diff(layer_id, number - 1), layout.older_diff(layer_id, number))
        os.chown(diff, *root)
        os.rename(diff, layout.older_diff(layer_id, 1))
        # The kernel's own notes in it speak of the directory that was moved.
        remove_tree(work)
        os.chown(layout.driver_layer(layer_id), *root)
        for path, bits in ((work, 0o555), (diff, mode)):
            os.mkdir(path, 0o700)
            os.chown(path, *root)
            os.chmod(path, bits)


def _extents(maps: Sequence[IdMap]) -> tuple[tuple[int, int, int], ...]:
    return tuple((entry.container_id, entry.host_id, entry.size) for entry in maps)
