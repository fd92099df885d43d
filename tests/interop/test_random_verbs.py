# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks by chance, among commands of podman and buildah: check mode tells what a run does, and a second run does nothing.

The same seed in each run; the long one has many more.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab.long_run import LONG
from lab.odd_images import ImageLayout
from lab.random_verbs import RandomVerbs
from lab.registry import Registry
from lab.stores import Store

_SEEDS, _STEPS = (range(1, 41), 40) if LONG else (range(3, 4), 8)


@pytest.mark.parametrize("seed", _SEEDS)
def test_every_task_keeps_its_word(
    seed: int, registry: Registry, make_store: Callable[[str], Store], pull_options: dict[str, Any], tmp_path: Path
) -> None:
    player = RandomVerbs(make_store("store"), registry, ImageLayout(str(tmp_path / "layout")), pull_options, seed)
    for _step in range(_STEPS):
        player.step()
