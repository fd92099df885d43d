# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The user and the environment that configuration is looked for with."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.paths import ConfigPaths


def test_the_home_directory_is_that_of_the_effective_user_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "/home/somebody-else")
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: SimpleNamespace(pw_dir=f"/home/of-{uid}"))
    paths = ConfigPaths.of_this_user()
    assert paths.home == f"/home/of-{os.geteuid()}"
    assert paths.uid == os.geteuid()


@pytest.mark.parametrize(("variable", "wanted"), [("/home/x", "/home/x"), ("", "/")])
def test_a_user_that_the_database_does_not_know_has_the_home_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, variable: str, wanted: str
) -> None:
    def unknown(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setenv("HOME", variable)
    assert ConfigPaths.of_this_user().home == wanted


def test_empty_variables_count_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "DOCKER_CONFIG"):
        monkeypatch.setenv(name, "")
    paths = ConfigPaths.of_this_user()
    assert (paths.xdg_config_home, paths.xdg_runtime_dir, paths.docker_config) == (None, None, None)


UID = 4711
ROOT, NOBODY, OURS = 0, 65534, UID


def status_of(owners: dict[str, int]) -> Callable[..., Any]:
    """``os.stat`` for a host on which these directories have these owners; an owner of -1 may not be asked for."""

    def stat(path: str, **_options: Any) -> SimpleNamespace:
        if path not in owners:
            raise FileNotFoundError(path)
        if owners[path] == -1:
            raise PermissionError(path)
        return SimpleNamespace(st_uid=owners[path])

    return stat


@pytest.mark.parametrize(
    ("uid", "directory", "owner", "wanted"),
    [
        # The specification: "The directory MUST be owned by the user, and he MUST be the only one having ... access to it."
        (UID, "/run/user/4711", OURS, True),
        (UID, "/run/user/0", ROOT, False),
        (ROOT, "/run/user/4711", OURS, False),
        (UID, "/run/user/0", -1, False),
        # What does not exist is a mistake, about which a login complains.
        (UID, "/run/user/4711", None, True),
        (UID, "/srv/run", None, True),
        # That of a session that has ended, kept by su or sudo.
        (UID, "/run/user/0", None, False),
        (UID, "/run/user/1000/", None, False),
        # "If an implementation encounters a relative path ... it should consider the path invalid and ignore it."
        (UID, "run/user/4711", OURS, False),
        (UID, "run", None, False),
    ],
)
def test_the_runtime_directory_of_another_user_does_not_count(
    monkeypatch: pytest.MonkeyPatch, uid: int, directory: str, owner: int | None, wanted: bool
) -> None:
    paths = inherited(monkeypatch, uid, "XDG_RUNTIME_DIR", directory, owner)
    assert paths.xdg_runtime_dir == (directory if wanted else None)
    assert ("XDG_RUNTIME_DIR" in paths.environment_of_programs()) is wanted


@pytest.mark.parametrize(
    ("uid", "directory", "owner", "wanted"),
    [
        (UID, "/home/of-4711/.config", OURS, True),
        (UID, "/srv/config", ROOT, True),
        (UID, "/home/of-0/.config", ROOT, False),
        (UID, "/home/of-0/.config", -1, False),
        (UID, "/home/of-1/.config", NOBODY, False),
        (UID, "/srv/config", None, True),
        (UID, "config", OURS, False),
        (ROOT, "/home/of-0/.config", ROOT, True),
        (ROOT, "/home/of-4711/.config", OURS, False),
    ],
)
def test_the_configuration_of_another_user_does_not_count(
    monkeypatch: pytest.MonkeyPatch, uid: int, directory: str, owner: int | None, wanted: bool
) -> None:
    paths = inherited(monkeypatch, uid, "XDG_CONFIG_HOME", directory, owner)
    assert paths.xdg_config_home == (directory if wanted else None)
    assert ("XDG_CONFIG_HOME" in paths.environment_of_programs()) is wanted


def inherited(monkeypatch: pytest.MonkeyPatch, uid: int, name: str, directory: str, owner: int | None) -> ConfigPaths:
    monkeypatch.setenv(name, directory)
    monkeypatch.setenv("HOME", "/home/somebody-else")
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: SimpleNamespace(pw_dir=f"/home/of-{uid}"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", status_of({} if owner is None else {directory: owner}))
        return ConfigPaths.of_this_user()


def test_programs_are_given_the_home_directory_that_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = inherited(monkeypatch, UID, "DOCKER_CONFIG", "/root/.docker", ROOT)
    assert paths.environment_of_programs()["HOME"] == "/home/of-4711"
    # Nobody sets this one but on purpose.
    assert paths.docker_config == paths.environment_of_programs()["DOCKER_CONFIG"] == "/root/.docker"


def test_the_environment_is_taken_once_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATA_TOKEN", "s3cr3t")
    paths = ConfigPaths.of_this_user()
    monkeypatch.delenv("STRATA_TOKEN")
    assert paths.environment["STRATA_TOKEN"] == "s3cr3t"
    assert "s3cr3t" not in repr(paths)


def test_config_home_is_the_variable_or_below_the_home_directory() -> None:
    assert ConfigPaths("/root", 0).config_home == "/root/.config"
    assert ConfigPaths("/root", 0, xdg_config_home="/x").config_home == "/x"


def test_only_paths_of_the_system_are_below_the_root_of_tests() -> None:
    paths = ConfigPaths("/root", 0, root="/tmp/x")
    assert paths.in_system("/etc/a") == "/tmp/x/etc/a"
    assert paths.in_home("a", "b") == "/root/a/b"


@pytest.mark.parametrize(("uid", "wanted"), [(0, False), (1000, True)])
def test_rootless_is_everybody_but_root(uid: int, wanted: bool) -> None:
    assert ConfigPaths("/", uid).rootless is wanted
