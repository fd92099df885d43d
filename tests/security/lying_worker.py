# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Code that has taken over the unpacking process answers for it: with whatever the blob says, after some mischief."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.strata.containers.plugins.module_utils._host.pipes import read_chunks, write_all
from ansible_collections.strata.containers.plugins.module_utils._host.zygote import Task
from ansible_collections.strata.containers.plugins.module_utils._storage import unpack_child


def prepare() -> None:
    unpack_child.prepare()


def _answer(descriptors: Sequence[int], _options: Mapping[str, Any]) -> dict[str, Any]:
    """Does what the blob says in its first word, and gives the rest as the answer."""
    order, _space, rest = b"".join(read_chunks(descriptors[0])).partition(b" ")
    if order == b"die":
        os.kill(os.getpid(), getattr(signal, rest.decode()))
    if order == b"exit":
        os._exit(int(rest))
    # The zygote hands the descriptor of the result over behind those of the task.
    result = max(number for number in range(64) if _is_open(number))
    if order == b"flood":
        while True:
            write_all(result, bytes(1 << 20))
    if order == b"linger" and os.fork() == 0:
        os.setsid()
        os.closerange(3, 64)
        while True:
            signal.pause()
    write_all(result, rest)
    os._exit(0)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


TASKS = {
    unpack_child.UNPACK: Task(_answer, unpack_child.TASKS[unpack_child.UNPACK].capabilities),
    unpack_child.FINISH: unpack_child.TASKS[unpack_child.FINISH],
}
