# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Credential helpers: programs that keep credentials (docker-credential-helpers, the protocol of its README).

``docker-credential-NAME get|store|erase|list`` takes its input on standard input and answers on standard output, also when it
fails. Nothing secret is ever an argument.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .._errors import HostError
from .._host.commands import CommandRunner, CommandTimeout, Finished
from .._model.credentials import Credentials
from .._model.foreign_text import printable, without
from .._model.json_text import BadJson, parse_json
from .toml_file import InvalidConfig

_NOT_FOUND = "credentials not found in native keychain"
# The user name that stands before an identity token.
_TOKEN_USER = "<token>"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*", re.ASCII)


class HelperMissing(HostError):
    """The helper program that keeps the credentials is not installed."""

    code = "credential_helper_missing"


class HelperFailed(HostError):
    """The helper program failed, answered nonsense, or did not end in time."""

    code = "credential_helper_failed"


@dataclass(frozen=True)
class CredentialHelper:
    """The helper ``docker-credential-<name>``, which the file ``named_by`` names. ``timeout`` is in seconds, for each call.

    Raises InvalidConfig for a name that is none; every call raises HelperMissing and HelperFailed.
    """

    name: str
    named_by: str
    run: CommandRunner
    timeout: float = 60.0

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InvalidConfig(f"not the name of a credential helper: {self.name!r}", subject=self.named_by)

    @property
    def program(self) -> str:
        """The name of the program."""
        return f"docker-credential-{self.name}"

    @property
    def origin(self) -> str:
        """How results name the helper: the program, and who named it."""
        return f"{self.program} ({self.named_by})"

    def get(self, server: str) -> Credentials | None:
        """What the helper keeps for ``server``; None for nothing."""
        done = self._ask("get", server)
        if done.status and _text(done.output) == _NOT_FOUND:
            return None
        self._require_success(done, "get", server)
        answer = self._object(done, server)
        username, secret = answer.get("Username", ""), answer.get("Secret", "")
        if not isinstance(username, str) or not isinstance(secret, str):
            raise self._failed("get", server, "Username or Secret in its answer is no text")
        if not username and not secret:
            return None
        if username == _TOKEN_USER:
            return Credentials(identity_token=secret, origin=self.origin)
        return Credentials(username, secret, origin=self.origin)

    def store(self, server: str, username: str, password: str) -> None:
        """Has the helper keep the credentials for ``server``, instead of those that it had."""
        document = {"ServerURL": server, "Username": username, "Secret": password}
        done = self._ask("store", json.dumps(document), secrets=(password,), subject=server)
        self._require_success(done, "store", server, secrets=(password,))

    def erase(self, server: str) -> None:
        """Has the helper forget what it keeps for ``server``, which may be nothing."""
        done = self._ask("erase", server)
        if done.status and _text(done.output) == _NOT_FOUND:
            return
        self._require_success(done, "erase", server)

    def servers(self) -> tuple[str, ...]:
        """The servers that the helper keeps credentials for, sorted."""
        done = self._ask("list", "")
        self._require_success(done, "list", "")
        return tuple(sorted(self._object(done, "")))

    def _ask(self, verb: str, stdin: str, *, secrets: Iterable[str] = (), subject: str | None = None) -> Finished:
        server = stdin if subject is None else subject
        try:
            done = self.run([self.program, verb], stdin.encode("utf-8"), self.timeout)
        except CommandTimeout as error:
            raise self._failed(verb, server, f"it did not end within {self.timeout:g} seconds") from error
        except HostError as error:
            raise self._failed(verb, server, printable(without(error.message, secrets))) from error
        if done is None:
            raise HelperMissing(
                f"the program keeps credentials, as {self.named_by} says, and is not in PATH", subject=self.program
            )
        return done

    def _require_success(self, done: Finished, verb: str, server: str, secrets: Iterable[str] = ()) -> None:
        if done.status == 0:
            return
        # The protocol wants the reason on standard output; scripts often have it in the last line on the other.
        said = _text(done.output) or _text(done.errors).rpartition("\n")[2]
        reason = "" if said.startswith("{") else printable(without(said, secrets))
        ended = f"status {done.status}" if done.status > 0 else f"killed by signal {-done.status}"
        raise self._failed(verb, server, f"{ended}{f', {reason}' if reason else ''}")

    def _object(self, done: Finished, server: str) -> dict[str, Any]:
        try:
            value = parse_json(done.output, self.program)
        except BadJson:
            value = None
        if not isinstance(value, dict):
            # Without the parser's words, and not as its consequence: they could quote a secret.
            raise self._failed("get" if server else "list", server, "its answer is no JSON object")
        return value

    def _failed(self, verb: str, server: str, reason: str) -> HelperFailed:
        place = f" for {server}" if server else ""
        return HelperFailed(
            f"{verb}{place} failed: {reason} (the helper is named by {self.named_by})", subject=self.program
        )


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").strip()
