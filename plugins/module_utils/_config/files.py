# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Configuration files: read, or found missing, with errors that name them."""

from __future__ import annotations

import importlib
import os
from typing import Any

from .._errors import HostError, MissingLibraryError
from .._host.atomic_files import read_file


class InvalidConfig(HostError):
    """A configuration file cannot be understood."""

    code = "invalid_config"


def exists(path: str) -> bool:
    """Whether there is a file at ``path``; a dangling link or an unsearchable directory is none."""
    return os.path.exists(path)


def read_required(path: str, what: str) -> bytes:
    """The bytes of a file that was named. Raises InvalidConfig where it is missing, and HostError where it cannot be read."""
    data = read_file(path)
    if data is None:
        raise InvalidConfig(f"there is no such {what}", subject=path)
    return data


def parse_toml(data: bytes, path: str) -> dict[str, Any]:
    """The TOML document in ``data``. Raises InvalidConfig with the place, and MissingLibraryError before Python 3.11."""
    library = _toml_library()
    try:
        return dict(library.loads(data.decode("utf-8")))
    except ValueError as error:
        raise InvalidConfig(f"invalid TOML: {error}", subject=path) from error


def list_directory(path: str, suffix: str) -> list[str]:
    """The paths of the files in ``path`` with ``suffix``, in the order of their names; none where it cannot be listed."""
    try:
        names = sorted(os.listdir(path))
    except OSError:
        return []
    return [f"{path}/{name}" for name in names if name.endswith(suffix)]


def _toml_library() -> Any:
    for name in ("tomllib", "tomli"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise MissingLibraryError("tomli", "to read configuration files in TOML")
