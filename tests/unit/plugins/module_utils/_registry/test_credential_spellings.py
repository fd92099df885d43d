# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that quotes a request may have decoded or encoded it; the secret in it is recognised all the same."""

from __future__ import annotations

import html
import json
from urllib.parse import quote, quote_plus, urlencode

import pytest
from ansible_collections.strata.containers.plugins.module_utils._model.foreign_text import without
from ansible_collections.strata.containers.plugins.module_utils._registry.credential_text import (
    secrets_of_address,
    spellings,
)

SECRET = 'p@ss w\u00f6rd/+"<&'
SIGNED = "https://storage.example.com/blob?Expires=60&X-Signature=ab%2Fcd%2Bef%20ghijkl&Key=K%C3%A4fer-schluessel#x"


@pytest.mark.parametrize(
    "told",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        "p%40ss%20w%c3%b6rd%2f%2b%22%3c%26",
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        html.escape(SECRET),
        urlencode({"refresh_token": SECRET}).partition("=")[2],
    ],
)
def test_a_secret_is_recognised_however_it_is_spelled(told: str) -> None:
    cleaned = without(f"you sent <{told}>", spellings(SECRET))
    # In lower case throughout, or upper: a mixture is nobody's.
    assert "rd" not in cleaned and "sent" in cleaned


@pytest.mark.parametrize(
    "told",
    ["ab%2Fcd%2Bef%20ghijkl", "ab%2fcd%2bef%20ghijkl", "ab/cd+ef ghijkl", SIGNED.partition("?")[2].partition("#")[0]],
)
def test_the_signature_of_an_address_is_recognised(told: str) -> None:
    assert "ghijkl" not in without(f"expired: {told}", secrets_of_address(SIGNED))


def test_what_is_no_signature_stays_readable() -> None:
    text = "expired after 60 seconds at storage.example.com"
    assert without(text, secrets_of_address(SIGNED)) == text
    assert secrets_of_address("https://registry.example.com/v2/app/blobs/sha256:0123") == []
