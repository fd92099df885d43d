# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What other processes of this machine could be seen to have in their arguments and their environment."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol


class Watching(Protocol):
    """What looks at the processes that there are."""

    def look(self) -> None:
        """One look at all of them."""


@dataclass
class Watch:
    """``found`` names each place where one of ``words`` was seen, ``seen`` the programs that were looked at."""

    words: Sequence[bytes]
    found: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)

    def look(self) -> None:
        for pid in filter(str.isdigit, os.listdir("/proc")):
            arguments = _read(f"/proc/{pid}/cmdline")
            self.seen.update(word.decode(errors="replace") for word in arguments.split(b"\0"))
            for place, content in (("arguments", arguments), ("environment", _read(f"/proc/{pid}/environ"))):
                if any(word in content for word in self.words):
                    self.found.add(f"{place} of {arguments.decode(errors='replace')!r}")


@contextmanager
def watching_processes(words: Sequence[str]) -> Iterator[Watch]:
    """Looks at all processes, again and again, while its context is open."""
    watch = Watch([word.encode() for word in words])
    with looking(watch):
        yield watch


@contextmanager
def looking(watch: Watching) -> Iterator[None]:
    """Lets ``watch`` look again and again while the context is open."""
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            watch.look()
            done.wait(0.01)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return b""
