# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The signed document of both kinds of signatures: which image it speaks of (containers-signature(5)).

Sources: containers/image, ``signature/internal/payload.go`` and ``sigstore_payload.go``. Nothing here may be shown as a fact
before the signature over the very bytes was found good.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .._model.digest import Digest, InvalidDigest
from .._model.json_text import BadJson, parse_json
from .refusal import BAD_PAYLOAD, OTHER_DIGEST, Refusal

SIMPLE_TYPE = "atomic container signature"
SIGSTORE_TYPE = "cosign container image signature"


@dataclass(frozen=True)
class Claims:
    """What the signer said: this manifest digest may be called by this name. Both are text as signed."""

    digest: Digest
    reference: str

    def require_manifest(self, manifest: bytes) -> None:
        """Raises Refusal unless the signed digest is the sha256 of ``manifest``; other algorithms never are."""
        found = Digest.of(manifest)
        if self.digest != found:
            raise Refusal(OTHER_DIGEST, f"the signature is for the manifest {self.digest}, and this is {found}")


def simple_claims(document: bytes) -> Claims:
    """The claims of a simple signing payload. Raises Refusal."""
    return _claims(document, SIMPLE_TYPE, null_optional=False)


def sigstore_claims(document: bytes) -> Claims:
    """The claims of a sigstore payload, whose ``optional`` part may be null. Raises Refusal."""
    return _claims(document, SIGSTORE_TYPE, null_optional=True)


def _claims(document: bytes, kind: str, *, null_optional: bool) -> Claims:
    try:
        top = _exactly(parse_json(document, "the signed payload"), "the payload", ("critical", "optional"))
    except BadJson as error:
        raise Refusal(BAD_PAYLOAD, error.message) from error
    critical = _exactly(top["critical"], "critical", ("type", "image", "identity"))
    if _text(critical, "type") != kind:
        raise Refusal(BAD_PAYLOAD, f"the signed payload is of another type (wanted {kind})")
    image = _exactly(critical["image"], "image", ("docker-manifest-digest",))
    identity = _exactly(critical["identity"], "identity", ("docker-reference",))
    if not (null_optional and top["optional"] is None):
        _check_optional(top["optional"])
    return Claims(_digest(_text(image, "docker-manifest-digest")), _text(identity, "docker-reference"))


def _exactly(value: Any, what: str, keys: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refusal(BAD_PAYLOAD, f"{what} of the signed payload must be an object")
    if set(value) != set(keys):
        raise Refusal(BAD_PAYLOAD, f"{what} of the signed payload must have the keys {', '.join(keys)} and no other")
    return value


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


def _check_optional(value: Any) -> None:
    if not isinstance(value, dict):
        raise Refusal(BAD_PAYLOAD, "optional of the signed payload must be an object")
    creator, timestamp = value.get("creator"), value.get("timestamp")
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
