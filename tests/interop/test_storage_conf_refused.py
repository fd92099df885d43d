# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings that this engine cannot follow are refused by name before anything is written, and never passed over."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from lab.commands import CommandFailed, run
from lab.configured_store import ConfiguredStore
from lab.fault_bench import FaultBench
from lab.modules import run_module
from lab.refusals import store_leftovers
from lab.scripted_registry import make_image, small_layer
from lab.small_disk import small_disk

REFUSALS = [
    ("options", 'remap-uids = "0:100000:65536"', "unsupported_setting"),
    ("options", 'additionallayerstores = ["/tmp"]', "driver_unsupported"),
    ("overlay", 'use_composefs = "true"', "driver_unsupported"),
    ("overlay", 'inodes = "1000"', "quota_unsupported"),
]


def pull(bench: FaultBench, store: ConfiguredStore, **more: Any) -> Any:
    bench.registry.serve(make_image([small_layer()]))
    arguments = {**store.module_options(), **bench.options, "name": bench.registry.reference(), **more}
    return run_module("image_pull", arguments)


@pytest.mark.parametrize(("table", "line", "code"), REFUSALS)
def test_an_option_that_is_not_followed_is_named(bench: FaultBench, table: str, line: str, code: str) -> None:
    store = ConfiguredStore(bench.store.base, **{table: [line]})
    store.configure()
    refused = pull(bench, store)
    assert refused.code == code and not refused.changed, refused.text
    assert line.split(" ", maxsplit=1)[0].rstrip("s") in refused["msg"]
    os.unlink(store.conf)
    assert store_leftovers(store) == []


@pytest.mark.parametrize("line", ["transient_store = true", 'imagestore = "/images"'])
def test_a_kind_of_store_that_is_not_kept_is_named(bench: FaultBench, tmp_path: Path, line: str) -> None:
    conf = tmp_path / "kind.conf"
    conf.write_text(f'[storage]\n{line}\ngraphroot = "{bench.store.root}"\nrunroot = "{bench.store.run_root}"\n')
    refused = pull(bench, ConfiguredStore(bench.store.base), storage_conf=str(conf))
    assert refused.code == "unsupported_setting" and line.split(" ")[0] in refused["msg"], refused.text
    assert store_leftovers(bench.store) == []


def test_without_a_drivers_name_the_store_of_another_driver_is_left_alone(bench: FaultBench, tmp_path: Path) -> None:
    conf = tmp_path / "unset.conf"
    conf.write_text(f'[storage]\ngraphroot = "{bench.store.root}"\nrunroot = "{bench.store.run_root}"\n')
    os.makedirs(os.path.join(bench.store.root, "btrfs"))
    store = ConfiguredStore(bench.store.base)
    with pytest.raises(CommandFailed, match="btrfs"):
        run(["env", f"CONTAINERS_STORAGE_CONF={conf}", "podman", "--tmpdir", str(tmp_path / "tmp"), "info"])
    refused = pull(bench, store, storage_conf=str(conf))
    assert refused.code == "driver_unsupported" and "btrfs" in refused["msg"], refused.text
    assert not os.path.exists(os.path.join(bench.store.root, "overlay"))


def test_podman_limits_containers_on_xfs_only(bench: FaultBench, tmp_path: Path) -> None:
    store = ConfiguredStore(bench.store.base, overlay=['size = "10G"'])
    store.configure()
    with small_disk(str(tmp_path / "disk"), store.root, 24 << 20):
        with pytest.raises(CommandFailed, match="only supported for backingFS XFS. Found extfs"):
            store.podman("info")
        refused = pull(bench, store)
        assert "wanted xfs, found extfs" in refused["msg"], refused.text
        # What is there can be looked at.
        assert run_module("image_info", store.module_options())["images"] == []


def test_nothing_is_no_limit(bench: FaultBench) -> None:
    store = ConfiguredStore(bench.store.base, overlay=['size = "0"', 'inodes = "0"'])
    store.configure()
    assert pull(bench, store).changed
    assert bench.registry.reference() in store.podman("images", "--format", "{{.Repository}}:{{.Tag}}")
