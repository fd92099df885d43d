# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Whose configuration is read, and below which roots: the one place that looks at the environment."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ConfigPaths:
    """The user and the places that the search for configuration files starts from.

    ``xdg_config_home``, ``xdg_runtime_dir`` and ``docker_config`` are None where the variable is unset or empty.
    ``environment`` holds every variable; it may contain secrets, so it is not part of ``repr``. ``root`` is put before
    the paths of the system (not before those of the user), for tests.
    """

    home: str
    uid: int
    xdg_config_home: str | None = None
    xdg_runtime_dir: str | None = None
    docker_config: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    root: str = ""

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
            xdg_config_home=environment.get("XDG_CONFIG_HOME") or None,
            xdg_runtime_dir=environment.get("XDG_RUNTIME_DIR") or None,
            docker_config=environment.get("DOCKER_CONFIG") or None,
            environment=environment,
        )

    @property
    def rootless(self) -> bool:
        """Whether the user is not root."""
        return self.uid != 0

    @property
    def config_home(self) -> str:
        """``$XDG_CONFIG_HOME``, or ``.config`` in the home directory."""
        return self.xdg_config_home or self.in_home(".config")

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
