# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The signed document of both kinds of signatures: which image it speaks of (containers-signature(5)).

Sources: containers/image, ``signature/simple.go`` and ``signature/internal/sigstore_payload.go``. Every key is known, and
stands once; but in ``optional`` there may be more, and inside of these anything. Nothing here may be shown as a fact before
the signature over the very bytes was found good.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .._errors import DataError
from .._model.digest import Digest, InvalidDigest
from .._model.json_text import BadJson, RepeatedKeys, parse_json
from .._model.manifest_digest import digested_bytes
from .refusal import BAD_PAYLOAD, OTHER_DIGEST, Refusal

SIMPLE_TYPE = "atomic container signature"
SIGSTORE_TYPE = "cosign container image signature"


@dataclass(frozen=True)
class Claims:
    """What the signer said: this manifest digest may be called by this name. Both are text as signed."""

    digest: Digest
    reference: str

    def require_manifest(self, manifest: bytes) -> None:
        """Raises Refusal unless the signed digest is the sha256 of ``manifest``; other algorithms never are.

        Of a signed manifest of schema 1 it is that of the signed text, which must be the manifest's.
        """
        try:
            found = Digest.of(digested_bytes(manifest))
        except DataError as error:
            raise Refusal(OTHER_DIGEST, f"the manifest has no digest that could be signed: {error}") from error
        if self.digest != found:
            raise Refusal(OTHER_DIGEST, f"the signature is for the manifest {self.digest}, and this is {found}")


def simple_claims(document: bytes) -> Claims:
    """The claims of a simple signing payload. Raises Refusal."""
    return _claims(document, SIMPLE_TYPE, null_optional=False)


def sigstore_claims(document: bytes) -> Claims:
    """The claims of a sigstore payload, whose ``optional`` part may be null. Raises Refusal."""
    return _claims(document, SIGSTORE_TYPE, null_optional=True)


def _claims(document: bytes, kind: str, *, null_optional: bool) -> Claims:
    top = _exactly(_parsed(document), "the top", ("critical", "optional"))
    critical = _exactly(top["critical"], "critical", ("type", "image", "identity"))
    if _text(critical, "type") != kind:
        raise Refusal(BAD_PAYLOAD, f"the signed payload is of another type (wanted {kind})")
    image = _exactly(critical["image"], "image", ("docker-manifest-digest",))
    identity = _exactly(critical["identity"], "identity", ("docker-reference",))
    if not (null_optional and top["optional"] is None):
        _check_optional(_object(top["optional"], "optional"))
    return Claims(_digest(_text(image, "docker-manifest-digest")), _text(identity, "docker-reference"))


def _parsed(document: bytes) -> Any:
    try:
        return parse_json(document, "the signed payload", mark_repeated_keys=True)
    except BadJson as error:
        raise Refusal(BAD_PAYLOAD, f"the signed payload is {error.message}") from error


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refusal(BAD_PAYLOAD, f"{what} of the signed payload must be an object")
    if isinstance(value, RepeatedKeys):
        raise Refusal(BAD_PAYLOAD, f"{what} of the signed payload has a duplicate key")
    return value


def _exactly(value: Any, what: str, keys: tuple[str, ...]) -> dict[str, Any]:
    members = _object(value, what)
    if set(members) != set(keys):
        raise Refusal(BAD_PAYLOAD, f"{what} of the signed payload must have the keys {', '.join(keys)} and no other")
    return members


def _text(value: dict[str, Any], key: str) -> str:
    text = value[key]
    if not isinstance(text, str):
        raise Refusal(BAD_PAYLOAD, f"{key} of the signed payload must be text")
    return text


def _digest(text: str) -> Digest:
    try:
        return Digest.parse(text)
    except InvalidDigest as error:
        raise Refusal(BAD_PAYLOAD, f"the signed payload has no digest of a manifest: {error.message}") from error


def _check_optional(optional: dict[str, Any]) -> None:
    creator, timestamp = optional.get("creator"), optional.get("timestamp")
    if creator is not None and not isinstance(creator, str):
        raise Refusal(BAD_PAYLOAD, "creator of the signed payload must be text")
    if timestamp is not None and not _is_timestamp(timestamp):
        raise Refusal(BAD_PAYLOAD, "timestamp of the signed payload must be a whole number of seconds")


def _is_timestamp(value: Any) -> bool:
    """As Go sees it: a float64 that is an int64."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    number = float(value)
    return number.is_integer() and -(2.0**63) <= number < 2.0**63
