# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small wrong versions of a Python file, one change each: what a test suite has to notice.

The changes are those that turn a refusal into consent or the reverse: a condition held or broken, a comparison turned
around, a check or a raise taken away, a flag, number or word altered. Sentences for people are left alone.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Union

_TURNED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
_OTHER_OPERATOR: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
_OTHER_FUNCTION = {"any": "all", "all": "any", "startswith": "endswith", "endswith": "startswith"}

Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]


@dataclass(frozen=True)
class Mutant:
    """A changed file: ``source`` is all of it, ``lines`` are those that the changed part had, ``name`` says what changed.

    ``name`` has no line number, so that it stays while the file around it grows. ``inside`` is whether the part runs in a
    function; otherwise it runs when the file is imported.
    """

    name: str
    lines: range
    inside: bool
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of ``source``. Two of one name are told apart by a number behind it."""
    tree = ast.parse(source)
    counted: dict[str, int] = {}
    for place, (node, way) in enumerate(_nodes(tree)):
        for number, replacement in enumerate(_replacements(node, way)):
            changed = copy.deepcopy(tree)
            target = list(_nodes(changed))[place][0]
            replacement = list(_replacements(target, way))[number]
            text = ast.unparse(ast.fix_missing_locations(_Put(target, replacement).visit(changed)))
            name = f"{_scope(way)}: {_shown(node)} -> {_shown(replacement)}"
            counted[name] = counted.get(name, 0) + 1
            if counted[name] > 1:
                name += f" #{counted[name]}"
            lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            yield Mutant(name, lines, _runs_in_a_function(way), text)


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_Way = tuple[ast.AST, ...]
_Node = Union[ast.stmt, ast.expr]


def _runs_in_a_function(way: _Way) -> bool:
    """Whether it is a function that runs what lies there; the defaults of its arguments are run by what defines it."""
    below = (*way[1:], None)
    return any(isinstance(one, _FUNCTIONS) and not isinstance(other, ast.arguments) for one, other in zip(way, below))


class _Put(ast.NodeTransformer):
    def __init__(self, target: ast.AST, replacement: ast.AST) -> None:
        self._target = target
        self._replacement = replacement

    def visit(self, node: ast.AST) -> ast.AST:
        if node is self._target:
            return self._replacement
        self.generic_visit(node)
        return node


def _nodes(tree: ast.AST) -> Iterator[tuple[_Node, _Way]]:
    """Statements and expressions, each with what it lies in, without annotations, docstrings and what people read."""
    yield from _below(tree, ())


def _below(node: ast.AST, way: _Way) -> Iterator[tuple[_Node, _Way]]:
    if isinstance(node, (ast.stmt, ast.expr)):
        yield node, way
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "bases"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(child, ast.JoinedStr) and not _is_docstring(child):
                yield from _below(child, (*way, node))


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _replacements(node: _Node, way: _Way) -> Iterator[ast.AST]:
    """New nodes to put in the place of ``node``."""
    if isinstance(node, (ast.If, ast.While, ast.IfExp)):
        for held in (True, False):
            yield _with(node, "test", ast.Constant(held))
    elif isinstance(node, ast.Raise) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        yield ast.Pass()
    elif isinstance(node, ast.Return) and _gives_bool(way):
        for value in (True, False):
            if not (isinstance(node.value, ast.Constant) and node.value.value is value):
                yield ast.Return(ast.Constant(value))
    elif isinstance(node, ast.For):
        yield _with(node, "iter", ast.List([], ast.Load()))
    elif isinstance(node, ast.Break):
        yield ast.Continue()
    elif isinstance(node, ast.Continue):
        yield ast.Break()
    elif isinstance(node, ast.expr):
        yield from _other_expressions(node, way)


def _other_expressions(node: ast.expr, way: _Way) -> Iterator[ast.AST]:
    if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        for number, loop in enumerate(node.generators):
            if loop.ifs:
                free = _with(loop, "ifs", [])
                yield _with(node, "generators", [*node.generators[:number], free, *node.generators[number + 1 :]])
    elif isinstance(node, ast.Compare):
        for number, operator in enumerate(node.ops):
            for turned in _TURNED[type(operator)]:
                yield _with(node, "ops", [*node.ops[:number], turned(), *node.ops[number + 1 :]])
    elif isinstance(node, ast.BoolOp):
        yield _with(node, "op", ast.And() if isinstance(node.op, ast.Or) else ast.Or())
        for number in range(len(node.values)):
            rest = [*node.values[:number], *node.values[number + 1 :]]
            yield rest[0] if len(rest) == 1 else _with(node, "values", rest)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.BinOp) and type(node.op) in _OTHER_OPERATOR and not _is_text(node):
        yield _with(node, "op", _OTHER_OPERATOR[type(node.op)]())
    elif isinstance(node, ast.Constant):
        yield from _other_constants(node)
    elif isinstance(node, (ast.Tuple, ast.List, ast.Set)) and isinstance(
        node.ctx if hasattr(node, "ctx") else None, (ast.Load, type(None))
    ):
        if len(node.elts) > 1 and not _is_index(node, way):
            for number in range(len(node.elts)):
                yield _with(node, "elts", [*node.elts[:number], *node.elts[number + 1 :]])
    elif isinstance(node, ast.Name) and node.id in _OTHER_FUNCTION and isinstance(node.ctx, ast.Load):
        yield ast.Name(_OTHER_FUNCTION[node.id], ast.Load())
    elif isinstance(node, ast.Attribute) and node.attr in _OTHER_FUNCTION:
        yield _with(node, "attr", _OTHER_FUNCTION[node.attr])


def _other_constants(node: ast.Constant) -> Iterator[ast.AST]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, (int, float)):
        yield ast.Constant(value + 1)
        yield ast.Constant(value - 1)
    elif isinstance(value, str) and " " not in value:
        yield ast.Constant(f"{value}X" if value else "X")
    elif isinstance(value, bytes):
        yield ast.Constant(value + b"X")


def _with(node: ast.AST, field: str, value: object) -> ast.AST:
    changed = copy.copy(node)
    setattr(changed, field, value)
    return changed


def _gives_bool(way: _Way) -> bool:
    function = next((outer for outer in reversed(way) if isinstance(outer, _FUNCTIONS)), None)
    return function is not None and isinstance(function.returns, ast.Name) and function.returns.id == "bool"


def _is_text(node: ast.BinOp) -> bool:
    sides = (node.left, node.right)
    return any(
        isinstance(s, ast.JoinedStr) or (isinstance(s, ast.Constant) and isinstance(s.value, str)) for s in sides
    )


def _is_index(node: ast.AST, way: _Way) -> bool:
    """Whether it is what stands in brackets behind a generic type, as in ``dict[str, int]``."""
    return bool(way) and isinstance(way[-1], ast.Subscript) and way[-1].slice is node


def _scope(way: _Way) -> str:
    """The class and function around a node, by name."""
    names = [outer.name for outer in way if isinstance(outer, (*_FUNCTIONS, ast.ClassDef))]
    return ".".join(names) or "(file)"


def _shown(node: ast.AST) -> str:
    """The beginning of a node, on one line."""
    text = " ".join(ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).split())
    return text if len(text) <= 90 else f"{text[:87]}..."
