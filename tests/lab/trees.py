# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that can be seen of a tree of files, as data that can be compared."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import Any

# Directories that no layer names are made on the way, with the time of the making.
_ANY_TIME = -1


def describe_tree(root: str, untimed: frozenset[str] = frozenset()) -> dict[str, dict[str, Any]]:
    """Each path below ``root`` (the root itself as ``.``) with type, mode, owner, size, times, xattrs, links, device and content.

    Paths in ``untimed`` are given no time. Hard links are told by the first path (in byte order) of the same file.
    """
    base = os.fsencode(root)
    first_paths: dict[tuple[int, int], str] = {}
    entries: dict[str, dict[str, Any]] = {}
    for path in sorted(_walk(base)):
        name = os.fsdecode(os.path.relpath(path, base))
        entries[name] = _describe(path, name, first_paths, untimed)
    return entries


def _walk(base: bytes) -> list[bytes]:
    paths = [base]
    for directory, subdirectories, files in os.walk(base):
        paths += [os.path.join(directory, name) for name in (*subdirectories, *files)]
    return paths


def _describe(
    path: bytes, name: str, first_paths: dict[tuple[int, int], str], untimed: frozenset[str]
) -> dict[str, Any]:
    status = os.lstat(path)
    entry: dict[str, Any] = {
        "type": stat.S_IFMT(status.st_mode),
        "mode": oct(stat.S_IMODE(status.st_mode)),
        "owner": (status.st_uid, status.st_gid),
        "mtime_ns": _ANY_TIME if name in untimed else status.st_mtime_ns,
        "xattrs": {key: os.getxattr(path, key, follow_symlinks=False) for key in sorted(_xattrs(path))},
    }
    if stat.S_ISDIR(status.st_mode):
        return entry
    entry["links"] = status.st_nlink
    entry["same_as"] = first_paths.setdefault((status.st_dev, status.st_ino), name)
    if stat.S_ISLNK(status.st_mode):
        entry["target"] = os.readlink(path)
    elif stat.S_ISREG(status.st_mode):
        entry["size"] = status.st_size
        with open(path, "rb") as stream:
            entry["sha256"] = hashlib.sha256(stream.read()).hexdigest()
    elif stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
        entry["device"] = (os.major(status.st_rdev), os.minor(status.st_rdev))
    return entry


def _xattrs(path: bytes) -> list[str]:
    return os.listxattr(path, follow_symlinks=False)


def snapshot(directory: str) -> dict[str, tuple[Any, ...]]:
    """Inode, size, time of the last change and content of every file below ``directory``: what "nothing was written" means."""
    found: dict[str, tuple[Any, ...]] = {}
    for path in _walk(os.fsencode(directory)) if os.path.exists(directory) else []:
        status = os.lstat(path)
        digest = ""
        if stat.S_ISREG(status.st_mode) and status.st_size < 1 << 20:
            with open(path, "rb") as stream:
                digest = hashlib.sha256(stream.read()).hexdigest()
        found[os.fsdecode(path)] = (
            status.st_ino,
            status.st_mode,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
            digest,
        )
    return found


def differences(expected: dict[str, dict[str, Any]], found: dict[str, dict[str, Any]]) -> list[str]:
    """One line for each path and property in which two trees differ."""
    lines = [f"{path}: missing" for path in expected if path not in found]
    lines += [f"{path}: unexpected" for path in found if path not in expected]
    for path in expected:
        if path in found:
            for key, value in expected[path].items():
                if found[path].get(key) != value:
                    lines.append(f"{path}: {key}: expected {value!r}, found {found[path].get(key)!r}")
    return lines
