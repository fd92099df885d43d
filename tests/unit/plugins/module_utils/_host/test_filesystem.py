# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._host import filesystem
from ansible_collections.strata.containers.plugins.module_utils._host.filesystem import (
    backing_filesystem,
    nearest_directory,
    supports_d_type,
    sync_filesystem,
)
from ansible_collections.strata.containers.plugins.module_utils._host.mountinfo import parse_mounts


# Names of FsNames in drivers/driver_linux.go of containers/storage, by the file system's name in the kernel.
@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        ("ext4", "extfs"),
        ("ext3", "extfs"),
        ("xfs", "xfs"),
        ("btrfs", "btrfs"),
        ("tmpfs", "tmpfs"),
        ("overlay", "overlayfs"),
        ("zfs", "zfs"),
        ("nfs4", "nfs"),
        ("ceph", "cephfs"),
        ("proc", "<unknown>"),
    ],
)
def test_a_file_system_has_the_name_of_containers_storage(
    kernel: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (entry,) = parse_mounts(f"1 0 0:1 / / rw - {kernel} none rw".encode())
    monkeypatch.setattr(filesystem, "mount_containing", lambda _path: entry)
    assert backing_filesystem("/") == expected


def test_a_path_that_does_not_exist_counts_by_the_directory_above(tmp_path: Path) -> None:
    assert nearest_directory(str(tmp_path / "a" / "b")) == str(tmp_path)
    assert backing_filesystem(str(tmp_path / "a" / "b")) == backing_filesystem(str(tmp_path))
    assert not (tmp_path / "a").exists()


def test_directories_tell_the_type_of_their_entries(tmp_path: Path) -> None:
    # Every file system on which a store can be, and on which tests run, does; nothing may be written to find out.
    before = os.stat(tmp_path).st_mtime_ns
    assert supports_d_type(str(tmp_path)) is True
    assert os.stat(tmp_path).st_mtime_ns == before


def test_syncing_an_absent_directory_is_an_error_that_names_it(tmp_path: Path) -> None:
    sync_filesystem(str(tmp_path))
    with pytest.raises(HostError) as raised:
        sync_filesystem(str(tmp_path / "absent"))
    assert raised.value.subject == str(tmp_path / "absent")
