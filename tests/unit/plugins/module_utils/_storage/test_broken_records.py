# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._host.locks import exclusive
from ansible_collections.strata.containers.plugins.module_utils._storage.broken_records import (
    empty_unreadable,
    keep_copies,
    rebuild_counts,
)
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


def _killed_before_a_rename(number: int, work: Callable[[], object]) -> None:
    """Runs ``work`` in a process that is killed when it gives its ``number``-th new file the name."""
    child = os.fork()
    if child == 0:
        left, rename = [number], os.rename

        def rename_or_die(old: str, new: str) -> None:
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            rename(old, new)

        try:
            os.rename = rename_or_die  # type: ignore[assignment]
            work()
        finally:
            os._exit(0)
    _pid, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)


@pytest.mark.parametrize(
    ("name", "renames", "work"),
    [
        *((name, 1, empty_unreadable) for name in GUARDED),
        *((name, 1, lambda layout, _path: keep_copies(layout)) for name in GUARDED if "mountpoints" not in name),
        ("run/overlay-layers/mountpoints.json", 1, lambda layout, _path: rebuild_counts(layout)),
        ("run/overlay-layers/mountpoints.json", 2, lambda layout, _path: rebuild_counts(layout)),
    ],
)
def test_what_a_kill_leaves_the_next_run_takes_away(
    name: str, renames: int, work: Callable[[Layout, str], object], layout: Layout, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text("[{", encoding="ascii")
    _killed_before_a_rename(renames, lambda: work(layout, str(path)))
    assert path.read_text(encoding="ascii") == "[{"
    assert len(list(path.parent.glob(".tmp-*"))) == 1
    work(layout, str(path))
    assert list(path.parent.glob(".tmp-*")) == []


def test_a_file_that_somebody_put_right_meanwhile_stays(layout: Layout, tmp_path: Path) -> None:
    path = tmp_path / "root/overlay-images/images.json"
    whole = '[{"id":"' + "a" * 64 + '","created":"2026-01-01T00:00:00Z"}]'
    path.write_text(whole, encoding="ascii")
    empty_unreadable(layout, str(path))
    assert path.read_text(encoding="ascii") == whole
