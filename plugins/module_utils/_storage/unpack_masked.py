# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Writes the members of a layer's archive as files of one mode and one owner, and notes what they should have beside them.

For the option ``force_mask``, with which files can lie where owners and modes cannot be set; the mount program shows what
is noted. Upstream: ``ForceMask`` in ``pkg/archive/archive.go``.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable
from functools import partial

from .._host.os_errors import reporting
from .._layer import tar_header
from .._layer.tar_header import HARD_LINK, PAX_GLOBAL, REGULAR, SYMBOLIC_LINK, TarMember
from .._layer.tar_reader import TarReader
from .override_stat import BLOCK_DEVICE, CHARACTER_DEVICE, DIRECTORY, FILE, OVERRIDE_XATTR, PIPE, Override
from .unpack import Unpacked, run_unpacking
from .unpack_kept import Keeping

_ROOT = b"/"
_LINKS = (HARD_LINK, SYMBOLIC_LINK)
_KINDS = {
    tar_header.DIRECTORY: DIRECTORY,
    tar_header.FIFO: PIPE,
    tar_header.CHARACTER_DEVICE: CHARACTER_DEVICE,
    tar_header.BLOCK_DEVICE: BLOCK_DEVICE,
}
_UNNAMED = Override(0, 0, 0o755, DIRECTORY)


def unpack_masked(reader: TarReader, mask: int) -> Unpacked:
    """Writes every member of ``reader`` with the mode ``mask`` below the root directory, which is empty.

    Raises EntryFailed, the errors of ``reader``, and HostError for a fault of the machine.
    """
    work = _Masking(reader, mask)
    unpacked = run_unpacking(work, reader)
    work.note_directories()
    return unpacked


class _Masking(Keeping):
    """The state of unpacking one archive."""

    def __init__(self, reader: TarReader, mask: int) -> None:
        super().__init__(reader)
        self._mask = mask
        self._root_is = _UNNAMED
        self._truth = self._root_is
        self._make = {kind: partial(self._noted, make) for kind, make in self._make.items()}

    def add(self, member: TarMember) -> None:
        """Writes one member."""
        if member.type != PAX_GLOBAL:
            self._truth = _truth_of(member)
            super()._note_owner_of(member)
            self._conceal(member)
        super().add(member)

    def note_directories(self) -> None:
        """Notes what the root should be, which is what ``./`` says, whatever other names it has; and what no member named.

        Upstream leaves the latter out, and fuse-overlayfs 1.10 then cannot list where they lie.
        """
        with reporting("note the owner and mode of", "directories of the layer"):
            os.setxattr(_ROOT, OVERRIDE_XATTR, self._root_is.text())
            for directory, names, _files in os.walk(_ROOT):
                for path in (posixpath.join(directory, name) for name in names):
                    if not os.path.islink(path) and os.fsdecode(OVERRIDE_XATTR) not in os.listxattr(path):
                        os.setxattr(path, OVERRIDE_XATTR, _UNNAMED.text())

    def _note_owner_of(self, member: TarMember) -> None:
        """Done before the owner was concealed."""

    def _root(self, member: TarMember) -> None:
        if not member.name.startswith(b"/") and posixpath.normpath(member.name) == b".":
            self._root_is = Override(self._truth.uid, self._truth.gid, self._truth.mode & 0o777, DIRECTORY)
        super()._root(member)

    def _conceal(self, member: TarMember) -> None:
        """Gives the member what every file has; what is neither a directory nor a link becomes a file."""
        if member.type != tar_header.DIRECTORY and member.type not in _LINKS:
            member.type = REGULAR
        member.uid = member.gid = 0
        member.mode = self._mask
        # Else an archive could say of its files what their headers do not.
        member.xattrs = {name: value for name, value in member.xattrs.items() if name != OVERRIDE_XATTR}

    def _noted(self, make: Callable[[bytes, TarMember], None], path: bytes, member: TarMember) -> None:
        make(path, member)
        if member.type not in _LINKS:
            os.setxattr(path, OVERRIDE_XATTR, self._truth.text(), follow_symlinks=False)


def _truth_of(member: TarMember) -> Override:
    """What the header of a member says."""
    device = (member.devmajor, member.devminor)
    return Override(member.uid, member.gid, member.mode & 0o7777, _KINDS.get(member.type, FILE), device)
