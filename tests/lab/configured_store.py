# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A scratch store that only its storage.conf names: for podman, buildah and our modules alike."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .stores import Store


@dataclass(frozen=True)
class ConfiguredStore(Store):
    """The store with a storage.conf whose tables hold ``options`` (of [storage.options]) and ``overlay`` (of its overlay)."""

    options: Sequence[str] = field(default_factory=tuple)
    overlay: Sequence[str] = field(default_factory=tuple)

    @property
    def conf(self) -> str:
        return os.path.join(self.base, "storage.conf")

    def configure(self) -> None:
        """Writes the file."""
        lines = ["[storage]", 'driver = "overlay"', f'graphroot = "{self.root}"', f'runroot = "{self.run_root}"']
        lines += ["[storage.options]", *self.options, "[storage.options.overlay]", *self.overlay, ""]
        with open(self.conf, "w", encoding="utf-8") as stream:
            stream.write("\n".join(lines))

    def podman_command(self, *arguments: str) -> list[str]:
        own = ["--tmpdir", os.path.join(self.base, "tmp"), "--cgroup-manager", "cgroupfs", "--events-backend", "none"]
        return ["env", f"CONTAINERS_STORAGE_CONF={self.conf}", "podman", *own, *arguments]

    def module_options(self) -> dict[str, Any]:
        return {"storage_conf": self.conf}
