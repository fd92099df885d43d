# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Layers that are applied to a copy of the tree below reach nothing outside of that copy, whatever their whiteouts name."""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import StrataError
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter
from ansible_collections.strata.containers.plugins.module_utils._storage.unpack_tasks import APPLY
from ansible_collections.strata.containers.plugins.module_utils._storage.unpacker import Unpacker
from lab.odd_images import Entry, make_tar
from lab.trees import snapshot

LINK, SYMLINK = tarfile.LNKTYPE, tarfile.SYMTYPE

# What each does to the tree below, which has "file" and "directory/file": the names that are left in its root, None where
# it is refused.
LAYERS: dict[str, tuple[list[Entry], list[str] | None]] = {
    "whiteout above the root": ([Entry("../../.wh.file")], ["directory"]),
    "whiteout through a link to the outside": (
        [Entry("way", SYMLINK, target="{outside}"), Entry("way/.wh.victim")],
        ["directory", "file", "way"],
    ),
    "whiteout through a climbing link": (
        [Entry("way", SYMLINK, target="../../.."), Entry("way/.wh.file")],
        ["directory", "way"],
    ),
    "all that is above the root": ([Entry("../.wh..wh..opq")], []),
    "all behind a climbing link": (
        [Entry("way", SYMLINK, target="../.."), Entry("way/.wh..wh..opq")],
        ["directory", "file", "way"],
    ),
    "whiteout of the directory itself": ([Entry("directory/.wh..")], None),
    "whiteout of the directory above": ([Entry("directory/.wh...")], None),
    "whiteout without a name": ([Entry("directory/.wh.")], None),
    "hard link to the outside": ([Entry("stolen", LINK, target="{outside}/victim")], None),
    "file over a link to the outside": (
        [Entry("way", SYMLINK, target="{outside}/victim"), Entry("way", content=b"x")],
        None,
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_nothing_outside_is_touched(name: str, tmp_path: Path) -> None:
    entries, left = LAYERS[name]
    below, outside, staging = (tmp_path / word for word in ("below", "outside", "staging"))
    for directory in (below / "directory", outside, staging):
        directory.mkdir(parents=True)
    for path in (below / "file", below / "directory" / "file", outside / "victim"):
        path.write_text("content", encoding="ascii")
    before = snapshot(str(outside)), snapshot(str(below))
    named = [Entry(one.name, one.kind, one.content, target=one.target.format(outside=outside)) for one in entries]
    with Unpacker(str(staging), Reporter()) as unpacker:
        feed = unpacker.start(
            "tree", str(tmp_path / "tar-split"), APPLY, lambda tree: shutil.copytree(below, tree, dirs_exist_ok=True)
        )
        try:
            feed.write(make_tar(named))
            if left is None:
                with pytest.raises(StrataError):
                    feed.finish()
            else:
                feed.finish()
                assert sorted(os.listdir(staging / "tree")) == left
        finally:
            feed.abort()
    assert (snapshot(str(outside)), snapshot(str(below))) == before
