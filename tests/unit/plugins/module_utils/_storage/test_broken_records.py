# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._host.locks import exclusive
from ansible_collections.strata.containers.plugins.module_utils._storage.broken_records import empty_unreadable
from ansible_collections.strata.containers.plugins.module_utils._storage.layout import Layout
from ansible_collections.strata.containers.plugins.module_utils._storage.prepare import prepare_store

# Which lock guards which file: the table of upstream's store.go, layers.go, images.go and containers.go.
GUARDED = {
    "root/overlay-layers/layers.json": "root/overlay-layers/layers.lock",
    "root/overlay-layers/volatile-layers.json": "root/overlay-layers/layers.lock",
    "run/overlay-layers/mountpoints.json": "run/overlay-layers/mountpoints.lock",
    "root/overlay-images/images.json": "root/overlay-images/images.lock",
    "root/overlay-containers/containers.json": "root/overlay-containers/containers.lock",
    "root/overlay-containers/volatile-containers.json": "root/overlay-containers/containers.lock",
}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(str(tmp_path / "root"), str(tmp_path / "run"))
    prepare_store(layout)
    return layout


@pytest.mark.parametrize("name", GUARDED)
def test_an_unreadable_file_is_emptied_under_its_lock_and_others_are_told(
    name: str, layout: Layout, tmp_path: Path
) -> None:
    path, lock = tmp_path / name, tmp_path / GUARDED[name]
    path.write_text("[{", encoding="ascii")
    worker = threading.Thread(target=empty_unreadable, args=(layout, str(path)))
    with exclusive(str(lock)):
        worker.start()
        worker.join(0.05)
        assert path.read_text(encoding="ascii") == "[{"
    worker.join()
    assert path.read_text(encoding="ascii") == "[]"
    # Without a new record a podman that runs would not look again.
    assert lock.stat().st_size == 64


def test_a_file_that_somebody_put_right_meanwhile_stays(layout: Layout, tmp_path: Path) -> None:
    path = tmp_path / "root/overlay-images/images.json"
    whole = '[{"id":"' + "a" * 64 + '","created":"2026-01-01T00:00:00Z"}]'
    path.write_text(whole, encoding="ascii")
    empty_unreadable(layout, str(path))
    assert path.read_text(encoding="ascii") == whole
