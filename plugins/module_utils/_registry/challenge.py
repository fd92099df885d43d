# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""What a server asks for in ``WWW-Authenticate``: schemes and their parameters (RFC 9110, sections 11.2 to 11.6.1).

Only parsing: no request, no credentials. Registries send one challenge in a header line, some servers several; both are
read. Values that the grammar wants quoted are taken unquoted too, and parameters with a semicolon or nothing but a space
between them, because registries write them so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_SEPARATORS = re.compile(r"[ \t,;]*")
_SCHEME = re.compile(rf"({_TOKEN})(?:[ \t]+|(?=,)|$)")
_PARAMETER = re.compile(rf'({_TOKEN})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]+))(?=[ \t,;]|$)')
_QUOTED_PAIR = re.compile(r"\\(.)")


@dataclass(frozen=True)
class Challenge:
    """One way to authenticate. ``scheme`` and the names of ``parameters`` are in lower case."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def parse_challenges(values: Iterable[str]) -> tuple[Challenge, ...]:
    """The challenges of all header lines, in order. What cannot be read ends its own line and no other."""
    return tuple(challenge for value in values for challenge in _line(value))


def usable_challenge(challenges: Iterable[Challenge]) -> Challenge | None:
    """The first that asks for ``basic`` or ``bearer``; None where there is none, and requests go unauthenticated."""
    for challenge in challenges:
        if challenge.scheme in ("basic", "bearer"):
            return challenge
    return None


def missing_scope(challenges: Iterable[Challenge]) -> str:
    """The scope that a refusal asks for besides the one the token has; empty where it asks for none.

    Scopes have three fields, ``type:name:actions`` (distribution, token scope documentation).
    """
    for challenge in challenges:
        parameters = challenge.parameters
        if challenge.scheme == "bearer" and parameters.get("error") == "insufficient_scope":
            scope = parameters.get("scope", "")
            if len(scope.split(":")) == 3:
                return scope
    return ""


def _line(text: str) -> list[Challenge]:
    found: list[Challenge] = []
    position = _skip_separators(text, 0)
    while True:
        scheme = _SCHEME.match(text, position)
        if scheme is None:
            return found
        parameters, position = _parameters(text, scheme.end())
        found.append(Challenge(scheme[1].lower(), parameters))


def _parameters(text: str, position: int) -> tuple[dict[str, str], int]:
    parameters: dict[str, str] = {}
    while True:
        position = _skip_separators(text, position)
        parameter = _PARAMETER.match(text, position)
        if parameter is None:
            return parameters, position
        name, quoted, plain = parameter.groups()
        parameters[name.lower()] = plain if quoted is None else _QUOTED_PAIR.sub(r"\1", quoted)
        position = parameter.end()


def _skip_separators(text: str, position: int) -> int:
    separators = _SEPARATORS.match(text, position)
    return separators.end() if separators else position
