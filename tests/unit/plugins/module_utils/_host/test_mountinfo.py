# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.strata.containers.plugins.module_utils._host.mountinfo import (
    BadMountTable,
    MountEntry,
    is_bound_to_itself,
    mount_at,
    mount_containing,
    mounts_below,
    parse_mounts,
    read_mounts,
)

# The example of proc(5).
PROC_5 = b"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n"

# Linux 6.18, podman 4.3.1 mount of a container, and a bind of a directory whose name has every escaped character.
OVERLAY = (
    b"42 27 254:0 /g/overlay /g/overlay rw,relatime - ext4 /dev/vda rw,discard\n"
    b"45 42 0:39 / /g/overlay/ab/merged rw,relatime - overlay overlay rw,lowerdir=/g/overlay/l/FA,upperdir=/u,workdir=/w\n"
)


class TestParsing:
    def test_reads_the_example_of_the_manual(self) -> None:
        assert parse_mounts(PROC_5) == [
            MountEntry(
                mount_id=36,
                parent_id=35,
                device="98:0",
                root="/mnt1",
                mount_point="/mnt2",
                options=("rw", "noatime"),
                fstype="ext3",
                source="/dev/root",
                super_options=("rw", "errors=continue"),
            )
        ]

    def test_keeps_the_order(self) -> None:
        assert [entry.mount_id for entry in parse_mounts(OVERLAY)] == [42, 45]

    @pytest.mark.parametrize("optional", [b"", b"shared:1 ", b"shared:1 master:2 propagate_from:3 unbindable "])
    def test_accepts_any_number_of_optional_fields(self, optional: bytes) -> None:
        (entry,) = parse_mounts(b"1 0 0:1 / / rw " + optional + b"- tmpfs none rw\n")
        assert (entry.fstype, entry.source) == ("tmpfs", "none")

    def test_undoes_the_escapes_of_space_tab_newline_backslash_and_hash(self) -> None:
        line = rb"1 0 0:1 /r\040\011 /a\040b\011c\012d\134e\043 rw - fuse.x so\040urce rw"
        (entry,) = parse_mounts(line)
        assert entry.root == "/r \t"
        assert entry.mount_point == "/a b\tc\nd\\e#"
        assert entry.source == "so urce"

    def test_does_not_unescape_what_an_escaped_backslash_begins(self) -> None:
        (entry,) = parse_mounts(rb"1 0 0:1 / /a\134040b rw - tmpfs none rw")
        assert entry.mount_point == "/a\\040b"

    def test_keeps_bytes_that_are_not_utf_8(self) -> None:
        (entry,) = parse_mounts(b"1 0 0:1 / /\xff rw - tmpfs none rw")
        assert entry.mount_point == "/\udcff"

    def test_keeps_an_empty_source(self) -> None:
        (entry,) = parse_mounts(b"1 0 0:1 / /a rw - tmpfs  rw")
        assert (entry.source, entry.super_options) == ("", ("rw",))

    @pytest.mark.parametrize(
        "line",
        [b"", b"1 0 0:1 / /", b"1 0 0:1 / / rw - tmpfs", b"1 0 0:1 / / rw tmpfs none rw", b"x 0 0:1 / / rw - a b c"],
    )
    def test_refuses_a_line_of_another_form(self, line: bytes) -> None:
        with pytest.raises(BadMountTable):
            parse_mounts(line + b"\n")

    @pytest.mark.parametrize(
        ("options", "super_options", "expected"),
        [(b"rw", b"rw", False), (b"ro", b"rw", True), (b"rw", b"ro", True), (b"rw,ro_x", b"rw", False)],
    )
    def test_knows_a_read_only_mount(self, options: bytes, super_options: bytes, expected: bool) -> None:
        (entry,) = parse_mounts(b"1 0 0:1 / / " + options + b" - overlay overlay " + super_options)
        assert entry.read_only is expected


class TestThisMachine:
    def test_lists_the_mounts(self) -> None:
        assert any(entry.mount_point == "/proc" for entry in read_mounts())

    def test_finds_a_mount_point(self) -> None:
        entry = mount_at("/proc")
        assert entry is not None
        assert entry.fstype == "proc"

    def test_finds_no_mount_at_an_ordinary_directory(self, tmp_path: object) -> None:
        assert mount_at(str(tmp_path)) is None

    @pytest.mark.parametrize("path", ["/nowhere/at/all", "/proc/version/below-a-file"])
    def test_finds_no_mount_where_nothing_is(self, path: str) -> None:
        assert mount_at(path) is None
        assert mount_containing(path) is None

    def test_tells_in_which_mount_a_file_lies(self) -> None:
        entry = mount_containing("/proc/version")
        assert entry is not None
        assert entry.mount_point == "/proc"

    def test_lists_what_is_mounted_below(self, tmp_path: object) -> None:
        assert mounts_below(str(tmp_path)) == []
        assert {entry.mount_point for entry in mounts_below("/")} >= {"/proc"}
        assert "/proc" not in {entry.mount_point for entry in mounts_below("/proc")}

    @pytest.mark.parametrize("path", ["/proc", "/nowhere", "/etc"])
    def test_does_not_take_a_file_system_for_a_bind_of_itself(self, path: str) -> None:
        assert not is_bound_to_itself(path)
