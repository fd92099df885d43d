# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""From a short name to the full names that it may stand for, as podman resolves it (containers/image, pkg/shortnames).

An alias is the only candidate. Without one there is a candidate in each unqualified-search registry; docker.io is one only
where registries.conf says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .._errors import UsageError
from .._model.reference import Reference
from .._model.short_name import ShortName
from .paths import ConfigPaths
from .registries_conf import RegistriesConf, load_registries_conf
from .registries_file import ENFORCING
from .short_name_aliases import Alias, cached_aliases

# Where podman looks for an image in its store before and after the registries.
_LOCAL_REGISTRY = "localhost"
_COMPATIBLE_REGISTRY = "docker.io"


class ShortNameUnresolved(UsageError):
    """Nothing says which registry a short name belongs to."""

    code = "short_name_unresolved"


class ShortNameEnforced(UsageError):
    """Several registries may have a short name, and the configuration wants a person to choose."""

    code = "short_name_enforced"


@dataclass(frozen=True)
class Candidates:
    """The full names to pull a short name from, in order, and the file that they come from."""

    names: tuple[Reference, ...]
    origin: str


@dataclass(frozen=True)
class ShortNames:
    """What the host says about short names: ``conf``, and the aliases that people chose (``cached``), which go first."""

    conf: RegistriesConf = field(default_factory=RegistriesConf)
    cached: Mapping[str, Alias] = field(default_factory=dict)

    def pull_candidates(self, name: ShortName) -> Candidates:
        """The places to pull ``name`` from. Raises ShortNameUnresolved, ShortNameEnforced and InvalidReference."""
        alias = self._alias(name)
        if alias is not None and alias.repository is not None:
            return Candidates((name.under(alias.repository),), alias.origin)
        conf = self.conf
        if not conf.search:
            raise _unresolved(name, conf.search_origin)
        names = tuple(name.in_registry(registry) for registry in conf.search)
        if len(names) > 1 and conf.short_name_mode == ENFORCING:
            raise ShortNameEnforced(
                "short-name resolution enforced but cannot prompt: write the full name, or give the name an alias in "
                f"{conf.search_origin}",
                subject=str(name),
                wanted="one candidate",
                found=", ".join(map(str, names)),
            )
        return Candidates(names, conf.search_origin)

    def local_candidates(self, name: ShortName) -> tuple[Reference, ...]:
        """The names under which the store may have ``name``: its alias, ``localhost/``, each search registry, docker.io."""
        alias = self._alias(name)
        aliased = (name.under(alias.repository),) if alias is not None and alias.repository is not None else ()
        registries = (_LOCAL_REGISTRY, *self.conf.search, _COMPATIBLE_REGISTRY)
        return (*aliased, *(name.in_registry(registry) for registry in registries))

    def _alias(self, name: ShortName) -> Alias | None:
        """The alias of the first file that speaks of the name, even if it is only to take the alias away."""
        return self.cached.get(name.path) or self.conf.aliases.get(name.path)


def load_short_names(paths: ConfigPaths, registries_conf: str | None = None) -> ShortNames:
    """What the files say about short names. Raises InvalidConfig, MissingLibraryError, and HostError for unreadable files."""
    return ShortNames(load_registries_conf(paths, registries_conf), cached_aliases(paths))


def _unresolved(name: ShortName, origin: str) -> ShortNameUnresolved:
    if origin:
        missing = f'no unqualified-search registries are defined in "{origin}"'
    else:
        missing = "no containers-registries.conf(5) was found"
    full = name.in_registry(_COMPATIBLE_REGISTRY)
    return ShortNameUnresolved(
        f'short-name "{name}" did not resolve to an alias and {missing}: write the full name, such as {full} or that in '
        "a registry of your own, or define an alias or unqualified-search-registries",
        subject=str(name),
    )
