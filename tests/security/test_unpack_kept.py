# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whiteouts that are kept as files are members like others: what they are made of leads nowhere else."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import StrataError
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter
from ansible_collections.strata.containers.plugins.module_utils._storage.unpack_tasks import KEEP
from ansible_collections.strata.containers.plugins.module_utils._storage.unpacker import Unpacker
from lab.odd_images import Entry, make_tar, xattr
from lab.trees import describe_tree, snapshot

_DIR, _LINK, _SYMLINK = tarfile.DIRTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE

# The entries, and what is in the tree then; None for a layer that is refused. "{outside}" is a directory of the host.
ATTACKS: dict[str, tuple[list[Entry], list[str] | None]] = {
    "a whiteout that is a link": (
        [Entry(".wh.a", _SYMLINK, target="{outside}"), Entry(".wh.a/victim", content=b"changed")],
        None,
    ),
    "a whiteout that climbs": (
        [Entry("../../.wh.victim"), Entry(".wh...", content=b"x"), Entry(".wh./", _DIR, mode=0o755)],
        [".wh...", ".wh./", ".wh.victim"],
    ),
    "a hard link to the host": ([Entry(".wh.a", _LINK, target="{outside}/victim")], None),
    "an opaque marker that is a directory": (
        [Entry(".wh..wh..opq/", _DIR, mode=0o755), Entry(".wh..wh..opq/in", content=b"x")],
        [".wh..wh..opq/"],
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_outside_is_touched(attack: str, tmp_path: Path) -> None:
    entries, left = ATTACKS[attack]
    outside, staging = tmp_path / "outside", tmp_path / "staging"
    outside.mkdir()
    staging.mkdir()
    (outside / "victim").write_text("content", encoding="ascii")
    before = snapshot(str(outside))
    named = [Entry(one.name, one.kind, one.content, target=one.target.format(outside=outside)) for one in entries]
    with Unpacker(str(staging), Reporter()) as unpacker:
        feed = unpacker.start("tree", str(tmp_path / "tar-split"), KEEP)
        try:
            feed.write(make_tar(named))
            if left is None:
                with pytest.raises(StrataError):
                    feed.finish()
            else:
                feed.finish()
                found = os.scandir(staging / "tree")
                assert sorted(entry.name + "/" * entry.is_dir() for entry in found) == left
        finally:
            feed.abort()
    assert snapshot(str(outside)) == before


def test_a_whiteout_has_what_its_header_says(tmp_path: Path) -> None:
    entries = [
        Entry("d/.wh.a", content=b"with content", mode=0o640, uid=5, gid=6, pax=xattr("user.x", b"1")),
        Entry("d/a", content=b"and what it hides"),
        Entry(".wh..wh.plnk/1", content=b"1"),
    ]
    with Unpacker(str(tmp_path), Reporter()) as unpacker:
        feed = unpacker.start("tree", str(tmp_path / "tar-split"), KEEP)
        feed.write(make_tar(entries))
        layer = feed.finish()
    tree = describe_tree(str(tmp_path / "tree"))
    assert set(tree) == {".", "d", "d/a", "d/.wh.a", ".wh..wh.plnk", ".wh..wh.plnk/1"}
    assert (tree["d/.wh.a"]["mode"], tree["d/.wh.a"]["owner"], tree["d/.wh.a"]["size"]) == ("0o640", (5, 6), 12)
    assert tree["d/.wh.a"]["xattrs"] == {"user.x": b"1"}
    # Upstream counts no owners of whiteouts, whatever their form.
    assert (layer.uids, layer.gids) == ((0,), (0,))
