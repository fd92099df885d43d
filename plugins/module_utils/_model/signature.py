# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""A signature of an image as a blob: the two kinds, and how stores, directories and lookaside files tell them apart.

Sources: containers/image, ``internal/signature`` (``FromBlob``, ``Blob``) and containers-signature(5).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Union

from .._errors import DataError
from .json_text import BadJson, go_json, parse_json

_FRAME = b"\x00"
_SIMPLE = b"simple-signing"
_SIGSTORE = b"sigstore-json"

# First bytes of an OpenPGP signed message (RFC 4880, section 4.2): compressed data, one-pass signature and signature
# packets, in the old format with each length type and in the new one. Armor and text begin otherwise.
_OPENPGP = frozenset((*range(0xA0, 0xA4), *range(0x90, 0x94), *range(0x88, 0x8C), 0xC8, 0xC4, 0xC2))


class InvalidSignatureBlob(DataError):
    """The blob is no signature of a kind that is known, so none beside it is believed either."""

    code = "invalid_signature"


@dataclass(frozen=True)
class SimpleSignature:
    """A simple signing signature: a binary OpenPGP message that holds the payload and one signature over it."""

    message: bytes

    @property
    def blob(self) -> bytes:
        """The signature as stores and lookaside files keep it."""
        return self.message


@dataclass(frozen=True)
class SigstoreSignature:
    """A sigstore signature: the payload that was signed, and what is said of it in annotations, the signature among that."""

    media_type: str
    payload: bytes
    annotations: Mapping[str, str]

    @property
    def blob(self) -> bytes:
        """The signature as stores and lookaside files keep it, framed, as Go writes it."""
        value = {
            "mimeType": self.media_type,
            "payload": base64.b64encode(self.payload).decode("ascii"),
            "annotations": dict(sorted(self.annotations.items())),
        }
        return _FRAME + _SIGSTORE + b"\n" + go_json(value).encode("utf-8")


Signature = Union[SimpleSignature, SigstoreSignature]


def parse_signature(blob: bytes, where: str) -> Signature:
    """The signature in ``blob``, which ``where`` names in errors.

    Raises InvalidSignatureBlob for what is armored, clear-signed, empty, or framed as a kind that is not known.
    """
    if blob[:1] == _FRAME:
        name, newline, body = blob[1:].partition(b"\n")
        if newline and name == _SIMPLE:
            return SimpleSignature(body)
        if newline and name == _SIGSTORE:
            return _sigstore(body, where)
    elif is_openpgp_message(blob):
        return SimpleSignature(blob)
    raise InvalidSignatureBlob(
        "no signature of a known kind",
        subject=where,
        wanted="a binary OpenPGP message or a framed signature",
        found=f"{len(blob)} bytes that begin with {blob[:4].hex()}" if blob else "an empty blob",
    )


def is_openpgp_message(blob: bytes) -> bool:
    """Whether ``blob`` begins as a binary OpenPGP message that is signed or compressed."""
    return bool(blob) and blob[0] in _OPENPGP


def _sigstore(body: bytes, where: str) -> SigstoreSignature:
    try:
        value = parse_json(body, where)
        if not isinstance(value, dict):
            raise ValueError("not an object")
        payload = base64.b64decode(_text(value, "payload"), validate=True)
        return SigstoreSignature(_text(value, "mimeType"), payload, _texts(value, "annotations"))
    except (BadJson, ValueError, binascii.Error) as error:
        raise InvalidSignatureBlob("malformed sigstore signature", subject=where, found=str(error)) from error


def _text(value: Mapping[str, Any], key: str) -> str:
    text = value.get(key)
    if text is not None and not isinstance(text, str):
        raise ValueError(f"{key} is no text")
    return text or ""


def _texts(value: Mapping[str, Any], key: str) -> Mapping[str, str]:
    texts = value.get(key)
    if texts is None:
        return {}
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        raise ValueError(f"{key} is no object of texts")
    return texts
