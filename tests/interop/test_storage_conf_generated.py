# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""podman and we mean the same store by any storage.conf, or refuse it both; where we refuse alone, it is by intention."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Optional

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.paths import ConfigPaths
from ansible_collections.strata.containers.plugins.module_utils._config.storage_conf import (
    StoreSettings,
    load_store_settings,
)
from ansible_collections.strata.containers.plugins.module_utils._engine.store import layout_of
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._storage.driver_choice import choose_driver
from ansible_collections.strata.containers.plugins.module_utils._storage.drivers import open_driver
from lab.storage_conf_generator import REFUSED_BY_US, TAKEN_BY_US, Case, draw
from lab.stores import mounts_below

SAMPLES = 300 if os.environ.get("STRATA_TEST_LONG") else 24
SEED = 20
# A refusal by intention has one of these; any other is a mistake that podman calls one too.
INTENDED = {"unsupported_setting", "driver_unsupported", "quota_unsupported"}
FLAGS = {"root": "--root", "runroot": "--runroot", "driver": "--storage-driver"}


@dataclass(frozen=True)
class Meaning:
    """The store that somebody takes a case for, or the error, ``code`` being ours."""

    roots: tuple[str, str] = ("", "")
    driver: str = ""
    options: Optional[dict[str, str]] = None
    error: str = ""
    code: str = ""


@pytest.fixture
def base(judges: None) -> Iterator[str]:
    # podman refuses a run root whose path is longer than 50 characters.
    directory = tempfile.mkdtemp(prefix="st-")
    yield directory
    for point in mounts_below(directory):
        subprocess.run(["umount", "-l", point], check=False)
    shutil.rmtree(directory)


def podmans(base: str, case: Case) -> Meaning:
    arguments = [text for name, flag in FLAGS.items() if name in case.options for text in (flag, case.options[name])]
    arguments += [text for option in case.options.get("driver_options", ()) for text in ("--storage-opt", option)]
    command = ["podman", "--tmpdir", os.path.join(base, "tmp"), *arguments, "info", "--format", "{{json .Store}}"]
    done = subprocess.run(
        command, env={**os.environ, **case.environment}, capture_output=True, check=False, text=True, timeout=60
    )
    if done.returncode != 0:
        return Meaning(error=done.stderr or done.stdout)
    store: dict[str, Any] = json.loads(done.stdout[done.stdout.index("{") :])
    # Of a program podman tells the package and the version too.
    options = {
        key: value["Executable"] if key.endswith("mount_program") else value
        for key, value in store["graphOptions"].items()
    }
    return Meaning((store["graphRoot"], store["runRoot"]), store["graphDriverName"], _by_key(options.items()))


def ours(case: Case) -> Meaning:
    try:
        named: StoreSettings = load_store_settings(
            ConfigPaths("/root", 0, environment=case.environment), **case.options
        )
        settings = choose_driver(named, case.environment)
        layout = layout_of(settings)
        open_driver(layout, settings.options).ensure_usable()
    except HostError as error:
        return Meaning(error=str(error), code=error.code)
    options = [tuple(option.split("=", 1)) for option in settings.options]
    return Meaning((layout.graph_root, layout.run_root), layout.driver, _by_key(options))


def _by_key(options: Any) -> dict[str, str]:
    """podman shows the last value of each key as it was given; its driver takes the key without the driver's name."""
    found = {}
    for key, value in options:
        bare = key.lower()
        for prefix in ("overlay.", "overlay2.", "."):
            bare = bare[len(prefix) :] if bare.startswith(prefix) else bare
        # podman 4.3 does not know the option and says so; the file's other keys hold.
        if bare not in ("use_composefs", "sync"):
            found[bare] = value
    return found


def placed(case: Case, base: str) -> Case:
    """The case in the directory ``base``, with all the files it speaks of."""
    os.makedirs(os.path.join(base, "more"))
    os.makedirs(os.path.join(base, "target"))
    os.symlink("target", os.path.join(base, "link"))
    with open(os.path.join(base, "file"), "w", encoding="utf-8") as stream:
        stream.write("#!/bin/true\n")
    os.chmod(os.path.join(base, "file"), 0o755)
    conf = os.path.join(base, "storage.conf")
    with open(conf, "w", encoding="utf-8") as stream:
        stream.write(case.text.replace("@", base))
    options = json.loads(json.dumps(case.options).replace("@", base))
    return Case(case.text, {**case.environment, "CONTAINERS_STORAGE_CONF": conf}, options, case.used)


def test_podman_and_we_mean_the_same(base: str) -> None:
    choice = random.Random(SEED)
    same = refused = 0
    differ: list[Any] = []
    for number in range(SAMPLES):
        directory = os.path.join(base, str(number))
        os.mkdir(directory)
        case = placed(draw(choice), directory)
        told = f"{case.text}\n{case.environment}\n{case.options}"
        we, they = ours(case), podmans(directory, case)
        if we.error and not they.error:
            # "skip_mount_home" alone is a mistake that podman 4.3 overlooks.
            if not (case.is_in(REFUSED_BY_US) and (we.code in INTENDED or "skip_mount_home" in we.error)):
                differ.append((told, we))
        elif they.error and not we.error:
            if not case.is_in(TAKEN_BY_US):
                differ.append((told, they))
        elif they.error:
            refused += 1
        else:
            same += 1
            if we != they:
                differ.append((told, we, they))
    assert not differ, "\n\n".join(map(str, differ[:3]))
    assert same >= SAMPLES // 4 and refused >= SAMPLES // 16, (same, refused)
