# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""From a name to the places where its image can be had: registries.conf with its drop-ins, rewriting and mirrors.

What names match and how they are rewritten follows containers-registries.conf(5) and ``sysregistriesv2``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .._errors import HostError
from .._model.reference import InvalidReference, Reference
from .paths import ConfigPaths
from .registries_file import PERMISSIVE, Mirror, RegistriesFile, Registry, parse_registries_file
from .registries_paths import registries_files
from .short_name_aliases import Alias
from .toml_file import InvalidConfig, read_toml

# The word in ``credential-helpers`` for the files that are searched without any helper (auth.json and its like).
BUILT_IN_HELPER = "containers-auth.json"


class RegistryBlocked(HostError):
    """registries.conf forbids the registry."""

    code = "registry_blocked"


@dataclass(frozen=True)
class PullSource:
    """A place to ask for an image: ``reference`` names the image there, ``location`` is the text of registries.conf.

    ``location`` is the registry itself where nothing was rewritten. ``insecure`` allows http and any certificate.
    """

    reference: Reference
    insecure: bool
    location: str


@dataclass(frozen=True)
class RegistriesConf:
    """What all files say together.

    ``registries`` has each prefix once, sorted. ``search`` are the unqualified-search registries (``host[:port]``) in order,
    ``search_origin`` the file that says so; without one it is the main file, and empty where there is none.
    ``short_name_mode`` is ``permissive``, ``enforcing`` or ``disabled``. ``credential_helpers`` are the words of
    containers-registries.conf(5), in order.
    """

    registries: tuple[Registry, ...] = ()
    search: tuple[str, ...] = ()
    search_origin: str = ""
    short_name_mode: str = PERMISSIVE
    aliases: Mapping[str, Alias] = field(default_factory=dict)
    credential_helpers: tuple[str, ...] = (BUILT_IN_HELPER,)

    def pull_sources(self, reference: Reference) -> tuple[PullSource, ...]:
        """The places to ask for ``reference``, in order: mirrors that serve it, then the registry itself.

        A place that another table blocks is left out. Raises RegistryBlocked where none is left, and InvalidConfig where
        rewriting does not give a name.
        """
        registry = self._find(reference.name)
        if registry is None:
            return (PullSource(reference, False, reference.domain),)
        sources = [_rewrite(reference, registry, endpoint) for endpoint in _endpoints(reference, registry)]
        allowed = [source for source in sources if self._block(source.reference) is None]
        if not allowed:
            block = self._block(sources[-1].reference) or registry
            raise _blocked(block, reference)
        return tuple(allowed)

    def named_source(self, reference: Reference) -> PullSource:
        """The repository just as ``reference`` names it, where mirrors and rewriting do not apply: lists of tags, pushes.

        Raises RegistryBlocked.
        """
        registry = self._find(reference.name)
        if registry is not None and registry.blocked:
            raise _blocked(registry, reference)
        return PullSource(reference, registry is not None and registry.insecure, reference.domain)

    def _find(self, name: str) -> Registry | None:
        """The registry with the longest prefix that ``name``, without tag and digest, starts with."""
        matching = [registry for registry in self.registries if _match(name, registry.prefix) is not None]
        return max(matching, key=lambda registry: len(registry.prefix), default=None)

    def _block(self, physical: Reference) -> Registry | None:
        registry = self._find(physical.name)
        return registry if registry is not None and registry.blocked else None


def load_registries_conf(paths: ConfigPaths, explicit: str | None = None) -> RegistriesConf:
    """The configuration in force; ``explicit`` is the main file that a task names.

    A registry in a later file replaces the one of the same prefix entirely, an alias that of the same name, a list or a
    mode the earlier one. Raises InvalidConfig, MissingLibraryError, and HostError for unreadable files.
    """
    conf = RegistriesConf()
    for file in registries_files(paths, explicit):
        values = read_toml(file.path)
        if values is None:
            continue
        said = parse_registries_file(values, file.path, drop_in=file.drop_in)
        if not file.drop_in:
            conf = replace(conf, search_origin=file.path)
        conf = _updated(conf, said, file.path)
    return conf


def _updated(conf: RegistriesConf, said: RegistriesFile, path: str) -> RegistriesConf:
    registries = {registry.prefix: registry for registry in (*conf.registries, *said.registries)}
    conf = replace(
        conf,
        registries=tuple(registries[prefix] for prefix in sorted(registries)),
        short_name_mode=said.short_name_mode or conf.short_name_mode,
        aliases={**conf.aliases, **said.aliases},
    )
    if said.search is not None:
        conf = replace(conf, search=said.search, search_origin=path)
    if said.credential_helpers is not None:
        conf = replace(conf, credential_helpers=said.credential_helpers or (BUILT_IN_HELPER,))
    return conf


def _blocked(registry: Registry, reference: Reference) -> RegistryBlocked:
    return RegistryBlocked(f"registry {registry.prefix} is blocked in {registry.origin}", subject=str(reference))


def _match(name: str, prefix: str) -> int | None:
    """How many characters of ``name`` the ``prefix`` stands for, None where it does not match.

    ``example.com`` also matches ``example.com:5000``, a quirk of containers/image that configurations rely on.
    """
    if prefix.startswith("*."):
        start = name.find(prefix[1:])
        if start == -1 or "/" in name[:start]:
            return None
        end = start + len(prefix) - 1
    elif name.startswith(prefix):
        end = len(prefix)
    else:
        return None
    return end if end == len(name) or name[end] in "/:@" else None


def _endpoints(reference: Reference, registry: Registry) -> tuple[Mirror, ...]:
    unwanted = "tag-only" if reference.digest else "digest-only"
    mirrors = tuple(mirror for mirror in registry.mirrors if mirror.use != unwanted)
    return (*mirrors, Mirror(registry.location, registry.insecure))


def _rewrite(reference: Reference, registry: Registry, endpoint: Mirror) -> PullSource:
    if not endpoint.location:
        return PullSource(reference, endpoint.insecure, reference.domain)
    name = endpoint.location + reference.name[_match(reference.name, registry.prefix) :]
    try:
        physical = reference.with_name(name)
    except InvalidReference as error:
        raise InvalidConfig(
            f"rewriting {reference.name} gives {name}: {error.message}", subject=f"{registry.origin}: {registry.prefix}"
        ) from error
    return PullSource(physical, endpoint.insecure, endpoint.location)
