# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What the C library does with memory that is freed."""

from __future__ import annotations

from .syscalls import libc

# <malloc.h>
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

_LARGEST_PIECE = 4 << 20
_KEPT = 64 << 20


def keep_freed_memory() -> None:
    """Has pieces of up to 4 MiB taken from memory that was freed before; at most 64 MiB of it are kept.

    For a process that takes and frees such pieces all the time: as a rule each is fetched from the kernel and given back,
    and its pages are cleared at the first touch. Threads then share one pool, for what one takes another frees. To be called
    before the second thread. Other C libraries than glibc have no such settings, and nothing happens.
    """
    mallopt = getattr(libc(), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_PIECE)
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
        mallopt(_M_ARENA_MAX, 1)


def give_back_freed_memory() -> None:
    """Gives the kernel every page that was freed, those in between too: what imports took to compile what they kept.

    For a process that forks: its children have what it has, and write to what is free. Other C libraries than glibc do nothing.
    """
    malloc_trim = getattr(libc(), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
