# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.
"""The proof that a transparency log has seen a signature: Rekor's signed entry timestamp, checked without asking the log.

Sources: containers/image, ``signature/internal/rekor_set.go``; RFC 8785 for the bytes that are signed. Beyond containers/image,
the body of the entry may have no key twice. The checks, in order; the numbers are repeated below:

1. The set is an object of exactly a ``SignedEntryTimestamp`` and a ``Payload``, and that one of exactly a body, a time, an
   index and the name of the log; the last two are believed and used for nothing.
2. The timestamp is the signature of a trusted log over the payload in canonical form: ECDSA in DER over SHA-256.
3. The body is an entry of the kind and version that are understood.
4. It is of the key or certificate, 5. of the signature, and 6. of the document that are judged.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._model.json_text import BadJson, parse_json
from .asymmetric import Verifier
from .base64_text import decoded
from .pem import first_block
from .refusal import BAD_SIGSTORE, Refusal

# Beyond this canonical JSON, whose numbers are IEEE 754 doubles, does not write each number as it is.
_LARGEST_NUMBER = 1 << 53
_HEX = re.compile("(?:[0-9a-fA-F]{2})*", re.ASCII)


@dataclass(frozen=True)
class RekorEntry:
    """What a trusted log has recorded: who signed, the signature, the sha256 of what was signed, and when it was told.

    ``signer`` is the DER of a public key or a certificate, ``time`` is in seconds since 1970.
    """

    signer: bytes
    signature: bytes
    digest: bytes
    time: int

    def require(self, signer: bytes, signature: bytes, document: bytes) -> None:
        """Raises Refusal unless the entry is of ``signature``, by ``signer``, over ``document``."""
        if self.signer != signer:  # 4
            raise _refusal("is of another key or certificate")
        if self.signature != signature:  # 5
            raise _refusal("is of another signature")
        if self.digest != hashlib.sha256(document).digest():  # 6
            raise _refusal("is of another document")


def parse_rekor_set(text: str, logs: Sequence[Verifier]) -> RekorEntry:
    """The entry in the set ``text``, which one of ``logs`` has signed. Raises Refusal."""
    top = _exactly(
        _parsed(text.encode("utf-8", "surrogatepass")), "the proof", ("SignedEntryTimestamp", "Payload")
    )  # 1
    timestamp = _data(top, "SignedEntryTimestamp")
    payload = _exactly(top["Payload"], "its payload", ("body", "integratedTime", "logIndex", "logID"))
    body, time = _data(payload, "body"), _number(payload, "integratedTime")
    canonical = _canonical(payload["body"], time, _number(payload, "logIndex"), _text(payload, "logID"))
    if not any(log.verifies(timestamp, canonical) for log in logs):  # 2
        raise _refusal("is not signed by a log that is trusted")
    return _entry(_parsed(body), time)


def _canonical(body: str, time: int, index: int, log: str) -> bytes:
    """The payload in the form of RFC 8785: no spaces, keys sorted as UTF-16, strings escaped no more than they must be."""
    fields = {"body": body, "integratedTime": time, "logID": log, "logIndex": index}
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _entry(body: Any, time: int) -> RekorEntry:
    if _member(body, "kind") != "hashedrekord" or _member(body, "apiVersion") != "0.0.1":  # 3
        raise _refusal("is of a kind or version that is not understood (wanted hashedrekord 0.0.1)")
    spec = _member(body, "spec")
    signature, checksum = _member(spec, "signature"), _member(_member(spec, "data"), "hash")
    if _member(checksum, "algorithm") != "sha256":
        raise _refusal("is of a document by another digest than sha256")
    return RekorEntry(
        signer=_signer(_data(_member(signature, "publicKey"), "content")),
        signature=_data(signature, "content"),
        digest=_hex(_member(checksum, "value")),
        time=time,
    )


def _signer(pem: bytes) -> bytes:
    block = first_block(pem)
    if block is None or block.rest:
        raise _refusal("has no PEM of a key or certificate, or more than that")
    return block.data


def _parsed(data: bytes) -> Any:
    try:
        return parse_json(data, "the proof of Rekor")
    except BadJson as error:
        raise _refusal(f"is malformed: {error.message}") from error


def _exactly(value: Any, what: str, keys: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, dict) or set(value) != set(keys):
        raise _refusal(f"is malformed: {what} must be an object of {', '.join(keys)} and no other")
    return value


def _member(value: Any, key: str) -> Any:
    if not isinstance(value, dict) or key not in value:
        raise _refusal(f"has an entry without {key}")
    return value[key]


def _text(value: Any, key: str) -> str:
    text = _member(value, key)
    if not isinstance(text, str):
        raise _refusal(f"is malformed: {key} must be text")
    return text


def _data(value: Any, key: str) -> bytes:
    data = decoded(_text(value, key))
    if data is None:
        raise _refusal(f"is malformed: {key} must be base64")
    return data


def _hex(value: Any) -> bytes:
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise _refusal("has an entry without the digest of a document")
    return bytes.fromhex(value)


def _number(value: Mapping[str, Any], key: str) -> int:
    """A whole number however it is written, as ``1e3`` too."""
    number = value[key]
    if isinstance(number, bool) or not isinstance(number, (int, float)) or number != int(number):
        raise _refusal(f"is malformed: {key} must be a whole number")
    if abs(number) > _LARGEST_NUMBER:
        raise _refusal(f"is malformed: {key} is too large a number")
    return int(number)


def _refusal(reason: str) -> Refusal:
    return Refusal(BAD_SIGSTORE, f"the proof of Rekor {reason}")
