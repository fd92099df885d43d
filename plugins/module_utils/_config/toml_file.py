# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""TOML files as plain values (https://toml.io/en/v1.0.0)."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from .._errors import HostError, MissingLibraryError
from .._host.atomic_files import read_file

# Bytes; far above any configuration that people write.
SIZE_LIMIT = 4 << 20


class InvalidConfig(HostError):
    """A configuration file cannot be used; ``subject`` names the file and the place in it."""

    code = "invalid_config"


def read_toml(path: str) -> dict[str, Any] | None:
    """The content of the TOML file ``path``, None where there is no such file.

    Raises InvalidConfig with line and column, MissingLibraryError where Python has no TOML parser (older than 3.11,
    without tomli), and HostError when the file cannot be read.
    """
    data = read_file(path, SIZE_LIMIT)
    if data is None:
        return None
    return parse_toml(data, path)


def parse_toml(data: bytes, path: str) -> dict[str, Any]:
    """The values in ``data``, the content of ``path``. Raises InvalidConfig and MissingLibraryError."""
    library = _parser(path)
    try:
        values: dict[str, Any] = library.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidConfig(f"not UTF-8 (at line {line})", subject=path) from error
    except (ValueError, RecursionError) as error:
        # The parser's own message ends with line and column.
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InvalidConfig(f"not TOML: {reason}", subject=path) from error
    return values


def _parser(path: str) -> ModuleType:
    for name in ("tomllib", "tomli"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise MissingLibraryError("tomli", f"to read {path} with a Python older than 3.11")
