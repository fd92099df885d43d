# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signature blobs: which kind one is, and that it is written as it was read."""

from __future__ import annotations

import base64
import json

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.signature import (
    InvalidSignatureBlob,
    SigstoreSignature,
    SimpleSignature,
    is_openpgp_message,
    parse_signature,
)

TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
ANNOTATION = "dev.cosignproject.cosign/signature"
# The fields in the order of containers/image's struct (internal/signature, sigstore.go), as Go's encoder writes them.
FRAMED = b'\x00sigstore-json\n{"mimeType":"mime-type","payload":"cGF5bG9hZA==","annotations":{"a1":"v1","a2":"v2"}}'
SIGSTORE = SigstoreSignature("mime-type", b"payload", {"a1": "v1", "a2": "v2"})


def framed(value: object) -> bytes:
    return b"\x00sigstore-json\n" + json.dumps(value).encode()


@pytest.mark.parametrize("first", [*range(0xA0, 0xA4), 0x90, 0x91, 0x92, 0x88, 0x89, 0x8A, 0x8B, 0xC8, 0xC4, 0xC2])
def test_a_signed_message_of_openpgp_is_known_by_its_first_byte(first: int) -> None:
    blob = bytes([first]) + b"\x01anything"
    assert is_openpgp_message(blob)
    assert parse_signature(blob, "x") == SimpleSignature(blob)
    assert SimpleSignature(blob).blob == blob


def test_a_frame_may_name_the_kind() -> None:
    assert parse_signature(b"\x00simple-signing\n\xa3x", "x") == SimpleSignature(b"\xa3x")
    assert parse_signature(FRAMED, "x") == SIGSTORE


def test_a_sigstore_signature_is_written_as_go_writes_it() -> None:
    assert SIGSTORE.blob == FRAMED
    assert SigstoreSignature("m", b"", {"b": "<&>", "a": "\u2028"}).blob == (
        b'\x00sigstore-json\n{"mimeType":"m","payload":"","annotations":{"a":"\\u2028","b":"\\u003c\\u0026\\u003e"}}'
    )


@pytest.mark.parametrize(
    "value",
    [{}, {"mimeType": None, "payload": None, "annotations": None, "more": [1]}, {"annotations": {}}],
)
def test_what_is_not_there_is_empty(value: object) -> None:
    assert parse_signature(framed(value), "x") == SigstoreSignature("", b"", {})


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"\x00",
        b"\x00sigstore-json",
        b"\x00simple-signing",
        b"\x00other\n\xa3x",
        b"\x00Simple-signing\n\xa3x",
        b"-----BEGIN PGP MESSAGE-----\n",
        b"-----BEGIN PGP SIGNED MESSAGE-----\n",
        b"\x85\x01",
        b"\x8c\x0d",
        b"\xac\x01",
        b"\x99\x01",
        b"{}",
        b" \xa3",
        b"\x00sigstore-json\n",
        b"\x00sigstore-json\n[]",
        b"\x00sigstore-json\n{}{}",
        framed({"mimeType": 1}),
        framed({"payload": 1}),
        framed({"payload": False}),
        framed({"payload": "no base64"}),
        framed({"payload": base64.b64encode(b"\xfb\xff").decode().replace("+", "-").replace("/", "_")}),
        framed({"annotations": []}),
        framed({"annotations": [1]}),
        framed({"annotations": {ANNOTATION: 1}}),
    ],
)
def test_anything_else_is_refused_and_named(blob: bytes) -> None:
    with pytest.raises(InvalidSignatureBlob) as caught:
        parse_signature(blob, "signature-7")
    assert caught.value.code == "invalid_signature"
    assert caught.value.subject == "signature-7"
