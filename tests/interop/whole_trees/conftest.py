# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for each driver whose trees are whole is tested once, in stores of either."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from lab.fixtures import scratch_stores
from lab.odd_images import ImageLayout
from lab.stores import Store
from lab.twins import twin_of

if TYPE_CHECKING:
    from lab.flaky_registry import FlakyRegistry


# Tests of one driver alone have a fixture of this name, or the driver as a parameter.
@pytest.fixture(scope="module", params=["vfs", "btrfs"])
def driver(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def layout(judges: None, tmp_path_factory: pytest.TempPathFactory) -> ImageLayout:
    # It imports the collection, which can be found only after this file was read.
    from lab.whole_trees import image_layout

    return image_layout(str(tmp_path_factory.mktemp("images")))


@pytest.fixture(scope="module")
def local() -> Iterator[FlakyRegistry]:
    from lab.flaky_registry import FlakyRegistry

    with FlakyRegistry() as registry:
        yield registry


@pytest.fixture(scope="module")
def disk(judges: None, driver: str) -> Iterator[Callable[[str], Store]]:
    with scratch_stores(driver) as make:
        yield make


@pytest.fixture
def make(disk: Callable[[str], Store]) -> Iterator[Callable[[str], Store]]:
    """Makes stores on the disk, and takes them away after the test; no subvolume outlives its store."""
    made: list[Store] = []

    def make(name: str) -> Store:
        made.append(disk(name))
        return made[-1]

    yield make
    for store in made:
        store.destroy()
        assert not os.path.exists(store.base)


@pytest.fixture
def store(make: Callable[[str], Store]) -> Store:
    return make("store")


@pytest.fixture(scope="module")
def model(disk: Callable[[str], Store], layout: ImageLayout) -> Store:
    """A store that other tools wrote: an image of skopeo's, and one of buildah's on top."""
    from lab.whole_trees import fill

    store = disk("model")
    fill(store, layout)
    return store


@pytest.fixture
def filled(model: Store, store: Store) -> Store:
    """A copy of it."""
    return twin_of(model, store)
