# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._host.private_thread import in_directory


def test_the_action_runs_in_the_directory_and_others_stay(tmp_path: Path) -> None:
    before = os.getcwd()
    assert in_directory(str(tmp_path), os.getcwd) == str(tmp_path)
    assert os.getcwd() == before


def test_other_threads_stay_while_the_action_runs(tmp_path: Path) -> None:
    seen: list[str] = []
    before = os.getcwd()

    def action() -> None:
        other = threading.Thread(target=lambda: seen.append(os.getcwd()))
        main_asked.set()
        released.wait(10)
        other.start()
        other.join()

    main_asked, released = threading.Event(), threading.Event()
    outer = threading.Thread(target=lambda: in_directory(str(tmp_path), action))
    outer.start()
    assert main_asked.wait(10)
    assert os.getcwd() == before
    released.set()
    outer.join()
    # A thread that the action starts shares its view, not that of the process.
    assert seen == [str(tmp_path)]
    assert os.getcwd() == before


def test_what_the_action_raises_is_raised(tmp_path: Path) -> None:
    def action() -> None:
        raise KeyError("wanted")

    with pytest.raises(KeyError, match="wanted"):
        in_directory(str(tmp_path), action)


def test_an_absent_directory_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(HostError) as raised:
        in_directory(str(tmp_path / "absent"), os.getcwd)
    assert raised.value.subject == str(tmp_path / "absent")
