# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What a login or a logout changes, in which file or helper program; planned first, applied only when told.

The choice of the place is podman's (containers/image, pkg/docker/config): ``credential-helpers`` of registries.conf in order, of
which the files are one, and for the file the ``credHelpers`` in it. In a ``config.json`` docker's ways hold: ``credsStore``,
its spelling of Docker Hub, no namespaces.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .._errors import UsageError
from .._host.commands import CommandRunner
from .._host.private_files import PRIVATE_MODE, is_private, make_private, private_mode_of, write_private
from .._model.credentials import Credentials
from .._model.login_name import LoginName
from .auth_edit import with_login, with_marker, without
from .auth_file import AuthFile, NamedHelper, docker_key
from .auth_places import AuthPlace, is_docker_file
from .credential_helper import CredentialHelper
from .credentials import FILES, GLOBAL_HELPERS


class NamespaceUnsupported(UsageError):
    """The place where this login would be kept knows whole registries only."""

    code = "namespace_unsupported"


@dataclass(frozen=True)
class LoginEdit:
    """A change to one ``place``: its keys (and a file's mode) before and after, and how to make it. No secret is shown."""

    place: str
    before: dict[str, Any]
    after: dict[str, Any]
    apply: Callable[[], None]


@dataclass(frozen=True)
class Login:
    """Where a login is kept (``origin`` names the file or helper), and what has to be changed for it; maybe nothing."""

    origin: str
    edits: tuple[LoginEdit, ...]


@dataclass(frozen=True)
class LoginPlaces:
    """The places where the logins of one user are kept: the file ``path``, and helper programs.

    A ``place`` is an entry of ``credential-helpers``: ``containers-auth.json`` for the file, or the name of a helper. ``timeout``
    is in seconds for each call of one. Everything raises InvalidConfig, HelperMissing, HelperFailed and HostError.
    """

    path: str
    run: CommandRunner
    timeout: float = 60.0

    def login(self, place: str, name: LoginName, username: str, password: str) -> Login:
        """What to change so that ``place`` keeps the login. Raises NamespaceUnsupported."""
        if place != FILES:
            return self._login_to_helper(NamedHelper(place, name.host), GLOBAL_HELPERS, name, username, password)
        file = AuthFile(AuthPlace(self.path))
        helper = file.helper(name.host)
        if helper:
            return self._login_to_helper(helper, self.path, name, username, password)
        if not is_docker_file(self.path):
            return _login_to_file(file, name.key, username, password)
        if name.namespaced:
            raise NamespaceUnsupported("a config.json of docker has no keys for namespaces", subject=name.key)
        store = file.credentials_store(name.host)
        if store is None:
            return _login_to_file(file, docker_key(name.host), username, password)
        login = self._login_to_helper(store, self.path, name, username, password)
        return Login(login.origin, (*login.edits, *_marker(file, docker_key(name.host))))

    def logout(self, place: str, name: LoginName) -> list[LoginEdit]:
        """What to change so that ``place`` does not keep the login."""
        if place != FILES:
            return [] if name.namespaced else self._erasures([NamedHelper(place, name.host)], GLOBAL_HELPERS)
        file = AuthFile(AuthPlace(self.path))
        if name.namespaced:
            return _removal(file, [name.key] if name.key in file.auths().values else [])
        helpers = [file.helper(name.host) or (file.credentials_store(name.host) if is_docker_file(self.path) else None)]
        erasures = self._erasures([helper for helper in helpers if helper], self.path)
        return [*erasures, *_removal(file, file.keys_of_host(name.host))]

    def logout_everywhere(self, place: str) -> list[LoginEdit]:
        """What to change so that ``place`` keeps no login at all. ``credHelpers`` of the file stay as they are."""
        if place != FILES:
            return self._erasures(self._all_of(place, GLOBAL_HELPERS), GLOBAL_HELPERS)
        file = AuthFile(AuthPlace(self.path))
        helpers = list(file.helpers())
        store = file.credentials_store("") if is_docker_file(self.path) else None
        if store:
            helpers += self._all_of(store.name, self.path)
        return [*self._erasures(list(dict.fromkeys(helpers)), self.path), *_removal(file, list(file.auths().values))]

    def _login_to_helper(
        self, named: NamedHelper, named_by: str, name: LoginName, username: str, password: str
    ) -> Login:
        helper = self._helper(named.name, named_by)
        if name.namespaced:
            raise NamespaceUnsupported(
                f"{helper.origin} keeps the credentials for {name.host}, and knows no namespaces", subject=name.key
            )
        held = helper.get(named.server)
        if held == Credentials(username, password, origin=helper.origin):
            return Login(helper.origin, ())
        edit = LoginEdit(
            helper.origin,
            {"keys": [_other(named.server)] if held else []},
            {"keys": [named.server]},
            lambda: helper.store(named.server, username, password),
        )
        return Login(helper.origin, (edit,))

    def _erasures(self, named: Sequence[NamedHelper], named_by: str) -> list[LoginEdit]:
        edits = []
        for name, server in named:
            helper = self._helper(name, named_by)
            if helper.get(server) is not None:
                edits.append(_erasure(helper, server))
        return edits

    def _all_of(self, name: str, named_by: str) -> list[NamedHelper]:
        return [NamedHelper(name, server) for server in self._helper(name, named_by).servers()]

    def _helper(self, name: str, named_by: str) -> CredentialHelper:
        return CredentialHelper(name, named_by, self.run, self.timeout)


def _erasure(helper: CredentialHelper, server: str) -> LoginEdit:
    return LoginEdit(helper.origin, {"keys": [server]}, {"keys": []}, lambda: helper.erase(server))


def _login_to_file(file: AuthFile, key: str, username: str, password: str) -> Login:
    held = file.entry(key)
    # podman and skopeo do not read user name and password as docker may write them.
    readable = bool(file.auths().table(key).text("auth"))
    if held == Credentials(username, password, origin=file.path) and readable:
        return Login(file.path, _correction(file))
    keys = sorted({*file.auths().values} - {key})
    before = [*keys, _other(key)] if held else [*keys, *({key} & {*file.auths().values})]
    edit = _writing(file, sorted(before), sorted([*keys, key]), with_login(file, key, username, password))
    return Login(file.path, (edit,))


def _marker(file: AuthFile, key: str) -> tuple[LoginEdit, ...]:
    """The empty entry beside a helper; one with credentials would go before what the helper has."""
    keys = sorted(file.auths().values)
    if key in keys and file.entry(key) is None:
        return ()
    return (_writing(file, keys, sorted({*keys, key}), with_marker(file, key)),)


def _removal(file: AuthFile, removed: Sequence[str]) -> list[LoginEdit]:
    if not removed:
        return []
    keys = sorted(file.auths().values)
    return [_writing(file, keys, [key for key in keys if key not in removed], without(file, removed))]


def _writing(file: AuthFile, before: list[str], after: list[str], content: bytes) -> LoginEdit:
    mode = private_mode_of(file.path)
    shown = {} if mode is None else {"mode": _octal(mode)}
    return LoginEdit(
        file.path,
        {"keys": before, **shown},
        {"keys": after, "mode": _octal(PRIVATE_MODE)},
        lambda: write_private(file.path, content),
    )


def _correction(file: AuthFile) -> tuple[LoginEdit, ...]:
    """The change of a mode by which others may read the file."""
    mode = private_mode_of(file.path)
    if mode is None or is_private(mode):
        return ()
    keys = sorted(file.auths().values)
    before, after = ({"keys": keys, "mode": _octal(shown)} for shown in (mode, PRIVATE_MODE))
    return (LoginEdit(file.path, before, after, lambda: make_private(file.path)),)


def _other(key: str) -> str:
    return f"{key} (other credentials)"


def _octal(mode: int) -> str:
    return f"{mode:04o}"
