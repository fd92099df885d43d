# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What is mounted where in this mount namespace: ``/proc/<pid>/mountinfo``, see proc(5)."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

from .._errors import HostError
from .os_errors import reporting

# Of the thread, which may have mounts of its own.
_MOUNTINFO = "/proc/thread-self/mountinfo"
_OCTAL = re.compile(rb"\\([0-7]{3})")


class BadMountTable(HostError):
    """The kernel's table of mounts has a line of another form than proc(5) tells."""

    code = "bad_mount_table"


class _Dead(HostError):
    """The program that serves the mount is gone."""


@dataclass(frozen=True)
class MountEntry:
    """One mount. Paths are as this process sees them, with the kernel's escapes undone.

    ``device`` is "major:minor"; ``root`` is the directory of the file system that forms the root of the mount;
    ``options`` belong to the mount and ``super_options`` to the file system, each as the kernel lists them.
    """

    mount_id: int
    parent_id: int
    device: str
    root: str
    mount_point: str
    options: tuple[str, ...]
    fstype: str
    source: str
    super_options: tuple[str, ...]

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written through the mount."""
        return "ro" in self.options or "ro" in self.super_options


def parse_mounts(data: bytes) -> list[MountEntry]:
    """The mounts that the bytes of a mountinfo file tell of, in its order. Raises BadMountTable."""
    return [_parse_line(line) for line in data.splitlines()]


def read_mounts() -> list[MountEntry]:
    """All mounts of this mount namespace that this process can reach. Raises HostError."""
    return parse_mounts(_table())


def mount_at(path: str) -> MountEntry | None:
    """The mount whose root is what one sees at ``path``; None where ``path`` is no mount point, or does not exist.

    The table alone cannot tell: it also lists mounts that lie hidden beneath a later one. Raises HostError.
    """
    entry = mount_containing(path)
    return entry if entry is not None and entry.mount_point == os.path.realpath(path) else None


def mount_containing(path: str) -> MountEntry | None:
    """The mount in which ``path`` lies, None where ``path`` does not exist. Raises HostError."""
    try:
        wanted = _mount_id(path)
    except _Dead:
        # Nothing below such a mount can be looked up, so it is this one.
        return _last(entry for entry in read_mounts() if entry.mount_point == os.path.realpath(path))
    # Only its own line: where each of many layers is asked for, taking the others apart is most of the work.
    begin = b"%d " % wanted if wanted is not None else None
    return _last(_parse_line(line) for line in _table().splitlines() if begin and line.startswith(begin))


def mounts_below(path: str) -> list[MountEntry]:
    """The mounts at directories inside ``path``, hidden ones too, without one at ``path`` itself. Raises HostError."""
    prefix = os.path.join(os.path.realpath(path), "")
    return [entry for entry in read_mounts() if entry.mount_point.startswith(prefix)]


def is_bound_to_itself(path: str) -> bool:
    """Whether the mount at ``path`` is a bind of the very directory it covers. Raises HostError.

    Such a mount changes nothing that one sees, and taking it away takes away no file.
    """
    mounts = read_mounts()
    wanted = _mount_id(path)
    entry = _last(entry for entry in mounts if entry.mount_id == wanted)
    if entry is None or entry.mount_point != os.path.realpath(path):
        return False
    parent = _last(mount for mount in mounts if mount.mount_id == entry.parent_id)
    if parent is None or parent.device != entry.device:
        return False
    covered = os.path.join(parent.root, os.path.relpath(entry.mount_point, parent.mount_point))
    return os.path.normpath(covered) == entry.root


def mount_id_of(descriptor: int) -> int:
    """The ID of the mount through which an open file was reached. Raises HostError."""
    info = f"/proc/self/fdinfo/{descriptor}"
    with reporting("read", info), open(info, encoding="ascii") as lines:
        fields = dict(line.split(":", 1) for line in lines if ":" in line)
    return int(fields["mnt_id"])


def _table() -> bytes:
    with reporting("read", _MOUNTINFO), open(_MOUNTINFO, "rb") as table:
        return table.read()


def _mount_id(path: str) -> int | None:
    """The ID of the mount in which ``path`` lies; ``name_to_handle_at`` would tell, but not on every file system."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        kind = _Dead if error.errno == errno.ENOTCONN else HostError
        raise kind(f"cannot look at the mount: {error.strerror}", subject=path) from error
    try:
        return mount_id_of(descriptor)
    finally:
        os.close(descriptor)


def _parse_line(line: bytes) -> MountEntry:
    # The optional fields in the middle are zero or more, up to a lone dash.
    fields, dash, rest = line.partition(b" - ")
    before = fields.split(b" ")
    after = rest.split(b" ")
    if not dash or len(before) < 6 or len(after) < 3 or not (before[0].isdigit() and before[1].isdigit()):
        raise BadMountTable("the mount table cannot be understood", subject=_MOUNTINFO, found=repr(line))
    return MountEntry(
        mount_id=int(before[0]),
        parent_id=int(before[1]),
        device=_text(before[2]),
        root=_text(before[3]),
        mount_point=_text(before[4]),
        options=tuple(_text(before[5]).split(",")),
        fstype=_text(after[0]),
        source=_text(after[1]),
        super_options=tuple(_text(after[2]).split(",")),
    )


def _text(field: bytes) -> str:
    return os.fsdecode(_OCTAL.sub(lambda match: bytes([int(match[1], 8)]), field))


def _last(entries: Iterable[MountEntry]) -> MountEntry | None:
    found = None
    for entry in entries:
        found = entry
    return found
