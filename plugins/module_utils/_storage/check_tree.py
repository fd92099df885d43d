# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The tree of one layer against the headers of its archive: types, owners, modes, times, and nothing besides."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from .._host.machine import in_user_namespace
from .._layer.member_name import clean_name, readable
from .._layer.tar_header import (
    BLOCK_DEVICE,
    CHARACTER_DEVICE,
    DIRECTORY,
    FIFO,
    HARD_LINK,
    PAX_GLOBAL,
    REGULAR,
    SYMBOLIC_LINK,
    TarMember,
)
from .._layer.whiteout import PREFIX, Whiteout, classify

_FORMATS = {
    REGULAR: stat.S_IFREG,
    SYMBOLIC_LINK: stat.S_IFLNK,
    CHARACTER_DEVICE: stat.S_IFCHR,
    BLOCK_DEVICE: stat.S_IFBLK,
    DIRECTORY: stat.S_IFDIR,
    FIFO: stat.S_IFIFO,
}
# An access list says who else may do what, and changes the mode's last nine bits to what it comes to (acl(5)).
_ACCESS_LIST = b"system.posix_acl_access"
_ABOVE_ACCESS = 0o7000
_SECOND = 10**9
# Go cannot hold later times in nanoseconds, and stores 0 for them and for those before 1970.
_TIMES = range(2**63)


@dataclass(frozen=True)
class ExpectedFile:
    """What a header says of a file. None stands for what it does not settle; of the mode it settles ``mode_bits``."""

    format: int
    mode: int
    mode_bits: int
    uid: int
    gid: int
    size: int | None
    seconds: int | None
    link: bytes


class TreeCheck:
    """Compares the tree in the directory ``path`` with the members that it is told to expect."""

    def __init__(self, path: str, owners: bool, directory_times: bool) -> None:
        """``owners`` and ``directory_times`` tell whether these were kept when the layer was stored."""
        self._root = os.fsencode(path)
        self._owners = owners
        self._directory_times = directory_times
        self._expected: dict[bytes, ExpectedFile] = {}
        self._present: set[bytes] = set()
        self._whiteouts: set[bytes] = set()
        self._links: set[bytes] = set()
        # Whiteouts as files, for a mount program: those that the archive has.
        self._kept: set[bytes] = set()
        self._ours = True

    def give_up(self) -> None:
        """The members could not be told: no differences."""
        self._ours = False

    def expect(self, member: TarMember) -> None:
        """Takes the next member of the archive."""
        name = clean_name(b"/" + member.name)[1:]
        directory, _slash, base = name.rpartition(b"/")
        if member.type == PAX_GLOBAL or not name:
            return
        if member.type in (CHARACTER_DEVICE, BLOCK_DEVICE) and self._lacks_devices():
            return
        what = classify(base)
        if what is not Whiteout.NONE:
            self._kept.add(name)
        if what is Whiteout.OPAQUE:
            self._present.add(directory)
        elif what is Whiteout.REMOVE:
            self._whiteouts.add(os.path.join(directory, base[len(PREFIX) :]))
        elif member.type == HARD_LINK:
            self._links.add(name)
            self._present.update((name, clean_name(b"/" + member.linkname)[1:]))
        else:
            self._expected[name] = self._of(member)
            self._present.add(name)

    def differences(self) -> list[str]:
        """One short text for each thing that is otherwise, the first by name first. Raises OSError."""
        if not self._ours:
            return []
        found = self._walk()
        parents = self._parents()
        linked = self._linked(found)
        texts = []
        for name in sorted(self._present - {b""}):
            if name not in found and not self._beneath_link(name, found):
                texts.append(f"{readable(name)} is missing")
        for name, status in sorted(found.items()):
            expected = self._expected.get(name)
            if expected is not None and status.st_ino in linked:
                # The header of the last name that a file got settled its owner, mode and times.
                continue
            if expected is not None:
                texts += [f"{readable(name)} has another {what}" for what in self._differs(name, expected, status)]
            elif name not in self._present and not self._allowed(name, status, parents):
                texts.append(f"{readable(name)} should not be there")
        return texts

    def _lacks_devices(self) -> bool:
        """Whether devices are left out: no user can make one, so none is made for users."""
        return in_user_namespace()

    def _of(self, member: TarMember) -> ExpectedFile:
        seconds: int | None = member.mtime_ns // _SECOND if member.mtime_ns in _TIMES else 0
        if member.type == SYMBOLIC_LINK or (member.type == DIRECTORY and not self._directory_times):
            seconds = None
        return ExpectedFile(
            format=_FORMATS.get(member.type, stat.S_IFREG),
            mode=member.mode,
            mode_bits=_ABOVE_ACCESS if _ACCESS_LIST in member.xattrs else 0o7777,
            uid=member.uid,
            gid=member.gid,
            size=member.size if member.type == REGULAR else None,
            seconds=seconds,
            link=member.linkname if member.type == SYMBOLIC_LINK else b"",
        )

    def _differs(self, name: bytes, expected: ExpectedFile, status: os.stat_result) -> list[str]:
        if stat.S_IFMT(status.st_mode) != expected.format:
            return ["type"]
        tests = {
            "owner": self._owners and (status.st_uid, status.st_gid) != (expected.uid, expected.gid),
            "mode": expected.format != stat.S_IFLNK and bool((status.st_mode ^ expected.mode) & expected.mode_bits),
            "size": expected.size is not None and status.st_size != expected.size,
            "time": expected.seconds is not None and status.st_mtime_ns // _SECOND != expected.seconds,
            "target": bool(expected.link) and os.readlink(os.path.join(self._root, name)) != expected.link,
        }
        return [what for what, differs in tests.items() if differs]

    def _walk(self) -> dict[bytes, os.stat_result]:
        found: dict[bytes, os.stat_result] = {}
        waiting = [b""]
        while waiting:
            directory = waiting.pop()
            with os.scandir(os.path.join(self._root, directory)) as entries:
                for entry in entries:
                    name = os.path.join(directory, os.fsencode(entry.name))
                    found[name] = entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(name)
        return found

    def _linked(self, found: dict[bytes, os.stat_result]) -> set[int]:
        """The inodes that have a name by a hard link of the archive, whatever name that was linked to."""
        return {found[name].st_ino for name in self._links & found.keys()}

    def _parents(self) -> set[bytes]:
        """Every directory that a member is in."""
        parents: set[bytes] = set()
        for name in (*self._present, *self._whiteouts):
            while b"/" in name:
                name = name.rpartition(b"/")[0]
                parents.add(name)
        return parents

    def _allowed(self, name: bytes, status: os.stat_result, parents: set[bytes]) -> bool:
        """Whether it is a whiteout of the archive in one of its forms, or a directory that has no header of its own."""
        if name in self._kept:
            return stat.S_ISREG(status.st_mode)
        if stat.S_ISCHR(status.st_mode):
            return name in self._whiteouts
        return stat.S_ISDIR(status.st_mode) and name in parents

    def _beneath_link(self, name: bytes, found: dict[bytes, os.stat_result]) -> bool:
        """Whether a directory of the name is a link, so that the member went somewhere else."""
        while b"/" in name:
            name = name.rpartition(b"/")[0]
            status = found.get(name)
            if status is not None and stat.S_ISLNK(status.st_mode):
                return True
        return False
