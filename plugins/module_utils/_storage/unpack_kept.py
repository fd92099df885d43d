# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Writes the members of a layer's archive as files, whiteouts too: for stores that a mount program serves.

The program reads ``.wh.name`` and ``.wh..wh..opq`` as they are in archives, which was the form of AUFS, and anybody may
make them. Upstream: ``AUFSWhiteoutFormat`` in ``drivers/overlay/overlay.go``.
"""

from __future__ import annotations

import posixpath

from .._layer.tar_header import TarMember
from .._layer.tar_reader import TarReader
from .unpack import Unpacked, Unpacking, run_unpacking


def unpack_kept(reader: TarReader) -> Unpacked:
    """Writes every member of ``reader`` below the root directory, which is empty; the umask must be 022.

    Raises EntryFailed, the errors of ``reader``, and HostError for a fault of the machine such as a full file system.
    """
    return run_unpacking(Keeping(reader), reader)


class Keeping(Unpacking):
    """The state of unpacking one archive."""

    def _hide(self, parent: bytes, base: bytes, member: TarMember) -> None:
        """Leaves it to the mount program to hide what lies below."""
        path = posixpath.join(parent, base)
        self._make[member.type](path, member)
        if member.xattrs:
            self._set_attributes(path, member)
