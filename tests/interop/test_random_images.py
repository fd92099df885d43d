# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images by chance are stored as podman stores them: the same records, trees, owners, times, attributes and archives.

The same seeds in each run; the long one has many more.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from lab.long_run import LONG
from lab.modules import run_module
from lab.random_images import push_random_image
from lab.registry import Registry
from lab.same_stores import pulled_state
from lab.store_state import ensure_same
from lab.stores import Store

# Seeds whose images have, all together, nearly everything that there is.
_SHORT = (13, 74, 33, 27, 19, 26)
_TOGETHER = 8
_SEEDS = [_SHORT, *(tuple(range(first, first + _TOGETHER)) for first in range(0, 200 if LONG else 0, _TOGETHER))]


@pytest.mark.parametrize("seeds", _SEEDS, ids=lambda seeds: f"from {seeds[0]}")
def test_stores_are_filled_alike(
    seeds: tuple[int, ...], registry: Registry, make_store: Callable[[str], Store], pull_options: dict[str, Any]
) -> None:
    ours, theirs = make_store("ours"), make_store("theirs")
    images = [push_random_image(registry.host, f"random/{seed}", seed) for seed in seeds]
    since = time.time_ns()
    theirs.podman("pull", "--quiet", "--tls-verify=false", *images)
    pulled = run_module("image_pull", {**ours.module_options(), **pull_options, "name": images})
    assert not pulled.failed, pulled.text
    ensure_same(pulled_state(theirs, since), pulled_state(ours, since))
    for store in (theirs, ours):
        checked = run_module("store_check", {**store.module_options(), "deep": True})
        assert [problem for problem in checked["problems"] if not problem["information"]] == []
