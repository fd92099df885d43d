# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""From a name to the places where its image can be had: registries.conf with its drop-ins, rewriting and mirrors.

The search is that of containers/image up to 5.36 (podman 4.3 to 5); what names match and how they are rewritten follows
containers-registries.conf(5) and ``sysregistriesv2``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from .._errors import HostError
from .._host.os_errors import reporting
from .._model.reference import InvalidReference, Reference
from .paths import ConfigPaths
from .registries_file import Mirror, Registry, parse_registries
from .toml_file import InvalidConfig, read_toml

_FILE = "containers/registries.conf"
_DROP_INS = "containers/registries.conf.d"


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
    """The registries of all files together, each prefix once."""

    registries: tuple[Registry, ...] = ()

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
    """The configuration in force.

    The main file is ``explicit``, or what CONTAINERS_REGISTRIES_CONF or REGISTRIES_CONFIG_PATH name; these must exist.
    Otherwise it is the user's, whose drop-ins alone are read then, or the system's. A registry in a later file replaces
    the one of the same prefix entirely. Raises InvalidConfig, MissingLibraryError, and HostError for unreadable files.
    """
    merged: dict[str, Registry] = {}
    for path in _files(paths, explicit):
        values = read_toml(path)
        if values is not None:
            merged.update((registry.prefix, registry) for registry in parse_registries(values, path))
    return RegistriesConf(tuple(merged[prefix] for prefix in sorted(merged)))


def _files(paths: ConfigPaths, explicit: str | None) -> Iterator[str]:
    """The main file, which may be absent unless it was named, and the drop-ins, in the order of reading."""
    variables = ("CONTAINERS_REGISTRIES_CONF", "REGISTRIES_CONFIG_PATH")
    named = explicit or next((paths.environment[name] for name in variables if paths.environment.get(name)), None)
    # XDG_CONFIG_HOME does not count here.
    users = paths.in_home(".config", _FILE)
    if named:
        if not os.path.exists(named):
            raise InvalidConfig("there is no such file", subject=named)
        yield named
    elif os.path.exists(users):
        yield users
    else:
        yield paths.in_system(f"/etc/{_FILE}")
    if named or not os.path.exists(users):
        yield from _drop_ins(paths.in_system(f"/etc/{_DROP_INS}"))
    yield from _drop_ins(paths.in_home(".config", _DROP_INS))


def _drop_ins(directory: str) -> list[str]:
    if not os.path.isdir(directory):
        return []
    with reporting("read", directory):
        names = sorted(name for name in os.listdir(directory) if name.endswith(".conf"))
    return [path for name in names for path in [os.path.join(directory, name)] if not os.path.isdir(path)]


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
