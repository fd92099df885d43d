# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Which files make up registries.conf: the search of containers/image up to 5.39 (podman 4.3 to 5).

Newer tools search otherwise (drop-ins of /usr/share, one directory for root and one for the others, a later file of the
same name in place of an earlier one). That search is a second function beside ``classic_files``, and whoever tells the
generations apart calls it in ``registries_files``; nothing else of the reader depends on it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from .._host.os_errors import reporting
from .paths import ConfigPaths
from .toml_file import InvalidConfig

_FILE = "containers/registries.conf"
_DROP_INS = "containers/registries.conf.d"
_VARIABLES = ("CONTAINERS_REGISTRIES_CONF", "REGISTRIES_CONFIG_PATH")


@dataclass(frozen=True)
class RegistriesPath:
    """A file to read, which may be absent; a ``drop_in`` adds to the main file that was read before it."""

    path: str
    drop_in: bool


def registries_files(paths: ConfigPaths, explicit: str | None = None) -> Iterator[RegistriesPath]:
    """The files in the order of reading, a later one having the last word. Raises InvalidConfig for a named one that is not there."""
    return classic_files(paths, explicit)


def classic_files(paths: ConfigPaths, explicit: str | None = None) -> Iterator[RegistriesPath]:
    """One main file and its drop-ins.

    The main file is ``explicit``, or what a variable of the environment names: then it must exist. Otherwise it is the
    user's, whose drop-ins alone are read then, or the system's.
    """
    # XDG_CONFIG_HOME does not count here.
    users = paths.in_home(".config", _FILE)
    named = explicit or _named_by_environment(paths)
    if named:
        if not os.path.exists(named):
            raise InvalidConfig("there is no such file", subject=named)
        yield RegistriesPath(named, False)
    elif os.path.exists(users):
        yield RegistriesPath(users, False)
    else:
        yield RegistriesPath(paths.in_system(f"/etc/{_FILE}"), False)
    if named or not os.path.exists(users):
        yield from _drop_ins(paths.in_system(f"/etc/{_DROP_INS}"))
    yield from _drop_ins(paths.in_home(".config", _DROP_INS))


def _named_by_environment(paths: ConfigPaths) -> str:
    """The first variable that is set decides, even if it is empty."""
    return next((paths.environment[name] for name in _VARIABLES if name in paths.environment), "")


def _drop_ins(directory: str) -> Iterator[RegistriesPath]:
    # The Go library does not follow a link in place of the directory.
    if os.path.islink(directory) or not os.path.isdir(directory):
        return
    with reporting("read", directory):
        names = sorted(name for name in os.listdir(directory) if name.endswith(".conf"))
    for name in names:
        path = os.path.join(directory, name)
        if not os.path.isdir(path):
            yield RegistriesPath(path, True)
