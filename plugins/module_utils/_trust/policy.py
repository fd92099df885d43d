# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""policy.json parsed to the letter (containers-policy.json(5); containers/image, ``signature/policy_config*.go``).

A policy that is not understood completely is not used at all: an unknown or repeated key anywhere is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .._model.json_text import BadJson, parse_json
from .requirement import Requirement
from .requirement_accept import InsecureAcceptAnything
from .requirement_reject import Reject
from .scope import valid_scope
from .strict_json import InvalidPolicy, Value

Requirements = tuple[Requirement, ...]


@dataclass(frozen=True)
class Policy:
    """What is required of images: by transport and scope, and for all others by ``default``. No list is empty."""

    default: Requirements
    transports: Mapping[str, Mapping[str, Requirements]]
    origin: str

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the author of the file may not have meant, each once."""
        lists = [self.default, *(chosen for scopes in self.transports.values() for chosen in scopes.values())]
        found = (warning for chosen in lists for requirement in chosen for warning in requirement.warnings)
        return tuple(f"{self.origin}: {warning}" for warning in dict.fromkeys(found))


def parse_policy(data: bytes, origin: str) -> Policy:
    """The policy in ``data``, the content of the file ``origin``. Raises InvalidPolicy with the place in the file."""
    top = Value(_json(data, origin), origin)
    fields = top.fields(["default"], ["transports"])
    transports = fields["transports"].members() if "transports" in fields else {}
    return Policy(
        default=_requirements(fields["default"]),
        transports={name: _scopes(name, scopes) for name, scopes in transports.items()},
        origin=origin,
    )


def _json(data: bytes, origin: str) -> object:
    try:
        return parse_json(data, origin)
    except BadJson as error:
        raise InvalidPolicy(error.message, subject=origin) from error


def _scopes(transport: str, value: Value) -> dict[str, Requirements]:
    scopes = value.members()
    for scope, requirements in scopes.items():
        if not valid_scope(transport, scope):
            raise requirements.invalid(f"not a scope of the transport {transport}", found=f'"{scope}"')
    return {scope: _requirements(requirements) for scope, requirements in scopes.items()}


def _requirements(value: Value) -> Requirements:
    return tuple(_requirement(element) for element in value.elements())


def _requirement(value: Value) -> Requirement:
    kind = value.member("type")
    if kind.text() not in _PARSERS:
        raise kind.invalid("unknown type of requirement", wanted=", ".join(_PARSERS), found=kind.text())
    return _PARSERS[kind.text()](value)


# What looks at signatures is imported for the policies that ask for them, and most ask for none.


def _signed_by(value: Value) -> Requirement:
    from .requirement_signed_by import SignedBy

    return SignedBy.parse(value)


def _sigstore_signed(value: Value) -> Requirement:
    from .requirement_sigstore_signed import SigstoreSigned

    return SigstoreSigned.parse(value)


def _signed_base_layer(value: Value) -> Requirement:
    from .requirement_signed_base_layer import SignedBaseLayer

    return SignedBaseLayer.parse(value)


_PARSERS: Mapping[str, Callable[[Value], Requirement]] = {
    InsecureAcceptAnything.type: InsecureAcceptAnything.parse,
    Reject.type: Reject.parse,
    "signedBy": _signed_by,
    "sigstoreSigned": _sigstore_signed,
    "signedBaseLayer": _signed_base_layer,
}
