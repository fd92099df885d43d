# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Interop tests use the real tools of the distribution as judges."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lab.fixtures import judges, make_store, policy_file, pull_options, registry, static_registry, warm
from lab.long_run import pytest_collection_modifyitems
from lab.stores import Store

if TYPE_CHECKING:
    from lab.fault_bench import FaultBench
    from lab.user_world import UserWorld

__all__ = [
    "judges",
    "make_store",
    "policy_file",
    "pull_options",
    "pytest_collection_modifyitems",
    "registry",
    "static_registry",
    "warm",
]


@pytest.fixture
def bench(make_store: Callable[[str], Store], policy_file: str, tmp_path: Path) -> Iterator[FaultBench]:
    """A scripted registry, an empty store, and options by which nothing of the machine takes part."""
    # Not above: it imports the collection, which can be found only after this file was read.
    from lab.fault_bench import fault_bench

    with fault_bench(make_store("store"), policy_file, tmp_path) as bench:
        yield bench


@pytest.fixture(scope="module")
def world(judges: None) -> Iterator[UserWorld]:
    """A user without rights."""
    from lab.user_world import user_world

    with user_world(tempfile.mkdtemp(prefix="rl-")) as world:
        yield world
