# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""TOML written in a stable order, and read back before anybody relies on it (TOML 1.0)."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from ansible.errors import AnsibleFilterError

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def to_toml(document: Mapping[str, Any]) -> str:
    """``document`` as TOML: keys sorted, plain values before tables, lists in their own order.

    Values are text, booleans, integers, lists of these, mappings, and lists of mappings. Raises AnsibleFilterError for
    any other value, and when what was written does not read back as ``document``.
    """
    text = "\n".join(_table(document, ())).lstrip("\n") + "\n"
    if read_toml(text) != document:
        raise AnsibleFilterError("the configuration cannot be written as TOML: it reads back as something else")
    return text


def read_toml(text: str) -> dict[str, Any]:
    """The document in ``text``. Raises AnsibleFilterError for malformed TOML, and where no parser is installed."""
    try:
        return dict(_library().loads(text))
    except ValueError as error:
        raise AnsibleFilterError(f"invalid TOML: {error}") from error


def _library() -> ModuleType:
    for name in ("tomllib", "tomli"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise AnsibleFilterError("the Python library tomli is needed on the controller to check TOML")


def _table(table: Mapping[str, Any], place: tuple[str, ...]) -> Iterator[str]:
    below = {key: value for key, value in table.items() if isinstance(value, Mapping) or _is_table_array(value)}
    for key in sorted(table.keys() - below.keys()):
        yield f"{_key(key)} = {_value(table[key], (*place, key))}"
    for key in sorted(below):
        inner = (*place, key)
        name = ".".join(map(_key, inner))
        if isinstance(below[key], Mapping):
            yield from ("", f"[{name}]", *_table(below[key], inner))
            continue
        for entry in below[key]:
            yield from ("", f"[[{name}]]", *_table(entry, inner))


def _is_table_array(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(entry, Mapping) for entry in value)


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _text(key)


def _value(value: Any, place: tuple[str, ...]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return f"[{', '.join(_value(entry, place) for entry in value)}]"
    raise AnsibleFilterError(f"{'.'.join(place)}: a {type(value).__name__} has no place in this file")


def _text(value: str) -> str:
    # JSON's escapes are a part of TOML's; only DEL must be escaped in TOML and not in JSON.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
