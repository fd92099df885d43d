# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The box of NaCl: its own published vector, and that nothing else opens."""

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._trust.secretbox import WrongKey, open_box

# "Cryptography in NaCl" (D. J. Bernstein, 2009), section 10.
KEY = bytes.fromhex("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389")
NONCE = bytes.fromhex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37")
CONTENT = bytes.fromhex(
    "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffc"
    "e5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb31"
    "0e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde"
    "048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f93776384864"
    "5e0705"
)
BOX = bytes.fromhex(
    "f3ffc7703f9400e52a7dfb4b3d3305d9"
    "8e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186a"
    "c0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738"
    "b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da"
    "99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74"
    "e355a5"
)


def test_the_published_vector_opens() -> None:
    assert open_box(BOX, NONCE, KEY) == CONTENT


@pytest.mark.parametrize("place", [0, 15, 16, 17, len(BOX) - 1])
def test_a_changed_box_does_not_open(place: int) -> None:
    changed = bytearray(BOX)
    changed[place] ^= 0x80
    with pytest.raises(WrongKey):
        open_box(bytes(changed), NONCE, KEY)


@pytest.mark.parametrize("size", [0, 15, 16, len(BOX) - 1])
def test_a_short_box_does_not_open(size: int) -> None:
    with pytest.raises(WrongKey):
        open_box(BOX[:size], NONCE, KEY)


def test_another_key_or_nonce_does_not_open() -> None:
    for nonce, key in ((NONCE[:-1] + b"\x00", KEY), (b"\x00" + NONCE[1:], KEY), (NONCE, KEY[:-1] + b"\x00")):
        with pytest.raises(WrongKey):
            open_box(BOX, nonce, key)
