# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Laws about what a file may call."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .source_tree import UTILS, Breach, SourceFile, SourceTree

# Rooms that see bytes and values only.
ROOMS_WITHOUT_FILES = ("_model", "_layer", "_trust")
# Members of os and os.path that ask nothing of the file system.
OS_PURE = {"fsencode", "fsdecode", "strerror", "PathLike", "fspath", "error"}
OS_PATH_PURE = {"join", "basename", "dirname", "split", "splitext", "normpath", "isabs", "commonpath"}
LIBRARIES_OF_FILES = {"pathlib", "shutil", "tempfile", "glob", "mmap", "fileinput", "subprocess", "linecache", "posix"}

ENVIRONMENT_FILE = f"{UTILS}/_config/paths.py"
OS_ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv", "get_exec_path"}
OS_PATH_ENVIRONMENT = {"expanduser", "expandvars"}

ENDINGS = {"exit_json", "fail_json"}


def no_files_in_pure_rooms(tree: SourceTree) -> Iterator[Breach]:
    """``open`` and the file calls of ``os`` stand nowhere in ``_model``, ``_layer`` and ``_trust``."""
    for file in tree.rooms(*ROOMS_WITHOUT_FILES):
        for member, node in file.uses("os"):
            if member not in OS_PURE | {"path"}:
                yield file.breach(node, f"uses os.{member}; {file.room} touches no file")
        for member, node in _os_path(file):
            if member not in OS_PATH_PURE:
                yield file.breach(node, f"uses os.path.{member}; {file.room} touches no file")
        for name, node in file.libraries():
            if name.split(".")[0] in LIBRARIES_OF_FILES:
                yield file.breach(node, f"imports {name}; {file.room} touches no file")
        for node in ast.walk(file.tree):
            if _is_open(node):
                yield file.breach(node, f"uses open; {file.room} touches no file")


def environment_only_in_paths(tree: SourceTree) -> Iterator[Breach]:
    """The environment is read in ``_config/paths`` only; ``expanduser`` and ``expandvars`` read it too."""
    for file in tree.plugins():
        if file.path == ENVIRONMENT_FILE:
            continue
        for member, node in file.uses("os"):
            if member in OS_ENVIRONMENT:
                yield file.breach(node, f"uses os.{member}; _config/paths reads the environment")
        for member, node in _os_path(file):
            if member in OS_PATH_ENVIRONMENT:
                yield file.breach(node, f"uses os.path.{member}; _config/paths reads the environment")


def endings_only_in_module(tree: SourceTree) -> Iterator[Breach]:
    """``exit_json`` and ``fail_json`` are called in ``_module`` only."""
    for file in tree.plugins():
        if file.room == "_module":
            continue
        for node in ast.walk(file.tree):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            if name in ENDINGS:
                yield file.breach(node, f"uses {name}; only _module ends a module")


def packages_by_name(tree: SourceTree) -> Iterator[Breach]:
    """``__package__`` is asked nowhere: in a file of a zip archive, as Ansible sends it, Python 3.9 sets it too late."""
    for file in tree.plugins():
        for node in ast.walk(file.tree):
            if isinstance(node, ast.Name) and node.id == "__package__":
                yield file.breach(node, "uses __package__; __name__ tells the same, on Python 3.9 in a zip archive too")


def _is_open(node: ast.AST) -> bool:
    """The built-in as a name, however it is used, and any ``x.open(...)``: ``io``, ``gzip``, ``lzma``, a path."""
    if isinstance(node, ast.Name):
        return node.id == "open" and isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in ("open", "open_code", "FileIO")
    return False


def _os_path(file: SourceFile) -> Iterator[tuple[str, ast.AST]]:
    """Members of os.path, also by the names posixpath and a ``from os import path``."""
    yield from file.uses("os.path")
    yield from file.uses("posixpath")
    names = file.names_of("os")
    for node in ast.walk(file.tree):
        if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute)):
            continue
        middle = node.value
        if middle.attr == "path" and isinstance(middle.value, ast.Name) and middle.value.id in names:
            yield node.attr, node
