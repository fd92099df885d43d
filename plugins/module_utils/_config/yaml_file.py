# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""YAML files as plain values, read as strictly as Go's yaml.v3 does: a key that stands twice is an error."""

from __future__ import annotations

import importlib
from typing import Any

from .._errors import MissingLibraryError
from .toml_file import InvalidConfig

_MERGE = "tag:yaml.org,2002:merge"


def parse_yaml(data: bytes, path: str) -> dict[str, Any]:
    """The values in the first document of ``data``, the content of ``path``; an empty one has none.

    Keys are texts, as they stand in the file. Raises InvalidConfig, and MissingLibraryError without PyYAML.
    """
    library = _library(path)
    loader = None
    try:
        loader = library.SafeLoader(data)
        node = loader.get_node() if loader.check_node() else None
        value = None if node is None else _value(library, loader, node)
    except (library.YAMLError, ValueError, RecursionError) as error:
        # The parser's own message tells the line; a control character is a ValueError in some versions.
        reason = "nested too deeply" if isinstance(error, RecursionError) else " ".join(str(error).split())
        raise InvalidConfig(f"not YAML: {reason}", subject=path) from error
    finally:
        if loader is not None:
            loader.dispose()
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidConfig("the file does not hold a table", subject=path)
    return value


def _value(library: Any, loader: Any, node: Any) -> Any:
    """What ``node`` says: tables by hand, because the library lets a second key of the same name win."""
    if not isinstance(node, library.MappingNode):
        return loader.construct_object(node, deep=True)
    values: dict[str, Any] = {}
    for key, below in node.value:
        if not isinstance(key, library.ScalarNode):
            raise ValueError(f"line {key.start_mark.line + 1}: a key must be text")
        if key.tag == _MERGE:
            raise ValueError(f"line {key.start_mark.line + 1}: tables that are merged with << are not supported")
        if key.value in values:
            raise ValueError(f"line {key.start_mark.line + 1}: the key {key.value} stands twice")
        values[key.value] = _value(library, loader, below)
    return values


def _library(path: str) -> Any:
    try:
        return importlib.import_module("yaml")
    except ImportError as error:
        raise MissingLibraryError("PyYAML", f"to read {path}") from error
