# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Security tests plant hostile archives and hostile code, and look for traces outside of the place they were given."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lab.fixtures import judges

__all__ = ["judges", "root_rights", "staging"]


@pytest.fixture(autouse=True)
def root_rights() -> None:
    """Confinement is taken by root; without root it is not tested, which is a failure in CI."""
    if os.geteuid() == 0:
        return
    if os.environ.get("CI"):
        pytest.fail("missing: root rights")
    pytest.skip("missing: root rights")


@pytest.fixture
def staging(tmp_path: Path) -> str:
    """An empty staging area."""
    path = tmp_path / "staging"
    path.mkdir(mode=0o700)
    return str(path)
