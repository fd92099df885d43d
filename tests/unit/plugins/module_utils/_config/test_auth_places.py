# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files are read, and which one is written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.auth_file import AuthFile
from ansible_collections.strata.containers.plugins.module_utils._config.auth_places import (
    AuthPlace,
    NoRuntimeDirectory,
    auth_places,
    is_docker_file,
    login_file,
)
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._host.os_errors import PermissionDenied
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._config.config_host import FakeHost

UID = 4711


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path)


@pytest.mark.parametrize(
    ("option", "environment", "wanted"),
    [
        ("/given/a.json", {"REGISTRY_AUTH_FILE": "/x"}, "/given/a.json"),
        (None, {"REGISTRY_AUTH_FILE": "/named.json", "DOCKER_CONFIG": "/docker"}, "/named.json"),
        (None, {"DOCKER_CONFIG": "/docker", "XDG_RUNTIME_DIR": "/rt"}, "/docker/config.json"),
        (None, {"XDG_RUNTIME_DIR": "/rt"}, "/rt/containers/auth.json"),
        (None, {"XDG_CONFIG_HOME": "/xdg"}, "/run/containers/0/auth.json"),
        (None, {}, "/run/containers/0/auth.json"),
    ],
)
def test_a_login_goes_where_podman_puts_it(
    host: FakeHost, option: str | None, environment: dict[str, str], wanted: str
) -> None:
    real = {name: host.path(value) for name, value in environment.items()}
    os.makedirs(host.path("/rt"))
    assert login_file(host.paths(0, real), host.path(option) if option else None) == host.path(wanted)


def test_a_runtime_directory_that_is_not_there_is_an_error(host: FakeHost) -> None:
    paths = host.paths(0, {"XDG_RUNTIME_DIR": host.path("/rt")})
    with pytest.raises(NoRuntimeDirectory, match="XDG_RUNTIME_DIR") as caught:
        login_file(paths, None)
    assert caught.value.subject == host.path("/rt")
    assert login_file(paths, "/given") == "/given"


def owned_by(owners: dict[str, int]) -> Callable[..., Any]:
    """``os.lstat`` for which these paths are directories of these users."""
    real = os.lstat

    def lstat(path: Any, **options: Any) -> Any:
        if str(path) in owners:
            return SimpleNamespace(st_uid=owners[str(path)], st_mode=0o040700)
        return real(path, **options)

    return lstat


@pytest.mark.parametrize(
    ("owners", "wanted"),
    [
        # podman 4.3.1, run by a user without XDG_RUNTIME_DIR.
        ({"/run/user/4711": UID, "/tmp/podman-run-4711": UID}, "/run/user/4711/containers/auth.json"),
        ({"/tmp/podman-run-4711": UID}, "/tmp/podman-run-4711/containers/auth.json"),
        ({}, "/tmp/podman-run-4711/containers/auth.json"),
    ],
)
def test_a_user_without_a_runtime_directory_has_podmans(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch, owners: dict[str, int], wanted: str
) -> None:
    monkeypatch.setattr(os, "lstat", owned_by({host.path(path): uid for path, uid in owners.items()}))
    paths = host.paths(UID)
    assert login_file(paths, None) == host.path(wanted)
    first = auth_places(paths, None)[0]
    assert first.path == (host.path(wanted) if owners else host.path("/run/containers/4711/auth.json"))


def test_another_users_directory_in_tmp_is_neither_read_nor_written(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "lstat", owned_by({host.path("/tmp/podman-run-4711"): 1}))
    paths = host.paths(UID)
    assert all("/tmp/podman-run" not in place.path for place in auth_places(paths, None))
    with pytest.raises(HostError):
        login_file(paths, None)


def test_a_place_that_was_only_guessed_may_be_closed_to_us(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    path = host.write("/run/containers/4711/auth.json", "{}")
    real = os.open

    def refuse(name: Any, *arguments: Any, **options: Any) -> int:
        if name == path:
            raise PermissionError(13, "no")
        return real(name, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    assert AuthFile(AuthPlace(path, guessed=True)).keys_of_host("quay.io") == ()
    with pytest.raises(PermissionDenied):
        AuthFile(AuthPlace(path))
    assert [place.guessed for place in auth_places(host.paths(UID), None)] == [True, False, False, False]
    assert [place.guessed for place in auth_places(host.paths(0), None)] == [False] * 4


@pytest.mark.parametrize(("path", "wanted"), [("/a/config.json", True), ("/a/auth.json", False), ("config.json", True)])
def test_files_of_docker_are_known_by_their_name(path: str, wanted: bool) -> None:
    assert is_docker_file(path) is wanted
