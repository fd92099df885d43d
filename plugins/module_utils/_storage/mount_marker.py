# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The marker that says that one of the counts of a mount is ours.

The counts of ``mountpoints.json`` have no owners, and every tool may give back the count of another: ``podman umount`` of
a container that we hold does. So a marker is worth something only together with the records, and only for the one mount
that it was written for. Upstream knows nothing of markers.

For stacked layers two facts make it reliable. First, a mount is identified by the time at which its layer's directory last changed: every
tool makes a new mount point when the last count is gone, so that time moves on. Second, mount, count and marker cannot
be changed in one step: the marker comes first when a count is taken and goes last when it is given back, and meanwhile
it says how high the recorded count must be for ours to be among them. A process that is killed in between leaves a
marker from which the next one sees how far it came. Where trees are whole only the second holds: when another tool gives
back our count and takes one itself, nobody can see that.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from .._errors import DataError
from .._host.atomic_files import read_file, replace_file
from .._host.os_errors import reporting
from .._model.json_text import go_json, parse_json
from .layout import ATOMIC_PREFIX, Layout
from .prepare import make_directory

_MOUNT = "mount"
_COUNT = "count"


@dataclass(frozen=True)
class Marker:
    """What a marker file says: for which mount it is, and the least recorded count that includes ours (1 in the end)."""

    mount: str
    count: int = 1


def has_marker(layout: Layout, owner_id: str) -> bool:
    """Whether there is a marker for ``owner_id``, worth something or not. Only reads. Raises HostError."""
    return read_file(layout.mount_marker(owner_id)) is not None


def holds_count(layout: Layout, owner_id: str, layer_id: str, count: int) -> bool:
    """Whether one of the ``count`` recorded users of the layer's mount is ours. Only reads. Raises HostError."""
    marker = _read(layout.mount_marker(owner_id))
    return marker is not None and count >= marker.count and marker.mount == mount_identity(layout, layer_id)


def began_mount(layout: Layout, owner_id: str, layer_id: str) -> bool:
    """Whether we were about to make the layer's present mount, or made it. Only reads. Raises HostError."""
    marker = _read(layout.mount_marker(owner_id))
    return marker is not None and marker.mount == mount_identity(layout, layer_id)


def marked_owners(layout: Layout) -> list[str]:
    """Whoever has a marker. Only reads. Raises HostError."""
    if not os.path.isdir(layout.mount_markers):
        return []
    with reporting("list", layout.mount_markers):
        return [name for name in sorted(os.listdir(layout.mount_markers)) if not name.startswith(ATOMIC_PREFIX)]


def unsettled_markers(
    layout: Layout, layers: Mapping[str, str], counts: Mapping[str, int]
) -> tuple[list[str], list[str]]:
    """The owners whose marker says nothing any more, and those whose marker says that ours is among the last counts.

    The first is so where the marker is not for the present mount, or where the records have fewer counts than it needs: who
    was killed had not yet taken a count, or had given it back. The second is ours, and stays so only when it is written anew.
    ``layers`` gives the layer of each owner that there is, ``counts`` the recorded counts of layers. Only reads. Raises HostError.
    """
    dead, ours = [], []
    for owner_id in marked_owners(layout):
        layer_id = layers.get(owner_id)
        marker = _read(layout.mount_marker(owner_id))
        count = counts.get(layer_id or "", 0)
        if layer_id is None or marker is None or marker.mount != mount_identity(layout, layer_id):
            dead.append(owner_id)
        elif 0 < count < marker.count:
            # Without any count the marker is still good for telling that we began to mount.
            dead.append(owner_id)
        elif 1 < marker.count <= count:
            ours.append(owner_id)
    return dead, ours


def write_marker(layout: Layout, owner_id: str, layer_id: str, count: int = 1) -> None:
    """Marks a count of the layer's mount as ours, provided that the records show at least ``count``.

    The caller holds the lock of the mount counts. Raises HostError.
    """
    make_directory(layout.mount_markers)
    _sweep(layout)
    fields = {_MOUNT: mount_identity(layout, layer_id), _COUNT: count}
    replace_file(layout.mount_marker(owner_id), go_json(fields).encode("utf-8"), sync=False)


def remove_marker(layout: Layout, owner_id: str) -> None:
    """Says that no count is ours; nothing to do where there is no marker. Raises HostError."""
    with reporting("remove", layout.mount_marker(owner_id)), suppress(FileNotFoundError):
        os.unlink(layout.mount_marker(owner_id))


def _sweep(layout: Layout) -> None:
    """Removes what writers of markers left that were killed; nobody else writes one now, under the lock of the counts."""
    with reporting("clear", layout.mount_markers):
        for name in os.listdir(layout.mount_markers):
            if name.startswith(ATOMIC_PREFIX):
                os.unlink(f"{layout.mount_markers}/{name}")


def mount_identity(layout: Layout, layer_id: str) -> str:
    """What tells one mount of a layer from an earlier or later one, empty for a layer without a directory.

    Raises HostError.
    """
    path = layout.driver_layer(layer_id)
    if not layout.stacked:
        # The directory changes as who uses it likes: of a mount there is nothing but the count.
        return "in place" if os.path.isdir(path) else ""
    with reporting("look at", path):
        try:
            found = os.stat(path)
        except FileNotFoundError:
            return ""
    return f"{found.st_ino}:{found.st_mtime_ns}"


def _read(path: str) -> Marker | None:
    """The marker in a file, None where there is none or where it cannot be understood: then nothing is ours."""
    data = read_file(path)
    if data is None:
        return None
    try:
        fields = parse_json(data, path)
    except DataError:
        return None
    mount = fields.get(_MOUNT) if isinstance(fields, dict) else None
    count = fields.get(_COUNT) if isinstance(fields, dict) else None
    if not isinstance(mount, str) or not isinstance(count, int):
        return None
    return Marker(mount, count)
