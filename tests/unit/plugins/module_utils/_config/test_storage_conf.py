# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The store that options, environment and storage.conf name together."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config import paths as config_paths
from ansible_collections.strata.containers.plugins.module_utils._config.storage_conf import (
    RelativePath,
    StoreSettings,
    UnsupportedSetting,
    load_store_settings,
)
from ansible_collections.strata.containers.plugins.module_utils._config.toml_file import InvalidConfig
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._config.config_host import FakeHost

NO_PROGRAMS = {"PATH": "/nonexistent"}
DEBIAN = """
[storage]
driver = "overlay"
graphroot = "/srv/graph"
runroot = "/srv/run"
[storage.options]
additionalimagestores = []
[storage.options.overlay]
mountopt = "nodev"
"""


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path)


def test_without_any_file_the_defaults_of_root(host: FakeHost) -> None:
    assert load_store_settings(host.paths()) == StoreSettings(
        "/var/lib/containers/storage", "/run/containers/storage", "", (), "built-in defaults"
    )


def test_without_any_file_the_defaults_of_a_user(host: FakeHost) -> None:
    settings = load_store_settings(host.paths(1000, {"XDG_RUNTIME_DIR": "/run/user/1000"}))
    assert settings.graph_root == host.path("~/.local/share/containers/storage")
    assert settings.run_root == "/run/user/1000/containers"
    settings = load_store_settings(host.paths(1000, {"XDG_RUNTIME_DIR": "/r", "XDG_DATA_HOME": "/d"}))
    assert settings.graph_root == "/d/containers/storage"


@pytest.mark.parametrize(
    ("own", "environment", "wanted"),
    [
        (["{base}/run/user/4711", "/tmp/podman-run-4711"], {}, "{base}/run/user/4711/containers"),
        (["/tmp/podman-run-4711"], {}, "/tmp/podman-run-4711/containers"),
        (["/tmp/podman-run-4711"], {"TMPDIR": "/var/tmp", **NO_PROGRAMS}, "/var/tmp/storage-run-4711/containers"),
        ([], NO_PROGRAMS, "/tmp/storage-run-4711/containers"),
    ],
)
def test_the_run_root_of_a_user_without_a_session(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch, own: list[str], environment: dict[str, str], wanted: str
) -> None:
    theirs = [(path.format(base=host.base), 4711) for path in own]
    monkeypatch.setattr(config_paths, "_is_own_directory", lambda path, uid: (path, uid) in theirs)
    assert load_store_settings(host.paths(4711, environment)).run_root == wanted.format(base=host.base)


@pytest.mark.parametrize(
    ("says", "wanted"),
    [
        ("podman version 4.9.5-dev", "podman-run"),
        ("podman version 5.0.0", "storage-run"),
        ("podman version 10.1.0", "storage-run"),
        ("Error: cannot do it", "storage-run"),
    ],
)
def test_who_comes_before_podman_makes_the_directory_that_podman_would(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, says: str, wanted: str
) -> None:
    # It makes a directory in any case.
    program = Path(host.write("/bin/podman", f'#!/bin/sh\nmkdir "$XDG_RUNTIME_DIR/libpod" && echo "{says}"\n'))
    program.chmod(0o755)
    passing = tmp_path / "passing"
    passing.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(passing))
    paths = host.paths(4711, {"PATH": f"{program.parent}:/usr/bin:/bin", "TMPDIR": str(program.parent)})
    assert paths.runtime_dir == f"{program.parent}/{wanted}-4711"
    assert not os.listdir(passing)
    monkeypatch.setattr(tempfile, "tempdir", str(passing / "missing"))
    assert replace(paths).runtime_dir == f"{program.parent}/storage-run-4711"


def test_a_directory_of_somebody_else_is_not_the_users(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    assert config_paths._is_own_directory(str(tmp_path), os.geteuid())
    assert not config_paths._is_own_directory(str(tmp_path), os.geteuid() + 1)
    assert not config_paths._is_own_directory(str(tmp_path / "missing"), os.geteuid())
    assert not config_paths._is_own_directory(str(tmp_path / "link"), os.geteuid())


def test_the_file_of_the_system(host: FakeHost) -> None:
    path = host.write("/etc/containers/storage.conf", DEBIAN)
    assert load_store_settings(host.paths()) == StoreSettings(
        "/srv/graph", "/srv/run", "overlay", ("overlay.mountopt=nodev",), path
    )


@pytest.mark.parametrize(
    ("present", "environment", "wanted"),
    [
        (["/etc", "/usr/share"], {}, "/etc"),
        (["/usr/share"], {}, "/usr/share"),
        (["~/.config", "/etc"], {}, "/etc"),
        (["~/.config", "/etc"], {"XDG_CONFIG_HOME": "~/.config"}, "~/.config"),
        (["/etc"], {"XDG_CONFIG_HOME": "~/.config"}, "/etc"),
        (["/etc", "/named"], {"CONTAINERS_STORAGE_CONF": "/named"}, "/named"),
        (["~/.config", "/named"], {"CONTAINERS_STORAGE_CONF": "/named", "XDG_CONFIG_HOME": "~/.config"}, "/named"),
    ],
)
def test_root_reads_one_file(host: FakeHost, present: list[str], environment: dict[str, str], wanted: str) -> None:
    for place in present:
        host.write(f"{place}/containers/storage.conf", f'[storage]\ngraphroot = "/of{place}"\n')
    environment = {name: host.path(value) for name, value in environment.items()}
    if "CONTAINERS_STORAGE_CONF" in environment:
        environment["CONTAINERS_STORAGE_CONF"] += "/containers/storage.conf"
    settings = load_store_settings(host.paths(0, environment))
    assert settings.origin == host.path(f"{wanted}/containers/storage.conf")
    assert settings.graph_root == f"/of{wanted}"


def test_the_option_goes_before_the_variable(host: FakeHost) -> None:
    named = host.write("/named.conf", '[storage]\ndriver = "vfs"')
    paths = host.paths(0, {"CONTAINERS_STORAGE_CONF": host.write("/other.conf", '[storage]\ndriver = "btrfs"')})
    assert load_store_settings(paths, storage_conf=named).driver == "vfs"


def test_a_file_that_was_named_must_exist(host: FakeHost) -> None:
    for paths, option in (
        (host.paths(), "/missing.conf"),
        (host.paths(0, {"CONTAINERS_STORAGE_CONF": "/missing.conf"}), None),
    ):
        with pytest.raises(InvalidConfig, match=r"/missing\.conf"):
            load_store_settings(paths, storage_conf=option)


SYSTEM = """
[storage]
driver = "%s"
graphroot = "/srv/graph"
runroot = "/srv/run"
%s
[storage.options.overlay]
mountopt = "nodev"
ignore_chown_errors = "true"
"""


def test_a_user_takes_little_from_the_file_of_the_system(host: FakeHost) -> None:
    path = host.write("/etc/containers/storage.conf", SYSTEM % ("overlay", ""))
    settings = load_store_settings(host.paths(1000, {"XDG_RUNTIME_DIR": "/r"}))
    assert settings == StoreSettings(
        host.path("~/.local/share/containers/storage"),
        "/r/containers",
        "overlay",
        ("overlay.ignore_chown_errors=true",),
        path,
        rootless=True,
    )


def test_a_user_takes_the_rootless_path_of_the_system_but_not_its_driver_for_root(host: FakeHost) -> None:
    host.write("/etc/containers/storage.conf", SYSTEM % ("zfs", 'rootless_storage_path = "/srv/$UID/${USER}"'))
    settings = load_store_settings(host.paths(1000, {"XDG_RUNTIME_DIR": "/r", "USER": "me"}))
    assert (settings.graph_root, settings.driver) == ("/srv/1000/me", "")


def test_a_file_of_the_users_own_counts_alone(host: FakeHost) -> None:
    host.write("/etc/containers/storage.conf", SYSTEM % ("overlay", ""))
    path = host.write(
        "~/.config/containers/storage.conf", '[storage]\nrunroot = "$HOME/run"\nrootless_storage_path = "/mine"'
    )
    settings = load_store_settings(host.paths(1000, {"XDG_RUNTIME_DIR": "/r"}))
    assert settings == StoreSettings("/mine", host.path("~/run"), "", (), path, rootless=True)


def test_graphroot_goes_before_the_rootless_path(host: FakeHost) -> None:
    host.write("~/.config/containers/storage.conf", '[storage]\ngraphroot = "/g"\nrootless_storage_path = "/mine"')
    assert load_store_settings(host.paths(1000)).graph_root == "/g"


def test_root_has_no_use_for_the_rootless_path(host: FakeHost) -> None:
    host.write("/etc/containers/storage.conf", '[storage]\nrootless_storage_path = "/mine"')
    assert load_store_settings(host.paths()).graph_root == "/var/lib/containers/storage"


@pytest.mark.parametrize(
    ("options", "environment", "wanted"),
    [
        ({}, {}, ("/srv/graph", "/srv/run", "overlay", ("overlay.mountopt=nodev",))),
        ({"root": "/r"}, {}, ("/r", "/srv/run", "overlay", ())),
        ({"runroot": "/r"}, {}, ("/srv/graph", "/r", "overlay", ("overlay.mountopt=nodev",))),
        ({"driver": "overlay"}, {}, ("/srv/graph", "/srv/run", "overlay", ())),
        ({"driver": "vfs"}, {}, ("/srv/graph", "/srv/run", "vfs", ())),
        ({"driver": "overlay2"}, {}, ("/srv/graph", "/srv/run", "overlay", ())),
        ({"driver_options": ["overlay.size=1"]}, {}, ("/srv/graph", "/srv/run", "overlay", ("overlay.size=1",))),
        ({"driver_options": []}, {}, ("/srv/graph", "/srv/run", "overlay", ())),
        ({"root": "/r", "driver_options": ["a=b"]}, {}, ("/r", "/srv/run", "overlay", ("a=b",))),
        ({}, {"STORAGE_DRIVER": "vfs"}, ("/srv/graph", "/srv/run", "vfs", ())),
        ({"driver": "overlay"}, {"STORAGE_DRIVER": "vfs"}, ("/srv/graph", "/srv/run", "overlay", ())),
        ({}, {"STORAGE_OPTS": "a=b,c=d"}, ("/srv/graph", "/srv/run", "overlay", ("a=b", "c=d"))),
        ({}, {"STORAGE_OPTS": ""}, ("/srv/graph", "/srv/run", "overlay", ())),
        ({"root": "/r"}, {"STORAGE_OPTS": "a=b"}, ("/r", "/srv/run", "overlay", ())),
        ({"root": "//r/../x/"}, {}, ("/x", "/srv/run", "overlay", ())),
    ],
)
def test_options_go_before_the_environment_and_that_before_the_file(
    host: FakeHost, options: dict[str, Any], environment: dict[str, str], wanted: tuple[object, ...]
) -> None:
    host.write("/etc/containers/storage.conf", DEBIAN)
    settings = load_store_settings(host.paths(0, environment), **options)
    assert (settings.graph_root, settings.run_root, settings.driver, settings.options) == wanted


@pytest.mark.parametrize(
    ("driver", "table", "wanted"),
    [
        ("overlay", '[storage.options.overlay]\nmountopt = "nodev"', ["overlay.mountopt=nodev"]),
        # podman 4.3.1 looks for the table of a driver that is named.
        ("", '[storage.options.overlay]\nmountopt = "nodev"', []),
        ("", '[storage.options]\nmountopt = "nodev"', ["overlay.mountopt=nodev"]),
        ("overlay2", '[storage.options.overlay]\nmountopt = "nodev"', ["overlay.mountopt=nodev"]),
        (
            "overlay",
            '[storage.options]\nmountopt = "nodev"\nsize = "1G"',
            ["overlay.size=1G", "overlay.mountopt=nodev"],
        ),
        (
            "overlay",
            '[storage.options]\nmountopt = "nodev"\n[storage.options.overlay]\nmountopt = "nosuid"\nsync = "filesystem"',
            ["overlay.mountopt=nosuid", "overlay.sync=filesystem"],
        ),
        ("overlay", "[storage.options]\nforce_mask = 0o700", ["overlay.force_mask=700"]),
        ("overlay", "[storage.options]\nforce_mask = 0", []),
        ("overlay", '[storage.options.overlay]\nforce_mask = "shared"', ["overlay.force_mask=shared"]),
        (
            "overlay",
            '[storage.options]\nadditionalimagestores = ["/a", "/b"]\nadditionallayerstores = ["/c:ref"]',
            ["overlay.imagestore=/a", "overlay.imagestore=/b", "overlay.additionallayerstore=/c:ref"],
        ),
        ("vfs", '[storage.options]\nmountopt = "x"\n[storage.options.overlay]\ninodes = "1"', ["vfs.mountopt=x"]),
        ("vfs", '[storage.options.vfs]\nignore_chown_errors = "true"', ["vfs.ignore_chown_errors=true"]),
        ("btrfs", '[storage.options]\nsize = "1G"\n[storage.options.btrfs]\nmountopt = "x"', ["btrfs.size=1G"]),
        ("btrfs", '[storage.options.btrfs]\nmin_space = "1G"', ["btrfs.min_space=1G"]),
        ("overlay", '[storage.options]\nunknown = 1\nuse_composefs = "true"\nremap-user = "me"\nremap-uids = ""', []),
    ],
)
def test_driver_options_of_the_file(host: FakeHost, driver: str, table: str, wanted: list[str]) -> None:
    host.write("/etc/containers/storage.conf", f'[storage]\ndriver = "{driver}"\n{table}\n')
    assert list(load_store_settings(host.paths()).options) == wanted


def test_links_in_a_path_of_the_file_are_followed_where_they_lead_somewhere(host: FakeHost) -> None:
    target = host.base / "target"
    target.mkdir()
    (host.base / "link").symlink_to(target)
    host.write(
        "/etc/containers/storage.conf", f'[storage]\ngraphroot = "{host.base}/link"\nrunroot = "{host.base}/link/none/"'
    )
    settings = load_store_settings(host.paths())
    assert (settings.graph_root, settings.run_root) == (str(target), f"{host.base}/link/none")


@pytest.mark.parametrize(("uid", "options", "wanted"), [(0, {}, True), (0, {"root": "/r"}, True), (1000, {}, False)])
def test_volatile_mounts_are_turned_off_in_the_file_only(
    host: FakeHost, uid: int, options: dict[str, str], wanted: bool
) -> None:
    host.write("/etc/containers/storage.conf", "[storage.options]\ndisable-volatile = true")
    assert load_store_settings(host.paths(uid), **options).disable_volatile is wanted  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("x", "not TOML"),
        ("storage = 1", "storage: wrong type"),
        ("[storage]\ndriver = 1", "storage.driver: wrong type"),
        ('[storage]\ngraphroot = "relative"', "storage.graphroot: not an absolute path"),
        ('[storage]\nrunroot = "$NOWHERE"', "storage.runroot: not an absolute path"),
        ("[storage.options.overlay]\nmountopt = true", "storage.options.overlay.mountopt: wrong type"),
        ("[storage.options]\ndisable-volatile = 1", "storage.options.disable-volatile: wrong type"),
        ("[storage.options]\nforce_mask = true", "storage.options.force_mask: wrong type"),
        ('[storage.options]\nforce_mask = "shared"', "storage.options.force_mask: wrong type"),
        ("[storage.options]\nadditionalimagestores = [1]", "storage.options.additionalimagestores"),
    ],
)
def test_a_bad_file_is_an_error_with_its_place(host: FakeHost, content: str, place: str) -> None:
    path = host.write("/etc/containers/storage.conf", content)
    with pytest.raises(InvalidConfig) as caught:
        load_store_settings(host.paths())
    assert str(caught.value).startswith(path) and place in str(caught.value)


# podman 4.3.1 reads no file of which it cannot decode a part.
@pytest.mark.parametrize(
    "content", ["[storage]\ndriver = 1", "[storage]\ngraphroot = 1", "[storage.options.overlay]\nmountopt = 1"]
)
def test_a_wrong_type_is_an_error_where_the_value_does_not_count_too(host: FakeHost, content: str) -> None:
    host.write("/etc/containers/storage.conf", content)
    with pytest.raises(InvalidConfig, match="wrong type"):
        load_store_settings(host.paths(), root="/root", driver="overlay", driver_options=[])


@pytest.mark.parametrize(
    "setting",
    [
        "transient_store = true",
        'imagestore = "/images"',
        'driver_priority = ["vfs", "overlay"]',
        'options.remap-uids = "0:100000:65536"',
        'options.remap-gids = "0:100000:65536"',
    ],
)
def test_a_kind_of_store_that_is_not_supported_is_refused(host: FakeHost, setting: str) -> None:
    host.write("/etc/containers/storage.conf", f"[storage]\n{setting}")
    with pytest.raises(UnsupportedSetting, match=setting.split(" ", maxsplit=1)[0].replace(".", "[.]")):
        load_store_settings(host.paths())
    # Who names a driver does not ask for the list.
    if "driver_priority" in setting:
        assert load_store_settings(host.paths(), driver="overlay").driver == "overlay"
        assert load_store_settings(host.paths(0, {"STORAGE_DRIVER": "overlay"})).driver == "overlay"
    # Those of the system are not the user's.
    assert load_store_settings(host.paths(1000)).origin == host.path("/etc/containers/storage.conf")


@pytest.mark.parametrize("option", ["root", "runroot"])
def test_relative_roots_are_refused(host: FakeHost, option: str) -> None:
    with pytest.raises(RelativePath, match=option):
        load_store_settings(host.paths(), **{option: "relative"})  # type: ignore[arg-type]


def test_a_relative_data_home_is_refused(host: FakeHost) -> None:
    with pytest.raises(RelativePath, match="XDG_DATA_HOME: not an absolute path"):
        load_store_settings(host.paths(1000, {"XDG_RUNTIME_DIR": "/r", "XDG_DATA_HOME": "d"}))
