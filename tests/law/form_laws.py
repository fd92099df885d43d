# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Laws about how a file looks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .source_tree import UTILS, Breach, SourceTree

HEADER = (
    "# Copyright (c) 2026, Strata contributors",
    "# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)",
    "# SPDX-License-Identifier: GPL-3.0-or-later",
)
PRIVATE_NOTE = "# Private to this collection: it may change in any release."
LINES = 450

RUNTIME = "meta/runtime.yml"
GROUP = re.compile(r"^  (\w+):\n((?:    - \w+\n)+)", re.MULTILINE)
MEMBER = re.compile(r"- (\w+)")
# The groups of modules, and the word of its documentation by which a module belongs to one.
GROUPS = {"all": "DOCUMENTATION", "store": "strata.containers._store", "registry": "strata.containers._registry"}


def rooms_have_an_empty_init(tree: SourceTree) -> Iterator[Breach]:
    """Every folder of module_utils that holds Python files has an empty ``__init__.py``."""
    folders = {file.path.rpartition("/")[0] for file in tree.utils()} - {UTILS}
    for folder in sorted(folders):
        init = tree.files.get(f"{folder}/__init__.py")
        if init is None:
            yield Breach(folder, 1, "has no __init__.py")
        elif init.text:
            yield Breach(init.path, 1, "is not empty")


def files_have_their_header(tree: SourceTree) -> Iterator[Breach]:
    """Copyright, licence and SPDX tag open each file, and a private one says so."""
    for file in tree.files.values():
        if not file.text:
            continue
        lines = file.text.splitlines()
        if lines[0].startswith("#!"):
            del lines[0]
        if tuple(lines[:3]) != HEADER:
            yield Breach(file.path, 1, "does not begin with the three lines of copyright and licence")
        elif file.in_utils and (lines[3:5] != ["", PRIVATE_NOTE]):
            yield Breach(file.path, 4, f"has not the note {PRIVATE_NOTE!r} after an empty line")


def annotations_are_not_evaluated(tree: SourceTree) -> Iterator[Breach]:
    """``from __future__ import annotations`` stands in each plugin: Python 3.9 runs it."""
    for file in tree.plugins():
        if file.text and not any(_is_future(node) for node in file.tree.body):
            yield Breach(file.path, 1, "has no `from __future__ import annotations`")


def files_are_short(tree: SourceTree) -> Iterator[Breach]:
    """No file has more than 450 lines."""
    for file in tree.files.values():
        lines = file.text.count("\n")
        if lines > LINES:
            yield Breach(file.path, LINES, f"has {lines} lines; above {LINES} it is two files")


def modules_are_in_their_groups(tree: SourceTree) -> Iterator[Breach]:
    """``meta/runtime.yml`` lists each module under ``all``, and just those with the options of a fragment under its group."""
    runtime = tree.root / RUNTIME
    text = runtime.read_text(encoding="utf-8") if runtime.exists() else ""
    groups = {name: set(MEMBER.findall(body)) for name, body in GROUP.findall(text)}
    for file in tree.plugins():
        if not file.path.startswith("plugins/modules/") or not file.text:
            continue
        module = file.path.rpartition("/")[2][: -len(".py")]
        for group, fragment in GROUPS.items():
            belongs = fragment in file.text
            if belongs != (module in groups.get(group, set())):
                yield Breach(RUNTIME, 1, f"{module} {'is missing from' if belongs else 'does not belong to'} {group}")


def no_sanity_ignores(tree: SourceTree) -> Iterator[Breach]:
    """Nothing is excused from ansible-test's sanity tests."""
    for path in sorted((tree.root / "tests").glob("sanity/ignore*.txt")):
        yield Breach(path.relative_to(tree.root).as_posix(), 1, "excuses files from sanity tests")


def _is_future(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and any(alias.name == "annotations" for alias in node.names)
    )
