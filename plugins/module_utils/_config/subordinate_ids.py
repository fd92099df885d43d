# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The subordinate IDs of a user: which user and group IDs of this host the user may have in user namespaces.

See subuid(5). A line is ``user:first:count`` where the user is a name or a number. As in containers/storage the ranges
follow each other in the order of their first IDs, behind the user's own ID, which is 0 inside.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._errors import HostError
from .._host.atomic_files import read_file
from .._host.user_namespace import MappedRange
from .paths import ConfigPaths

_FILES = ("/etc/subuid", "/etc/subgid")


class NoSubordinateIds(HostError):
    """No other IDs are set apart for the user than the own ones."""

    code = "no_subordinate_ids"


def namespace_maps(paths: ConfigPaths) -> tuple[tuple[MappedRange, ...], tuple[MappedRange, ...]]:
    """The user IDs and group IDs of a user namespace of the user's. Raises NoSubordinateIds and HostError."""
    need = "without which the files of an image cannot have their owners"
    uids, gids = subordinate_ranges(paths, (paths.user, str(paths.uid)), need, "100000:65536")
    return _map(paths.uid, uids), _map(paths.gid, gids)


def has_ids(paths: ConfigPaths, uid: int, gid: int) -> bool:
    """Whether a user namespace of the user's has the user ID and the group ID. Raises HostError."""
    try:
        maps = namespace_maps(paths)
    except NoSubordinateIds:
        return False
    return all(
        any(entry.outside <= number < entry.outside + entry.size for entry in ranges)
        for number, ranges in zip((uid, gid), maps)
    )


def subordinate_ranges(
    paths: ConfigPaths, names: Sequence[str], need: str, example: str
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """The first ID and the count of each range of user IDs, and of group IDs, in the order of the IDs.

    ``names`` are those under which the user may stand. ``need`` says in an error what the IDs are for, and ``example`` which
    would do. Raises NoSubordinateIds and HostError.
    """
    uids, gids = (_ranges(paths.in_system(name), names, need, example) for name in _FILES)
    return uids, gids


def _ranges(path: str, names: Sequence[str], need: str, example: str) -> list[tuple[int, int]]:
    text = (read_file(path) or b"").decode("utf-8", "replace")
    found = set()
    for line in text.splitlines():
        name, *numbers = line.strip().split(":")
        if name in names and len(numbers) == 2 and all(number.isascii() and number.isdigit() for number in numbers):
            first, count = map(int, numbers)
            if count:
                found.add((first, count))
    if not found:
        raise NoSubordinateIds(
            f"the user {names[0]} has no subordinate IDs, {need}",
            subject=path,
            wanted=f"a line such as {names[0]}:{example}",
            found="none for this user",
        )
    return sorted(found)


def _map(own: int, ranges: list[tuple[int, int]]) -> tuple[MappedRange, ...]:
    result = [MappedRange(0, own, 1)]
    for first, count in ranges:
        result.append(MappedRange(result[-1].inside + result[-1].size, first, count))
    return tuple(result)
