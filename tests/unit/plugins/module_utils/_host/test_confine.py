# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is left to a process that gives up rights; giving them up for good is tested in tests/security."""

from __future__ import annotations

import os

import pytest
from ansible_collections.strata.containers.plugins.module_utils._host.confine import close_descriptors, landlock_rights


@pytest.mark.parametrize(
    ("version", "rights"),
    [
        (0, ()),
        # Hard links into another directory cannot be allowed before LANDLOCK_ACCESS_FS_REFER (1 << 13).
        (1, ()),
        (2, (0x3FFF,)),
        (3, (0x7FFF,)),  # LANDLOCK_ACCESS_FS_TRUNCATE
        (4, (0x7FFF, 0b11)),  # TCP
        (5, (0xFFFF, 0b11)),  # LANDLOCK_ACCESS_FS_IOCTL_DEV
        (6, (0xFFFF, 0b11, 0b11)),  # scopes
        (7, (0xFFFF, 0b11, 0b11)),
        (99, (0xFFFF, 0b11, 0b11)),
    ],
)
def test_landlock_rules_out_what_each_version_knows(version: int, rights: tuple[int, ...]) -> None:
    assert landlock_rights(version) == rights


def test_descriptors_are_closed_but_for_those_that_are_kept() -> None:
    """In a process of its own, with the lowest numbers kept: closerange(0, 0) would close everything."""
    pid = os.fork()
    if pid == 0:
        try:
            opened = [os.dup(0 if _is_open(0) else os.open(os.devnull, os.O_RDONLY)) for _number in range(6)]
            keep = {0, 1, 2, opened[1], opened[4]}
            open_before = {number for number in keep if _is_open(number)}
            close_descriptors(keep, 256)
            left = {number for number in range(256) if _is_open(number)}
            os._exit(0 if left == open_before else 1)
        finally:
            os._exit(2)
    _pid, status = os.waitpid(pid, 0)
    assert status == 0


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
