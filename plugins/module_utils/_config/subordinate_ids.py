# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The subordinate IDs of a user: which user and group IDs of this host the user may have in user namespaces.

See subuid(5). A line is ``user:first:count`` where the user is a name or a number. As in containers/storage the ranges
follow each other in the order of their first IDs, behind the user's own ID, which is 0 inside.
"""

from __future__ import annotations

from .._errors import HostError
from .._host.atomic_files import read_file
from .._host.user_namespace import MappedRange
from .paths import ConfigPaths

_FILES = ("/etc/subuid", "/etc/subgid")


class NoSubordinateIds(HostError):
    """The user may have no other IDs than the own ones."""

    code = "no_subordinate_ids"


def namespace_maps(paths: ConfigPaths) -> tuple[tuple[MappedRange, ...], tuple[MappedRange, ...]]:
    """The user IDs and group IDs of a user namespace of the user's. Raises NoSubordinateIds and HostError."""
    uids, gids = (_ranges(paths, name) for name in _FILES)
    return _map(paths.uid, uids), _map(paths.gid, gids)


def _ranges(paths: ConfigPaths, name: str) -> list[tuple[int, int]]:
    path = paths.in_system(name)
    text = (read_file(path) or b"").decode("utf-8", "replace")
    users = {paths.user, str(paths.uid)}
    found = set()
    for line in text.splitlines():
        fields = line.strip().split(":")
        if len(fields) == 3 and fields[0] in users and all(field.isdecimal() for field in fields[1:]):
            first, count = int(fields[1]), int(fields[2])
            if count:
                found.add((first, count))
    if not found:
        raise NoSubordinateIds(
            f"the user {paths.user} has no subordinate IDs, without which the files of an image cannot have their owners",
            subject=path,
            wanted=f"a line such as {paths.user}:100000:65536",
            found="none for this user",
        )
    return sorted(found)


def _map(own: int, ranges: list[tuple[int, int]]) -> tuple[MappedRange, ...]:
    result = [MappedRange(0, own, 1)]
    for first, count in ranges:
        result.append(MappedRange(result[-1].inside + result[-1].size, first, count))
    return tuple(result)
