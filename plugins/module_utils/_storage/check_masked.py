# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The tree of a layer whose files have one mode and one owner, against the headers: what is noted beside each must agree."""

from __future__ import annotations

import os
import stat
from dataclasses import replace

from .._host.xattrs import get_xattr
from .check_tree import ExpectedFile, TreeCheck
from .override_stat import BLOCK_DEVICE, CHARACTER_DEVICE, DIRECTORY, FILE, OVERRIDE_XATTR, PIPE, Override

_KINDS = {
    stat.S_IFREG: FILE,
    stat.S_IFDIR: DIRECTORY,
    stat.S_IFIFO: PIPE,
    stat.S_IFCHR: CHARACTER_DEVICE,
    stat.S_IFBLK: BLOCK_DEVICE,
}


def is_masked(tree: str) -> bool:
    """Whether the tree of a layer in the directory ``tree`` is one of these. Raises HostError."""
    return os.path.isdir(tree) and get_xattr(tree, OVERRIDE_XATTR) is not None


class MaskedTreeCheck(TreeCheck):
    """Compares such a tree with the members that it is told to expect."""

    def _lacks_devices(self) -> bool:
        """They are files, which everybody can make."""
        return False

    def _differs(self, name: bytes, expected: ExpectedFile, status: os.stat_result) -> list[str]:
        same = replace(expected, mode=stat.S_IMODE(status.st_mode), uid=status.st_uid, gid=status.st_gid)
        if expected.format == stat.S_IFLNK:
            return super()._differs(name, same, status)
        kind = stat.S_IFDIR if expected.format == stat.S_IFDIR else stat.S_IFREG
        found = super()._differs(name, replace(same, format=kind), status)
        truth = Override.parse(get_xattr(os.fsdecode(os.path.join(self._root, name)), OVERRIDE_XATTR) or b"")
        if truth is None:
            return [*found, "note of its owner and mode"]
        # Old versions tell no type, and with it not the bits above the permissions.
        bits = 0o7777 if truth.kind else 0o777
        tests = {
            "owner": (truth.uid, truth.gid) != (expected.uid, expected.gid),
            "mode": truth.mode & bits != expected.mode & bits,
            "type": bool(truth.kind) and truth.kind != _KINDS[expected.format],
        }
        return found + [what for what, differs in tests.items() if differs]
