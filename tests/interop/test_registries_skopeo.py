# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""skopeo and our reader of registries.conf ask the same places for an image, in the same order, or refuse the same file."""

from __future__ import annotations

import os
import random
import re
import subprocess
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.paths import ConfigPaths
from ansible_collections.strata.containers.plugins.module_utils._config.registries_conf import (
    RegistryBlocked,
    load_registries_conf,
)
from ansible_collections.strata.containers.plugins.module_utils._config.toml_file import InvalidConfig
from ansible_collections.strata.containers.plugins.module_utils._model.reference import parse_reference
from lab.config_host import Asked
from lab.registries_generator import DIGEST, registry_tables

SEED = 20260402
SAMPLES = 2000 if os.environ.get("STRATA_TEST_LONG") else 120

INVALID = "invalid"
BLOCKED = "blocked"


def skopeo_asks(conf: Path, name: str, home: Path) -> list[Asked] | str:
    """The places that skopeo asks for ``name``. Nothing leaves the machine: there is nobody at the proxy."""
    nobody = "http://127.0.0.1:1"
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "HTTP_PROXY": nobody, "HTTPS_PROXY": nobody}
    command = ["skopeo", "--debug", "--registries-conf", str(conf), "inspect", f"docker://{name}"]
    log = subprocess.run(command, env=env, capture_output=True, check=False, text=True).stderr.replace('\\"', '"')
    if "loading registries" in log or "rewriting reference" in log:
        return INVALID
    asked = []
    for part in log.split('Trying to access "')[1:]:
        place = part.partition('"')[0]
        if " is blocked in " not in part.partition("level=fatal")[0] and " is blocked in " not in single(part):
            asked.append(Asked(place, "GET http://" in part))
    return asked or (BLOCKED if " is blocked in " in log else log)


def single(part: str) -> str:
    """The fatal message, where it speaks of one source alone."""
    fatal = part.partition("level=fatal")[2]
    return "" if "Mirrors also failed" in fatal else fatal


def we_ask(conf: Path, name: str, home: Path) -> list[Asked] | str:
    try:
        sources = load_registries_conf(ConfigPaths(home=str(home), uid=0), str(conf)).pull_sources(
            parse_reference(name)
        )
    except InvalidConfig:
        return INVALID
    except RegistryBlocked:
        return BLOCKED
    return [Asked(str(source.reference), source.insecure) for source in sources]


def agree(tmp_path: Path, text: str, name: str) -> list[Asked] | str:
    conf = tmp_path / "registries.conf"
    conf.write_text(text, encoding="utf-8")
    ours = we_ask(conf, name, tmp_path)
    assert skopeo_asks(conf, name, tmp_path) == ours, f"{name}:\n{text}"
    return ours


REFUSED = {
    "no TOML": "x",
    "scheme in location": '[[registry]]\nlocation="https://a.b"',
    "scheme in prefix": '[[registry]]\nlocation="a.b"\nprefix="http://a.b"',
    "neither": "[[registry]]\ninsecure=true",
    "no location": '[[registry]]\nprefix="a.b"',
    "wildcard with port": '[[registry]]\nprefix="*.a.b:5000"',
    "wildcard with path": '[[registry]]\nprefix="*.a.b/c"',
    "mirror without location": '[[registry]]\nlocation="a.b"\n[[registry.mirror]]\ninsecure=true',
    "pull-from-mirror of a registry": '[[registry]]\nlocation="a.b"\npull-from-mirror="all"',
    "both restrictions": (
        '[[registry]]\nlocation="a.b"\nmirror-by-digest-only=true\n'
        '[[registry.mirror]]\nlocation="m.b"\npull-from-mirror="all"'
    ),
    "unknown restriction": '[[registry]]\nlocation="a.b"\n[[registry.mirror]]\nlocation="m.b"\npull-from-mirror="x"',
    "conflict of insecure": '[[registry]]\nlocation="a.b"\ninsecure=true\n[[registry]]\nlocation="a.b"\nprefix="c.d"',
    "conflict of blocked": '[[registry]]\nlocation="a.b"\nblocked=true\n[[registry]]\nlocation="a.b"\nprefix="c.d"',
    "versions mixed": 'short-name-mode="disabled"\n[registries.block]\nregistries=["a.b"]',
    "scheme in version 1": '[registries.insecure]\nregistries=["https://a.b"]',
    "nothing in version 1": '[registries.insecure]\nregistries=[""]',
    "bad search entry with path": 'unqualified-search-registries=["a.b/ns"]',
    "empty search entry": 'unqualified-search-registries=[""]',
    "helpers a text": 'credential-helpers="a"',
    "alias with tag": '[aliases]\n"a:1"="c.test/a"',
    "alias with registry": '[aliases]\n"q.io/a"="c.test/a"',
    "alias in upper case": '[aliases]\n"A"="c.test/a"',
    "alias to a tag": '[aliases]\na="c.test/a:1"',
    "alias to a short name": '[aliases]\na="b/c"',
    "alias to no name": '[aliases]\na="c.test/a/"',
    "alias a number": "[aliases]\na=1",
    "bad search entry": 'unqualified-search-registries=["a_b"]',
    "bad search entry with scheme": 'unqualified-search-registries=["https://a.b"]',
    "bad short-name mode": 'short-name-mode="Enforcing"',
    "flag as text": '[[registry]]\nlocation="a.b"\ninsecure="true"',
    "location a number": "[[registry]]\nlocation=1",
    "registry a table": '[registry]\nlocation="a.b"',
    "search list a text": 'unqualified-search-registries="a.b"',
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=list(REFUSED))
def test_both_refuse_the_file(judges: None, tmp_path: Path, text: str) -> None:
    assert agree(tmp_path, text, "quay.io/ns/app:1") == INVALID


GOOD = {
    "empty": "",
    "search list": 'unqualified-search-registries=["a.b", "localhost:5000", "c"]\nshort-name-mode="disabled"',
    "unknown keys": 'x=1\n[[registry]]\nlocation="quay.io"\ny=2',
    "empty version 1": "[registries.search]\nregistries=[]",
    "version 1": '[registries.search]\nregistries=["a.b"]\n[registries.insecure]\nregistries=["quay.io/"]',
    "version 1, blocked": '[registries.block]\nregistries=["quay.io"]\n[aliases]\n',
    "nothing but slashes in the prefix": '[[registry]]\nprefix="/"\nlocation="quay.io"\ninsecure=true',
    "aliases": '[aliases]\napp="c.test/app"\n"A/b"="EXAMPLE.com/b"\nlocalhost=""',
    "slash at the end": '[[registry]]\nprefix="quay.io/"\nlocation="mirror.example.com/"',
    "first of one prefix": '[[registry]]\nprefix="quay.io"\nlocation="a.b"\n[[registry]]\nprefix="quay.io"\nlocation="c.d"',
    "not a normal form": '[[registry]]\nprefix="quay.io/ns"\nlocation="docker.io"',
    "no host": '[[registry]]\nprefix="quay.io"\nlocation="plain"',
    "location with upper case": '[[registry]]\nprefix="quay.io"\nlocation="a.b/UPPER"',
    "mirrors by digest alone": (
        '[[registry]]\nlocation="quay.io"\nmirror-by-digest-only=true\n[[registry.mirror]]\nlocation="m.b"'
    ),
    "mirrors of each use": (
        '[[registry]]\nlocation="quay.io"\n[[registry.mirror]]\nlocation="d.b"\npull-from-mirror="digest-only"\n'
        '[[registry.mirror]]\nlocation="t.b"\npull-from-mirror="tag-only"\n'
        '[[registry.mirror]]\nlocation="a.b"\npull-from-mirror="all"\ninsecure=true'
    ),
}


@pytest.mark.parametrize("name", ["quay.io/ns/app:1", f"quay.io/ns/app@{DIGEST}", "a.quay.io/app:1"])
@pytest.mark.parametrize("text", GOOD.values(), ids=list(GOOD))
def test_both_ask_the_same_places(judges: None, tmp_path: Path, text: str, name: str) -> None:
    agree(tmp_path, text, name)


def test_both_treat_generated_files_alike(judges: None, tmp_path: Path) -> None:
    dice = random.Random(SEED)
    names = [
        "example.com/ns/app:1",
        f"example.com/ns/app@{DIGEST}",
        "a.example.com/ns/app:1",
        "b.a.example.com/other:1",
        "example.com:5000/ns/app:1",
        "docker.io/library/app:1",
        "quay.io/ns/apple:1",
    ]
    outcomes = {"sources": 0, INVALID: 0, BLOCKED: 0}
    for _sample in range(SAMPLES):
        outcome = agree(tmp_path, registry_tables(dice), dice.choice(names))
        outcomes[outcome if isinstance(outcome, str) else "sources"] += 1
    assert all(outcomes.values()), outcomes


def test_both_read_the_same_files(judges: None, tmp_path: Path) -> None:
    """The order in which skopeo reads the files of a home directory and the system, from its own log."""
    users = tmp_path / ".config/containers"
    (users / "registries.conf.d").mkdir(parents=True)
    for name in ("20-b.conf", "10-a.conf", "30-ignored", "40-c.conf"):
        (users / "registries.conf.d" / name).write_text(f'[[registry]]\nlocation="quay.io"\nprefix="{name}.io"')
    (users / "registries.conf").write_text('[[registry]]\nlocation="quay.io"\n[[registry]]\nlocation="20-b.conf.io"')
    command = ["skopeo", "--debug", "inspect", "docker://20-b.conf.io/app:1"]
    nobody = "http://127.0.0.1:1"
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "HTTP_PROXY": nobody, "HTTPS_PROXY": nobody}
    log = subprocess.run(command, env=env, capture_output=True, check=False, text=True).stderr.replace('\\"', '"')
    read = [os.path.relpath(path, users) for path in re.findall(r'Loading registries configuration "([^"]*)"', log)]
    assert read == [
        "registries.conf",
        *(f"registries.conf.d/{name}" for name in ("10-a.conf", "20-b.conf", "40-c.conf")),
    ]
    conf = load_registries_conf(ConfigPaths(home=str(tmp_path), uid=0))
    origins = {registry.prefix: os.path.relpath(registry.origin, users) for registry in conf.registries}
    assert origins == {
        "quay.io": "registries.conf",
        "10-a.conf.io": "registries.conf.d/10-a.conf",
        "20-b.conf.io": "registries.conf.d/20-b.conf",
        "40-c.conf.io": "registries.conf.d/40-c.conf",
    }
