# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates for a registry: which directory, and which of its files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config import certs_dir
from ansible_collections.strata.containers.plugins.module_utils._config.certs_dir import connection_files
from ansible_collections.strata.containers.plugins.module_utils._config.toml_file import InvalidConfig
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._config.config_host import FakeHost

HOST = "reg.test:5000"


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path)


def test_without_a_directory_there_is_nothing(host: FakeHost) -> None:
    assert connection_files(host.paths(), HOST, None) == ((), None)


@pytest.mark.parametrize(
    ("present", "wanted"),
    [
        (["~/.config/containers", "/etc/containers", "/etc/docker"], "~/.config/containers"),
        (["/etc/containers", "/etc/docker"], "/etc/containers"),
        (["/etc/docker"], "/etc/docker"),
    ],
)
def test_the_first_directory_that_exists_is_the_only_one(host: FakeHost, present: list[str], wanted: str) -> None:
    for place in present:
        host.write(f"{place}/certs.d/{HOST}/ca.crt")
        host.write(f"{place}/certs.d/reg.test/other.crt")
    assert connection_files(host.paths(), HOST, None) == ((host.path(f"{wanted}/certs.d/{HOST}/ca.crt"),), None)


def test_an_empty_directory_hides_the_later_ones(host: FakeHost) -> None:
    os.makedirs(host.path(f"~/.config/containers/certs.d/{HOST}"))
    host.write(f"/etc/containers/certs.d/{HOST}/ca.crt")
    assert connection_files(host.paths(), HOST, None) == ((), None)


def test_authorities_and_the_first_pair_by_name(host: FakeHost) -> None:
    for name in ("b.crt", "a.crt", "readme", "z.cert", "z.key", "c.cert", "c.key"):
        host.write(f"/given/{name}")
    given = host.path("/given")
    assert connection_files(host.paths(), HOST, given) == (
        (f"{given}/a.crt", f"{given}/b.crt"),
        (f"{given}/c.cert", f"{given}/c.key"),
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x.cert", "missing key x.key for client certificate x.cert"),
        ("x.key", "missing client certificate x.cert for key x.key"),
    ],
)
def test_half_a_pair_is_an_error(host: FakeHost, name: str, message: str) -> None:
    host.write(f"/etc/containers/certs.d/{HOST}/{name}")
    with pytest.raises(InvalidConfig, match=message):
        connection_files(host.paths(), HOST, None)


def test_a_directory_that_was_given_must_be_there(host: FakeHost) -> None:
    with pytest.raises(HostError, match="/missing"):
        connection_files(host.paths(), HOST, "/missing")


def test_a_directory_that_was_found_and_cannot_be_read_is_skipped(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.write(f"/etc/containers/certs.d/{HOST}/ca.crt")

    def refuse(path: str) -> list[str]:
        raise PermissionError(path)

    monkeypatch.setattr(certs_dir.os, "listdir", refuse)
    assert connection_files(host.paths(), HOST, None) == ((), None)
