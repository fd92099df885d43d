# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets that are told in whatever form they come, and the places of a machine where one could show."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .processes import looking


@dataclass(frozen=True)
class Secret:
    """A secret with a ``mark`` of letters and digits in it, which every encoding but base64 leaves as it is."""

    name: str
    mark: str

    @property
    def text(self) -> str:
        """The secret itself, with characters that addresses, JSON and forms write in other ways."""
        return f"p%/{self.mark}+ \u00e4&="

    @property
    def plain(self) -> str:
        """The secret where only letters and digits may stand."""
        return self.mark

    def forms(self) -> list[str]:
        """The mark, and what it is in base64 wherever in a text it begins, its uncertain ends left out."""
        encoded = [base64.b64encode(b"\0" * shift + self.mark.encode()).decode("ascii") for shift in range(3)]
        return [self.mark, self.mark.encode().hex(), *(text[4:-4] for text in encoded)]

    def is_in(self, text: str) -> bool:
        return any(form in text for form in self.forms())


def shown(secrets: list[Secret], text: str) -> list[str]:
    """The names of the secrets that ``text`` gives away."""
    return [secret.name for secret in secrets if secret.is_in(text)]


@dataclass
class ProcessWatch:
    """What /proc showed while it was watched: (kind of file, process, name of the secret)."""

    secrets: list[Secret]
    found: set[tuple[str, int, str]] = field(default_factory=set)
    rounds: int = 0

    def look(self) -> None:
        """One look at the command line and the environment of every process but this one."""
        for entry in filter(str.isdecimal, os.listdir("/proc")):
            if int(entry) == os.getpid():
                continue
            # Asked first: a fork does not live long.
            program = _program(int(entry))
            for kind in ("cmdline", "environ"):
                for name in shown(self.secrets, _read(f"/proc/{entry}/{kind}")):
                    self.found.add((kind, program, name))
        self.rounds += 1


def _program(pid: int) -> int:
    """The process itself; of a fork that is still what its parent is, and about to become another program, the parent."""
    parent = re.search(r"^PPid:\s*([1-9]\d*)$", _read(f"/proc/{pid}/status"), re.MULTILINE)
    if parent and _read(f"/proc/{pid}/cmdline") == _read(f"/proc/{parent[1]}/cmdline"):
        return _program(int(parent[1]))
    return pid


@contextmanager
def watched_processes(secrets: list[Secret]) -> Iterator[ProcessWatch]:
    """Watches all processes of the machine while the context is open."""
    watch = ProcessWatch(secrets)
    with looking(watch):
        yield watch


def files_with(secrets: list[Secret], directory: str) -> dict[str, list[str]]:
    """The files below ``directory`` that give secrets away, and which."""
    found = {}
    for place, _subdirectories, names in os.walk(directory):
        for name in names:
            path = os.path.join(place, name)
            if os.path.isfile(path) and not os.path.islink(path):
                given = shown(secrets, name + _read(path))
                if given:
                    found[path] = given
    return found


def _read(path: str) -> str:
    try:
        with open(path, "rb") as stream:
            return stream.read().decode("utf-8", "replace")
    except OSError:
        return ""
