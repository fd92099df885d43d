# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Log in to a registry and out of it: credentials that the registry takes, kept where podman keeps them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from .._config.auth_file import AuthFile
from .._config.auth_places import auth_places, login_file
from .._config.credential_helper import HelperFailed, HelperMissing
from .._config.credentials import DEFAULT_HELPERS
from .._config.login_places import Login, LoginEdit, LoginPlaces, NamespaceUnsupported
from .._config.paths import ConfigPaths
from .._errors import HostError, StrataError, UsageError
from .._host.commands import CommandRunner, SystemCommands
from .._model.credentials import Credentials
from .._model.login_name import LoginName
from .._report import Reporter
from .outcome import Outcome


class InvalidUser(UsageError):
    """The user name or the password cannot be used."""

    code = "usage"


@dataclass(frozen=True)
class LoginKeeper:
    """Logs in and out for one user of the target.

    ``authfile`` is that of the task, ``helpers`` is ``credential-helpers`` of registries.conf, ``timeout`` is in seconds for each
    call of a helper program. In check mode nothing is written, and no helper is told to store or erase.
    """

    paths: ConfigPaths
    reporter: Reporter
    authfile: Optional[str] = None
    helpers: Sequence[str] = DEFAULT_HELPERS
    timeout: float = 60.0
    check_mode: bool = False
    run: Optional[CommandRunner] = None

    def log_in(self, name: LoginName, username: str, password: str, verify: Callable[[Credentials], None]) -> Outcome:
        """The login kept, after ``verify`` has asked the registry; in check mode too, so that a wrong password shows.

        Raises InvalidUser, NamespaceUnsupported, what ``verify`` raises, HelperMissing, HelperFailed, InvalidConfig, HostError.
        """
        _require_usable(username, password)
        places = self._places()
        verify(Credentials(username, password, origin="the options of the task"))
        self.reporter.step("verified", name.host, username=username)
        login = self._keep(places, name, username, password)
        return self._outcome(name.key, username, places.path, login.origin, login.edits)

    def log_out(self, name: LoginName) -> Outcome:
        """The login gone from where ``log_in`` keeps it. Raises HelperMissing, HelperFailed, InvalidConfig, HostError."""
        places = self._places()
        edits = [edit for place in self.helpers for edit in places.logout(place, name)]
        self._apply(edits)
        self._warn_of_others(name, places.path)
        return self._outcome(name.key, None, places.path, None, edits)

    def log_out_everywhere(self) -> Outcome:
        """Every login gone from where ``log_in`` keeps them. Raises as ``log_out``."""
        places = self._places()
        edits = [edit for place in self.helpers for edit in places.logout_everywhere(place)]
        self._apply(edits)
        return self._outcome(None, None, places.path, None, edits)

    def _places(self) -> LoginPlaces:
        run = self.run or SystemCommands(self.paths.environment_of_programs())
        return LoginPlaces(login_file(self.paths, self.authfile), run, self.timeout)

    def _keep(self, places: LoginPlaces, name: LoginName, username: str, password: str) -> Login:
        """The login in the first place that takes it, as podman chooses."""
        failures: list[StrataError] = []
        for place in self.helpers:
            try:
                login = places.login(place, name, username, password)
                self._apply(login.edits)
                return login
            except (HelperMissing, HelperFailed, NamespaceUnsupported) as error:
                failures.append(error)
        if failures:
            raise failures[0]
        raise HostError("registries.conf names no place for credentials", subject="credential-helpers")

    def _apply(self, edits: Sequence[LoginEdit]) -> None:
        for edit in edits:
            if not self.check_mode:
                edit.apply()
            self.reporter.step("would change" if self.check_mode else "changed", edit.place)

    def _warn_of_others(self, name: LoginName, path: str) -> None:
        """Tells of files that are read where the one of the logins has nothing: the user is not logged out then."""
        if self.authfile or name.namespaced:
            return
        for place in auth_places(self.paths, None):
            if place.path == path:
                continue
            try:
                keys = AuthFile(place).keys_of_host(name.host)
            except HostError:
                continue
            if keys:
                self.reporter.warn(f"{place.path} still has credentials for {name.host}")

    def _outcome(
        self,
        registry: str | None,
        username: str | None,
        path: str,
        origin: str | None,
        edits: Sequence[LoginEdit],
    ) -> Outcome:
        facts: dict[str, Any] = {"registry": registry, "username": username, "authfile": path, "credentials": origin}
        before = {edit.place: edit.before for edit in edits}
        after = {edit.place: edit.after for edit in edits}
        return Outcome(bool(edits), facts, before, after)


def _require_usable(username: str, password: str) -> None:
    if not username or not password:
        raise InvalidUser("the user name and the password must not be empty")
    if ":" in username:
        # RFC 7617, section 2: the first colon ends the user name.
        raise InvalidUser("a user name cannot have a colon", subject=username)
