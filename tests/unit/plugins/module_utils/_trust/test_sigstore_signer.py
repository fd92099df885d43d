# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who confirmed a signer, as Fulcio writes it down: one text that stands in either extension, or in both and the same."""

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._trust.refusal import Refusal
from ansible_collections.strata.containers.plugins.module_utils._trust.sigstore_signer import require_fulcio_identity
from ansible_collections.strata.containers.plugins.module_utils._trust.sigstore_sources import Fulcio, Material
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.certificate_parts import (
    NAMES,
    extension,
    parsed,
)
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._trust.der_text import encode, seq

EMAIL = "alice@example.com"
# Fulcio, docs/oid-info.md: 1.3.6.1.4.1.57264.1.1 and .8.
OLDER, NEWER = "2b0601040183bf300101", "2b0601040183bf300108"


def identity(issuer: str, *extensions: bytes) -> str:
    certificate = parsed(extensions=(extension(NAMES, seq(encode(0x81, EMAIL.encode()))), *extensions))
    return require_fulcio_identity(certificate, Fulcio(Material(), issuer, EMAIL))


@pytest.mark.parametrize("size", [1, 127, 128, 255, 256, 65535])
def test_an_issuer_may_have_any_length(size: int) -> None:
    issuer = "i" * size
    older, newer = extension(OLDER, issuer.encode()), extension(NEWER, encode(0x0C, issuer.encode()))
    for extensions in ((older,), (newer,), (older, newer)):
        assert identity(issuer, *extensions) == EMAIL
        with pytest.raises(Refusal, match="confirmed by"):
            identity(f"{issuer}i", *extensions)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x0c",
        b"i",
        b"\x0c\x02i",
        b"\x0c\x01ii",
        b"\x0c\x00i",
        b"\x16\x01i",
        b"\x2c\x03\x0c\x01i",
        b"\x0c\x81\x01i",
        b"\x0c\x82\x00\x01i",
        b"\x0c\x80i\x00\x00",
        b"\x0c\x81\x7f" + b"i" * 127,
        b"\x0c\x82\x00\xff" + b"i" * 255,
        b"\x0c\x83\x00\x01\x00" + b"i" * 256,
        b"\x0c\x01\xff",
        b"\x0c\x02\xc3\x28",
    ],
)
def test_a_newer_extension_that_is_no_text_in_der_is_malformed_even_beside_a_good_one(value: bytes) -> None:
    for extensions in ((extension(NEWER, value),), (extension(OLDER, b"i"), extension(NEWER, value))):
        for issuer in ("i", "i" * 127, "i" * 255, "i" * 256):
            with pytest.raises(Refusal, match="malformed"):
                identity(issuer, *extensions)


def test_an_older_extension_that_is_no_text_is_malformed_even_beside_a_good_one() -> None:
    for extensions in ((), (extension(NEWER, encode(0x0C, b"i")),)):
        with pytest.raises(Refusal, match="malformed"):
            identity("i", extension(OLDER, b"\xff"), *extensions)


def test_an_empty_issuer_is_none_that_could_be_wanted() -> None:
    with pytest.raises(Refusal, match="confirmed by"):
        identity("i", extension(NEWER, b"\x0c\x00"))


def test_two_issuers_that_differ_are_refused_whichever_is_wanted() -> None:
    for issuer in ("i", "j"):
        with pytest.raises(Refusal, match="two issuers that differ"):
            identity(issuer, extension(OLDER, b"i"), extension(NEWER, encode(0x0C, b"j")))
