# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host made of files below a temporary directory, for the readers of configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from ansible_collections.strata.containers.plugins.module_utils._config.paths import ConfigPaths


class FakeHost:
    """``write("/etc/x", ...)`` and ``write("~/x", ...)`` make files; ``paths()`` is what the readers get."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.home = base / "home"

    def path(self, name: str) -> str:
        """Where the file ``name`` of the host really is."""
        if name.startswith("~/"):
            return str(self.home / name[2:])
        return str(self.base / name.lstrip("/"))

    def write(self, name: str, content: str = "") -> str:
        """Makes the file ``name`` and gives its real path."""
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return str(path)

    def paths(self, uid: int = 0, environment: Optional[dict[str, str]] = None) -> ConfigPaths:
        """The paths of a user with this environment."""
        environment = environment or {}
        return ConfigPaths(
            home=str(self.home),
            uid=uid,
            xdg_config_home=environment.get("XDG_CONFIG_HOME"),
            xdg_runtime_dir=environment.get("XDG_RUNTIME_DIR"),
            docker_config=environment.get("DOCKER_CONFIG"),
            environment=environment,
            root=str(self.base),
        )
