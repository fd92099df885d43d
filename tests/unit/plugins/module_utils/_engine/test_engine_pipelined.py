# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two threads work at a layer only where a processor would be idle else."""

from __future__ import annotations

import hashlib

import pytest
from ansible_collections.strata.containers.plugins.module_utils._engine.pipelined import pipelined
from ansible_collections.strata.containers.plugins.module_utils._engine.plan import FETCH, PlannedLayer
from ansible_collections.strata.containers.plugins.module_utils._model.descriptor import UNKNOWN_SIZE, Descriptor
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest


def _layers(*sizes: int) -> list[PlannedLayer]:
    layers = []
    for number, size in enumerate(sizes):
        digest = Digest.parse(f"sha256:{hashlib.sha256(b'%d' % number).hexdigest()}")
        layers.append(PlannedLayer(FETCH, str(number), None, Descriptor("", digest, size), digest))
    return layers


@pytest.mark.parametrize(
    ("sizes", "processors", "found"),
    [
        pytest.param((100,), 1, "", id="one processor has nothing to share"),
        pytest.param((100,), 2, "0", id="a single layer"),
        pytest.param((0,), 2, "0", id="a single layer without a byte"),
        pytest.param((UNKNOWN_SIZE,), 2, "0", id="a single layer of unknown size"),
        pytest.param((10, 100, 10), 2, "1", id="one that takes longer than all others"),
        pytest.param((20, 100, 50), 2, "", id="others keep the second processor busy"),
        pytest.param((20, 100, 50), 4, "1", id="more processors than others need"),
        pytest.param((100, 100), 2, "", id="one for each processor"),
        pytest.param((100, 100), 4, "01", id="two processors for each"),
        pytest.param((UNKNOWN_SIZE,) * 3, 2, "", id="several of unknown size"),
        pytest.param((), 2, "", id="no layer"),
    ],
)
def test_layers_that_are_unpacked_at_once(sizes: tuple[int, ...], processors: int, found: str) -> None:
    assert pipelined(_layers(*sizes), at_once=True, processors=processors) == frozenset(found)


@pytest.mark.parametrize(("processors", "found"), [(1, ""), (2, "012")])
def test_layers_that_are_unpacked_one_after_the_other(processors: int, found: str) -> None:
    assert pipelined(_layers(10, 100, 10), at_once=False, processors=processors) == frozenset(found)
