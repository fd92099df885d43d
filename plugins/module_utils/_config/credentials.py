# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Who we are for a registry: the first place that has credentials, of all files and helpers of the target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .._errors import HostError
from .._model.credentials import Credentials
from .._model.reference import Reference
from .auth_file import AuthFile, NamedHelper
from .auth_places import auth_places
from .paths import ConfigPaths
from .registries_conf import BUILT_IN_HELPER

if TYPE_CHECKING:
    from .._host.commands import CommandRunner

# What ``credential-helpers`` of registries.conf calls the files, which it need not name.
FILES = BUILT_IN_HELPER
DEFAULT_HELPERS = (FILES,)
# How results name the file that global helpers come from.
GLOBAL_HELPERS = "credential-helpers of registries.conf"


def find_credentials(
    paths: ConfigPaths,
    reference: Reference,
    *,
    authfile: str | None,
    helpers: Sequence[str] = DEFAULT_HELPERS,
    run: CommandRunner | None = None,
    timeout: float = 60.0,
    warn: Callable[[str], None] = lambda _text: None,
) -> Credentials | None:
    """The credentials for the repository of ``reference``, None where no place has any.

    ``helpers`` is ``credential-helpers`` of registries.conf: the places in order, of which ``containers-auth.json`` stands for
    the files (see auth_places) and any other word for a helper program. ``timeout`` is in seconds for each call of one.
    Errors are raised only when nothing was found: InvalidConfig for a file that is empty or malformed, HelperMissing,
    HelperFailed, and HostError; but an ``authfile`` must exist. ``warn`` is told of a failing ``credsStore`` that may
    well have nothing for this registry.
    """
    search = _Search(paths, reference, run, timeout, warn)
    places = auth_places(paths, authfile)
    failures: list[HostError] = []
    for helper in helpers:
        try:
            if helper == FILES:
                found = next(filter(None, (search.file(AuthFile(place)) for place in places)), None)
            else:
                found = search.helper(NamedHelper(helper, reference.domain), GLOBAL_HELPERS)
        except HostError as error:
            failures.append(error)
            continue
        if found is not None:
            return found
    if failures:
        raise _joined(failures)
    return None


class _Search:
    """The search for the credentials of one repository."""

    def __init__(
        self,
        paths: ConfigPaths,
        reference: Reference,
        run: CommandRunner | None,
        timeout: float,
        warn: Callable[[str], None],
    ) -> None:
        self._paths = paths
        self._reference = reference
        self._run = run
        self._timeout = timeout
        self._warn = warn

    def file(self, file: AuthFile) -> Credentials | None:
        """What one file gives: by ``credHelpers`` alone if that names the host, else its entries, else ``credsStore``."""
        named = file.helper(self._reference.domain)
        if named:
            return self.helper(named, file.path)
        found = file.find(self._reference)
        store = file.credentials_store(self._reference.domain)
        if found or store is None:
            return found
        try:
            return self.helper(store, file.path)
        except HostError as error:
            if file.mentions(self._reference):
                raise
            # docker leaves an entry for each registry that its store has something for; podman would not even ask.
            self._warn(f"no credentials for {self._reference.domain} were asked for: {error}")
            return None

    def helper(self, named: NamedHelper, named_by: str) -> Credentials | None:
        """What a helper gives."""
        from .._host.commands import SystemCommands
        from .credential_helper import CredentialHelper

        run = self._run or SystemCommands(self._paths.environment_of_programs())
        return CredentialHelper(named.name, named_by, run, self._timeout).get(named.server)


def _joined(failures: Sequence[HostError]) -> HostError:
    """One failure unchanged; of several, the first with the others in its text."""
    first, *others = failures
    if not others:
        return first
    also = "; ".join(str(failure) for failure in others)
    return HostError(f"{first.message} (also: {also})", subject=first.subject, code=first.code)
