# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Version 1 of registries.conf: three lists of registries, which the tools still read as the main file.

It is turned into the values of version 2, as containers/image up to 5.39 does (newer ones refuse it).
"""

from __future__ import annotations

from .table import Table

_SEARCH = "search"
_INSECURE = "insecure"
_BLOCK = "block"


def is_version_1(document: Table) -> bool:
    """Whether the file says anything in the words of version 1; empty lists say nothing."""
    return any(_list(document, name) for name in (_SEARCH, _INSECURE, _BLOCK))


def as_version_2(document: Table) -> Table:
    """The same as version 2: one registry for each that is blocked or insecure, and the search list."""
    registries: dict[str, dict[str, object]] = {}
    for name, flag in ((_BLOCK, "blocked"), (_INSECURE, "insecure")):
        for location in _list(document, name):
            place = location.rstrip("/")
            registries.setdefault(place, {"location": location})[flag] = True
    values: dict[str, object] = {"registry": list(registries.values())}
    search = _list(document, _SEARCH)
    if search:
        values["unqualified-search-registries"] = list(search)
    return Table(values, document.origin)


def _list(document: Table, name: str) -> tuple[str, ...]:
    return document.table("registries").table(name).texts("registries")
