# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""One registries.conf or drop-in of it, parsed to values and checked (containers-registries.conf(5)).

The rules and the words of errors are those of containers/image's ``sysregistriesv2``. Unknown keys are ignored there
and here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Optional

from .registries_v1 import as_version_2, is_version_1
from .short_name_aliases import Alias, parse_aliases
from .table import Table
from .toml_file import InvalidConfig

_LABEL = r"(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])"
_SEARCH_ENTRY = re.compile(rf"{_LABEL}(?:\.{_LABEL})*(?::[0-9]+)?", re.ASCII)
_SEARCH_LIST = "unqualified-search-registries"
_HELPERS = "credential-helpers"
_MODE = "short-name-mode"
_MIRROR_USES = ("", "all", "digest-only", "tag-only")

PERMISSIVE = "permissive"
ENFORCING = "enforcing"
DISABLED = "disabled"


@dataclass(frozen=True)
class Mirror:
    """A place to try before the registry itself. ``use`` is ``all``, ``digest-only`` or ``tag-only``."""

    location: str
    insecure: bool = False
    use: str = "all"


@dataclass(frozen=True)
class Registry:
    """What holds for the names that start with ``prefix``. ``location`` is empty for a wildcard that rewrites nothing.

    ``origin`` is the file that says so.
    """

    prefix: str
    location: str
    insecure: bool = False
    blocked: bool = False
    mirrors: tuple[Mirror, ...] = ()
    origin: str = ""


@dataclass(frozen=True)
class RegistriesFile:
    """What one file says; None, and an empty ``short_name_mode``, where it is silent.

    An empty list is not silence: it takes away what an earlier file said.
    """

    registries: tuple[Registry, ...] = ()
    search: Optional[tuple[str, ...]] = None
    short_name_mode: str = ""
    aliases: Mapping[str, Alias] = field(default_factory=dict)
    credential_helpers: Optional[tuple[str, ...]] = None


def parse_registries_file(values: dict[str, object], origin: str, *, drop_in: bool = False) -> RegistriesFile:
    """The content of the file ``origin``, whose TOML is ``values``; of registries with the same prefix the first.

    A main file may be of version 1. Raises InvalidConfig for whatever makes containers/image refuse the file.
    """
    table = Table(values, origin)
    if is_version_1(table):
        table = _from_version_1(table, drop_in)
    registries = [_registry(entry) for entry in table.tables("registry")]
    _refuse_conflicts(registries, origin)
    first: dict[str, Registry] = {}
    for registry in registries:
        first.setdefault(registry.prefix, registry)
    return RegistriesFile(
        registries=tuple(first.values()),
        search=_search_list(table),
        short_name_mode=_short_name_mode(table),
        aliases=parse_aliases(table.table("aliases")),
        credential_helpers=table.texts(_HELPERS) if _is_set(table, _HELPERS) else None,
    )


def _from_version_1(table: Table, drop_in: bool) -> Table:
    if drop_in:
        raise table.invalid("registries", "registry must be in v2 format but is in v1")
    said = (table.tables("registry"), table.texts(_SEARCH_LIST), table.texts(_HELPERS), table.text(_MODE))
    if any(said) or table.table("aliases").values:
        raise table.invalid("registries", "mixing sysregistry v1/v2 is not supported")
    return as_version_2(table)


def _registry(table: Table) -> Registry:
    location = _location(table, "location")
    # A prefix of nothing but slashes matches no name.
    prefix = _location(table, "prefix") if table.text("prefix") else location
    if not location and not prefix:
        raise table.invalid("", "invalid condition: both location and prefix are unset")
    if not location and not prefix.startswith("*."):
        raise table.invalid(
            "location", "invalid condition: location is unset and prefix is not in the format: *.example.com"
        )
    if prefix.startswith("*.") and re.search("[/@:]", prefix):
        raise table.invalid(
            "prefix", f"invalid prefix '{prefix}': Wildcarded prefix should be in the format: *.example.com"
        )
    if table.text("pull-from-mirror"):
        raise table.invalid(
            "pull-from-mirror", f'pull-from-mirror must not be set for a non-mirror registry "{prefix}"'
        )
    by_digest_only = table.flag("mirror-by-digest-only")
    mirrors = tuple(_mirror(entry, prefix, by_digest_only) for entry in table.tables("mirror"))
    return Registry(prefix, location, table.flag("insecure"), table.flag("blocked"), mirrors, table.origin)


def _mirror(table: Table, prefix: str, by_digest_only: bool) -> Mirror:
    location = _location(table, "location")
    if not location:
        raise table.invalid("location", "invalid condition: mirror location is unset")
    use = table.text("pull-from-mirror")
    if by_digest_only and use:
        raise table.invalid(
            "pull-from-mirror",
            f'cannot set mirror usage mirror-by-digest-only for the registry ("{prefix}") and '
            f'pull-from-mirror for per-mirror ("{location}") at the same time',
        )
    if use not in _MIRROR_USES:
        raise table.invalid("pull-from-mirror", f'unsupported pull-from-mirror value "{use}" for mirror "{location}"')
    return Mirror(location, table.flag("insecure"), "digest-only" if by_digest_only else use or "all")


def _location(table: Table, key: str) -> str:
    return _without_scheme(table, key, table.text(key))


def _without_scheme(table: Table, key: str, text: str) -> str:
    trimmed = text.rstrip("/")
    if trimmed.startswith(("http://", "https://")):
        raise table.invalid(key, f"invalid location '{text}': URI schemes are not supported")
    return trimmed


def _refuse_conflicts(registries: list[Registry], origin: str) -> None:
    """Several prefixes may have one location, but then they must agree on how it is reached."""
    first: dict[str, Registry] = {}
    for registry in registries:
        place = registry.location or registry.prefix
        other = first.setdefault(place, registry)
        for setting in ("insecure", "blocked"):
            if getattr(registry, setting) != getattr(other, setting):
                message = f"registry '{place}' is defined multiple times with conflicting '{setting}' setting"
                raise InvalidConfig(message, subject=origin)


def _search_list(table: Table) -> tuple[str, ...] | None:
    if not _is_set(table, _SEARCH_LIST):
        return None
    entries = []
    for text in table.texts(_SEARCH_LIST):
        entry = _without_scheme(table, _SEARCH_LIST, text)
        if not _SEARCH_ENTRY.fullmatch(entry):
            raise table.invalid(_SEARCH_LIST, f'Invalid unqualified-search-registries entry "{entry}"')
        entries.append(entry)
    return tuple(entries)


def _short_name_mode(table: Table) -> str:
    mode = table.text(_MODE)
    if mode not in ("", PERMISSIVE, ENFORCING, DISABLED):
        raise table.invalid(_MODE, f'invalid short-name mode: "{mode}"')
    return mode


def _is_set(table: Table, key: str) -> bool:
    return table.values.get(key) is not None
