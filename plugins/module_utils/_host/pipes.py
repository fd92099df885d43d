# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Pipes with room for more than the usual 64 KiB, and whole reads and writes on descriptors."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator

from .syscalls import call

# <linux/fcntl.h>
_F_SETPIPE_SZ = 1031
_SIZE = 1 << 20

# Of a layer that is compressed four to one as much as becomes one piece of what is inside (_layer/compression): a decoder that gets more
# keeps the rest, and gives it back as a copy with each piece.
_CHUNK = 64 * 1024


def enlarge(descriptor: int) -> None:
    """Gives the pipe a buffer of 1 MiB where the kernel allows it; a smaller one works as well, with more switching."""
    try:
        call("fcntl", ctypes.c_int(descriptor), ctypes.c_int(_F_SETPIPE_SZ), ctypes.c_int(_SIZE))
    except OSError:
        return


def read_chunks(descriptor: int) -> Iterator[bytes]:
    """What can be read up to the end, in pieces of at most 64 KiB. Raises OSError."""
    while True:
        chunk = os.read(descriptor, _CHUNK)
        if not chunk:
            return
        yield chunk


def write_all(descriptor: int, data: bytes) -> None:
    """Writes all of ``data``; blocks. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
