# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._host.locks import try_exclusive
from ansible_collections.strata.containers.plugins.module_utils._storage import temp_dirs
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.leftovers import recover_leftovers
from ansible_collections.strata.containers.plugins.module_utils._storage.prepare import prepare_store
from ansible_collections.strata.containers.plugins.module_utils._storage.staging import open_staging
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._storage.store_fakes import (
    layout_in,
)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = layout_in(tmp_path)
    prepare_store(layout)
    return layout


def lock_of(directory: str) -> str:
    return directory.replace("temp-dir-", "lock-")


def test_staging_area_is_private_guarded_and_where_the_other_tools_look(layout: Layout) -> None:
    with open_staging(layout) as staging:
        assert os.path.dirname(staging.tree) == layout.tempdirs
        assert os.path.dirname(staging.records) == layout.layers_tmp
        for directory in (staging.tree, staging.records):
            assert os.path.basename(directory).startswith("temp-dir-")
            assert stat.S_IMODE(os.stat(directory).st_mode) == 0o700
            assert try_exclusive(lock_of(directory)) is None
    assert not os.path.exists(layout.tempdirs)
    assert not os.path.exists(layout.layers_tmp)


def test_what_is_left_is_removed_after_an_error_too(layout: Layout) -> None:
    with pytest.raises(KeyboardInterrupt), open_staging(layout) as staging:
        os.makedirs(f"{staging.tree}/0/a/b")
        os.chmod(f"{staging.tree}/0/a", 0o555)
        Path(staging.records, "0").touch()
        raise KeyboardInterrupt
    assert not os.path.exists(layout.tempdirs)
    assert not os.path.exists(layout.layers_tmp)


def test_two_staging_areas_do_not_touch_each_other(layout: Layout) -> None:
    with open_staging(layout) as first:
        with open_staging(layout) as second:
            assert first.tree != second.tree
            recover_leftovers(layout)
            assert os.path.isdir(first.tree)
            assert os.path.isdir(second.records)
        assert os.path.isdir(first.tree)
        assert os.path.isdir(first.records)
    assert not os.path.exists(layout.tempdirs)


def test_lock_that_another_process_took_away_is_made_again(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    real = temp_dirs.try_exclusive
    attempts = []

    def taken_twice(path: str, *, create: bool = False) -> object:
        attempts.append(path)
        return None if len(attempts) <= 2 else real(path, create=create)

    monkeypatch.setattr(temp_dirs, "try_exclusive", taken_twice)
    with open_staging(layout) as staging:
        assert os.path.isdir(staging.tree)
    assert len(set(attempts)) == len(attempts) == 4
