# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The user and the environment that configuration is looked for with."""

from __future__ import annotations

import os
import pwd
from types import SimpleNamespace

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
