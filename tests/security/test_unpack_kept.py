# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whiteouts that are kept as files are members like others: what they are made of leads nowhere else.

The same where all files have one mode.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import StrataError
from ansible_collections.strata.containers.plugins.module_utils._report import Reporter
from ansible_collections.strata.containers.plugins.module_utils._storage import unpack_child
from ansible_collections.strata.containers.plugins.module_utils._storage.unpack_tasks import KEEP, MASK, MODE
from ansible_collections.strata.containers.plugins.module_utils._storage.unpacker import Unpacker, worker_for
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


@pytest.mark.parametrize(("task", "options"), [(KEEP, {}), (MASK, {MODE: 0o700})], ids=[KEEP, MASK])
@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_outside_is_touched(attack: str, task: str, options: dict[str, int], tmp_path: Path) -> None:
    entries, left = ATTACKS[attack]
    outside, staging = tmp_path / "outside", tmp_path / "staging"
    outside.mkdir()
    staging.mkdir()
    (outside / "victim").write_text("content", encoding="ascii")
    before = snapshot(str(outside))
    named = [Entry(one.name, one.kind, one.content, target=one.target.format(outside=outside)) for one in entries]
    with Unpacker(str(staging), Reporter(), worker_for(task)) as unpacker:
        feed = unpacker.start("tree", str(tmp_path / "tar-split"), task, options=options)
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
    with Unpacker(str(tmp_path), Reporter(), worker_for(KEEP)) as unpacker:
        feed = unpacker.start("tree", str(tmp_path / "tar-split"), KEEP)
        feed.write(make_tar(entries))
        layer = feed.finish()
    tree = describe_tree(str(tmp_path / "tree"))
    assert set(tree) == {".", "d", "d/a", "d/.wh.a", ".wh..wh.plnk", ".wh..wh.plnk/1"}
    assert (tree["d/.wh.a"]["mode"], tree["d/.wh.a"]["owner"], tree["d/.wh.a"]["size"]) == ("0o640", (5, 6), 12)
    assert tree["d/.wh.a"]["xattrs"] == {"user.x": b"1"}
    # Upstream counts no owners of whiteouts, whatever their form.
    assert (layer.uids, layer.gids) == ((0,), (0,))


def test_masked_files_note_what_their_headers_say(tmp_path: Path) -> None:
    """The form is that of containers/storage 1.55 and later (``FormatContainersOverrideXattrDevice`` in ``pkg/idtools``)."""
    entries = [
        Entry("./", _DIR, mode=0o1711, uid=1, gid=2),
        Entry("d/", _DIR, mode=0o1777, uid=5, gid=6),
        Entry("d/set", content=b"x", mode=0o4750, uid=7, pax=xattr("user.containers.override_stat", b"0:0:0777:file")),
        Entry("null", tarfile.CHRTYPE, device=(1, 3), mode=0o666),
        Entry("disk", tarfile.BLKTYPE, device=(7, 1), mode=0o660, gid=6),
        Entry("fifo", tarfile.FIFOTYPE, mode=0o600, uid=3),
        Entry("on/the/way", content=b"x"),
        Entry("d/.wh.gone", mode=0o644),
        Entry("soft", _SYMLINK, target="d", mode=0o777, uid=9),
    ]
    with Unpacker(str(tmp_path), Reporter(), worker_for(MASK)) as unpacker:
        feed = unpacker.start("tree", str(tmp_path / "tar-split"), MASK, options={MODE: 0o755})
        feed.write(make_tar(entries))
        layer = feed.finish()
    tree = describe_tree(str(tmp_path / "tree"))
    notes = {name: facts["xattrs"].get("user.containers.override_stat", b"").decode() for name, facts in tree.items()}
    assert notes == {
        ".": "1:2:0711:dir",
        "d": "5:6:1777:dir",
        "d/set": "7:0:4750:file",
        "d/.wh.gone": "0:0:0644:file",
        "null": "0:0:0666:char-1-3",
        "disk": "0:6:0660:block-7-1",
        "fifo": "3:0:0600:pipe",
        "on": "0:0:0755:dir",
        "on/the": "0:0:0755:dir",
        "on/the/way": "0:0:0644:file",
        "soft": "",
    }
    assert {facts["owner"] for facts in tree.values()} == {(0, 0)}
    assert {facts["mode"] for name, facts in tree.items() if name not in ("soft", ".")} == {"0o755"}
    assert (layer.uids, layer.gids) == ((0, 1, 3, 5, 7, 9), (0, 2, 6))


def test_other_stores_do_not_wait_for_what_this_takes() -> None:
    """What is loaded is compiled each time, before the first layer."""
    code = f"import sys; sys.path[:] = {sys.path!r}; import {unpack_child.__name__}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True, stdout=subprocess.PIPE, text=True)
    loaded = {name.rpartition(".")[2] for name in done.stdout.split()}
    assert "unpack_whole" in loaded and not {"unpack_kept", "unpack_masked", "override_stat"} & loaded
