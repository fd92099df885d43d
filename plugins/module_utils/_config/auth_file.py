# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Credentials for a registry from auth.json and from Docker's files (containers-auth.json(5))."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterator
from dataclasses import dataclass

from .._errors import HostError
from .._host.atomic_files import read_file
from .._model.credentials import Credentials
from .._model.json_text import BadJson, parse_json
from .._model.reference import Reference
from .paths import ConfigPaths
from .table import Table
from .toml_file import SIZE_LIMIT, InvalidConfig

# Docker Hub goes by several names.
_HUB = "index.docker.io"
_HUB_NAMES = frozenset({"docker.io", "registry-1.docker.io"})


class UnsupportedCredentialHelper(HostError):
    """The credentials are kept by a helper program, which this engine does not call."""

    code = "unsupported_credential_helper"


@dataclass(frozen=True)
class _AuthFile:
    """A file that may hold credentials. In a ``legacy`` one the whole object is the map of registries."""

    path: str
    legacy: bool = False


def find_credentials(paths: ConfigPaths, reference: Reference, *, authfile: str | None) -> Credentials | None:
    """The credentials for the repository of ``reference``, None where no file has any.

    ``authfile``, else REGISTRY_AUTH_FILE, else ``config.json`` in DOCKER_CONFIG is the only file read (as podman does
    it); otherwise the first file in the order of containers/image that has some. ``authfile`` must exist. Raises
    InvalidConfig for a file that is empty or malformed, UnsupportedCredentialHelper, and HostError.
    """
    if authfile and not os.path.exists(authfile):
        raise InvalidConfig("there is no such file", subject=authfile)
    for file in _files(paths, authfile):
        found = _find_in(file, reference)
        if found is not None:
            return found
    return None


def _files(paths: ConfigPaths, authfile: str | None) -> Iterator[_AuthFile]:
    named = authfile or paths.environment.get("REGISTRY_AUTH_FILE")
    if not named and paths.docker_config:
        named = os.path.join(paths.docker_config, "config.json")
    if named:
        yield _AuthFile(named)
        return
    if paths.xdg_runtime_dir:
        yield _AuthFile(os.path.join(paths.xdg_runtime_dir, "containers/auth.json"))
    else:
        yield _AuthFile(paths.in_system(f"/run/containers/{paths.uid}/auth.json"))
    yield _AuthFile(os.path.join(paths.config_home, "containers/auth.json"))
    yield _AuthFile(paths.in_home(".docker/config.json"))
    yield _AuthFile(paths.in_home(".dockercfg"), legacy=True)


def _find_in(file: _AuthFile, reference: Reference) -> Credentials | None:
    content = _read(file.path)
    if content is None:
        return None
    auths = content if file.legacy else content.table("auths")
    if not file.legacy:
        _refuse_helper(content, reference.domain)
    key = _matching_key(file, auths, reference)
    return None if key is None else _decode(auths, key)


def _read(path: str) -> Table | None:
    data = read_file(path, SIZE_LIMIT)
    if data is None:
        return None
    if not data:
        raise InvalidConfig("the file is empty; one without credentials holds {}", subject=path)
    try:
        values = parse_json(data, path)
    except BadJson as error:
        raise InvalidConfig(error.message, subject=path) from error
    if not isinstance(values, dict):
        raise InvalidConfig("not a JSON object", subject=path)
    return Table(values, path)


def _refuse_helper(content: Table, host: str) -> None:
    helper = content.table("credHelpers").text(host)
    if helper:
        raise UnsupportedCredentialHelper(
            f"the credentials for {host} are kept by the program docker-credential-{helper}, which is not supported; "
            "give a user name and password, or a file that holds them",
            subject=content.origin,
        )


def _matching_key(file: _AuthFile, auths: Table, reference: Reference) -> str | None:
    """The key of ``auths`` that applies to ``reference``.

    The most specific of the repository, its parents and the host; after these any spelling of the host, with a scheme
    and a path (only then, so that credentials of a namespace never go to another).
    """
    exact = (reference.domain,) if file.legacy else _scopes(reference.name)
    for key in exact:
        if key in auths.values:
            return key
    wanted = _HUB if reference.domain in _HUB_NAMES else reference.domain
    return next((key for key in auths.values if _host_of(key, file.legacy) == wanted), None)


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
    """The credentials under ``key``, None where the entry has none (Docker leaves such beside a helper)."""
    entry = auths.table(key)
    token = entry.text("identitytoken")
    username, colon, password = _plain(entry).partition(":")
    password = password.strip("\0")
    if token or (colon and (username or password)):
        return Credentials(username if colon else "", password, token, origin=auths.origin)
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
