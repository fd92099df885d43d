# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""Signatures that a registry gives out itself: the extension X-Registry-Supports-Signatures of OpenShift and Quay.

The list is ``{"signatures": [{"schemaVersion": 2, "name": ..., "type": "atomic", "content": base64}]}``; what has another
version or type is passed over, as containers/image does.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from .._model.json_text import BadJson, parse_json
from .._model.signature import InvalidSignatureBlob, SimpleSignature, parse_signature
from .signature_limits import require_few

_VERSION = 2
_TYPE = "atomic"


def parse_signature_list(body: bytes, where: str) -> tuple[SimpleSignature, ...]:
    """The simple signatures in ``body``, the list for the image ``where``.

    Raises InvalidSignatureBlob for what is no such list, and for content that is no binary OpenPGP message: containers/image
    does not look at that, and would have armored text verified too. Raises TooManySignatures.
    """
    try:
        value = parse_json(body, where)
    except BadJson as error:
        raise _malformed(where, error.message) from error
    entries = value.get("signatures") if isinstance(value, dict) else value
    if not isinstance(value, dict) or not isinstance(entries, (list, type(None))):
        raise _malformed(where, "no list")
    usable = [entry for entry in entries or () if _is_usable(entry, where)]
    require_few(len(usable), where)
    return tuple(_signature(entry, where) for entry in usable)


def _is_usable(entry: Any, where: str) -> bool:
    if not isinstance(entry, dict):
        raise _malformed(where, "an entry that is no object")
    return entry.get("schemaVersion") == _VERSION and entry.get("type") == _TYPE


def _signature(entry: dict[str, Any], where: str) -> SimpleSignature:
    content = entry.get("content")
    try:
        blob = base64.b64decode(content, validate=True) if isinstance(content, str) else b""
    except (ValueError, binascii.Error) as error:
        raise _malformed(where, "content that is not base64") from error
    signature = parse_signature(blob, where)
    if not isinstance(signature, SimpleSignature):
        raise _malformed(where, "a signature of another kind")
    return signature


def _malformed(where: str, found: str) -> InvalidSignatureBlob:
    return InvalidSignatureBlob("malformed list of signatures", subject=where, found=found)
