# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Aliases of short names: the table of registries.conf, and the file in which podman keeps the choices of its users.

The rules and the words of errors are those of containers/image's ``sysregistriesv2`` (``shortnames.go``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

from .._host.locks import shared
from .._model.reference import InvalidReference, Reference, names_registry, parse_reference
from .paths import ConfigPaths
from .table import Table
from .toml_file import InvalidConfig, read_toml

_FILE = "containers/short-name-aliases.conf"
_NAME_LIMIT = 255
_PATH_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
# The first component of a key may be written in the letters of a host; it is one only with a dot or a colon.
_KEY = re.compile(rf"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?/)?{_PATH_COMPONENT}(?:/{_PATH_COMPONENT})*", re.ASCII)


@dataclass(frozen=True)
class Alias:
    """The ``repository`` that a short name stands for, None where a file takes the alias away; ``origin`` is that file."""

    repository: Optional[Reference]
    origin: str


def parse_aliases(table: Table) -> dict[str, Alias]:
    """The aliases in ``table``, by short name. Raises InvalidConfig."""
    return {name: Alias(_repository(table, name), table.origin) for name in table.values if _checked_key(table, name)}


def cached_aliases(paths: ConfigPaths) -> Mapping[str, Alias]:
    """What people chose when podman asked them, which goes before every registries.conf. Raises InvalidConfig and HostError.

    The file is read under the lock of the tools that write it, where there is one; nothing is created.
    """
    path = _cache_file(paths)
    with shared(f"{path}.lock"):
        values = read_toml(path)
    return {} if values is None else parse_aliases(Table(values, path).table("aliases"))


def _cache_file(paths: ConfigPaths) -> str:
    if not paths.rootless:
        return paths.in_system(f"/var/cache/{_FILE}")
    home = paths.environment.get("XDG_CACHE_HOME") or paths.in_home(".cache")
    return os.path.join(home, _FILE)


def _checked_key(table: Table, name: str) -> bool:
    problem = ""
    if names_registry(name):
        problem = "must not contain registry"
    elif "@" in name:
        problem = "must not contain digest"
    elif ":" in name:
        problem = "must not contain tag"
    elif not _KEY.fullmatch(name) or len(name) > _NAME_LIMIT:
        problem = "invalid reference format"
    if problem:
        raise table.invalid("", f'invalid short name "{name}": {problem}')
    return True


def _repository(table: Table, name: str) -> Reference | None:
    value = table.text(name)
    if not value:
        return None
    try:
        reference = parse_reference(value)
    except InvalidReference as error:
        raise InvalidConfig(f'parsing alias "{value}": {error.message}', subject=table.origin) from error
    problem = ""
    if reference.digest:
        problem = "must not contain digest"
    elif reference.tag:
        problem = "must not contain tag"
    elif not names_registry(value):
        problem = "must contain registry and repository"
    if problem:
        raise table.invalid(name, f'invalid alias "{value}": {problem}')
    return reference
