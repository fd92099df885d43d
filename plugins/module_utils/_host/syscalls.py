# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""System calls that Python 3.9 has no function for, through the C library that the interpreter runs on."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from typing import Any


@cache
def libc() -> ctypes.CDLL:
    """The C library of this process. Loaded at the first call, so that importing this file needs no Linux."""
    return ctypes.CDLL(None, use_errno=True)


def call(function: str, *arguments: Any) -> int:
    """The result of a function of the C library that returns -1 and sets errno when it fails. Raises OSError."""
    ctypes.set_errno(0)
    result = int(getattr(libc(), function)(*arguments))
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), function)
    return result


def system_call(number: int, *arguments: Any) -> int:
    """The result of a system call that the C library has no function for. Raises OSError."""
    return call("syscall", ctypes.c_long(number), *arguments)
