# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A sigstore signature that was changed somewhere is refused, or it still says the very same, by the very same signer.

Every byte of the payload and of the annotations of accepted signatures has its turn, a seeded sample of them by default.
"""

from __future__ import annotations

import base64
import json
import os
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.signature import SigstoreSignature
from lab.openssl import Workshop
from lab.sigstore import (
    BUNDLE,
    CERTIFICATE,
    CHAIN,
    SIGNATURE,
    by_key,
    certified,
    logged,
    signed,
    text64,
    verdict,
    with_annotation,
)
from lab.sigstore_world import ALICE, EMAIL, FULCIO, World, make_world

LONG = bool(os.environ.get("STRATA_TEST_LONG"))
CHANGES = 150
BYTES = 'Aa0 \n"{}[]:,=+/-\\\x00\x7f'


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(Workshop(tmp_path_factory.mktemp("openssl")))


def cases(world: World) -> dict[str, tuple[dict[str, Any], SigstoreSignature]]:
    key, log = world.key, world.log
    with_log = by_key(key, rekorPublicKeyData=text64(log.public))
    leaf = world.leaf(FULCIO)
    return {
        "key": (by_key(key), signed(key)),
        "key and log": (with_log, logged(log, key.public, signed(key))),
        "Fulcio": (world.by_fulcio(), world.fulcio(leaf, world.between, world.root)),
        "PKI": (world.by_pki(subjectEmail=EMAIL), certified(world.leaf(ALICE), world.between, world.root)),
    }


def changed(text: str, place: int, what: str) -> Iterator[str]:
    """``text`` with another character at ``place``, without the one there, and with one more."""
    yield text[:place] + what + text[place + 1 :]
    yield text[:place] + text[place + 1 :]
    yield text[:place] + what + text[place:]


def changes(signature: SigstoreSignature, chosen: random.Random) -> Iterator[SigstoreSignature]:
    payload = signature.payload.decode()
    places: list[tuple[str, int]] = [("", place) for place in range(len(payload))]
    places += [(name, place) for name, text in signature.annotations.items() for place in range(len(text))]
    for name, place in places if LONG else chosen.sample(places, min(CHANGES, len(places))):
        what = chosen.choice(BYTES)
        if not name:
            for text in changed(payload, place, what):
                yield replace(signature, payload=text.encode())
        else:
            for text in changed(signature.annotations[name], place, what):
                yield with_annotation(signature, name, text)


def says_the_same(signature: SigstoreSignature, original: SigstoreSignature) -> bool:
    """Whether nothing that counts differs, as a looser reader than ours sees it."""
    return facts(signature) == facts(original)


def facts(signature: SigstoreSignature) -> tuple[Any, ...]:
    annotations = signature.annotations
    stamp = json.loads(annotations.get(BUNDLE, '{"SignedEntryTimestamp": "", "Payload": ""}'))
    return (
        signature.payload,
        set(annotations),
        base64.b64decode(annotations[SIGNATURE]),
        base64.b64decode(stamp["SignedEntryTimestamp"]),
        stamp["Payload"],
        pem_bytes(annotations.get(CERTIFICATE, "")),
    )


def pem_bytes(text: str) -> bytes:
    lines = (line for line in text.strip().split("\n") if not line.startswith("-----") and ":" not in line)
    return base64.b64decode("".join(lines))


@pytest.mark.long
@pytest.mark.parametrize("name", ["key", "key and log", "Fulcio", "PKI"])
def test_no_change_makes_another_claim(world: World, name: str) -> None:
    requirement, original = cases(world)[name]
    good = verdict(requirement, original)
    assert good.accepted
    accepted = refused = 0
    for signature in changes(original, random.Random(name)):
        if signature == original:
            continue
        result = verdict(requirement, signature)
        if not result.accepted:
            refused += 1
            assert result.code in ("sigstore_refused", "signed_payload_invalid"), result.reason
            continue
        accepted += 1
        assert result.met == good.met
        assert says_the_same(signature, original), signature
    # What may change is white space, the other bits of a base64's last character, labels, and the root that is dropped.
    assert refused
    assert CHAIN not in original.annotations or accepted


@pytest.mark.parametrize("name", ["key", "key and log", "Fulcio", "PKI"])
def test_no_byte_of_the_payload_may_change(world: World, name: str) -> None:
    requirement, original = cases(world)[name]
    for place in range(len(original.payload)):
        payload = bytearray(original.payload)
        payload[place] ^= 1 << (place % 8)
        result = verdict(requirement, replace(original, payload=bytes(payload)))
        assert (result.accepted, result.code) == (False, "sigstore_refused")
