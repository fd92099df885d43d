# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.auto_user_ns import (
    AutoUserNamespaces,
    auto_user_namespaces,
    subordinate_ids,
)
from ansible_collections.strata.containers.plugins.module_utils._config.paths import ConfigPaths
from ansible_collections.strata.containers.plugins.module_utils._config.subordinate_ids import NoSubordinateIds
from ansible_collections.strata.containers.plugins.module_utils._config.table import Table
from ansible_collections.strata.containers.plugins.module_utils._config.toml_file import InvalidConfig


def paths(root: Path, subuid: str, subgid: str) -> ConfigPaths:
    (root / "etc").mkdir()
    (root / "etc/subuid").write_text(subuid, encoding="utf-8")
    (root / "etc/subgid").write_text(subgid, encoding="utf-8")
    return ConfigPaths(home="/root", uid=0, root=str(root))


def test_ranges_of_the_user_are_found_and_put_together(tmp_path: Path) -> None:
    """The form is that of subuid(5)."""
    text = "# comment\n\nothers:1:2\ncontainers:5000:100\n containers:1000:100\ncontainers:1100:50\ncontainers2:9:9\n"
    found = subordinate_ids(paths(tmp_path, text, "containers:7:1"), "containers")
    assert found == (((1000, 1150), (5000, 5100)), ((7, 8),))


def test_a_user_has_ids_of_the_own_namespace(tmp_path: Path) -> None:
    """The first is the user's own, and no container gets it; the others follow each other there."""
    known = replace(paths(tmp_path, "987654:5000:100\n987654:90000:20\ncontainers:7:7\n", "987654:5:3"), uid=987654)
    assert subordinate_ids(known, "containers") == (((1, 121),), ((1, 4),))


@pytest.mark.parametrize("text", ["", "others:1:2", "containers:1", "containers:a:b", "containers:1:0"])
def test_a_user_without_ranges_is_an_error_that_says_what_to_write(tmp_path: Path, text: str) -> None:
    with pytest.raises(NoSubordinateIds) as caught:
        subordinate_ids(paths(tmp_path, "containers:1:2", text), "containers")
    assert caught.value.code == "no_subordinate_ids" and caught.value.subject.endswith("/etc/subgid")


def test_what_storage_conf_leaves_out_is_upstreams(tmp_path: Path) -> None:
    assert auto_user_namespaces(Table({}, "f")) == AutoUserNamespaces("containers", 1024, 65536)
    values = {"root-auto-userns-user": "me", "auto-userns-min-size": 10, "auto-userns-max-size": 0}
    assert auto_user_namespaces(Table(values, "f")) == AutoUserNamespaces("me", 10, 65536)


@pytest.mark.parametrize("value", ["1024", -1, 1 << 32, True, 1.5])
def test_a_size_is_a_number(value: object) -> None:
    with pytest.raises(InvalidConfig):
        auto_user_namespaces(Table({"auto-userns-min-size": value}, "f"))
