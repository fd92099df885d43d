# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scratch host of registries files, on which the real skopeo and podman run without a network.

They see its files in place of the machine's by a mount namespace of their own, and reach nobody by a network namespace
of their own: all that they do is to say whom they would ask.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

MAIN = "etc/containers/registries.conf"
DROP_INS = "etc/containers/registries.conf.d"
HOME_MAIN = "home/.config/containers/registries.conf"
HOME_DROP_INS = "home/.config/containers/registries.conf.d"
CACHE = "var/cache/containers/short-name-aliases.conf"
EXPLICIT = "explicit.conf"

# Short: podman takes no run root of more than 50 characters.
_ENTER = (
    'mount --bind "$0/etc/containers" /etc/containers && mount --bind "$0/var/cache/containers" /var/cache/containers'
    ' && exec "$@"'
)


@dataclass(frozen=True)
class Asked:
    """A place that was asked; ``insecure`` where http was tried, too."""

    name: str
    insecure: bool


@dataclass(frozen=True)
class ToolLog:
    """What a tool said on standard error at its debug level."""

    text: str

    @property
    def asked(self) -> list[Asked]:
        """The places that the tool tried, in order, without those that registries.conf blocks."""
        places = []
        for part in self.text.split('Trying to access "')[1:]:
            place = part.partition('"')[0]
            if not re.search(rf'Accessing "{re.escape(place)}" failed: registry \S* is blocked in ', part):
                places.append(Asked(place, "GET http://" in part))
        return places

    @property
    def blocked(self) -> bool:
        """Whether registries.conf blocks a place that was tried."""
        return " is blocked in " in self.text

    @property
    def candidates(self) -> list[str]:
        """The full names from which podman wanted to pull a short name."""
        return re.findall(r"Attempting to pull candidate (\S+) for ", self.text)

    @property
    def looked_for(self) -> list[str]:
        """What podman looked for in its store."""
        return re.findall(r'msg="Trying "([^"]*)" \.\.\."', self.text)

    @property
    def refused_configuration(self) -> bool:
        """Whether a configuration file could not be used."""
        return bool(
            re.search(r"loading (drop-in )?registries configuration|short-name aliases config|rewriting ref", self.text)
        )

    @property
    def error(self) -> str:
        """The last line: why the tool gave up."""
        lines = [line for line in self.text.splitlines() if "level=fatal" in line or line.startswith("Error: ")]
        return lines[-1] if lines else ""


class ScratchHost:
    """``write(MAIN, ...)`` and the like make its files, ``clear()`` takes them away."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.clear()

    def clear(self) -> None:
        """A host without any registries file; policy.json accepts everything."""
        for directory in ("etc/containers", "var/cache/containers", "home"):
            (self.base / directory).mkdir(parents=True, exist_ok=True)
        for path in (MAIN, HOME_MAIN, CACHE, EXPLICIT):
            (self.base / path).unlink(missing_ok=True)
        for directory in (DROP_INS, HOME_DROP_INS):
            for file in (self.base / directory).glob("*"):
                file.unlink()
        policy = {"default": [{"type": "insecureAcceptAnything"}]}
        (self.base / "etc/containers/policy.json").write_text(json.dumps(policy), encoding="utf-8")

    def write(self, path: str, content: str) -> str:
        """Makes the file ``path`` of this host and gives its place on the machine."""
        file = self.base / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        return str(file)

    def text(self) -> str:
        """All registries files, for the message of a failed test."""
        files = sorted(path for path in self.base.glob("**/*.conf") if path.is_file())
        return "\n".join(f"--- {path.relative_to(self.base)}\n{path.read_text(encoding='utf-8')}" for path in files)

    def skopeo(self, name: str, *, explicit: bool = False) -> ToolLog:
        """skopeo's log of looking at ``docker://name``; ``explicit`` names it the file EXPLICIT."""
        option = ["--registries-conf", str(self.base / EXPLICIT)] if explicit else []
        return self._run(["skopeo", "--debug", *option, "inspect", f"docker://{name}"], {})

    def podman(self, name: str, *options: str, explicit: bool = False) -> ToolLog:
        """podman's log of pulling ``name`` with ``options``; ``explicit`` names it the file EXPLICIT in its environment."""
        env = {"CONTAINERS_REGISTRIES_CONF": str(self.base / EXPLICIT)} if explicit else {}
        scratch = str(self.base)
        command = ["podman", "--log-level", "debug", "--root", f"{scratch}/root", "--runroot", f"{scratch}/run"]
        command += ["--tmpdir", f"{scratch}/tmp", "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs"]
        return self._run([*command, "--events-backend", "none", "pull", *options, "--", name], env)

    def _run(self, command: list[str], env: dict[str, str]) -> ToolLog:
        done = subprocess.run(
            ["unshare", "--mount", "--net", "sh", "-c", _ENTER, str(self.base), *command],
            env={"PATH": os.environ["PATH"], "HOME": str(self.base / "home"), **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            check=False,
        )
        return ToolLog(done.stderr.replace('\\"', '"'))
