# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drop-ins and the last file, as containers/storage 1.63 reads them (containers-storage.conf(5) and its configfile package)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.storage_conf import load_store_settings
from ansible_collections.strata.containers.plugins.module_utils._config.toml_file import InvalidConfig
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._config.config_host import FakeHost

MAIN = """
[storage]
driver = "overlay"
graphroot = "/main"
[storage.options]
additionalimagestores = ["/a"]
[storage.options.overlay]
mountopt = "nodev"
"""


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    host = FakeHost(tmp_path)
    host.write("/etc/containers/storage.conf", MAIN)
    return host


def graph_root(text: str) -> str:
    return f'[storage]\ngraphroot = "{text}"\n'


def test_a_drop_in_goes_over_the_main_file_and_leaves_the_rest(host: FakeHost) -> None:
    drop_in = host.write("/etc/containers/storage.conf.d/10-root.conf", graph_root("/drop-in"))
    settings = load_store_settings(host.paths())
    assert (settings.graph_root, settings.driver) == ("/drop-in", "overlay")
    assert settings.options == ("overlay.imagestore=/a", "overlay.mountopt=nodev")
    assert settings.origin == f"{host.path('/etc/containers/storage.conf')}, {drop_in}"


@pytest.mark.parametrize(
    ("uid", "places", "wanted"),
    [
        (0, ["/usr/share/containers/storage.conf.d/2", "/etc/containers/storage.conf.d/1"], "2"),
        (0, ["/usr/share/containers/storage.conf.d/1", "/etc/containers/storage.conf.d/1"], "/etc"),
        (0, ["/etc/containers/storage.conf.d/1", "/etc/containers/storage.rootful.conf.d/1"], "rootful"),
        (0, ["/etc/containers/storage.rootful.conf.d/1", "~/.config/containers/storage.conf.d/1"], ".config"),
        (0, ["/etc/containers/storage.conf.d/1", "/etc/containers/storage.rootless.conf.d/2"], ".conf.d/1"),
        (7, ["/etc/containers/storage.rootless.conf.d/1", "/etc/containers/storage.rootful.conf.d/2"], "rootless"),
        (7, ["/etc/containers/storage.rootless.conf.d/1", "/etc/containers/storage.rootless.conf.d/7/1"], "/7/"),
        (7, ["/etc/containers/storage.rootless.conf.d/7/1", "/etc/containers/storage.rootless.conf.d/8/2"], "/7/"),
    ],
)
def test_names_order_drop_ins_and_a_later_directory_replaces_one(
    host: FakeHost, uid: int, places: list[str], wanted: str
) -> None:
    for place in places:
        host.write(f"{place}.conf", graph_root(place.replace("~", "/home")))
    assert wanted in load_store_settings(host.paths(uid)).graph_root


def test_only_plain_files_with_the_ending_are_drop_ins(host: FakeHost) -> None:
    host.write("/etc/containers/storage.conf.d/1.conf.bak", graph_root("/wrong"))
    os.mkdir(host.path("/etc/containers/storage.conf.d/2.conf"))
    os.symlink(host.write("/elsewhere", graph_root("/wrong")), host.path("/etc/containers/storage.conf.d/3.conf"))
    settings = load_store_settings(host.paths())
    assert (settings.graph_root, settings.origin) == ("/main", host.path("/etc/containers/storage.conf"))


def test_the_last_file_goes_over_everything_but_the_environment(host: FakeHost) -> None:
    host.write("/etc/containers/storage.conf.d/1.conf", graph_root("/drop-in"))
    last = host.write("/last", graph_root("/last") + '[storage.options.overlay]\nmountopt = "nosuid"')
    settings = load_store_settings(host.paths(0, {"CONTAINERS_STORAGE_CONF_OVERRIDE": last}))
    assert settings.graph_root == "/last" and settings.options[-1] == "overlay.mountopt=nosuid"
    environment = {"CONTAINERS_STORAGE_CONF_OVERRIDE": last, "STORAGE_OPTS": "overlay.mountopt=noexec"}
    assert load_store_settings(host.paths(0, environment)).options == ("overlay.mountopt=noexec",)


def test_a_named_file_has_no_drop_ins_but_a_last_file(host: FakeHost) -> None:
    host.write("/etc/containers/storage.conf.d/1.conf", graph_root("/drop-in"))
    named = host.write("/named", graph_root("/named"))
    last = host.write("/last", '[storage]\nrunroot = "/last"')
    environment = {"CONTAINERS_STORAGE_CONF": named}
    assert load_store_settings(host.paths(0, environment)).graph_root == "/named"
    settings = load_store_settings(host.paths(0, {**environment, "CONTAINERS_STORAGE_CONF_OVERRIDE": last}))
    assert (settings.graph_root, settings.run_root) == ("/named", "/last")
    # What a task names goes before the environment.
    paths = host.paths(0, {"CONTAINERS_STORAGE_CONF_OVERRIDE": last})
    assert load_store_settings(paths, storage_conf=named).run_root == "/run/containers/storage"


@pytest.mark.parametrize("name", ["CONTAINERS_STORAGE_CONF", "CONTAINERS_STORAGE_CONF_OVERRIDE"])
def test_a_file_that_a_variable_names_must_be_there(host: FakeHost, name: str) -> None:
    with pytest.raises(InvalidConfig, match="/missing"):
        load_store_settings(host.paths(0, {name: "/missing"}))
    # Empty is unset.
    assert load_store_settings(host.paths(0, {name: ""})).graph_root == "/main"


@pytest.mark.parametrize(
    ("lists", "wanted"),
    [
        (['["/b"]'], ["/b"]),
        (['["/b", {append = true}]'], ["/a", "/b"]),
        (['["/b", {append = true}]', '["/c"]'], ["/a", "/b", "/c"]),
        (['["/b", {append = true}]', '["/c", {append = false}]'], ["/c"]),
        (["[{append = true}]"], ["/a"]),
        (["[]"], []),
    ],
)
def test_lists_are_replaced_unless_they_say_otherwise(host: FakeHost, lists: list[str], wanted: list[str]) -> None:
    for number, text in enumerate(lists):
        host.write(
            f"/etc/containers/storage.conf.d/{number}.conf", f"[storage.options]\nadditionalimagestores = {text}"
        )
    options = load_store_settings(host.paths()).options
    assert [option for option in options if "imagestore" in option] == [
        f"overlay.imagestore={store}" for store in wanted
    ]


@pytest.mark.parametrize("attributes", ['{append = "yes"}', "{prepend = true}", "{}"])
def test_other_attributes_of_a_list_are_errors(host: FakeHost, attributes: str) -> None:
    path = host.write(
        "/etc/containers/storage.conf.d/1.conf", f"[storage.options]\nadditionalimagestores = [{attributes}]"
    )
    with pytest.raises(InvalidConfig, match="storage.options.additionalimagestores") as caught:
        load_store_settings(host.paths())
    assert caught.value.subject.startswith(path)


def test_a_bad_drop_in_is_named(host: FakeHost) -> None:
    path = host.write("/etc/containers/storage.conf.d/1.conf", "x")
    with pytest.raises(InvalidConfig, match="not TOML") as caught:
        load_store_settings(host.paths())
    assert caught.value.subject == path


def test_with_drop_ins_a_user_gets_the_whole_file_of_the_system(host: FakeHost) -> None:
    assert load_store_settings(host.paths(7)).graph_root == host.path("~/.local/share/containers/storage")
    host.write("/etc/containers/storage.conf.d/1.conf", "")
    assert load_store_settings(host.paths(7)).graph_root == "/main"


def test_with_drop_ins_root_has_a_file_at_home_and_the_driver_need_not_be_named(host: FakeHost) -> None:
    host.write("~/.config/containers/storage.conf", '[storage.options.overlay]\nmountopt = "noexec"')
    assert load_store_settings(host.paths()).graph_root == "/main"
    host.write("/etc/containers/storage.conf.d/1.conf", graph_root("/drop-in"))
    settings = load_store_settings(host.paths())
    assert (settings.graph_root, settings.driver, settings.options) == ("/drop-in", "", ("overlay.mountopt=noexec",))
