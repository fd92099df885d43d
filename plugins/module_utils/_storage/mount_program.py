# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""With which kind of whiteouts the layers of a store were written.

A store that a mount program (fuse-overlayfs) serves keeps whiteouts as ``.wh.`` files, which the kernel's overlay does not
understand. The tools note in one file of the driver's home which kind a store has, and stay with it; where the file is
missing the layers themselves tell. Upstream: ``SupportsNativeOverlay`` and ``scanForMountProgramIndicators``.
"""

from __future__ import annotations

import os

from .._errors import HostError
from .._host.atomic_files import read_file, replace_file
from .._host.os_errors import reporting
from .._host.xattrs import list_xattrs
from .._layer.whiteout import PREFIX
from .layout import Layout

_XATTR_PREFIXES = (b"user.fuseoverlayfs.", b"user.containers.")


def uses_mount_program(layout: Layout) -> bool:
    """Whether the layers of the store need a mount program. Only reads. Raises HostError.

    Where nothing is noted all layers are searched.
    """
    known = noted(layout)
    return _has_traces(layout) if known is None else known


def note_native(layout: Layout) -> None:
    """Notes that the kernel's overlay serves the store, unless a note is there; the lock of the layers is held. Raises HostError.

    Without the note other tools search all layers at their next start.
    """
    if noted(layout) is None:
        replace_file(layout.has_mount_program, b"false", sync=False, locked=True)


def note_mount_program(layout: Layout) -> None:
    """Notes that a mount program serves the store from now on; the lock of the layers is held. Raises HostError.

    That holds for every tool: whoever comes later without a setting of its own takes fuse-overlayfs.
    """
    if not noted(layout):
        replace_file(layout.has_mount_program, b"true", sync=False, locked=True)


def noted(layout: Layout) -> bool | None:
    """What is noted: whether the store needs a mount program, None where nothing is. Only reads. Raises HostError."""
    data = read_file(layout.has_mount_program)
    return None if data is None else data.strip() == b"true"


def _has_traces(layout: Layout) -> bool:
    """Whether any file of the driver's home shows that a mount program wrote it."""
    waiting = [layout.driver_home] if os.path.isdir(layout.driver_home) else []
    while waiting:
        directory = waiting.pop()
        if directory == layout.tempdirs:
            # What is staged there is not a layer yet, and may be gone at any moment.
            continue
        try:
            if _has_trace(directory, waiting):
                return True
        except HostError as error:
            # Another tool deleted it meanwhile.
            if not isinstance(error.__cause__, FileNotFoundError):
                raise
    return False


def _has_trace(directory: str, waiting: list[str]) -> bool:
    """Whether ``directory`` itself shows it; what is to be looked at next is added to ``waiting``."""
    if any(name.startswith(_XATTR_PREFIXES) for name in list_xattrs(directory)):
        return True
    with reporting("list", directory), os.scandir(directory) as entries:
        for entry in entries:
            if os.fsencode(entry.name).startswith(PREFIX):
                return True
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
    return False
