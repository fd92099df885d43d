# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._storage.other_drivers import (
    SeveralDrivers,
    prior_driver,
)


# What podman 4.3.1 takes where the settings name no driver; it cannot have aufs and zfs on most hosts, and says so.
@pytest.mark.parametrize(
    ("there", "driver"),
    [
        ("", "overlay"),
        ("vfs", "overlay"),
        ("overlay vfs", "overlay"),
        ("btrfs", "btrfs"),
        ("btrfs vfs", "btrfs"),
        ("zfs", "zfs"),
        ("aufs", "aufs"),
    ],
)
def test_who_was_there_before_is_the_driver(tmp_path: Path, there: str, driver: str) -> None:
    for name in there.split():
        (tmp_path / name).mkdir()
    assert prior_driver(str(tmp_path)) == driver


@pytest.mark.parametrize("there", ["overlay btrfs", "overlay zfs vfs"])
def test_of_several_one_must_be_named(tmp_path: Path, there: str) -> None:
    for name in there.split():
        (tmp_path / name).mkdir()
    with pytest.raises(SeveralDrivers) as refused:
        prior_driver(str(tmp_path))
    assert refused.value.found == ", ".join(name for name in there.split() if name != "vfs")
