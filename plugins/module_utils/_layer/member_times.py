# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The times that files get from their headers, as ``pkg/archive`` of containers/storage sets them.

All are pairs of access time and modification time in nanoseconds, as ``os.utime`` takes them.
"""

from __future__ import annotations

from .tar_header import TarMember

_LIMIT = 1 << 63


def times(member: TarMember) -> tuple[int, int]:
    """Those of a file; it was not accessed before it was modified."""
    modified = _time(member.mtime_ns)
    if member.atime_ns is None:
        return modified, modified
    return _time(max(member.atime_ns, member.mtime_ns)), modified


def directory_times(member: TarMember) -> tuple[int, int]:
    """Those of a directory; an access time that is missing in the header becomes 0."""
    return _time(member.atime_ns or 0), _time(member.mtime_ns)


def link_times(member: TarMember) -> tuple[int, int]:
    """Those of a symbolic link, which the Go library gives times before 1970 too."""
    modified = member.mtime_ns
    accessed = modified if member.atime_ns is None else max(member.atime_ns, modified)
    return _wrapped(accessed), _wrapped(modified)


def _time(nanoseconds: int) -> int:
    """Times before 1970, or beyond 63 bits of nanoseconds, become 0."""
    return nanoseconds if 0 <= nanoseconds < _LIMIT else 0


def _wrapped(nanoseconds: int) -> int:
    """What is left in a signed number of 64 bits."""
    return (nanoseconds + _LIMIT) % (2 * _LIMIT) - _LIMIT
