# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The overlay driver where a mount program such as fuse-overlayfs stacks the layers in place of the kernel.

The store is laid out as the kernel's would be, but for whiteouts, which stay as archives have them; the program reads the
kernel's form too, so a store may have both. A note in the driver's home makes every tool use a program from then on.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from .._config.paths import ConfigPaths
from .._host.commands import CommandRunner, SystemCommands, find_program
from .._host.filesystem import backing_filesystem
from .._host.machine import is_root
from .._host.mountinfo import mount_at
from .._host.xattrs import get_xattr, set_xattr
from .driver import DriverUnsupported
from .fuse_mount import mount_by_program, mount_words, unmount_program
from .fuse_state import is_dead
from .layout import Layout
from .mount_program import note_mount_program
from .overlay import OverlayDriver
from .overlay_data import VOLATILE, OverlayStack, effective_options
from .override_stat import DIRECTORY, OVERRIDE_XATTR, Override
from .prepare import NotRoot
from .unpack_tasks import KEEP, MASK

# What upstream looks for where the store needs a program and no option names it.
_USUAL = "fuse-overlayfs"
_SECONDS = 60.0
# The program runs as long as the mount, so it gets nothing of the task but where programs are, and its own settings.
_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")
_OWN_VARIABLES = "FUSE_OVERLAYFS_"


class FuseOverlayDriver(OverlayDriver):
    """Keeps the layer trees of one store, and has them mounted by a program."""

    unpack_task = KEEP

    def __init__(
        self,
        layout: Layout,
        options: tuple[str, ...] = (),
        *,
        run: CommandRunner | None = None,
        timeout: float = _SECONDS,
    ) -> None:
        """``run`` starts the program, by default from the task's PATH; it has ``timeout`` seconds to mount.

        Raises InvalidDriverOption.
        """
        super().__init__(layout, options)
        self._run = run or SystemCommands(_environment())
        self._timeout = timeout
        self._mask = self._options.force_mask
        if self._mask is not None:
            self.unpack_task = MASK
            self.unpack_mode = self._mask

    def ensure_usable(self) -> None:
        """Raises DriverUnsupported where the program is missing or an option is not known, and LimitUnsupported."""
        self._ensure_options()
        self._program()

    def check_support(self) -> None:
        """Returns when layers can be kept here; a pull mounts none. Raises DriverUnsupported and NotRoot."""
        self.ensure_usable()
        if not is_root():
            raise NotRoot("the overlay driver needs root rights", subject=self._layout.graph_root)

    def status(self) -> dict[str, str]:
        """What the driver is, in the words of ``podman info``; only reads, also where the store does not exist."""
        return {
            "Backing Filesystem": backing_filesystem(self._layout.graph_root),
            "Supports d_type": "true",
            "Native Overlay Diff": "false",
            "Using metacopy": "false",
        }

    def make_mount_point(self, layer_id: str) -> None:
        """Makes the directory on which a layer is mounted; a mount whose program died is taken away. Raises HostError."""
        point = self._layout.merged(layer_id)
        while mount_at(point) is not None and is_dead(point):
            unmount_program(point)
        super().make_mount_point(layer_id)

    def unmount(self, layer_id: str) -> None:
        """Takes every mount of a layer away. Raises MountFailed and HostError."""
        while mount_at(self._layout.merged(layer_id)) is not None:
            unmount_program(self._layout.merged(layer_id))

    def create_writable(self, layer_id: str, parent: str | None) -> None:
        """Makes an empty layer on ``parent`` that a container can write to; with ``force_mask`` its root is noted too."""
        super().create_writable(layer_id, parent)
        if self._mask is not None:
            set_xattr(self._layout.diff(layer_id), OVERRIDE_XATTR, self._true_root(parent).text())

    # Steps

    def _true_root(self, parent: str | None) -> Override:
        """What the root of a new layer should be: what that of its parent is."""
        mode, owner = super()._root_attributes(parent)
        noted = get_xattr(self._home_of(parent).diff(parent), OVERRIDE_XATTR) if parent else None
        known = Override.parse(noted or b"")
        return known._replace(kind=DIRECTORY) if known else Override(*owner, mode, DIRECTORY)

    def _ensure_noted(self) -> None:
        self.ensure_usable()
        note_mount_program(self._layout)

    def _mount_options(self, mount_options: Sequence[str]) -> tuple[str, ...]:
        return effective_options(mount_options, self._options.mount_options, metacopy=False)

    def _mount_stack(
        self, stack: OverlayStack, options: Sequence[str], label: str, target: str, volatile: bool
    ) -> None:
        if volatile and VOLATILE not in options:
            options = (*options, VOLATILE)
        words = mount_words(stack, options, label)
        if self._mask is not None:
            # What files should be is then to be found in attributes, and kept there.
            words += ",xattr_permissions=2"
        mount_by_program(self._run, self._program(), words, target, self._timeout)

    def _root_attributes(self, parent: str | None) -> tuple[int, tuple[int, int]]:
        mode, owner = super()._root_attributes(parent)
        return (mode, owner) if self._mask is None else (self._mask, (0, 0))

    def _program(self) -> str:
        """The path of the program: that of the option, else the usual one. Raises DriverUnsupported."""
        named = self._options.mount_program
        if named:
            if os.path.isfile(named) and os.access(named, os.X_OK):
                return named
            raise DriverUnsupported(
                "the mount program of the store cannot be run",
                subject=self._layout.graph_root,
                wanted="a program",
                found=f"{named}, which is {'not executable' if os.path.lexists(named) else 'not there'}",
            )
        found = usual_program()
        if found is None:
            raise DriverUnsupported(
                "the layers of the store were written for a mount program such as fuse-overlayfs, and there is none",
                subject=self._layout.has_mount_program,
                wanted=f"{_USUAL} in PATH, or the option overlay.mount_program",
                found="neither",
            )
        return found


def usual_program() -> str | None:
    """The path of the program that is taken where no option names one, None where there is none."""
    return find_program(_USUAL, _environment())


def _environment() -> dict[str, str]:
    variables = ConfigPaths.of_this_user().environment_of_programs()
    return {name: value for name, value in variables.items() if name in _VARIABLES or name.startswith(_OWN_VARIABLES)}
