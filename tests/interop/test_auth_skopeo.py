# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""skopeo and our reader of auth.json find the same user for a repository, in the same files."""

from __future__ import annotations

import base64
import json
import os
import random
import re
import subprocess
from pathlib import Path
from typing import Any, Optional

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.certs_dir import connection_files
from ansible_collections.strata.containers.plugins.module_utils._config.credentials import find_credentials
from ansible_collections.strata.containers.plugins.module_utils._config.paths import ConfigPaths
from ansible_collections.strata.containers.plugins.module_utils._config.toml_file import InvalidConfig
from ansible_collections.strata.containers.plugins.module_utils._model.reference import parse_reference

SEED = 20260403
SAMPLES = 1500 if os.environ.get("STRATA_TEST_LONG") else 200
INVALID = "invalid"

NAMES = ["quay.io/ns/sub/app", "quay.io/nsx/app", "quay.io/app", "docker.io/library/app", "reg.test:5000/ns/app"]
KEYS = [
    "quay.io",
    "quay.io/ns",
    "quay.io/ns/sub",
    "quay.io/ns/sub/app",
    "https://quay.io",
    "http://quay.io/v1/",
    "docker.io",
    "docker.io/library",
    "index.docker.io",
    "https://index.docker.io/v1/",
    "registry-1.docker.io",
    "reg.test:5000",
    "reg.test",
]


def skopeo_finds(authfile: str, name: str) -> Optional[str]:
    command = ["skopeo", "login", "--get-login", "--authfile", authfile, name]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    if done.returncode == 0:
        return done.stdout.strip()
    return None if "not logged into" in done.stderr else INVALID


def we_find(authfile: str, name: str) -> Optional[str]:
    try:
        found = find_credentials(ConfigPaths("/nowhere", 0), parse_reference(name), authfile=authfile)
    except InvalidConfig:
        return INVALID
    # Without a user name skopeo has nothing to print.
    return found.username or None if found else None


def entry(dice: random.Random, user: str) -> dict[str, Any]:
    plain = dice.choice([f"{user}:p:q", f"{user}:p", f"{user}:p", f"{user}:p\0", f"{user}:", ":p", "nocolon", ""])
    return dice.choice([{"auth": base64.b64encode(plain.encode()).decode()}] * 6 + [{}, {"auth": None}, {"auth": "!"}])


def test_both_find_the_same_user(judges: None, tmp_path: Path) -> None:
    dice = random.Random(SEED)
    path = tmp_path / "auth.json"
    seen = set()
    for _sample in range(SAMPLES):
        keys = dice.sample(KEYS, dice.randrange(1, 5))
        name = dice.choice(NAMES)
        if len({re.sub("^https?://|/.*|registry-1.|index.", "", key) for key in keys}) < len(keys):
            # Of several spellings of one host skopeo takes a random one, as Go's maps have no order.
            keys = [key for key in keys if "://" not in key and not key.startswith(("index", "registry-1"))]
        auths = {key: entry(dice, f"user-of-{number}") for number, key in enumerate(keys)}
        path.write_text(json.dumps({"auths": auths}), encoding="utf-8")
        ours = we_find(str(path), name)
        assert skopeo_finds(str(path), name) == ours, f"{name}: {auths}"
        seen.add("found" if ours and ours != INVALID else ours)
    assert seen == {"found", None, INVALID}


@pytest.mark.parametrize("content", ["", "x", "[]", '{"auths": []}', '{"auths": {"quay.io": 1}}', "{}", "null"])
def test_both_refuse_the_same_files(judges: None, tmp_path: Path, content: str) -> None:
    path = tmp_path / "auth.json"
    path.write_text(content, encoding="utf-8")
    ours = we_find(str(path), "quay.io/app")
    if content == "null":
        # For Go null is an empty object; for us it is a damaged file.
        assert (skopeo_finds(str(path), "quay.io/app"), ours) == (None, INVALID)
    else:
        assert skopeo_finds(str(path), "quay.io/app") == ours


def look_for(environment: dict[str, str]) -> str:
    """What skopeo says while it looks for an image that nobody serves."""
    env = {"PATH": os.environ["PATH"], "HTTPS_PROXY": "http://127.0.0.1:1", **environment}
    command = ["skopeo", "--debug", "inspect", "docker://reg.test:5000/ns/app:1"]
    return subprocess.run(command, env=env, capture_output=True, check=False, text=True).stderr.replace('\\"', '"')


@pytest.mark.parametrize(
    "variables", [[], ["XDG_RUNTIME_DIR"], ["XDG_CONFIG_HOME"], ["XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"]]
)
def test_both_look_in_the_same_files_in_the_same_order(judges: None, tmp_path: Path, variables: list[str]) -> None:
    environment = {"HOME": str(tmp_path / "home"), **{name: str(tmp_path / name.lower()) for name in variables}}
    for path in environment.values():
        os.makedirs(path)
    tried = re.findall(r"No credentials matching \S+ found in (\S+?)\"", look_for(environment))
    assert len(tried) == 4
    paths = ConfigPaths(
        environment["HOME"],
        0,
        xdg_config_home=environment.get("XDG_CONFIG_HOME"),
        xdg_runtime_dir=environment.get("XDG_RUNTIME_DIR"),
        environment=environment,
    )
    # From the last to the first: each that is there goes before those after it.
    for path in reversed(tried):
        if not path.startswith(str(tmp_path)):
            continue  # that of the system is not ours to write
        os.makedirs(os.path.dirname(path), exist_ok=True)
        entries = {"reg.test:5000": {"auth": base64.b64encode(b"u:p").decode()}}
        legacy = path.endswith(".dockercfg")
        Path(path).write_text(json.dumps(entries if legacy else {"auths": entries}), encoding="utf-8")
        found = find_credentials(paths, parse_reference("reg.test:5000/ns/app:1"), authfile=None)
        assert found is not None and found.origin == path


@pytest.mark.parametrize("files", [["ca.crt"], ["a.cert", "a.key"], ["a.cert"], ["a.key"], ["readme"]])
def test_both_use_the_same_certificates(judges: None, tmp_path: Path, files: list[str]) -> None:
    directory = tmp_path / ".config/containers/certs.d/reg.test:5000"
    directory.mkdir(parents=True)
    for name in files:
        (directory / name).write_text("no certificate")
    log = look_for({"HOME": str(tmp_path)})
    assert f"Looking for TLS certificates and private keys in {directory}" in log
    try:
        authorities, pair = connection_files(ConfigPaths(str(tmp_path), 0), "reg.test:5000", None)
    except InvalidConfig as error:
        assert error.message.partition(" (")[0].partition(". ")[0] in log
        return
    assert sorted(re.findall(r"(?:crt|cert): (\S+?)\"", log)) == sorted([*authorities, *(pair[:1] if pair else ())])
