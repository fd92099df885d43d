# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""From which IDs automatic user namespaces are made: storage.conf, and subuid(5) and subgid(5)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .._model.id_ranges import Range, union
from .paths import ConfigPaths
from .storage_files import read_storage_files
from .subordinate_ids import namespace_maps, subordinate_ranges
from .table import Table

# What containers/storage takes where storage.conf says nothing, or 0.
_USER, _MIN_SIZE, _MAX_SIZE = "containers", 1024, 65536


@dataclass(frozen=True)
class AutoUserNamespaces:
    """Whose subordinate IDs are for those of root, and how many IDs one gets at least and at most when nobody says how many."""

    user: str = _USER
    min_size: int = _MIN_SIZE
    max_size: int = _MAX_SIZE


def load_auto_user_namespaces(paths: ConfigPaths, storage_conf: str | None) -> AutoUserNamespaces:
    """What storage.conf says, or the file ``storage_conf`` in its place. Raises InvalidConfig and HostError."""
    files = read_storage_files(paths, storage_conf)
    values = {} if files.restricted else files.values
    return auto_user_namespaces(Table(values, files.origin).table("storage").table("options"))


def auto_user_namespaces(options: Table) -> AutoUserNamespaces:
    """What the table ``storage.options`` of storage.conf says. Raises InvalidConfig."""
    return AutoUserNamespaces(
        options.text("root-auto-userns-user") or _USER,
        options.count("auto-userns-min-size") or _MIN_SIZE,
        options.count("auto-userns-max-size") or _MAX_SIZE,
    )


def subordinate_ids(paths: ConfigPaths, user: str) -> tuple[tuple[Range, ...], tuple[Range, ...]]:
    """The user IDs and the group IDs that containers may get: those of the host that ``user`` may give away.

    Who is not root gives away the own ones, whoever ``user`` is, by the IDs that they have in the user's namespace, where the
    user is 0 (``getAvailableIDs`` upstream). Raises NoSubordinateIds and HostError.
    """
    if paths.rootless:
        own, groups = ([(entry.inside, entry.size) for entry in ranges[1:]] for ranges in namespace_maps(paths))
        return _union(own), _union(groups)
    need = "from which automatic user namespaces are made"
    uids, gids = subordinate_ranges(paths, (user,), need, "2147483647:2147483648")
    return _union(uids), _union(gids)


def _union(ranges: Iterable[tuple[int, int]]) -> tuple[Range, ...]:
    return union((first, first + count) for first, count in ranges)
