# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""podman and our reader of storage.conf mean the same store by the same file, environment and options."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.paths import ConfigPaths
from ansible_collections.strata.containers.plugins.module_utils._config.storage_conf import load_store_settings

CONF = """
[storage]
driver = "overlay"
graphroot = "@/$NAME/graph"
runroot = "@/${NAME}/run"
[storage.options]
additionalimagestores = ["@/more"]
mountopt = "nodev"
[storage.options.overlay]
mountopt = "nodev,noatime"
skip_mount_home = "true"
"""


@pytest.fixture
def base(judges: None) -> Iterator[str]:
    # podman refuses a run root whose path is longer than 50 characters, which pytest's own directories exceed.
    directory = tempfile.mkdtemp(prefix="st-")
    os.mkdir(os.path.join(directory, "more"))
    yield directory
    subprocess.run(["umount", "-q", "-l", *_mounts_below(directory)], check=False)
    shutil.rmtree(directory)


def _mounts_below(directory: str) -> list[str]:
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        return [line.split()[1] for line in mounts if line.split()[1].startswith(directory)] or ["/nowhere"]


def podman_means(options: list[str], environment: dict[str, str]) -> dict[str, Any]:
    command = ["podman", *options, "info", "--format", "{{json .Store}}"]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    store: dict[str, Any] = json.loads(done.stdout)
    return store


def last_of_each(options: tuple[str, ...]) -> dict[str, str]:
    """What podman shows: the last value of each key."""
    return dict(option.split("=", 1) for option in options)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("options", "environment"),
    [
        ({}, {}),
        ({"root": "@/other"}, {}),
        ({"runroot": "@/other"}, {}),
        ({"root": "@/other", "runroot": "@/third"}, {}),
        ({"driver": "overlay"}, {}),
        ({"driver_options": ["overlay.mountopt=nosuid"]}, {}),
        ({"root": "@/other", "driver_options": ["overlay.mountopt=nosuid"]}, {}),
        ({}, {"STORAGE_OPTS": "overlay.mountopt=nosuid,overlay.skip_mount_home=true"}),
        ({}, {"STORAGE_OPTS": ""}),
        ({}, {"STORAGE_DRIVER": "overlay"}),
        ({"root": "@/other"}, {"STORAGE_OPTS": "overlay.mountopt=nosuid"}),
    ],
)
def test_both_mean_the_same_store(base: str, options: dict[str, Any], environment: dict[str, str]) -> None:
    conf = os.path.join(base, "storage.conf")
    with open(conf, "w", encoding="utf-8") as stream:
        stream.write(CONF.replace("@", base))
    environment = {**environment, "NAME": "name", "CONTAINERS_STORAGE_CONF": conf}
    options = json.loads(json.dumps(options).replace("@", base))
    flags = {"root": "--root", "runroot": "--runroot", "driver": "--storage-driver"}
    arguments = [text for name, flag in flags.items() if name in options for text in (flag, options[name])]
    arguments += [text for option in options.get("driver_options", ()) for text in ("--storage-opt", option)]

    theirs = podman_means(arguments, environment)
    ours = load_store_settings(ConfigPaths("/root", 0, environment=environment), **options)

    assert (ours.graph_root, ours.run_root) == (theirs["graphRoot"], theirs["runRoot"])
    assert ours.driver == theirs["graphDriverName"]
    assert last_of_each(ours.options) == theirs["graphOptions"]
