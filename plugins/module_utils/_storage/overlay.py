# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The overlay driver: the trees of layers under ``overlay/``, stacked by the kernel when they are mounted.

Upstream: ``drivers/overlay/overlay.go`` of containers/storage. A base layer has its tree in ``diff``; other layers have a
``lower`` file besides, which lists the trees below.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from .._host.filesystem import backing_filesystem, supports_d_type, sync_filesystems
from .._host.machine import is_root
from .._host.mountinfo import mount_at
from .._host.mounts import bind_private, make_private, release_bind, unmount
from .._host.os_errors import reporting
from .._host.remove_tree import remove_tree
from .driver import DriverUnsupported, MountRequest
from .json_record import StoreDamaged
from .layout import Layout
from .mount_program import note_native, uses_mount_program
from .overlay_data import OverlayStack, effective_options, mount_arguments, wants_read_only
from .overlay_links import ensure_stackable, lowers_on, new_link, read_lowers, remove_link, restore_links, write_lowers
from .overlay_mount import effective_label, mount_overlay
from .overlay_options import parse_options
from .overlay_support import (
    knows_metacopy,
    limit_unsupported,
    try_overlay,
    uses_metacopy,
    uses_redirects,
    words_of_namespace,
)
from .prepare import NotRoot, make_directory
from .temp_dirs import temp_dir
from .unpack_tasks import UNPACK

if TYPE_CHECKING:
    from .mount_owners import MountOwners

_ROOT = (0, 0)
_BASE_MODE = 0o555
# Left in the kernel's own part of the working directory by a mount with the option "volatile" that was never unmounted.
_VOLATILE_MARK = "incompat/volatile"


class OverlayDriver:
    """Keeps and mounts the layer trees of one store. Calls that change something are made under the locks of the layers."""

    unpack_task = UNPACK
    unpack_mode: int | None = None

    def __init__(self, layout: Layout, options: tuple[str, ...] = ()) -> None:
        """``options`` are driver options such as ``overlay.mountopt=nodev``. Raises InvalidDriverOption."""
        self._layout = layout
        self._options = parse_options(options)

    # What can be done here

    def ensure_usable(self) -> None:
        """Raises DriverUnsupported where the store is not one of the kernel's overlay with options that we know.

        LimitUnsupported where containers shall have a limited size.
        """
        self._ensure_options()
        if self._options.force_mask is not None:
            raise DriverUnsupported("force_mask needs a mount program", subject="overlay.force_mask")
        if uses_mount_program(self._layout):
            raise DriverUnsupported(
                "the layers of the store were written for a mount program such as fuse-overlayfs",
                subject=self._layout.has_mount_program,
                wanted="false",
                found="true",
            )

    def check_support(self) -> None:
        """Returns when layers can be kept and mounted here: tried with a mount that nobody else sees.

        Raises DriverUnsupported, NotRoot, OverlayUnsupported and PermissionDenied.
        """
        self.ensure_usable()
        if not is_root():
            raise NotRoot("the overlay driver needs root rights", subject=self._layout.graph_root)
        with temp_dir(self._layout.tempdirs) as directory:
            try_overlay(directory)

    def status(self) -> dict[str, str]:
        """What the driver is, in the words of ``podman info``; only reads, also where the store does not exist."""
        options = self._options.mount_options
        metacopy = uses_metacopy(options)
        return {
            "Backing Filesystem": backing_filesystem(self._layout.graph_root),
            "Supports d_type": _go_bool(supports_d_type(self._layout.graph_root)),
            "Native Overlay Diff": _go_bool(not metacopy and not uses_redirects(options)),
            "Using metacopy": _go_bool(metacopy),
        }

    # Layers

    def begin_tree(self, tree: str, parent: str | None, staged: str | None) -> None:
        """Leaves ``tree`` empty: the tree of a layer is what its archive says, and nothing besides."""
        del tree, parent, staged

    def adopt_layer(self, layer_id: str, parent: str | None, tree: str, root_attributes: bool) -> None:
        """Makes the staged directory ``tree`` the tree of a new layer on ``parent``, by renaming it.

        ``root_attributes`` tells that the tree's own root has the mode and owner that the layer wants; else it gets those
        of the parent's. After an error the caller removes the layer. Raises TooManyLayers, StoreDamaged and HostError.
        """
        self._ensure_noted()
        lowers = self._lowers_on(parent)
        mode, owner = self._root_attributes(parent)
        self._make_layer_directory(layer_id)
        with reporting("move the layer to", self._layout.diff(layer_id)):
            if not root_attributes:
                os.chown(tree, *owner)
                os.chmod(tree, mode)
            os.rename(tree, self._layout.diff(layer_id))
        self._complete(layer_id, lowers, owner)

    def create_writable(self, layer_id: str, parent: str | None) -> None:
        """Makes an empty layer on ``parent`` that a container can write to.

        After an error the caller removes the layer. Raises TooManyLayers, StoreDamaged and HostError.
        """
        self._ensure_noted()
        lowers = self._lowers_on(parent)
        mode, owner = self._root_attributes(parent)
        self._make_layer_directory(layer_id)
        _make_directory(self._layout.diff(layer_id), mode, owner)
        self._complete(layer_id, lowers, owner)

    def flush(self) -> None:
        """With the option ``sync=filesystem``, returns when all that was written to the store is on the disk. Raises HostError.

        Upstream has the option since 1.63 and does this before it saves a finished layer record.
        """
        if self._options.sync:
            sync_filesystems(self._layout.graph_root, self._layout.driver_home)

    def remove(self, layer_id: str) -> None:
        """Removes all that the driver keeps for a layer, complete or not; a mount of it that nobody counts goes too.

        Raises HostError.
        """
        self.unmount(layer_id)
        remove_link(self._layout, layer_id)
        remove_tree(self._layout.driver_layer(layer_id))

    def lower_chain(self, layer_id: str) -> tuple[str, ...]:
        """The directories below a layer's own ``diff``, topmost first, as the kernel gets them.

        A lost link is made again. Raises StoreDamaged where a directory is missing, and HostError.
        """
        entries = read_lowers(self._layout, layer_id)
        if not all(os.path.isdir(self._find_lower(entry)) for entry in entries):
            restore_links(self._layout)
        diff = self._layout.diff(layer_id)
        directories = _older_generations(diff)
        for entry in entries:
            directory = self._find_lower(entry)
            if not os.path.isdir(directory):
                raise StoreDamaged("the tree of a lower layer is missing", subject=layer_id, wanted=directory)
            directories += [directory, *_older_generations(f"{directory}/../{os.path.basename(diff)}")]
        return tuple(directories) or (self._layout.empty(layer_id),)

    # Mounting

    def read_only(self, request: MountRequest) -> bool:
        """Whether such a mount cannot be written: the options of a container or the store may say so too."""
        return request.read_only or wants_read_only(self._mount_options(request.options))

    def mount_data(self, layer_id: str, request: MountRequest) -> tuple[str, int]:
        """The data and flags with which a layer is mounted, whatever the length. Raises StoreDamaged, TooManyLayers and HostError."""
        stack = self._stack(layer_id, self.read_only(request))
        return mount_arguments(stack, self._mount_options(request.options), effective_label(request.label))

    def mount(self, layer_id: str, request: MountRequest, owners: MountOwners | None = None) -> str:
        """Mounts a layer on the layers below, and returns the path. ``owners`` is for a container with ID maps.

        That of a volatile container is not synced where the kernel can do that (Linux 5.10).

        Raises DriverUnsupported, StoreDamaged, TooManyLayers, MountFailed and HostError.
        """
        self._ensure_noted()
        layout = self._layout
        stack = self._stack(layer_id, self.read_only(request))
        options = (*self._mount_options(request.options), *(owners.words if owners else ()))
        target = layout.merged(layer_id)
        self.make_mount_point(layer_id)
        _own_root(layout.diff(layer_id), owners.root if owners else _ROOT)
        if stack.work is not None:
            _forget_volatile(stack.work)

        def make(stack: OverlayStack) -> None:
            self._mount_stack(stack, options, effective_label(request.label), target, request.volatile)

        if owners and owners.show:
            owners.show(layer_id, stack, make)
        else:
            make(stack)
        return target

    def unmount(self, layer_id: str) -> None:
        """Takes every mount of a layer away. Raises MountFailed and HostError."""
        while mount_at(self._layout.merged(layer_id)) is not None:
            unmount(self._layout.merged(layer_id), detach=True)

    def make_mount_point(self, layer_id: str) -> None:
        """Makes the directory on which a layer is mounted, where it is missing: old podman removes it. Raises HostError."""
        make_directory(self._layout.merged(layer_id))

    def renew_mount_point(self, layer_id: str) -> None:
        """Puts a fresh mount point in the place of one that was used. Raises HostError.

        Mount namespaces that still see the mount keep the old one busy.
        """
        with suppress(OSError):
            os.rmdir(self._layout.merged(layer_id))
        self.make_mount_point(layer_id)

    def hold_home(self) -> None:
        """Makes the driver's home a private mount, as every tool does before it mounts a layer in it.

        A layer mounted before that would be hidden by the next tool's bind. The caller holds ``storage.lock``. Raises
        MountFailed and HostError.
        """
        if self._options.skip_mount_home:
            return
        if mount_at(self._layout.driver_home) is None:
            bind_private(self._layout.driver_home)
        else:
            make_private(self._layout.driver_home)

    def release_home(self) -> bool:
        """Takes the home's own mount away where nothing is mounted in it, and tells whether there was one.

        A file system that somebody mounted there stays. The caller holds ``storage.lock``. Raises HostError.
        """
        return release_bind(self._layout.driver_home)

    # Steps

    def _ensure_options(self) -> None:
        """Raises DriverUnsupported and LimitUnsupported for options that ask for what this engine has not."""
        if self._options.limit:
            raise limit_unsupported(self._layout, self._options.limit)
        if self._options.unsupported:
            raise DriverUnsupported(
                "this option of the overlay driver is not supported", subject=self._options.unsupported
            )

    def _ensure_noted(self) -> None:
        """As ensure_usable(), with the answer noted for the next time."""
        self.ensure_usable()
        note_native(self._layout)

    def _mount_stack(
        self, stack: OverlayStack, options: Sequence[str], label: str, target: str, volatile: bool
    ) -> None:
        mount_overlay(stack, options, label, target, volatile)

    def _make_layer_directory(self, layer_id: str) -> None:
        path = self._layout.driver_layer(layer_id)
        if os.path.lexists(path):
            self.remove(layer_id)
        _make_directory(path, 0o700, _ROOT)

    def _complete(self, layer_id: str, lowers: tuple[str, ...], owner: tuple[int, int]) -> None:
        """Makes what lies beside ``diff``, in upstream's order: the link comes before the rest."""
        layout = self._layout
        new_link(layout, layer_id)
        _make_directory(layout.work(layer_id), 0o700, owner)
        _make_directory(layout.merged(layer_id), 0o700, owner)
        if lowers:
            write_lowers(layout, layer_id, lowers)
        else:
            _make_directory(layout.empty(layer_id), 0o700, owner)

    def _root_attributes(self, parent: str | None) -> tuple[int, tuple[int, int]]:
        """Mode and owner of the root of a new layer."""
        if parent is None:
            return _BASE_MODE, _ROOT
        path = self._home_of(parent).diff(parent)
        with reporting("look at", path):
            found = os.stat(path)
        return stat.S_IMODE(found.st_mode) & 0o777, (found.st_uid, found.st_gid)

    def _home_of(self, layer_id: str) -> Layout:
        """The layout of the store that has the tree of a layer: this one, else the first additional one."""
        if os.path.isdir(self._layout.driver_layer(layer_id)):
            return self._layout
        others = (self._layout.of(store) for store in self._options.image_stores)
        return next((other for other in others if os.path.isdir(other.driver_layer(layer_id))), self._layout)

    def _lowers_on(self, parent: str | None) -> tuple[str, ...]:
        if parent is None:
            return ()
        home = self._home_of(parent)
        return lowers_on(home, parent, may_restore=home is self._layout)

    def _find_lower(self, entry: str) -> str:
        """The path of a ``lower`` entry: in this store, else in the first additional store that has it."""
        own = f"{self._layout.driver_home}/{entry}"
        if os.path.isdir(own):
            return own
        stores = (self._layout.of(store) for store in self._options.image_stores)
        candidates = (f"{store.driver_home}/{entry}" for store in stores)
        return next((path for path in candidates if os.path.isdir(path)), own)

    def _stack(self, layer_id: str, read_only: bool) -> OverlayStack:
        lowers = self.lower_chain(layer_id)
        if read_only:
            lowers = (self._layout.diff(layer_id), *lowers)
            ensure_stackable(layer_id, lowers)
            return OverlayStack(lowers)
        ensure_stackable(layer_id, lowers)
        return OverlayStack(lowers, self._layout.diff(layer_id), self._layout.work(layer_id))

    def _mount_options(self, mount_options: Sequence[str]) -> tuple[str, ...]:
        # The kernel takes no metacopy with attributes of users, and upstream finds that out by trying.
        needed = words_of_namespace()
        options = effective_options(mount_options, self._options.mount_options, not needed and knows_metacopy())
        return (*options, *needed)


def _forget_volatile(work: str) -> None:
    """Removes the mark for which the kernel would refuse to mount; what a volatile container wrote may be lost anyway."""
    with reporting("list", work):
        names = os.listdir(work)
    for name in names:
        remove_tree(f"{work}/{name}/{_VOLATILE_MARK}")


def _own_root(diff: str, root: tuple[int, int]) -> None:
    """Gives the root of a tree to the container's root, as upstream does at each mount."""
    with reporting("set the owner of", diff):
        found = os.stat(diff)
        if (found.st_uid, found.st_gid) != root:
            os.chown(diff, *root)


def _older_generations(diff: str) -> list[str]:
    """The trees that a change of ID maps left beside ``diff`` and that lie below it: ``diff1``, ``diff2`` and so on."""
    found: list[str] = []
    while os.path.isdir(f"{diff}{len(found) + 1}"):
        found.append(f"{diff}{len(found) + 1}")
    return found


def _make_directory(path: str, mode: int, owner: tuple[int, int]) -> None:
    with reporting("make the directory", path):
        os.mkdir(path, 0o700)
        os.chown(path, *owner)
        os.chmod(path, mode)


def _go_bool(value: bool) -> str:
    return "true" if value else "false"
