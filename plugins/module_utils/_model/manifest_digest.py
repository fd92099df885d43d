# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The bytes that the digest of a manifest covers: all of them, but for the signed manifests of Docker's schema 1.

Such a manifest carries JSON Web Signatures in itself (docker/libtrust, "pretty signature"). Each says of how many bytes
at the start (``formatLength``) and of which end (``formatTail``) the signed text is put together; its hash is the
manifest's digest. As containers/image, this does not look at who signed: Docker made up a key for each push.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any

from .digest import Digest
from .json_object import JsonObject
from .json_text import BadJson, parse_json
from .manifest_errors import AmbiguousManifest, InvalidManifest
from .media_types import INDEX_TYPES, MANIFEST_TYPES

_SIGNATURES = "signatures"
_PROTECTED_KEYS = ("formatLength", "formatTail")
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*={0,2}", re.ASCII)


def digested_bytes(raw: bytes) -> bytes:
    """The bytes whose hash is the digest of the manifest ``raw``, of whatever kind it is and even if it is none.

    Raises InvalidManifest and AmbiguousManifest for a signed manifest of schema 1 whose signatures make no sense.
    """
    try:
        body = parse_json(raw, "manifest")
    except BadJson:
        return raw
    return signed_payload(raw, body) if isinstance(body, dict) and is_signed(body) else raw


def is_signed(body: Mapping[str, Any]) -> bool:
    """Whether ``body`` is a schema 1 manifest with signatures, looked at as containers/image does."""
    version = body.get("schemaVersion")
    stated = body.get("mediaType")
    other = isinstance(stated, str) and stated in MANIFEST_TYPES | INDEX_TYPES
    first = version == 1 and isinstance(version, int) and not isinstance(version, bool)
    return first and body.get(_SIGNATURES) is not None and not other


def signed_payload(raw: bytes, body: Mapping[str, Any]) -> bytes:
    """The signed text of the schema 1 manifest ``raw``, whose JSON is ``body``.

    Raises InvalidManifest where a signature is damaged or they do not agree, and AmbiguousManifest where what was signed
    is something else than what stands around the signatures: the digest would then vouch for text that nobody reads.
    """
    where = f"manifest {Digest.of(raw)}"
    outer = JsonObject(body, where, InvalidManifest)
    outer.refuse_look_alikes((_SIGNATURES,), AmbiguousManifest)
    payloads = {
        _payload(raw, JsonObject(entry, outer.place(f"{_SIGNATURES}[{number}]"), InvalidManifest))
        for number, entry in enumerate(outer.array(_SIGNATURES))
    }
    if len(payloads) != 1:
        found = f"{len(payloads)} texts" if payloads else "no signature"
        raise InvalidManifest(
            "the signatures do not say what was signed", subject=where, wanted="one signed text", found=found
        )
    payload = payloads.pop()
    signed = parse_json(payload, f"signed text of {where}")
    rest = {key: value for key, value in body.items() if key != _SIGNATURES}
    if _canonical(signed) != _canonical(rest):
        raise AmbiguousManifest("the signed text differs from the manifest around it", subject=where)
    return payload


def _payload(raw: bytes, signature: JsonObject) -> bytes:
    """The text that one signature covers."""
    place = signature.place("protected")
    words = parse_json(_decoded(signature.text("protected"), place), place)
    protected = JsonObject(words, place, InvalidManifest)
    protected.refuse_look_alikes(_PROTECTED_KEYS, AmbiguousManifest)
    length = protected.size("formatLength")
    if length > len(raw):
        raise InvalidManifest(
            "the signed text would be longer than the manifest",
            subject=protected.place("formatLength"),
            wanted=f"at most {len(raw)}",
            found=str(length),
        )
    return raw[:length] + _decoded(protected.text("formatTail"), protected.place("formatTail"))


def _decoded(text: str, where: str) -> bytes:
    """The bytes in ``text``, base64 of the URL alphabet whose padding may be missing (RFC 7515, section 2)."""
    try:
        if not _BASE64URL.fullmatch(text):
            raise ValueError
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        raise InvalidManifest("this is no base64url", subject=where) from None


def _canonical(value: Any) -> str:
    # Text, because Python holds 1, 1.0 and true for equal.
    return json.dumps(value, sort_keys=True)
