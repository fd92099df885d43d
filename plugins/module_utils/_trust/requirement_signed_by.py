# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""``signedBy``: simple signing with OpenPGP keys (containers-policy.json(5), containers-signature(5)).

This release parses it and verifies nothing, so an image that needs it is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

from .requirement import Requirement
from .signed_identity import SignedIdentity, parse_signed_identity
from .strict_json import Value, exactly_one

# The last three have a meaning to containers/image's parser alone.
_KEY_TYPES = ("GPGKeys", "signedByGPGKeys", "X509Certificates", "signedByX509CAs")
_KEY_SOURCES = ("keyPath", "keyPaths", "keyData")


@dataclass(frozen=True)
class SignedBy(Requirement):
    """A signature by one of the keys, over an acceptable name.

    The keys are in the files ``key_paths``, or in ``key_data``, which is None where files are named.
    """

    type = "signedBy"
    needs_evidence = True
    key_type: str
    key_paths: tuple[str, ...]
    key_data: bytes | None
    signed_identity: SignedIdentity

    @classmethod
    def parse(cls, value: Value) -> SignedBy:
        """The requirement in ``value``. Raises InvalidPolicy."""
        fields = value.fields(["type", "keyType"], [*_KEY_SOURCES, "signedIdentity"])
        key_type = fields["keyType"]
        if key_type.text() not in _KEY_TYPES:
            raise key_type.invalid("unknown type of key", wanted=", ".join(_KEY_TYPES), found=key_type.text())
        exactly_one(value, [key for key in _KEY_SOURCES if key in fields], _KEY_SOURCES)
        return cls(
            key_type=key_type.text(),
            key_paths=_key_paths(fields),
            key_data=fields["keyData"].data() if "keyData" in fields else None,
            signed_identity=parse_signed_identity(fields.get("signedIdentity")),
        )


def _key_paths(fields: dict[str, Value]) -> tuple[str, ...]:
    if "keyPath" in fields:
        path = fields["keyPath"].text()
        if not path:
            raise fields["keyPath"].invalid("the path must not be empty")
        return (path,)
    # Unlike in sigstoreSigned an empty list is well-formed; it trusts no key.
    if "keyPaths" in fields and fields["keyPaths"].value != []:
        return fields["keyPaths"].texts()
    return ()
