# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._host.mounts import MountFailed, fits, mount, unmount

PAGE = os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize(("length", "expected"), [(0, True), (PAGE - 1, True), (PAGE, False)])
def test_data_fits_when_it_is_shorter_than_a_page(length: int, expected: bool) -> None:
    assert fits("x" * length) is expected


def test_data_counts_in_bytes() -> None:
    assert not fits("\u00e4" * (PAGE // 2))


def test_data_that_the_kernel_would_cut_off_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MountFailed) as raised:
        mount("overlay", str(tmp_path), "overlay", 0, "x" * PAGE)
    assert raised.value.error_number == errno.E2BIG


def test_a_refused_unmount_names_the_path_and_the_reason(tmp_path: Path) -> None:
    with pytest.raises(HostError) as raised:
        unmount(str(tmp_path))
    assert isinstance(raised.value, MountFailed)
    assert raised.value.code == "mount_failed"
    assert raised.value.subject == str(tmp_path)
    # Root is told that nothing is mounted, anybody else that it takes rights.
    expected = errno.EINVAL if os.geteuid() == 0 else errno.EPERM
    assert raised.value.error_number == expected
    assert os.strerror(expected) in raised.value.message


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/proc")
    with pytest.raises(MountFailed):
        unmount(str(tmp_path / "link"), detach=True)
    assert os.path.ismount("/proc")
