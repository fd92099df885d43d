# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.strata.containers.plugins.module_utils._host.mountinfo import parse_mounts
from ansible_collections.strata.containers.plugins.module_utils._host.selinux import labels_count, selinux_enabled

# Lines as proc(5) has them, from hosts with SELinux.
SELINUXFS = b"27 24 0:19 / /sys/fs/selinux rw,nosuid,noexec,relatime shared:11 - selinuxfs selinuxfs rw\n"
FOR_A_CONTAINER = b"27 24 0:19 / /sys/fs/selinux ro,nosuid,noexec,relatime - selinuxfs selinuxfs rw\n"
SYSFS = b"24 1 0:22 / /sys rw,nosuid,nodev,noexec,relatime shared:2 - sysfs sysfs rw\n"


@pytest.mark.parametrize(
    ("table", "label", "expected"),
    [
        (SYSFS + SELINUXFS, "unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023", True),
        (SYSFS + SELINUXFS, "kernel", False),
        (SYSFS + FOR_A_CONTAINER, "system_u:system_r:container_t:s0:c1,c2", False),
        (SYSFS, "", False),
        (SYSFS, "unconfined", False),
    ],
    ids=["enforcing", "no policy yet", "inside a container", "no SELinux", "AppArmor"],
)
def test_labels_count_where_a_policy_is_at_work(table: bytes, label: str, expected: bool) -> None:
    assert labels_count(parse_mounts(table), label) is expected


def test_this_machine_has_selinux_where_its_file_system_can_be_used() -> None:
    assert selinux_enabled() is os.access("/sys/fs/selinux/enforce", os.W_OK)
