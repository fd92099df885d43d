# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A scratch store and the judges that work on it: podman, buildah, skopeo and containers-storage."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from typing import Any

from .commands import CommandFailed, run


@dataclass(frozen=True)
class Store:
    """A graph root and a run root under one scratch directory, with commands bound to them."""

    base: str
    # Where the run root is, if not beside the graph root: podman takes no path of more than 50 characters for it.
    run: str = ""
    driver: str = "overlay"

    @property
    def root(self) -> str:
        return os.path.join(self.base, "root")

    @property
    def run_root(self) -> str:
        return self.run or os.path.join(self.base, "run")

    @property
    def bracket(self) -> str:
        """The store as skopeo names it, to be followed by an image name."""
        return f"containers-storage:[{self.driver}@{self.root}+{self.run_root}]"

    def podman_command(self, *arguments: str) -> list[str]:
        """The command line of podman on this store; nothing of the machine's own configuration takes part."""
        return [
            "podman",
            "--root",
            self.root,
            "--runroot",
            self.run_root,
            "--tmpdir",
            os.path.join(self.base, "tmp"),
            "--storage-driver",
            self.driver,
            "--cgroup-manager",
            "cgroupfs",
            "--events-backend",
            "none",
            *arguments,
        ]

    def podman(self, *arguments: str) -> str:
        return run(self.podman_command(*arguments)).strip()

    def podman_json(self, *arguments: str) -> Any:
        return json.loads(self.podman(*arguments) or "null")

    def buildah(self, *arguments: str) -> str:
        return run(
            ["buildah", "--root", self.root, "--runroot", self.run_root, "--storage-driver", self.driver, *arguments]
        ).strip()

    def containers_storage(self, *arguments: str) -> str:
        return run(["containers-storage", "-g", self.root, "-R", self.run_root, "-s", self.driver, *arguments]).strip()

    def module_options(self) -> dict[str, str]:
        """The options by which our modules reach this store."""
        named = {} if self.driver == "overlay" else {"driver": self.driver}
        return {"root": self.root, "runroot": self.run_root, **named}

    def destroy(self) -> None:
        """Unmounts whatever is left below the store and removes it."""
        for point in mounts_below(self.base):
            try:
                run(["umount", "-l", point])
            except CommandFailed:
                continue
        shutil.rmtree(self.base, ignore_errors=True)
        shutil.rmtree(self.run_root, ignore_errors=True)


def mounts_below(directory: str) -> list[str]:
    """Mount points at or below ``directory``, the innermost and latest first."""
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        points = [line.split(" ")[4].encode().decode("unicode_escape") for line in table]
    inside = os.path.join(directory, "")
    return [point for point in reversed(points) if (point + "/").startswith(inside)]


def pull_error(store: Store, name: str, *options: str) -> str:
    """What podman says when it cannot pull ``name`` into ``store``, empty where it can."""
    try:
        store.podman("pull", "--quiet", "--tls-verify=false", *options, name)
    except CommandFailed as error:
        return str(error)
    return ""


def image_record(store: Store, name: str) -> dict[str, Any]:
    """What podman knows of an image, but for the paths of its layers."""
    (record,) = store.podman_json("image", "inspect", name)
    return {key: value for key, value in record.items() if key != "GraphDriver"}
