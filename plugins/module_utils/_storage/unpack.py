# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Writes the members of a layer's archive as files, the way containers/storage does for the overlay driver.

Runs in a process whose root directory is the layer: names, links and devices of the archive lead nowhere else, and symbolic
links that are absolute or climb stay inside. The rules are those of ``pkg/archive`` in containers/storage (``Unpack``,
``extractTarFileEntry`` and the overlay whiteout converter). Names are bytes from the archive to the system call.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from .._host.machine import in_user_namespace
from .._host.os_errors import host_error
from .._host.pipes import write_all
from .._host.remove_tree import remove_tree
from .._layer.member_times import directory_times, link_times, times
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
from .._layer.tar_reader import TarReader
from .._layer.whiteout import PREFIX, Whiteout, classify
from .unpack_errors import HOST_FAULTS, EntryFailed, attribute_failed, entry_failed, text

if TYPE_CHECKING:
    from .unpack_as_user import Owners

_ROOT = b"/"
_OPAQUE = b"trusted.overlay.opaque"
_PERMISSIONS = 0o7777
# What a new file gets of its mode at once: what the umask lets through.
_CREATED = 0o755
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NODES = {FIFO: stat.S_IFIFO, CHARACTER_DEVICE: stat.S_IFCHR, BLOCK_DEVICE: stat.S_IFBLK}

# Never taken from an image: the host labels its own files.
_IGNORED_ATTRIBUTES = frozenset({b"security.selinux"})
# These take CAP_SYS_ADMIN, which a process that reads an archive must not have; but not this one of them.
_PRIVILEGED_ATTRIBUTES = (b"trusted.", b"security.")
_FILE_CAPABILITY = b"security.capability"


class DeferredAttribute(NamedTuple):
    """An extended attribute that only a process with more rights can set. No part of ``path`` is a symbolic link but the last."""

    path: bytes
    name: bytes
    value: bytes


class Unpacked:
    """What came out of an archive.

    ``uids`` and ``gids`` are the owners in its headers, whiteouts apart; ``root_attributes`` tells that an entry gave the
    root directory its mode and owner.
    """

    def __init__(self) -> None:
        self.uids: set[int] = set()
        self.gids: set[int] = set()
        self.deferred: list[DeferredAttribute] = []
        self.root_attributes = False


def unpack(reader: TarReader) -> Unpacked:
    """Writes every member of ``reader`` below the root directory, which is empty; the umask must be 022.

    Whiteouts become marks for the kernel's overlay. Raises EntryFailed, the errors of ``reader``, and HostError for a fault of
    the machine such as a full file system.
    """
    return run_unpacking(Unpacking(reader), reader)


def run_unpacking(work: Unpacking, reader: TarReader) -> Unpacked:
    """Writes every member by the rules of ``work``. Raises what unpack() raises."""
    for member in reader:
        _with_place(work.add, member)
    for member in work.directories:
        # Writing into a directory has changed its times.
        _with_place(_restore_times, member)
    if in_user_namespace():
        from .unpack_as_user import hide_below

        hide_below(attribute.path for attribute in work.attributes_left() if attribute.name == _OPAQUE)
    else:
        work.result.deferred = work.attributes_left()
    return work.result


def set_deferred(attributes: Iterable[DeferredAttribute]) -> None:
    """Sets the attributes that unpacking left, in a process that may. Raises EntryFailed and HostError."""
    for attribute in attributes:
        if not attribute.name.startswith(_PRIVILEGED_ATTRIBUTES):
            raise EntryFailed("this attribute needs no further rights", subject=text(attribute.name))
        try:
            os.setxattr(attribute.path, attribute.name, attribute.value, follow_symlinks=False)
        except (OSError, ValueError) as error:
            if _is_unsupported(error) and attribute.name != _OPAQUE:
                # Without that one, files that the layer hides would come back.
                continue
            may = frozenset({errno.EPERM})
            raise attribute_failed(attribute.name, attribute.path, error, more_faults=may) from error


class Unpacking:
    """The state of unpacking one archive."""

    # In a process that does without the owners that files cannot have: which they can.
    owners: ClassVar[Owners | None] = None

    def __init__(self, reader: TarReader) -> None:
        self.result = Unpacked()
        self.directories: list[TarMember] = []
        self._reader = reader
        # Directories that are there for sure, so that most members need no look at their parent.
        self._known: set[bytes] = {_ROOT}
        # Place, and type and mode, of files and directories that needed no change of owner and mode.
        self._right: set[tuple[bytes, int]] = set()
        self._deferred: list[DeferredAttribute] = []
        # What was removed again, and how many attributes had been deferred by then.
        self._removed: dict[bytes, int] = {}
        self._make: dict[bytes, Callable[[bytes, TarMember], None]] = {
            REGULAR: self._regular,
            DIRECTORY: self._directory,
            SYMBOLIC_LINK: self._symbolic_link,
            HARD_LINK: self._hard_link,
            FIFO: self._node,
            CHARACTER_DEVICE: self._node,
            BLOCK_DEVICE: self._node,
        }

    def add(self, member: TarMember) -> None:
        """Writes one member."""
        if member.type == PAX_GLOBAL:
            # Go reads no owner from the header of a global record.
            self._note_owner(0, 0)
            return
        if member.uid not in self.result.uids or member.gid not in self.result.gids:
            self._note_owner_of(member)
        if self.owners and self.owners.lack(member.uid, member.gid) and not _is_whiteout(member):
            # As after a chown(2) that failed; upstream ignores that, but for the owner of a whiteout.
            member.uid = member.gid = 0
        path = _place(member)
        if path == _ROOT:
            self._root(member)
            return
        parent, _slash, base = path.rpartition(b"/")
        parent = parent or _ROOT
        if parent not in self._known:
            make_parents(parent)
            self._known.add(parent)
        if base.startswith(PREFIX):
            self._hide(parent, base, member)
            return
        if member.type in (CHARACTER_DEVICE, BLOCK_DEVICE) and in_user_namespace():
            # No user can make one; upstream leaves them out too, and clears their place.
            self._remove(path)
            return
        self._make[member.type](path, member)
        if member.xattrs:
            self._set_attributes(path, member)

    def attributes_left(self) -> list[DeferredAttribute]:
        """The deferred attributes of what is still there."""
        if not self._removed:
            return self._deferred
        return [
            attribute
            for number, attribute in enumerate(self._deferred)
            if not any(self._removed.get(path, 0) > number for path in _with_parents(attribute.path))
        ]

    def _note_owner_of(self, member: TarMember) -> None:
        if not _is_whiteout(member):
            self._note_owner(member.uid, member.gid)

    def _note_owner(self, uid: int, gid: int) -> None:
        self.result.uids.add(uid)
        self.result.gids.add(gid)

    def _hide(self, parent: bytes, base: bytes, member: TarMember) -> None:
        """Hides what lies below this layer: all of ``parent``, or one name in it."""
        if classify(base) is Whiteout.OPAQUE:
            self._deferred.append(DeferredAttribute(os.path.realpath(parent), _OPAQUE, b"y"))
        else:
            _whiteout(posixpath.join(parent, base[len(PREFIX) :]), member)

    def _root(self, member: TarMember) -> None:
        """The root's own entry: skipped when it is called ".", as the Go library does, and applied under other names."""
        if not member.name.startswith(b"/") and posixpath.normpath(member.name) == b".":
            return
        if member.type != DIRECTORY:
            raise EntryFailed("the root of a layer can only be a directory", subject=text(member.name))
        self._directory(_ROOT, member)
        self._set_attributes(_ROOT, member)
        self.result.root_attributes = True

    def _regular(self, path: bytes, member: TarMember) -> None:
        mode = member.mode & _PERMISSIONS
        try:
            descriptor = os.open(path, _NEW_FILE, mode & _CREATED)
        except FileExistsError:
            self._remove(path)
            descriptor = os.open(path, _NEW_FILE, mode & _CREATED)
        try:
            for piece in self._reader.data():
                written = os.write(descriptor, piece)
                if written < len(piece):
                    write_all(descriptor, piece[written:])
            if member.uid or member.gid or not self._is_right(descriptor, path, stat.S_IFREG | mode):
                # Owner before mode: chown(2) takes the setuid and setgid bits away.
                os.fchown(descriptor, member.uid, member.gid)
                os.fchmod(descriptor, mode)
            os.utime(descriptor, ns=times(member))
        finally:
            os.close(descriptor)

    def _is_right(self, target: int | bytes, path: bytes, mode: int) -> bool:
        """Whether the new file or directory ``target`` has the owner 0:0 and ``mode`` already, as most have that are made so.

        What the kernel does with one it does with each of the same type and mode in the same directory, whatever the reason:
        a setgid bit, a default access list, an option of the mount. ``mode`` has the type too.
        """
        kind = (path[: path.rindex(b"/")], mode)
        if kind in self._right:
            return True
        status = os.stat(target)
        if status.st_uid or status.st_gid or status.st_mode != mode:
            return False
        self._right.add(kind)
        return True

    def _directory(self, path: bytes, member: TarMember) -> None:
        mode = member.mode & _PERMISSIONS
        try:
            os.mkdir(path, mode & _CREATED)
        except FileExistsError:
            # Files in it may turn out otherwise from now on.
            self._right.clear()
            if not stat.S_ISDIR(os.lstat(path).st_mode):
                self._remove(path)
                os.mkdir(path, mode & _CREATED)
        if member.uid or member.gid or not self._is_right(path, path, stat.S_IFDIR | mode):
            os.chown(path, member.uid, member.gid, follow_symlinks=False)
            os.chmod(path, mode)
        self._known.add(path)
        self.directories.append(member)

    def _symbolic_link(self, path: bytes, member: TarMember) -> None:
        self._replace(path, lambda: os.symlink(member.linkname, path))
        os.chown(path, member.uid, member.gid, follow_symlinks=False)
        os.utime(path, ns=link_times(member), follow_symlinks=False)

    def _hard_link(self, path: bytes, member: TarMember) -> None:
        self._replace(path, lambda: os.link(_clean(member.linkname), path, follow_symlinks=False))
        found = os.lstat(path)
        if (found.st_uid, found.st_gid) != (member.uid, member.gid):
            # Else not, as upstream: it takes the file's capabilities away, which headers of links do not repeat.
            os.chown(path, member.uid, member.gid, follow_symlinks=False)
        if not stat.S_ISLNK(found.st_mode):
            os.chmod(path, member.mode & _PERMISSIONS)
            os.utime(path, ns=times(member))

    def _node(self, path: bytes, member: TarMember) -> None:
        device = os.makedev(member.devmajor, member.devminor) if member.type != FIFO else 0
        try:
            self._replace(path, lambda: os.mknod(path, _NODES[member.type] | 0o600, device))
        except PermissionError as error:
            raise host_error(error, "make the device node", text(member.name)) from error
        os.chown(path, member.uid, member.gid, follow_symlinks=False)
        os.chmod(path, member.mode & _PERMISSIONS)
        os.utime(path, ns=times(member))

    def _replace(self, path: bytes, make: Callable[[], None]) -> None:
        try:
            make()
        except FileExistsError:
            self._remove(path)
            make()

    def _remove(self, path: bytes) -> None:
        """Removes what stands in the way of a member, a directory with all that is in it."""
        if self._deferred:
            parent, base = posixpath.split(path)
            self._removed[posixpath.join(os.path.realpath(parent), base)] = len(self._deferred)
        self._known = {_ROOT}
        self._right.clear()
        remove_tree(os.fsdecode(path))

    def _set_attributes(self, path: bytes, member: TarMember) -> None:
        """Sets extended attributes, after the owner and mode that would take some of them away again."""
        # One of a directory can be an access list for the files in it.
        self._right.clear()
        for name, value in member.xattrs.items():
            if name in _IGNORED_ATTRIBUTES:
                continue
            if name.startswith(_PRIVILEGED_ATTRIBUTES) and name != _FILE_CAPABILITY:
                parent, base = posixpath.split(path)
                real = posixpath.join(os.path.realpath(parent), base)
                self._deferred.append(DeferredAttribute(real, name, value))
                continue
            try:
                os.setxattr(path, name, value, follow_symlinks=False)
            except OSError as error:
                if not _is_unsupported(error):
                    raise attribute_failed(name, member.name, error) from error


def _with_place(action: Callable[[TarMember], None], member: TarMember) -> None:
    """Does ``action`` for ``member``, and names the member in the error if that fails. Raises EntryFailed and HostError."""
    try:
        action(member)
    except OSError as error:
        if error.errno in HOST_FAULTS:
            raise host_error(error, "unpack a member of the layer", text(member.name)) from error
        if error.errno == errno.EINVAL and in_user_namespace():
            from .unpack_as_user import outside_ranges

            raise outside_ranges(text(member.name), member.uid, member.gid) or entry_failed(member, error) from error
        raise entry_failed(member, error) from error
    except (ValueError, OverflowError) as error:
        # A NUL byte in a name, a number that no system call takes.
        raise entry_failed(member, error) from error


def _place(member: TarMember) -> bytes:
    """The absolute path of a member."""
    name = member.clean_name
    # The shortest form of any other name is the same below the root; most names are such.
    return _clean(member.name) if name.startswith((b"/", b".")) else b"/" + name


def _is_whiteout(member: TarMember) -> bool:
    return member.name.rstrip(b"/").rpartition(b"/")[2].startswith(PREFIX)


def _clean(name: bytes) -> bytes:
    """The absolute path that a name means: ``..`` above the root stays at the root (Go: path.Clean)."""
    return posixpath.normpath(b"/" + name.lstrip(b"/"))


def make_parents(parent: bytes, inherit: bool = False) -> None:
    """Makes the directories that no member named: mode 0755, time now, owner root; below a setgid directory too, or ``inherit``."""
    try:
        os.lstat(parent)
        return
    except FileNotFoundError:
        missing = [parent]
    except NotADirectoryError:
        # A whiteout stands where a directory was: another whiteout below it says nothing new, anything else fails.
        return
    while missing:
        try:
            os.mkdir(missing[-1], 0o777)
        except FileNotFoundError:
            missing.append(posixpath.dirname(missing[-1]))
            continue
        made = missing.pop()
        if not inherit:
            os.chown(made, 0, 0)


def _whiteout(path: bytes, member: TarMember) -> None:
    """The overlay file system's own mark for a name that is gone: a character device 0:0."""
    try:
        os.mknod(path, stat.S_IFCHR, 0)
    except NotADirectoryError:
        # Some builders delete a directory and, needlessly, what was in it.
        return
    os.chown(path, member.uid, member.gid, follow_symlinks=False)


def _with_parents(path: bytes) -> Iterable[bytes]:
    while path != _ROOT:
        yield path
        path = posixpath.dirname(path)


def _restore_times(member: TarMember) -> None:
    os.utime(_place(member), ns=directory_times(member))


def _is_unsupported(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno == errno.ENOTSUP
