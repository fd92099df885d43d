# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Integration tests run tasks through ansible-playbook, with the tools of the distribution as judges."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab.fixtures import judges, make_store, policy_file, pull_options, registry, warm
from lab.long_run import pytest_collection_modifyitems
from lab.playbook import PlaybookRunner

__all__ = [
    "judges",
    "make_store",
    "policy_file",
    "pull_options",
    "pytest_collection_modifyitems",
    "registry",
    "run_playbook",
    "warm",
]


@pytest.fixture
def run_playbook(tmp_path: Path) -> PlaybookRunner:
    """Runs a list of tasks: ``run_playbook(tasks, check=False, diff=False, verbosity=0, extra_vars=None)``."""
    return PlaybookRunner(tmp_path / "ansible")
