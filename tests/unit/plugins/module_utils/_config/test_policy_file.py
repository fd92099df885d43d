# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the signature policy is looked for, and that none is ever invented."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.policy_file import NoPolicy, find_policy
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._config.config_host import FakeHost

USERS = "~/.config/containers/policy.json"
SYSTEM = "/etc/containers/policy.json"


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path)


@pytest.mark.parametrize(
    ("present", "explicit", "wanted"),
    [
        ([USERS, SYSTEM], None, USERS),
        ([SYSTEM], None, SYSTEM),
        ([USERS, SYSTEM, "/mine.json"], "/mine.json", "/mine.json"),
        ([USERS, SYSTEM], "", USERS),
        (["/xdg/containers/policy.json", SYSTEM], None, SYSTEM),
    ],
)
@pytest.mark.parametrize("uid", [0, 1000])
def test_one_file_applies(host: FakeHost, uid: int, present: list[str], explicit: str | None, wanted: str) -> None:
    for name in present:
        host.write(name, name)
    paths = host.paths(uid, {"XDG_CONFIG_HOME": host.path("/xdg")})
    found = find_policy(paths, host.path(explicit) if explicit else explicit)
    assert found == (host.path(wanted), wanted.encode())


def test_a_dangling_link_counts_as_absent(host: FakeHost) -> None:
    host.write(SYSTEM, "system")
    os.makedirs(host.path("~/.config/containers"))
    os.symlink("nowhere", host.path(USERS))
    assert find_policy(host.paths(), None) == (host.path(SYSTEM), b"system")


def test_a_file_that_exists_and_cannot_be_read_is_no_reason_to_take_the_next(host: FakeHost) -> None:
    host.write(SYSTEM, "system")
    os.makedirs(host.path(USERS))
    with pytest.raises(HostError) as caught:
        find_policy(host.paths(), None)
    assert not isinstance(caught.value, NoPolicy)
    assert host.path(USERS) in str(caught.value)


def test_without_any_the_error_names_the_places_and_the_role(host: FakeHost) -> None:
    with pytest.raises(NoPolicy) as caught:
        find_policy(host.paths(), None)
    for word in (host.path(USERS), host.path(SYSTEM), "strata.containers.host_config"):
        assert word in str(caught.value)
    assert caught.value.code == "no_policy"


def test_a_file_that_was_given_is_the_only_one(host: FakeHost) -> None:
    host.write(SYSTEM, "system")
    with pytest.raises(NoPolicy, match=r"/missing\.json"):
        find_policy(host.paths(), "/missing.json")
