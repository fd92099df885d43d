# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Writes the members of a layer's archive over a copy of the tree below it: for drivers whose trees are whole.

Other than for overlay, whiteouts take away what they name, an entry for the root counts whatever it is called, and a
directory that no entry names is what the layers below have there, a symbolic link to one too. The rules are those of
``UnpackLayer`` in ``pkg/archive/diff.go`` of containers/storage.
"""

from __future__ import annotations

import os
import posixpath

from .._layer.member_name import clean_name
from .._layer.tar_header import DIRECTORY, PAX_GLOBAL, TarMember
from .._layer.tar_reader import TarReader
from .._layer.whiteout import OPAQUE_MARKER, PREFIX, Whiteout, classify
from .unpack import Unpacked, Unpacking, make_parents, run_unpacking
from .unpack_errors import EntryFailed

_ROOT = b"/"
_OPAQUE_ROOT = _ROOT + OPAQUE_MARKER
# What AUFS kept in the root of its layers: no files of the image.
_AUFS = _ROOT + PREFIX + PREFIX


def unpack_whole(reader: TarReader) -> Unpacked:
    """Applies every member of ``reader`` to the root directory, which has the tree of the layers below; the umask must be 022.

    Raises EntryFailed, the errors of ``reader``, and HostError for a fault of the machine such as a full file system.
    """
    return run_unpacking(_Applying(reader), reader)


class _Applying(Unpacking):
    """The state of applying one archive."""

    def __init__(self, reader: TarReader) -> None:
        super().__init__(reader)
        # What came from this archive, which its own whiteouts of whole directories spare.
        self._unpacked: set[bytes] = set()

    def add(self, member: TarMember) -> None:
        """Writes one member, or takes away what it tells to be gone."""
        path = clean_name(_ROOT + member.name)
        parent = posixpath.dirname(path)
        if parent not in self._known and member.type != PAX_GLOBAL:
            # Upstream makes them before it looks at the name, and leaves them to the group of a setgid directory.
            make_parents(parent, inherit=True)
            self._known.add(parent)
        if path.startswith(_AUFS) and path != _OPAQUE_ROOT:
            if not posixpath.basename(path).startswith(PREFIX):
                self._note_owner(member.uid, member.gid)
            return
        super().add(member)
        if member.type != PAX_GLOBAL and classify(posixpath.basename(path)) is Whiteout.NONE:
            self._unpacked.add(path)

    def _root(self, member: TarMember) -> None:
        if member.type != DIRECTORY:
            raise EntryFailed("the root of a layer can only be a directory", subject=os.fsdecode(member.name))
        self._directory(_ROOT, member)
        self._set_attributes(_ROOT, member)
        self.result.root_attributes = True

    def _hide(self, parent: bytes, base: bytes, member: TarMember) -> None:
        """Takes away what the layers below have: all in ``parent``, or one name in it."""
        if classify(base) is Whiteout.OPAQUE:
            self._empty(parent)
            return
        gone = base[len(PREFIX) :]
        if gone in (b"", b".", b".."):
            raise EntryFailed("the whiteout names no file", subject=os.fsdecode(member.name))
        path = posixpath.join(parent, gone)
        try:
            os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return
        self._remove(path)

    def _empty(self, directory: bytes) -> None:
        if os.path.islink(directory):
            # As upstream, which does not look into it.
            return
        with os.scandir(directory) as entries:
            names = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        for name, is_directory in names:
            path = posixpath.join(directory, name)
            if path not in self._unpacked:
                self._remove(path)
            elif is_directory:
                self._empty(path)
