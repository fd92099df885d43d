# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Which files may hold credentials, in the order of reading, and the one that a login is written to (podman-login(1))."""

from __future__ import annotations

import os
from dataclasses import dataclass

from .._errors import HostError
from .paths import ConfigPaths
from .toml_file import InvalidConfig

_FILE = "containers/auth.json"
DOCKER_FILE = "config.json"


@dataclass(frozen=True)
class AuthPlace:
    """A file that may hold credentials. In a ``legacy`` one the whole object is the map of registries.

    A ``guessed`` one lies where this user may not even be allowed to look; that is the same as no file.
    """

    path: str
    legacy: bool = False
    guessed: bool = False


class NoRuntimeDirectory(HostError):
    """There is no directory that a login can be written to."""

    code = "no_runtime_directory"


def auth_places(paths: ConfigPaths, authfile: str | None) -> tuple[AuthPlace, ...]:
    """The files to read, in order.

    ``authfile``, else REGISTRY_AUTH_FILE, else ``config.json`` in DOCKER_CONFIG is the only one (as podman does it).
    Raises InvalidConfig for an ``authfile`` that is not there.
    """
    if authfile and not os.path.exists(authfile):
        raise InvalidConfig("there is no such file", subject=authfile)
    named = _named(paths, authfile)
    if named:
        return (AuthPlace(named),)
    return (
        _default_place(paths),
        AuthPlace(os.path.join(paths.config_home, _FILE)),
        AuthPlace(paths.in_home(".docker", DOCKER_FILE)),
        AuthPlace(paths.in_home(".dockercfg"), legacy=True),
    )


def login_file(paths: ConfigPaths, authfile: str | None) -> str:
    """The file that a login is written to; it need not exist. Raises NoRuntimeDirectory."""
    named = _named(paths, authfile)
    if named:
        return named
    directory = paths.xdg_runtime_dir
    if directory and not os.path.isdir(directory):
        raise NoRuntimeDirectory(
            "the directory that XDG_RUNTIME_DIR names does not exist; make it or unset the variable", subject=directory
        )
    place = _default_place(paths)
    if not place.guessed:
        return place.path
    # Others than root may not make directories below /run: for them podman makes one of their own.
    temporary = _temporary(paths)
    if os.path.lexists(temporary):
        raise NoRuntimeDirectory(
            "it belongs to somebody else, and there is no other directory to write to", subject=temporary
        )
    return os.path.join(temporary, _FILE)


def is_docker_file(path: str) -> bool:
    """Whether ``path`` is a file of docker's, by its name: other spellings of keys, and no keys of namespaces."""
    return os.path.basename(path) == DOCKER_FILE


def _named(paths: ConfigPaths, authfile: str | None) -> str | None:
    if authfile:
        return authfile
    if paths.environment.get("REGISTRY_AUTH_FILE"):
        return paths.environment["REGISTRY_AUTH_FILE"]
    return os.path.join(paths.docker_config, DOCKER_FILE) if paths.docker_config else None


def _default_place(paths: ConfigPaths) -> AuthPlace:
    """In the runtime directory; without one, where podman makes up for it (libpod, GetRuntimeDir) or skopeo looks."""
    if paths.xdg_runtime_dir:
        return AuthPlace(os.path.join(paths.xdg_runtime_dir, _FILE))
    if paths.rootless:
        for directory in (paths.in_system(f"/run/user/{paths.uid}"), _temporary(paths)):
            if _is_owned_by(directory, paths.uid):
                return AuthPlace(os.path.join(directory, _FILE))
    return AuthPlace(paths.in_system(f"/run/containers/{paths.uid}/auth.json"), guessed=paths.rootless)


def _temporary(paths: ConfigPaths) -> str:
    temporary = paths.environment.get("TMPDIR") or paths.in_system("/tmp")
    return os.path.join(temporary, f"podman-run-{paths.uid}")


def _is_owned_by(directory: str, uid: int) -> bool:
    """Anybody may make a name in /tmp, so a link or another user's directory is not taken."""
    try:
        return os.lstat(directory).st_uid == uid and not os.path.islink(directory)
    except OSError:
        return False
