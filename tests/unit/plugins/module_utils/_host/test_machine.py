# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

from ansible_collections.strata.containers.plugins.module_utils._host.machine import (
    cpuinfo,
    is_root,
    machine,
    module_parameter,
)


def test_the_machine_is_what_uname_says() -> None:
    assert machine() == os.uname().machine


def test_the_processor_is_described() -> None:
    assert cpuinfo() != ""


def test_root_is_the_effective_user_0() -> None:
    assert is_root() is (os.geteuid() == 0)


def test_a_module_that_is_not_there_has_no_parameters() -> None:
    assert module_parameter("no_such_module", "any") is None
