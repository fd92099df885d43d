# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The source tree as the laws see it: each Python file parsed, and what it imports of this collection."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

UTILS = "plugins/module_utils"
_UTILS_MODULE = "ansible_collections.strata.containers.plugins.module_utils"
_SCANNED = ("plugins", "tests", "tools", "benchmarks")
_GENERATED = ("tests/output/",)


@dataclass(frozen=True)
class Breach:
    """A place where a law is broken."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


@dataclass(frozen=True)
class Import:
    """An import of a file of module_utils, wherever in the source it stands; ``target`` is its path in the tree.

    It is done ``at_once``, with the import of its own file, unless it stands in a function or below ``if TYPE_CHECKING``.
    """

    target: str
    line: int
    at_once: bool = True


@dataclass
class SourceFile:
    """One Python file."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def room(self) -> str:
        """The folder below module_utils; the file's own name for a file that lies directly there; else empty."""
        parts = PurePosixPath(self.path).parts
        return PurePosixPath(parts[2]).stem if self.path.startswith(UTILS + "/") else ""

    @property
    def in_utils(self) -> bool:
        return self.path.startswith(UTILS + "/")

    @property
    def in_plugins(self) -> bool:
        return self.path.startswith("plugins/")

    def breach(self, node: ast.AST, text: str) -> Breach:
        return Breach(self.path, getattr(node, "lineno", 1), text)

    def libraries(self) -> Iterator[tuple[str, ast.AST]]:
        """The full names of what is imported from outside: ``os``, or ``os.path`` and ``os.path.join`` for a ``from``."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield alias.name, node
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                yield node.module, node
                for alias in node.names:
                    yield f"{node.module}.{alias.name}", node

    def names_of(self, library: str) -> set[str]:
        """The names under which ``library`` (``os``, ``os.path``) is known in this file."""
        names = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name == library and alias.asname:
                        names.add(alias.asname)
                    elif alias.name.split(".")[0] == library and not alias.asname:
                        names.add(library)
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                parent, _dot, leaf = library.rpartition(".")
                for alias in node.names:
                    if node.module == parent and alias.name == leaf:
                        names.add(alias.asname or leaf)
        return names

    def uses(self, library: str) -> Iterator[tuple[str, ast.AST]]:
        """Each use of a member of ``library``, by attribute or by ``from`` import: the member's name and its place."""
        names = self.names_of(library)
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
                yield node.attr, node
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module == library:
                for alias in node.names:
                    yield alias.name, node


class SourceTree:
    """Every Python file of ``plugins``, ``tests`` and ``tools`` below ``root``, by its path in the tree."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = {path: SourceFile(path, (root / path).read_text(encoding="utf-8")) for path in _python_files(root)}
        self._imports: dict[str, list[Import]] = {}

    def plugins(self) -> Iterator[SourceFile]:
        """The files that users get."""
        return (file for file in self.files.values() if file.in_plugins)

    def utils(self) -> Iterator[SourceFile]:
        """The files of the engine."""
        return (file for file in self.files.values() if file.in_utils)

    def rooms(self, *rooms: str) -> Iterator[SourceFile]:
        """The engine's files in these rooms."""
        return (file for file in self.utils() if file.room in rooms)

    def imports(self, file: SourceFile) -> list[Import]:
        """What ``file`` imports of module_utils, at the top, in functions and under conditions."""
        if file.path in self._imports:
            return self._imports[file.path]
        found = self._imports.setdefault(file.path, [])
        at_once = set(_run_at_once(file.tree.body))
        for node in ast.walk(file.tree):
            for module, names in _imported(node, file.path):
                for path in self._paths(module, names):
                    if path != file.path:
                        found.append(Import(path, node.lineno, node in at_once))
        return found

    def shipped(self, path: str) -> dict[str, str]:
        """Every file that travels to the target with the file ``path``: for each, the file that imports it."""
        return self._reached(path, lambda _found: True)

    def loaded(self, path: str) -> dict[str, str]:
        """Every file that is loaded with the file ``path``, before anything of it runs: for each, the file that imports it."""
        return self._reached(path, lambda found: found.at_once)

    def _reached(self, path: str, follows: Callable[[Import], bool]) -> dict[str, str]:
        importer: dict[str, str] = {}
        todo = [path]
        while todo:
            current = todo.pop()
            if current not in self.files:
                continue
            for found in filter(follows, self.imports(self.files[current])):
                if found.target not in importer and found.target != path:
                    importer[found.target] = current
                    todo.append(found.target)
        return importer

    def _paths(self, module: str, names: list[str]) -> Iterator[str]:
        """The files that ``from module import names`` (names empty: ``import module``) loads, without ``__init__``."""
        base = f"{UTILS}/{module.replace('.', '/')}".rstrip("/")
        if f"{base}.py" in self.files or not (self.root / base).is_dir():
            yield f"{base}.py"
            return
        for name in names:
            yield f"{base}/{name}.py"


def _imported(node: ast.AST, path: str) -> Iterator[tuple[str, list[str]]]:
    """Module (relative to module_utils, with dots) and names, for each import of module_utils that ``node`` is."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name.startswith(_UTILS_MODULE + "."):
                yield alias.name[len(_UTILS_MODULE) + 1 :], []
    elif isinstance(node, ast.ImportFrom):
        module = _absolute(node, path)
        names = [alias.name for alias in node.names]
        if module == _UTILS_MODULE:
            yield "", names
        elif module.startswith(_UTILS_MODULE + "."):
            yield module[len(_UTILS_MODULE) + 1 :], names


def _run_at_once(body: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """The statements that run when a module is loaded, those in its classes and conditions included."""
    for statement in body:
        yield statement
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        for name, below in ast.iter_fields(statement):
            if name in ("body", "orelse", "finalbody", "handlers") and isinstance(below, list):
                if name == "body" and isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test):
                    continue
                yield from _run_at_once(below)


def _absolute(node: ast.ImportFrom, path: str) -> str:
    if node.level == 0:
        return node.module or ""
    package = "ansible_collections/strata/containers/" + path
    base = PurePosixPath(package).parts[: -node.level]
    return ".".join([*base, *([node.module] if node.module else [])])


def _python_files(root: Path) -> Iterator[str]:
    for top in _SCANNED:
        for path in sorted((root / top).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if not name.startswith(_GENERATED):
                yield name
