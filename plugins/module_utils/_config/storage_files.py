# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Which storage.conf files count for a user, and the values that they give together.

Up to containers/storage 1.62 (podman 4.3 to 5) that is one file. Since 1.63 there are drop-ins and a variable that names a
last file. No older version reads these, so a host that has one has tools that do: then everything is read as 1.63 reads it.
Upstream: ``types/options.go`` of 1.43, and ``pkg/configfile/parse.go`` of 1.63.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .._host.os_errors import reporting
from .paths import ConfigPaths
from .toml_file import InvalidConfig, read_toml

BUILT_IN = "built-in defaults"
NAMED_BY = "CONTAINERS_STORAGE_CONF"
_LAST_NAMED_BY = "CONTAINERS_STORAGE_CONF_OVERRIDE"
_NAME = "containers/storage"
_SUFFIX = ".conf"
_ADMIN = "/etc"
_VENDOR = "/usr/share"
_APPEND = "append"


@dataclass(frozen=True)
class StorageFiles:
    """What was read. ``origin`` names the files, or says that there was none.

    ``restricted`` tells that it is the system's file as rootless users of old versions read it, of which little counts for
    them. ``merged`` tells that it is read as version 1.63 does.
    """

    values: dict[str, Any]
    origin: str
    restricted: bool = False
    merged: bool = False


def read_storage_files(paths: ConfigPaths, explicit: str | None) -> StorageFiles:
    """The values of the files that count; ``explicit`` is a file that the task names, which counts alone.

    Raises InvalidConfig, also for a file that was named and is not there, MissingLibraryError, and HostError.
    """
    if explicit:
        return StorageFiles(_must_read(explicit), explicit)
    named = paths.environment.get(NAMED_BY)
    last = paths.environment.get(_LAST_NAMED_BY)
    drop_ins = [] if named else _drop_ins(paths)
    if last or drop_ins:
        main = [named] if named else _first_that_exists(paths)
        return _merged([*main, *drop_ins, *([last] if last else [])])
    if named:
        return StorageFiles(_must_read(named), named)
    return _only_file(paths)


def _only_file(paths: ConfigPaths) -> StorageFiles:
    own = paths.config_home if paths.rootless else paths.xdg_config_home
    candidates = [(os.path.join(own, _NAME + _SUFFIX), False)] if own else []
    candidates += [(path, paths.rootless) for path in _system_files(paths)]
    for path, restricted in candidates:
        values = read_toml(path)
        if values is not None:
            return StorageFiles(values, path, restricted)
    return StorageFiles({}, BUILT_IN)


def _system_files(paths: ConfigPaths) -> list[str]:
    return [paths.in_system(f"{place}/{_NAME}{_SUFFIX}") for place in (_ADMIN, _VENDOR)]


def _first_that_exists(paths: ConfigPaths) -> list[str]:
    """The main file as version 1.63 finds it: for root, too, first in the home directory."""
    candidates = [os.path.join(paths.config_home, _NAME + _SUFFIX), *_system_files(paths)]
    return [path for path in candidates if os.path.exists(path)][:1]


def _drop_ins(paths: ConfigPaths) -> list[str]:
    """The drop-ins in the order of their names; of two of one name that of the later directory."""
    found: dict[str, str] = {}
    for directory in _drop_in_directories(paths):
        for name in _plain_files(directory):
            found[name] = os.path.join(directory, name)
    return [found[name] for name in sorted(found, key=os.fsencode)]


def _drop_in_directories(paths: ConfigPaths) -> Iterator[str]:
    for place in (_VENDOR, _ADMIN):
        base = paths.in_system(f"{place}/{_NAME}")
        yield f"{base}.conf.d"
        special = f"{base}.{'rootless' if paths.rootless else 'rootful'}.conf.d"
        yield special
        if paths.rootless:
            yield os.path.join(special, str(paths.uid))
    yield os.path.join(paths.config_home, f"{_NAME}.conf.d")


def _plain_files(directory: str) -> list[str]:
    """The files in ``directory`` that are drop-ins; links are none. Raises HostError."""
    with reporting("list", directory):
        try:
            with os.scandir(directory) as entries:
                return [
                    entry.name
                    for entry in entries
                    if entry.name.endswith(_SUFFIX) and entry.is_file(follow_symlinks=False)
                ]
        except (FileNotFoundError, NotADirectoryError):
            return []


def _must_read(path: str) -> dict[str, Any]:
    values = read_toml(path)
    if values is None:
        raise InvalidConfig("there is no such file", subject=path)
    return values


def _merged(files: Sequence[str]) -> StorageFiles:
    values: dict[str, Any] = {}
    appending: set[tuple[str, ...]] = set()
    for path in files:
        _merge(values, _must_read(path), path, (), appending)
    return StorageFiles(values, ", ".join(files), merged=True)


def _merge(
    values: dict[str, Any], more: dict[str, Any], origin: str, place: tuple[str, ...], appending: set[tuple[str, ...]]
) -> None:
    """Puts ``more`` over ``values``: tables are merged, lists replaced, or appended where they or an earlier one say so."""
    for key, value in more.items():
        here = (*place, key)
        old = values.get(key)
        if isinstance(value, dict):
            table = dict(old) if isinstance(old, dict) else {}
            _merge(table, value, origin, here, appending)
            values[key] = table
        elif isinstance(value, list):
            plain = _plain_list(value, origin, here, appending)
            values[key] = [*old, *plain] if here in appending and isinstance(old, list) else plain
        else:
            values[key] = value


def _plain_list(value: list[Any], origin: str, place: tuple[str, ...], appending: set[tuple[str, ...]]) -> list[Any]:
    """The list without its attributes, which are noted."""
    for element in value:
        if not isinstance(element, dict):
            continue
        if set(element) != {_APPEND} or not isinstance(element[_APPEND], bool):
            raise InvalidConfig(
                "a table in this list can only tell whether it is appended",
                subject=f"{origin}: {'.'.join(place)}",
                wanted="{append = true} or {append = false}",
                found="another table",
            )
        (appending.add if element[_APPEND] else appending.discard)(place)
    return [element for element in value if not isinstance(element, dict)]
