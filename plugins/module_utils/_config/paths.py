# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Whose configuration is read, and below which roots: the one place that looks at the environment.

Under ``become`` the environment may be that of the user who logged in: ``su`` and ``sudo -E`` keep it. Which of it counts:

- the home directory is that of the user database, whatever HOME says;
- XDG_RUNTIME_DIR counts unless its directory belongs to somebody else, as the XDG base directory specification demands, or is
  the one of another user that is not there;
- a relative path in it or in XDG_CONFIG_HOME is invalid and does not count, by the same specification;
- XDG_CONFIG_HOME counts unless its directory belongs to another ordinary user, is root's home or below it (for
  others than root), or cannot be looked at;
- variables that name a file or directory of one tool (REGISTRY_AUTH_FILE, DOCKER_CONFIG, CONTAINERS_STORAGE_CONF, ...) are set
  by nobody but on purpose, and always count, as for podman.

So what a task sets by ``environment:`` counts, as long as a directory of the user's or of the system's is named.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

_NAME_BY_OLD_PODMAN = "podman-run"
# Where a session has its runtime directory, by the number of the user.
_SESSIONS = "/run/user"


@dataclass(frozen=True)
class ConfigPaths:
    """The user and the places that the search for configuration files starts from.

    ``xdg_config_home``, ``xdg_runtime_dir`` and ``docker_config`` are None where the variable is unset, empty or does not count.
    ``environment`` holds every variable; it may contain secrets, so it is not part of ``repr``. ``root`` is put before
    the paths of the system (not before those of the user), for tests. ``gid`` is the effective group.
    """

    home: str
    uid: int
    xdg_config_home: str | None = None
    xdg_runtime_dir: str | None = None
    docker_config: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    root: str = ""
    gid: int = 0

    @classmethod
    def of_this_user(cls) -> ConfigPaths:
        """The paths of the effective user.

        The home directory is that of the user database: under ``become`` the variable HOME may still be that of the user
        who logged in. It counts only for a user whom the database does not know.
        """
        environment = dict(os.environ)
        uid = os.geteuid()
        return cls(
            home=_home_of(uid) or environment.get("HOME") or "/",
            uid=uid,
            xdg_config_home=_config_home_of(uid, environment.get("XDG_CONFIG_HOME", "")),
            xdg_runtime_dir=_runtime_dir_of(uid, environment.get("XDG_RUNTIME_DIR", "")),
            docker_config=environment.get("DOCKER_CONFIG") or None,
            environment=environment,
            gid=os.getegid(),
        )

    @property
    def rootless(self) -> bool:
        """Whether the user is not root."""
        return self.uid != 0

    @property
    def user(self) -> str:
        """The name of the user, the number where there is none."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)

    @property
    def config_home(self) -> str:
        """``$XDG_CONFIG_HOME``, or ``.config`` in the home directory."""
        return self.xdg_config_home or self.in_home(".config")

    @cached_property
    def runtime_dir(self) -> str:
        """Where the user's sockets and run roots are until a reboot; it may not exist. For users other than root.

        Without a session there is no ``/run/user/UID``: then podman before 5.0 makes one of its own below ``/tmp``, and
        later ones with another name; the first where it exists, or the installed podman is to make it. Found once: in a user
        namespace the user's directories seem to belong to root.
        """
        if self.xdg_runtime_dir:
            return self.xdg_runtime_dir
        temporary = os.path.abspath(self.environment.get("TMPDIR") or "/tmp")
        candidates = [
            self.in_system(f"{_SESSIONS}/{self.uid}"),
            os.path.join(temporary, f"{_NAME_BY_OLD_PODMAN}-{self.uid}"),
        ]
        own = (path for path in candidates if _is_own_directory(path, self.uid))
        return next(own, None) or os.path.join(temporary, f"{self._runtime_name()}-{self.uid}")

    def _runtime_name(self) -> str:
        """What podman calls the runtime directory that it makes itself, and libraries without a podman that is older."""
        from .._host.podman_version import podman_major

        version = podman_major(self.environment)
        return _NAME_BY_OLD_PODMAN if version is not None and version < 5 else "storage-run"

    @cached_property
    def has_own_runtime_dir(self) -> bool:
        """Whether ``runtime_dir`` is there and belongs to the user."""
        return _is_own_directory(self.runtime_dir, self.uid)

    @property
    def pause_file(self) -> str:
        """Where the number of the process is that keeps the user's namespaces."""
        return os.path.join(self.runtime_dir, "libpod/tmp/pause.pid")

    def environment_of_programs(self) -> dict[str, str]:
        """The environment for programs that look for the same user's files: without what does not count for us."""
        values = {**self.environment, "HOME": self.home}
        for name, counts in (("XDG_CONFIG_HOME", self.xdg_config_home), ("XDG_RUNTIME_DIR", self.xdg_runtime_dir)):
            if not counts:
                values.pop(name, None)
        return values

    def in_home(self, *parts: str) -> str:
        """A path below the home directory."""
        return os.path.join(self.home, *parts)

    def in_system(self, path: str) -> str:
        """The absolute ``path`` of the system, below ``root``."""
        return self.root + path


def _home_of(uid: int) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_dir
    except KeyError:
        return None


def _is_own_directory(path: str, uid: int) -> bool:
    """Whether ``path`` is a directory of the user's, and no link that somebody else put there."""
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == uid


def _runtime_dir_of(uid: int, directory: str) -> str | None:
    """``directory`` if it can be the user's; one that does not exist is a mistake of theirs, unless its name is another user's."""
    if not os.path.isabs(directory):
        return None
    try:
        return directory if os.stat(directory).st_uid == uid else None
    except FileNotFoundError:
        parent, name = os.path.split(os.path.normpath(directory))
        return None if parent == _SESSIONS and name != str(uid) else directory
    except OSError:
        return None


def _config_home_of(uid: int, directory: str) -> str | None:
    if not os.path.isabs(directory):
        return None
    try:
        status = os.stat(directory)
    except FileNotFoundError:
        return directory
    except OSError:
        return None
    if status.st_uid == uid:
        return directory
    home_of_root = os.path.join(_home_of(0) or "/root", "")
    return directory if status.st_uid == 0 and not os.path.join(directory, "").startswith(home_of_root) else None
