# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The process that keeps the namespaces of a user's stores: in its user namespace are the owners of files, in its mount
namespace the mounts.

podman makes one per user and writes its number to ``libpod/tmp/pause.pid`` in the user's runtime directory; whoever finds it
joins it, so that all see the same mounts. It ends with the user's session, by ``podman system migrate``, or when it is killed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from .atomic_files import read_file, replace_file
from .locks import exclusive
from .new_user_namespace import NewNamespace
from .os_errors import reporting
from .user_namespace import parse_map

_NUMBER = re.compile(rb"\s*([1-9][0-9]{0,9})\s*")


@dataclass(frozen=True)
class Namespaces:
    """The namespaces of the process ``pid``, open as descriptors until close()."""

    pid: int
    user: int
    mounts: int

    def close(self) -> None:
        """Closes the descriptors; to be called once."""
        os.close(self.user)
        os.close(self.mounts)


def open_namespaces(pid: int, uid: int) -> Namespaces | None:
    """The namespaces of the process ``pid``, None unless it is in a user namespace whose root is the user ``uid``.

    A process that has ended is still there for kill(2) and stat(2) until somebody waited for it, and another one may have its
    number by now: so nothing but its namespaces tells.
    """
    descriptors: list[int] = []
    with suppress(OSError, ValueError, IndexError):
        for kind in ("user", "mnt"):
            descriptors.append(os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC))
        with open(f"/proc/{pid}/uid_map", encoding="ascii") as stream:
            first = parse_map(stream.read())[0]
        if (first.inside, first.outside) == (0, uid):
            return Namespaces(pid, *descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    return None


def pause_process(pid_file: str, uid: int) -> Namespaces | None:
    """The namespaces of the user's pause process, None where there is none. Only reads. Raises HostError."""
    found = _NUMBER.fullmatch(read_file(pid_file) or b"")
    return open_namespaces(int(found[1]), uid) if found else None


def kept_namespaces(pid_file: str, uid: int, make: Callable[[], NewNamespace]) -> Namespaces | None:
    """The namespaces of the user's pause process, which is made by ``make`` where there is none.

    The directory of ``pid_file`` must exist. Of two that make one at once, one joins the other's. None where the process ended
    at once. Raises HostError, and what ``make`` raises.
    """
    namespaces = pause_process(pid_file, uid)
    if namespaces is not None:
        return namespaces
    with exclusive(f"{pid_file}.lock"):
        namespaces = pause_process(pid_file, uid)
        if namespaces is not None:
            return namespaces
        _keep(pid_file, make())
    return pause_process(pid_file, uid)


def _keep(pid_file: str, new: NewNamespace) -> None:
    """Makes ``new`` the pause process, unless another tool was faster. Raises HostError."""
    beside = f"{pid_file}.{new.pid}"
    try:
        new.stay()
        replace_file(beside, str(new.pid).encode(), mode=0o644, sync=False)
        with reporting("write", pid_file):
            # The number of a dead one, which nobody who asks for its namespaces takes for more.
            with suppress(FileNotFoundError):
                os.unlink(pid_file)
            os.link(beside, pid_file)
    except BaseException as error:
        new.end()
        if not isinstance(error.__cause__, FileExistsError):
            raise
    finally:
        with suppress(FileNotFoundError):
            os.unlink(beside)
