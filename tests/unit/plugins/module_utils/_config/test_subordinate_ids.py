# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.paths import ConfigPaths
from ansible_collections.strata.containers.plugins.module_utils._config.subordinate_ids import (
    NoSubordinateIds,
    has_ids,
    namespace_maps,
)
from ansible_collections.strata.containers.plugins.module_utils._host.user_namespace import MappedRange

# A user without an entry in the user database is named by the number.
UID, GID = 987654, 7


def paths(root: object) -> ConfigPaths:
    return ConfigPaths("/home/me", UID, root=str(root), gid=GID)


def write(root: object, uids: str, gids: str) -> None:
    import pathlib

    etc = pathlib.Path(str(root), "etc")
    etc.mkdir()
    (etc / "subuid").write_text(uids, encoding="utf-8")
    (etc / "subgid").write_text(gids, encoding="utf-8")


def test_the_own_id_and_then_the_ranges_by_their_first(tmp_path: object) -> None:
    write(tmp_path, f"{UID}:500000:10\nother:1:1\n{UID}:100000:65536\n", f"# a remark\n{UID}:3000:5\n")
    assert namespace_maps(paths(tmp_path)) == (
        (MappedRange(0, UID, 1), MappedRange(1, 100000, 65536), MappedRange(65537, 500000, 10)),
        (MappedRange(0, GID, 1), MappedRange(1, 3000, 5)),
    )


def test_a_range_that_stands_twice_counts_once(tmp_path: object) -> None:
    write(tmp_path, f"{UID}:3000:5\n{UID}:3000:5\n", f"{UID}:3000:5")
    assert namespace_maps(paths(tmp_path))[0] == (MappedRange(0, UID, 1), MappedRange(1, 3000, 5))


@pytest.mark.parametrize(
    "text", ["", f"{UID}1:3000:5\n", f"{UID}:3000\n", f"{UID}:a:5\n", f"{UID}:3000:0\n", f"x{UID}:1:1"]
)
def test_no_range_of_the_users(tmp_path: object, text: str) -> None:
    write(tmp_path, f"{UID}:3000:5\n", text)
    with pytest.raises(NoSubordinateIds) as caught:
        namespace_maps(paths(tmp_path))
    assert caught.value.subject == f"{tmp_path}/etc/subgid"
    assert str(UID) in caught.value.message and caught.value.wanted == f"a line such as {UID}:100000:65536"


def test_no_files(tmp_path: object) -> None:
    with pytest.raises(NoSubordinateIds, match="subuid"):
        namespace_maps(paths(tmp_path))


@pytest.mark.parametrize(
    ("uid", "gid", "wanted"),
    [(UID, GID, True), (3000, 4004, True), (3004, GID, True), (3005, 4000, False), (3000, 4005, False), (0, 0, False)],
)
def test_whose_ids_a_namespace_has(tmp_path: object, uid: int, gid: int, wanted: bool) -> None:
    assert not has_ids(paths(tmp_path), UID, GID)
    write(tmp_path, f"{UID}:3000:5\n", f"{UID}:4000:5\n")
    assert has_ids(paths(tmp_path), uid, gid) is wanted
