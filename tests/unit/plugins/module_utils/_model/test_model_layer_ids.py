# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib

from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._model.layer_ids import layer_chain, layer_id
from hypothesis import given
from hypothesis import strategies as st

# Taken from a store that podman filled.
BASE = Digest("sha256", "ac8b4038ce8be089d976843edea83186a5831f57712826cafcb0aa07f276864d")
SECOND = Digest("sha256", "1e6072bdb46a801040613d0e8765a586131819ed98caa762dc7bfef03ae27b1f")
SECOND_ID = "a3c3bfbfe562d97d6e05764010d97b03b63d62f5324ace4b493d67a44315144d"


def test_a_base_layer_is_named_by_its_diff_id() -> None:
    assert layer_id(None, BASE) == BASE.hex


def test_another_layer_is_named_by_all_below_it() -> None:
    assert layer_id(BASE.hex, SECOND) == SECOND_ID


def test_the_chain_of_an_image_is_that_of_podman() -> None:
    assert layer_chain([BASE, SECOND]) == (BASE.hex, SECOND_ID)
    assert layer_chain([]) == ()


def test_the_same_content_on_another_layer_is_another_layer() -> None:
    first, second, third = layer_chain([BASE, BASE, BASE])
    assert len({first, second, third}) == 3


def test_it_is_not_the_chain_id_of_the_oci_specification() -> None:
    assert layer_id(BASE.hex, SECOND) != hashlib.sha256(f"{BASE} {SECOND}".encode()).hexdigest()


@given(st.lists(st.binary(max_size=3), max_size=6), st.lists(st.binary(max_size=3), max_size=3))
def test_images_share_exactly_the_layers_below_their_first_difference(common: list[bytes], rest: list[bytes]) -> None:
    below = layer_chain([Digest.of(data) for data in common])
    whole = layer_chain([Digest.of(data) for data in common + rest])
    assert whole[: len(common)] == below
    assert len(whole) == len(set(whole))
