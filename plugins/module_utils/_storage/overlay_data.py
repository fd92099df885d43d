# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The words that the kernel gets for mounting an overlay: flags and data. Nothing here touches the disk.

See mount(8), ``Documentation/filesystems/overlayfs.rst``, and ``get`` in ``drivers/overlay/overlay.go``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .._host.mounts import (
    MS_DIRSYNC,
    MS_NOATIME,
    MS_NODEV,
    MS_NODIRATIME,
    MS_NOEXEC,
    MS_NOSUID,
    MS_RDONLY,
    MS_RELATIME,
    MS_STRICTATIME,
    MS_SYNCHRONOUS,
)

METACOPY = "metacopy=on"
VOLATILE = "volatile"

# Words that are flags: what each sets and clears.
_FLAGS: dict[str, tuple[int, int]] = {
    "defaults": (0, 0),
    "ro": (MS_RDONLY, 0),
    "rw": (0, MS_RDONLY),
    "nosuid": (MS_NOSUID, 0),
    "suid": (0, MS_NOSUID),
    "nodev": (MS_NODEV, 0),
    "dev": (0, MS_NODEV),
    "noexec": (MS_NOEXEC, 0),
    "exec": (0, MS_NOEXEC),
    "sync": (MS_SYNCHRONOUS, 0),
    "async": (0, MS_SYNCHRONOUS),
    "dirsync": (MS_DIRSYNC, 0),
    "noatime": (MS_NOATIME, 0),
    "atime": (0, MS_NOATIME),
    "nodiratime": (MS_NODIRATIME, 0),
    "diratime": (0, MS_NODIRATIME),
    "relatime": (MS_RELATIME, 0),
    "norelatime": (0, MS_RELATIME),
    "strictatime": (MS_STRICTATIME, 0),
    "nostrictatime": (0, MS_STRICTATIME),
}


@dataclass(frozen=True)
class OverlayStack:
    """The directories of an overlay. ``lowers`` are those that stay unchanged, topmost first.

    ``upper`` and ``work`` take the changes; both are None for an overlay that cannot be written.
    """

    lowers: tuple[str, ...]
    upper: str | None = None
    work: str | None = None


def effective_options(own: Sequence[str], configured: Sequence[str], metacopy: bool) -> tuple[str, ...]:
    """The mount options of a container: its own, or those of the store where it has none.

    ``metacopy=on`` follows the store: upper layers written with it cannot be read without. It goes where the kernel does
    not know it (``metacopy`` false).
    """
    options = list(own) or list(configured)
    if METACOPY in configured and METACOPY not in options:
        options.append(METACOPY)
    return tuple(option for option in options if option and (metacopy or option != METACOPY))


def wants_read_only(options: Sequence[str]) -> bool:
    """Whether the options themselves ask for a mount that cannot be written; the last word counts."""
    flags, _words = _split(options)
    return bool(flags & MS_RDONLY)


def mount_arguments(stack: OverlayStack, options: Sequence[str], label: str) -> tuple[str, int]:
    """The data and flags for mount(2).

    ``label`` is an SELinux context for all files of the mount, empty for none.
    """
    flags, words = _split(options)
    data = ["lowerdir=" + ":".join(_escaped(lower, ",:") for lower in stack.lowers)]
    if stack.upper is not None and stack.work is not None:
        data += [f"upperdir={_escaped(stack.upper, ',')}", f"workdir={_escaped(stack.work, ',')}"]
    else:
        flags |= MS_RDONLY
    data += words
    if label:
        # Quoted, since the categories of a label are separated by commas.
        data.append(f'context="{label}"')
    return ",".join(data), flags


def _split(options: Sequence[str]) -> tuple[int, list[str]]:
    """The flags of those words that are flags, and the other words."""
    flags = 0
    words = []
    for option in options:
        if option in _FLAGS:
            sets, clears = _FLAGS[option]
            flags = (flags | sets) & ~clears
        else:
            words.append(option)
    return flags, words


def _escaped(path: str, special: str) -> str:
    """``path`` with a backslash before each character that would end it in mount data."""
    for character in "\\" + special:
        path = path.replace(character, "\\" + character)
    return path
