# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""A change of one policy.json: the document before and after, whatever else is in it kept in its order."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._model.json_text import parse_json
from .policy import Policy, parse_policy
from .strict_json import InvalidPolicy

_INDENT = 4


@dataclass(frozen=True)
class PolicyDocument:
    """A policy as the file has it: ``values`` is its JSON, well-formed or, after a change, still to be checked."""

    values: Mapping[str, Any]

    @classmethod
    def parse(cls, data: bytes, origin: str) -> PolicyDocument:
        """The document in ``data``, the content of the file ``origin``. Raises InvalidPolicy."""
        parse_policy(data, origin)
        return cls(parse_json(data, origin))

    def requirements(self, transport: str, scope: str) -> Any:
        """The list for a scope of a transport, None where there is none."""
        return self._scopes(transport).get(scope)

    def with_default(self, requirements: Sequence[Any]) -> PolicyDocument:
        """The document with another list for images that no scope speaks of."""
        return PolicyDocument({**self.values, "default": list(requirements)})

    def with_scope(self, transport: str, scope: str, requirements: Sequence[Any]) -> PolicyDocument:
        """The document with this list for a scope of a transport; a new scope comes last."""
        return self._with_scopes(transport, {**self._scopes(transport), scope: list(requirements)})

    def without_scope(self, transport: str, scope: str) -> PolicyDocument:
        """The document without the scope, and without the objects that this leaves empty, which say nothing."""
        scopes = {name: chosen for name, chosen in self._scopes(transport).items() if name != scope}
        return self._with_scopes(transport, scopes)

    def rendered(self) -> bytes:
        """The content of the file, indented as podman does it."""
        return (json.dumps(self.values, ensure_ascii=False, indent=_INDENT) + "\n").encode("utf-8")

    def check(self, origin: str) -> Policy:
        """The policy that a reader of the file will see. Raises InvalidPolicy with the place of a fault."""
        try:
            return parse_policy(self.rendered(), origin)
        except UnicodeEncodeError as error:
            raise InvalidPolicy("text that has no UTF-8", subject=origin) from error

    def _transports(self) -> Mapping[str, Any]:
        transports: Mapping[str, Any] = self.values.get("transports", {})
        return transports

    def _scopes(self, transport: str) -> Mapping[str, Any]:
        scopes: Mapping[str, Any] = self._transports().get(transport, {})
        return scopes

    def _with_scopes(self, transport: str, scopes: Mapping[str, Any]) -> PolicyDocument:
        transports = {**self._transports(), transport: scopes}
        if not scopes:
            del transports[transport]
        values = {**self.values, "transports": transports}
        if not transports:
            del values["transports"]
        return PolicyDocument(values)
