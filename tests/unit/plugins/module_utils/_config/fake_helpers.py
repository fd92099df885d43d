# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A credential helper for tests: what docker-credential-helpers specifies, without a program."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Optional, Union

from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._host.commands import Finished

Logins = dict[str, tuple[str, str]]

# credentials/error.go and client/client.go of docker-credential-helpers.
NOT_FOUND = b"credentials not found in native keychain\n"


@dataclass
class FakeHelpers:
    """Runs ``docker-credential-NAME`` for each of ``helpers``: the logins that it keeps, or how each call of it ends.

    ``asked`` is every command with its input, in order.
    """

    helpers: Mapping[str, Union[Logins, Finished, HostError]]
    asked: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, command: Sequence[str], stdin: bytes, timeout: float) -> Optional[Finished]:
        program, verb = command
        self.asked.append((f"{program} {verb}", stdin.decode()))
        kept = self.helpers.get(program[len("docker-credential-") :])
        if isinstance(kept, HostError):
            raise kept
        if kept is None or isinstance(kept, Finished):
            return kept
        return Finished(*self._answer(kept, verb, stdin.decode()))

    @staticmethod
    def _answer(kept: Logins, verb: str, text: str) -> tuple[int, bytes]:
        if verb == "store":
            document = json.loads(text)
            kept[document["ServerURL"]] = (document["Username"], document["Secret"])
            return 0, b""
        if verb == "list":
            return 0, json.dumps({server: user for server, (user, _secret) in kept.items()}).encode()
        if text not in kept:
            return 1, NOT_FOUND
        if verb == "erase":
            del kept[text]
            return 0, b""
        user, secret = kept[text]
        return 0, json.dumps({"ServerURL": text, "Username": user, "Secret": secret}).encode()
