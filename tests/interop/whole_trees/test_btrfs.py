# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a store of the btrfs driver can be, and when one is of this driver."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from lab.commands import CommandFailed, run
from lab.fixtures import scratch_stores
from lab.flaky_registry import FlakyRegistry
from lab.long_run import LONG
from lab.modules import run_module
from lab.odd_images import ImageLayout
from lab.stores import Store
from lab.whole_trees import module


@pytest.fixture(scope="module")
def driver() -> str:
    return "btrfs"


def test_a_store_elsewhere_is_refused_as_podman_does(
    layout: ImageLayout, local: FlakyRegistry, pull_options: dict[str, Any]
) -> None:
    local.add(layout, "rules", "rules")
    with scratch_stores() as elsewhere:
        store = Store(elsewhere("plain").base, driver="btrfs")
        options = {**store.module_options(), **pull_options, "name": local.reference("rules:1")}
        for check in (True, False):
            result = run_module("image_pull", options, check=check)
            assert result.code == "driver_unsupported" and "not on a Btrfs file system" in result.text, result.text
        assert not os.path.exists(store.root)
        assert module(store, "store_info")["store"]["counts"]["images"] == 0
        with pytest.raises(CommandFailed, match="is not on a btrfs filesystem"):
            store.podman("images")


@pytest.mark.parametrize("drivers", ["", "btrfs", "overlay btrfs", "zfs"] if LONG else ["overlay btrfs"])
def test_who_was_there_before_is_the_driver(drivers: str, store: Store) -> None:
    for name in drivers.split():
        os.makedirs(os.path.join(store.root, name))
    conf = Path(store.base, "storage.conf")
    conf.write_text(
        f'[storage]\ndriver = ""\ngraphroot = "{store.root}"\nrunroot = "{store.run_root}"\n', encoding="ascii"
    )
    ours = run_module("store_info", {"storage_conf": str(conf)})
    command = ["env", f"CONTAINERS_STORAGE_CONF={conf}", "podman", "--tmpdir", f"{store.base}/tmp"]
    try:
        theirs = run([*command, "info", "--format", "{{.Store.GraphDriverName}}"]).strip()
    except CommandFailed:
        theirs = ""
    assert (ours["store"]["driver"] if not ours.failed else "") == theirs
    if ours.failed:
        assert ours.code in ("several_drivers", "driver_unsupported")
