# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""One registries.conf or drop-in of it, parsed to values and checked (containers-registries.conf(5), version 2).

The rules and the words of errors are those of containers/image's ``sysregistriesv2``. Unknown keys are ignored there
and here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .table import Table
from .toml_file import InvalidConfig

_LABEL = r"(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])"
_SEARCH_ENTRY = re.compile(rf"{_LABEL}(?:\.{_LABEL})*(?::[0-9]+)?(?:/.*)?", re.ASCII)
_MIRROR_USES = ("", "all", "digest-only", "tag-only")
_SHORT_NAME_MODES = ("", "disabled", "permissive", "enforcing")
_V1_TABLES = ("search", "insecure", "block")


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


def parse_registries(values: dict[str, object], origin: str) -> tuple[Registry, ...]:
    """The registries in the TOML ``values`` of the file ``origin``, the first of those with the same prefix.

    Raises InvalidConfig for whatever makes containers/image refuse the file, and for version 1 of the format.
    """
    table = Table(values, origin)
    _refuse_version_1(table)
    _check_search_list(table)
    _check_short_name_mode(table)
    registries = [_registry(entry) for entry in table.tables("registry")]
    _refuse_conflicts(registries, origin)
    first: dict[str, Registry] = {}
    for registry in registries:
        first.setdefault(registry.prefix, registry)
    return tuple(first.values())


def _registry(table: Table) -> Registry:
    location = _location(table, "location")
    prefix = _location(table, "prefix") or location
    if not prefix:
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
    text = table.text(key)
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


def _refuse_version_1(table: Table) -> None:
    registries = table.table("registries")
    if any(registries.table(name).texts("registries") for name in _V1_TABLES):
        raise table.invalid("registries", "registries.conf must be in v2 format but is in v1")


def _check_search_list(table: Table) -> None:
    key = "unqualified-search-registries"
    for entry in table.texts(key):
        if not _SEARCH_ENTRY.fullmatch(entry.rstrip("/")):
            raise table.invalid(key, f'Invalid unqualified-search-registries entry "{entry}"')


def _check_short_name_mode(table: Table) -> None:
    mode = table.text("short-name-mode")
    if mode not in _SHORT_NAME_MODES:
        raise table.invalid("short-name-mode", f'invalid short-name mode: "{mode}"')
