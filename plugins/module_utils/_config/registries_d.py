# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Where the signatures of images in registries are kept: the files of registries.d (containers-registries.d(5)).

Where manual and code of containers/image differ, the code counts (``docker/registries_d.go``): a section that does not say
what is asked for is passed over for the next wider one, for lookaside and attachments apart.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Optional
from urllib.parse import quote

from .._host.atomic_files import read_file
from .._host.os_errors import reporting
from .paths import ConfigPaths
from .table import Table
from .toml_file import SIZE_LIMIT, InvalidConfig

_SYSTEM_LOOKASIDE = "/var/lib/containers/sigstore"
_USER_LOOKASIDE = ".local/share/containers/sigstore"
# podman's own processes change their user ID and leave the first one here.
_FIRST_UID = "_CONTAINERS_ROOTLESS_UID"


@dataclass(frozen=True)
class SignaturePlace:
    """Where to look for the signatures of one image: below the address ``lookaside``, and in ``attachments`` of the registry."""

    lookaside: str
    attachments: bool


@dataclass(frozen=True)
class Section:
    """What one section says: addresses to read and to write, empty where it does not tell; ``origin`` is its file."""

    lookaside: str
    staging: str
    attachments: Optional[bool]
    origin: str


@dataclass(frozen=True)
class RegistriesD:
    """What all files say together. ``fallback`` is the address where none says anything."""

    fallback: str
    default: Optional[Section] = None
    docker: Mapping[str, Section] = field(default_factory=dict)

    def place(self, scopes: Sequence[str]) -> SignaturePlace:
        """Where the signatures of an image are read; ``scopes`` are the names that speak of it, the one to prefer first."""
        sections = list(self._sections(scopes))
        lookaside = next((section.lookaside for section in sections if section.lookaside), self.fallback)
        attachments = (section.attachments for section in sections if section.attachments is not None)
        return SignaturePlace(lookaside, next(attachments, False))

    def staging(self, scopes: Sequence[str]) -> str:
        """The address below which new signatures of an image are written."""
        addresses = (section.staging or section.lookaside for section in self._sections(scopes))
        return next((address for address in addresses if address), self.fallback)

    def _sections(self, scopes: Sequence[str]) -> Iterator[Section]:
        # The empty scope means all images to a policy, and nothing here.
        yield from (self.docker[scope] for scope in scopes if scope and scope in self.docker)
        if self.default is not None:
            yield self.default


def load_registries_d(paths: ConfigPaths, explicit: str | None = None) -> RegistriesD:
    """The configuration in force: that of the directory ``explicit``, else of the user's where there is one, else of the system's.

    Directories are not merged, and one that is not there says nothing. Raises InvalidConfig, also where two files speak of
    the same scope, MissingLibraryError where there is a file and no PyYAML, and HostError.
    """
    loaded = RegistriesD(_fallback(paths))
    for path in _files(_directory(paths, explicit)):
        data = read_file(path, SIZE_LIMIT)
        # One that was deleted since the directory was read is no error.
        if data is not None:
            loaded = _merged(loaded, _parse(data, path))
    return loaded


def _directory(paths: ConfigPaths, explicit: str | None) -> str:
    if explicit:
        return explicit
    # XDG_CONFIG_HOME does not count here.
    users = paths.in_home(".config/containers/registries.d")
    return users if os.path.exists(users) else paths.in_system("/etc/containers/registries.d")


def _files(directory: str) -> list[str]:
    with reporting("read", directory):
        try:
            names = os.listdir(directory)
        except FileNotFoundError:
            return []
    return [os.path.join(directory, name) for name in sorted(names) if name.endswith(".yaml")]


def _parse(data: bytes, path: str) -> RegistriesD:
    from .yaml_file import parse_yaml

    top = Table(parse_yaml(data, path), path)
    default = top.values.get("default-docker")
    docker = top.table("docker")
    return RegistriesD(
        fallback="",
        default=None if default is None else _section(top.table("default-docker")),
        docker={scope: _section(docker.table(scope)) for scope in docker.values},
    )


def _section(table: Table) -> Section:
    said = table.values.get("use-sigstore-attachments") is not None
    return Section(
        lookaside=table.text("lookaside") or table.text("sigstore"),
        staging=table.text("lookaside-staging") or table.text("sigstore-staging"),
        attachments=table.flag("use-sigstore-attachments") if said else None,
        origin=table.origin,
    )


def _merged(before: RegistriesD, new: RegistriesD) -> RegistriesD:
    if before.default is not None and new.default is not None:
        raise _twice("default-docker", before.default, new.default)
    for scope, section in new.docker.items():
        if scope in before.docker:
            raise _twice(f"docker.{scope}", before.docker[scope], section)
    return RegistriesD(before.fallback, new.default or before.default, {**before.docker, **new.docker})


def _twice(what: str, first: Section, second: Section) -> InvalidConfig:
    return InvalidConfig(f"{what} is defined in {first.origin} too", subject=second.origin)


def _fallback(paths: ConfigPaths) -> str:
    first = paths.environment.get(_FIRST_UID, "")
    uid = int(first) if first.isascii() and first.isdigit() else paths.uid
    path = paths.in_home(_USER_LOOKASIDE) if uid else paths.in_system(_SYSTEM_LOOKASIDE)
    # A home directory may have any bytes in its name.
    return f"file://{quote(os.fsencode(path))}"
