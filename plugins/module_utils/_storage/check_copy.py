# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""A whole tree against the tree below it and the headers of its layer's archive: for drivers whose layers are copies.

What the archive changes must be as its headers say, and everything else as in the tree below, byte for byte. The archive is
applied to a picture of that tree by the rules of ``unpack_whole``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional

from .._host.machine import in_user_namespace
from .._layer.member_name import clean_name, readable
from .._layer.tar_header import BLOCK_DEVICE, CHARACTER_DEVICE, HARD_LINK, PAX_GLOBAL, TarMember
from .._layer.whiteout import OPAQUE_MARKER, PREFIX, Whiteout, classify
from .check_tree import ExpectedFile, TreeCheck

_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CHUNK = 1 << 20
# As the kernel: more symbolic links than this in one name are a loop.
_MOST_LINKS = 40


@dataclass
class _Node:
    """A file of the picture: one that a header describes, one that is as below, or one of which only the name is known."""

    link: bytes = b""
    header: Optional[ExpectedFile] = None
    below: Optional[os.stat_result] = None
    # None for what is no directory.
    children: Optional[dict[bytes, _Node]] = None


class CopyCheck(TreeCheck):
    """Compares the tree in ``path`` with the members that it is told to expect, on top of the tree in ``below``."""

    def __init__(self, path: str, below: str | None, owners: bool, directory_times: bool) -> None:
        """``below`` is None for a base layer; the rest is as for TreeCheck. Raises OSError."""
        super().__init__(path, owners, directory_times)
        self._below = os.fsencode(below or "")
        self._top = _picture(self._below) if below else _Node(children={})
        # What came from the archive, by its name there, as upstream remembers it.
        self._unpacked: set[bytes] = set()
        # Files with several names, of which one got the owner, mode and times of a header.
        self._changed: set[tuple[int, int]] = set()

    def expect(self, member: TarMember) -> None:
        name = clean_name(b"/" + member.name)[1:]
        if member.type == PAX_GLOBAL or not name:
            return
        directory, _slash, base = name.rpartition(b"/")
        parent = self._directory(directory)
        what = classify(base)
        of_aufs = name.startswith(PREFIX + PREFIX) and name != OPAQUE_MARKER
        if of_aufs or parent is None or parent.children is None:
            return
        if what is Whiteout.OPAQUE:
            named = self._find(directory) if directory else None
            if named is not None and named.link:
                return
            _empty(parent, directory, self._unpacked)
        elif what is Whiteout.REMOVE:
            parent.children.pop(base[len(PREFIX) :], None)
        elif member.type in (CHARACTER_DEVICE, BLOCK_DEVICE) and in_user_namespace():
            # No user can make one: it only took the place of what was there.
            parent.children.pop(base, None)
        else:
            parent.children[base] = self._node(member, parent.children.get(base))
            self._unpacked.add(name)

    def differences(self) -> list[str]:
        return [f"{readable(name)} {what}" for name, what in sorted(self._compared())] if self._ours else []

    def _node(self, member: TarMember, present: _Node | None) -> _Node:
        if member.type == HARD_LINK:
            # The header of the last name that a file gets settles its owner, mode and times.
            target = self._find(clean_name(b"/" + member.linkname)[1:])
            if target is not None and target.below is not None:
                self._changed.add((target.below.st_dev, target.below.st_ino))
            if target is not None:
                target.header = None
            return _Node(link=target.link if target else b"")
        header = self._of(member)
        if header.format != stat.S_IFDIR:
            return _Node(link=header.link, header=header)
        merged = present.children if present is not None else None
        return _Node(header=header, children={} if merged is None else merged)

    def _directory(self, name: bytes) -> _Node | None:
        """The directory of a member; those that nothing names are made. None where a file stands in the way."""
        return self._walk_to(name, make=True)

    def _find(self, name: bytes) -> _Node | None:
        directory, _slash, base = name.rpartition(b"/")
        parent = self._walk_to(directory, make=False)
        return parent.children.get(base) if parent is not None and parent.children is not None else None

    def _walk_to(self, name: bytes, *, make: bool) -> _Node | None:
        stack = [self._top]
        pending = [part for part in name.split(b"/")[::-1] if part]
        links = 0
        while pending:
            part = pending.pop()
            children = stack[-1].children
            if children is None:
                return None
            if part in (b"", b"."):
                continue
            if part == b"..":
                stack = stack[:-1] or stack
                continue
            node = children.get(part)
            if node is None:
                if not make:
                    return None
                node = children[part] = _Node(children={})
            if node.link:
                links += 1
                if links > _MOST_LINKS:
                    return None
                stack = stack[:1] if node.link.startswith(b"/") else stack
                pending += node.link.split(b"/")[::-1]
                continue
            stack.append(node)
        return stack[-1]

    def _compared(self) -> Iterator[tuple[bytes, str]]:
        """The name of each file that is otherwise, and how."""
        waiting = [(b"", self._top)]
        while waiting:
            directory, node = waiting.pop()
            wanted = dict(node.children or {})
            with os.scandir(os.path.join(self._root, directory)) as entries:
                found = {os.fsencode(entry.name): entry.stat(follow_symlinks=False) for entry in entries}
            for base, status in found.items():
                name = os.path.join(directory, base)
                expected = wanted.pop(base, None)
                if expected is None:
                    yield name, "should not be there"
                    continue
                wrong = self._wrong(name, expected, status)
                yield from ((name, f"has another {what}") for what in wrong)
                if stat.S_ISDIR(status.st_mode) and expected.children is not None:
                    waiting.append((name, expected))
            yield from ((os.path.join(directory, base), "is missing") for base in wanted)

    def _wrong(self, name: bytes, expected: _Node, status: os.stat_result) -> list[str]:
        if expected.header is not None:
            return self._differs(name, expected.header, status)
        if stat.S_ISDIR(status.st_mode) != (expected.children is not None):
            return ["type"]
        return self._unlike_below(name, expected.below, status) if expected.below is not None else []

    def _unlike_below(self, name: bytes, below: os.stat_result, status: os.stat_result) -> list[str]:
        """In what a file that the archive does not name is other than in the tree below."""
        if stat.S_IFMT(status.st_mode) != stat.S_IFMT(below.st_mode):
            return ["type"]
        is_directory = stat.S_ISDIR(status.st_mode)
        loose = (below.st_dev, below.st_ino) in self._changed
        mine, theirs = os.path.join(self._root, name), os.path.join(self._below, name)
        if stat.S_ISLNK(status.st_mode):
            return ["target"] if os.readlink(mine) != os.readlink(theirs) else []
        tests = {
            "owner": not loose and (status.st_uid, status.st_gid) != (below.st_uid, below.st_gid),
            "mode": not loose and status.st_mode != below.st_mode,
            "size": not is_directory and status.st_size != below.st_size,
            # What was made or removed in a directory changed its time.
            "time": not loose and not is_directory and status.st_mtime_ns != below.st_mtime_ns,
            "device number": status.st_rdev != below.st_rdev,
        }
        wrong = [what for what, differs in tests.items() if differs]
        if not wrong and stat.S_ISREG(status.st_mode) and not _same_content(mine, theirs):
            return ["content than in the layer below"]
        return wrong


def _picture(tree: bytes) -> _Node:
    """The tree as it is."""
    top = _Node(children={})
    waiting = [(tree, top)]
    while waiting:
        directory, node = waiting.pop()
        if node.children is None:
            continue
        with os.scandir(directory) as entries:
            for entry in entries:
                name = os.fsencode(entry.name)
                path = os.path.join(directory, name)
                status = entry.stat(follow_symlinks=False)
                child = _Node(below=status)
                if stat.S_ISLNK(status.st_mode):
                    child.link = os.readlink(path)
                elif stat.S_ISDIR(status.st_mode):
                    child.children = {}
                    waiting.append((path, child))
                node.children[name] = child
    return top


def _empty(node: _Node, directory: bytes, unpacked: set[bytes]) -> None:
    """Takes away what is in a directory, but for what came from the archive itself."""
    for base, child in list((node.children or {}).items()):
        name = os.path.join(directory, base)
        if name not in unpacked and node.children is not None:
            del node.children[base]
        elif child.children is not None:
            _empty(child, name, unpacked)


def _same_content(one: bytes, other: bytes) -> bool:
    first, second = os.open(one, _FILE), -1
    try:
        second = os.open(other, _FILE)
        while True:
            mine, theirs = os.read(first, _CHUNK), os.read(second, _CHUNK)
            if mine != theirs:
                return False
            if not mine:
                return True
    finally:
        os.close(first)
        if second >= 0:
            os.close(second)
