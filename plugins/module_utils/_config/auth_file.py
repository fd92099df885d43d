# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""One file with credentials: what it says of a registry or a repository (containers-auth.json(5), docker's config.json)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, NamedTuple

from .._host.atomic_files import read_file
from .._host.os_errors import PermissionDenied
from .._model.credentials import Credentials
from .._model.json_text import BadJson, parse_json
from .._model.reference import Reference
from .auth_places import AuthPlace
from .table import Table
from .toml_file import SIZE_LIMIT, InvalidConfig

# Docker Hub goes by several names; docker writes it as an address.
_HUB = "index.docker.io"
_HUB_NAMES = frozenset({"docker.io", "registry-1.docker.io", _HUB})
_HUB_ADDRESS = "https://index.docker.io/v1/"


class NamedHelper(NamedTuple):
    """The helper program that a file names for a registry, and the name of the registry there."""

    name: str
    server: str


class AuthFile:
    """The content of a file with credentials; nothing where there is no such file.

    Raises InvalidConfig for one that is empty or malformed, and HostError. No error shows a value of the file.
    """

    def __init__(self, place: AuthPlace) -> None:
        self.path = place.path
        self._legacy = place.legacy
        self._content = _read(place)

    @property
    def values(self) -> Mapping[str, Any]:
        """The whole content as it is."""
        return self._content.values

    def find(self, reference: Reference) -> Credentials | None:
        """The credentials that the file itself holds for the repository of ``reference``. Raises InvalidConfig."""
        key = self._matching_key(reference)
        return None if key is None else self.entry(key)

    def entry(self, key: str) -> Credentials | None:
        """The credentials under exactly ``key``; None where it has none (docker leaves such beside a helper)."""
        auths = self.auths()
        return _decode(auths, key) if key in auths.values else None

    def mentions(self, reference: Reference) -> bool:
        """Whether there is an entry for ``reference``, be it an empty one."""
        return self._matching_key(reference) is not None

    def helper(self, host: str) -> NamedHelper | None:
        """The helper that ``credHelpers`` names for ``host``: its answer is final for this file."""
        if self._legacy:
            return None
        helpers = self._content.table("credHelpers")
        for server in (host, *(sorted({*_HUB_NAMES, _HUB_ADDRESS}) if host in _HUB_NAMES else ())):
            name = helpers.text(server)
            if name:
                return NamedHelper(name, server)
        return None

    def helpers(self) -> tuple[NamedHelper, ...]:
        """Every pair of ``credHelpers``."""
        helpers = self._content.table("credHelpers")
        pairs = [NamedHelper(helpers.text(server), server) for server in helpers.values]
        return tuple(pair for pair in pairs if pair.name) if not self._legacy else ()

    def credentials_store(self, host: str) -> NamedHelper | None:
        """Docker's ``credsStore``, the helper for all registries. (containers/image does not know it.)"""
        name = "" if self._legacy else self._content.text("credsStore")
        return NamedHelper(name, docker_key(host)) if name else None

    def auths(self) -> Table:
        """The entries by their keys. Raises InvalidConfig."""
        return self._content if self._legacy else self._content.table("auths")

    def keys_of_host(self, host: str) -> tuple[str, ...]:
        """The keys that stand for all of ``host``, in whatever spelling; not those of its namespaces."""
        wanted = _HUB if host in _HUB_NAMES else host
        return tuple(key for key in self.auths().values if _host_of(key, self._legacy) == wanted)

    def _matching_key(self, reference: Reference) -> str | None:
        """The most specific of the repository, its parents and the host; after these any spelling of the host.

        A spelling has a scheme or a path behind one (only then, so that credentials of a namespace go to no other).
        """
        auths = self.auths()
        exact = (reference.domain,) if self._legacy else _scopes(reference.name)
        for key in exact:
            if key in auths.values:
                return key
        return next(iter(self.keys_of_host(reference.domain)), None)


def docker_key(host: str) -> str:
    """``host`` as docker spells it in its files and for its helpers."""
    return _HUB_ADDRESS if host in _HUB_NAMES else host


def encode(username: str, password: str) -> str:
    """The ``auth`` of an entry."""
    return base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


def _read(place: AuthPlace) -> Table:
    path = place.path
    try:
        data = read_file(path, SIZE_LIMIT)
    except PermissionDenied:
        if not place.guessed:
            raise
        data = None
    if data is None:
        return Table({}, path)
    if not data:
        raise InvalidConfig("the file is empty; one without credentials holds {}", subject=path)
    try:
        values = parse_json(data, path)
    except BadJson as error:
        raise InvalidConfig(error.message, subject=path) from error
    if not isinstance(values, dict):
        raise InvalidConfig("not a JSON object", subject=path)
    return Table(values, path)


def _scopes(name: str) -> tuple[str, ...]:
    parts = name.split("/")
    return tuple("/".join(parts[:count]) for count in range(len(parts), 0, -1))


def _host_of(key: str, legacy: bool) -> str:
    host = key
    for scheme in ("http://", "https://"):
        if host.startswith(scheme):
            host = host[len(scheme) :]
            break
    if legacy or host != key:
        host = host.partition("/")[0]
    return _HUB if host in _HUB_NAMES else host


def _decode(auths: Table, key: str) -> Credentials | None:
    entry = auths.table(key)
    token = entry.text("identitytoken")
    username, colon, password = _plain(entry).partition(":")
    password = password.strip("\0")
    if token or (colon and (username or password)):
        return Credentials(username if colon else "", password, token, origin=auths.origin)
    # docker reads these too; containers/image does not.
    username, password = entry.text("username"), entry.text("password")
    if not entry.text("auth") and username and password:
        return Credentials(username, password, origin=auths.origin)
    return None


def _plain(entry: Table) -> str:
    """``user:password``. No error shows any part of it."""
    encoded = entry.text("auth").replace("\r", "").replace("\n", "")
    try:
        return base64.b64decode(encoded, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        pass
    # Raised here and not above, so that no traceback carries the text along.
    raise entry.invalid("auth", "not base64 of user:password in UTF-8")
