# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The law that a path inside a store is spelled in ``_storage/layout`` only.

What counts as a spelling: a string literal (of text or bytes, an f-string included, a docstring not) without white space
of which one component, between slashes, is a name that a store gives to its files. Some of these names are plain words
as well (``diff``, ``work``, ``link``): such a word counts when a slash stands in the literal, when it is joined to
something (``os.path.join``, the operator ``/``), or when a call of ``os`` or ``open`` gets it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .source_tree import UTILS, Breach, SourceFile, SourceTree

LAYOUT = f"{UTILS}/_storage/layout.py"

# Names that mean nothing else than a place in a store.
NAMES = re.compile(
    r"(volatile-)?(layers|images|containers)\.(json|lock)|mountpoints\.(json|lock)|(storage|userns)\.lock"
    r"|(overlay|vfs|\0)?-(layers|images|containers|locks)|tempdirs|\.has-mount-program|backingFsBlockDev|[^/]*\.?tar-split\.gz"
    r"|temp-dir-[^/]*"
)
# Names that are plain words as well.
WORDS = {"diff", "merged", "work", "lower", "link", "l", "empty", "userdata", "staging"}
# Stands for what an f-string fills in.
_HOLE = "\0"
_JOINERS = {"join", "joinpath"}


def store_paths_only_in_layout(tree: SourceTree) -> Iterator[Breach]:
    """A path inside a store is spelled in ``_storage/layout`` only."""
    for file in tree.utils():
        if file.path != LAYOUT:
            yield from _spellings(file)


def _spellings(file: SourceFile) -> Iterator[Breach]:
    passive = _passive(file.tree)
    joined = _joined(file.tree)
    for node in ast.walk(file.tree):
        text = _literal(node)
        if text is None or node in passive or re.search(r"\s", text):
            continue
        for component in text.split("/"):
            certain = NAMES.fullmatch(component) is not None
            if certain or (component in WORDS and ("/" in text or node in joined)):
                shown = text.replace(_HOLE, "{}")
                yield file.breach(node, f"spells {shown!r}, a path inside a store; _storage/layout does that")
                break


def _literal(node: ast.AST) -> str | None:
    if isinstance(node, ast.JoinedStr):
        return "".join(
            part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else _HOLE
            for part in node.values
        )
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Constant) and isinstance(node.value, bytes):
        return node.value.decode("latin-1")
    return None


def _passive(tree: ast.Module) -> set[ast.AST]:
    """Docstrings, annotations, and the pieces of f-strings, which are looked at as a whole."""
    passive: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            passive.add(node.value)
        if isinstance(node, ast.JoinedStr):
            passive.update(node.values)
    return passive


def _joined(tree: ast.Module) -> set[ast.AST]:
    """What is joined to a path, or handed to a call that opens, makes, moves or removes a file."""
    joined: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            joined.update((node.left, node.right))
        elif isinstance(node, ast.Call) and _takes_paths(node.func):
            joined.update(node.args)
    return joined


def _takes_paths(function: ast.expr) -> bool:
    if isinstance(function, ast.Name):
        return function.id == "open"
    if not isinstance(function, ast.Attribute):
        return False
    owner = function.value
    if function.attr in _JOINERS:
        return not isinstance(owner, ast.Constant)
    return isinstance(owner, ast.Name) and owner.id == "os"
