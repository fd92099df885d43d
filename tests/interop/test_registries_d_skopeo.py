# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""skopeo and we find the signatures of an image in the same place, by the same files of registries.d.

Every place holds one signature that names it, so that what skopeo copies along tells where it looked.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.paths import ConfigPaths
from ansible_collections.strata.containers.plugins.module_utils._config.registries_d import load_registries_d
from ansible_collections.strata.containers.plugins.module_utils._errors import HostError
from ansible_collections.strata.containers.plugins.module_utils._model.digest import Digest
from ansible_collections.strata.containers.plugins.module_utils._model.reference import parse_reference
from ansible_collections.strata.containers.plugins.module_utils._registry.http import ConnectionOptions, HttpClient
from ansible_collections.strata.containers.plugins.module_utils._registry.lookaside import read_lookaside
from ansible_collections.strata.containers.plugins.module_utils._registry.retry import SYSTEM_CLOCK
from ansible_collections.strata.containers.plugins.module_utils._trust.scope import docker_scopes
from lab.static_registry import StaticRegistry
from lab.trust_bench import REPOSITORY, Shelf, fill

PLACES = ("tag", "repository", "parent", "host", "wildcard", "default", "home", "odd name")


@pytest.fixture(scope="module")
def shelf(judges: None) -> Iterator[Shelf]:
    with StaticRegistry() as registry:
        yield fill(registry)


# Files by name; words in brackets stand for the scopes of the image and for the places.
CASES: dict[str, dict[str, str]] = {
    "nothing": {},
    "the default": {"a": "default-docker: {lookaside: <default>}"},
    "a tag before all": {
        "a": "docker: {[tag]: {lookaside: <tag>}, [repository]: {lookaside: <repository>}}",
        "b": "default-docker: {lookaside: <default>}\ndocker: {[host]: {lookaside: <host>}}",
    },
    "a repository before its parent": {
        "a": "docker: {[parent]: {lookaside: <parent>}, [repository]: {lookaside: <repository>}}"
    },
    "a parent before its host": {"a": "docker: {[parent]: {lookaside: <parent>}, [host]: {lookaside: <host>}}"},
    "a host before a wildcard": {"a": "docker: {[wildcard]: {lookaside: <wildcard>}, [host]: {lookaside: <host>}}"},
    "a wildcard before the default": {
        "a": "docker: {[wildcard]: {lookaside: <wildcard>}}\ndefault-docker: {lookaside: <default>}"
    },
    "a host without its port": {
        "a": "docker: {127.0.0.1: {lookaside: <host>}}\ndefault-docker: {lookaside: <default>}"
    },
    "the empty scope": {"a": "docker: {'': {lookaside: <host>}}\ndefault-docker: {lookaside: <default>}"},
    "a section that does not tell": {
        "a": "docker: {[repository]: {lookaside-staging: <repository>}, [host]: {lookaside: <host>}}"
    },
    "an old name": {"a": "docker: {[host]: {sigstore: <host>}}"},
    "an old name beside the new one": {"a": "docker: {[host]: {sigstore: <default>, lookaside: <host>}}"},
    "a slash at the end": {"a": "docker: {[host]: {lookaside: <host>/}}"},
    "an escaped place": {"a": "docker: {[host]: {lookaside: <odd name>}}"},
    "another ending": {"a": "docker: {}", "b.yml": "docker: {[host]: {lookaside: <host>}}"},
    "unknown keys": {"a": "more: 1\ndocker: {[host]: {lookaside: <host>, more: {a: b}}}"},
    "an empty file": {"a": "", "b": "default-docker: {lookaside: <default>}"},
    "a section that is empty": {"a": "docker: {[host]: }\ndefault-docker: {lookaside: <default>}"},
    "broken": {"a": "docker: ["},
    "a list": {"a": "- docker"},
    "sections that are a list": {"a": "docker: [a]"},
    "a place that is a list": {"a": "docker: {[host]: {lookaside: [a]}}"},
    "a truth value that is none": {"a": "docker: {[host]: {use-sigstore-attachments: maybe}}"},
    "two defaults": {"a": "default-docker: {lookaside: <host>}", "b": "default-docker: {lookaside: <default>}"},
    "a scope in two files": {
        "a": "docker: {[host]: {lookaside: <host>}}",
        "b": "docker: {[host]: {lookaside: <default>}}",
    },
}


def filled(case: dict[str, str], shelf: Shelf, directory: Path) -> Path:
    """A directory registries.d as ``case`` says."""
    name = shelf.name
    scopes = {
        "tag": f"{name}:v1",
        "repository": name,
        "parent": name.rpartition("/")[0],
        "host": shelf.registry.host,
        "wildcard": "*.0.0.1",
    }
    made = directory / "registries.d"
    made.mkdir()
    for file, text in case.items():
        for word, scope in scopes.items():
            text = text.replace(f"[{word}]", f'"{scope}"')
        for place in PLACES:
            text = text.replace(f"<{place}>/", f'"file://{directory}/{place}/"')
            text = text.replace(f"<{place}>", f'"file://{directory}/{place.replace(" ", "%20")}"')
        (made / (file if "." in file else f"{file}.yaml")).write_text(text, encoding="utf-8")
    return made


def keep_everywhere(shelf: Shelf, directory: Path) -> None:
    for place in PLACES:
        base = directory / "home/.local/share/containers/sigstore" if place == "home" else directory / place
        path = base / f"{REPOSITORY}@{shelf.digest.replace(':', '=')}" / "signature-1"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"\xa3\x01" + place.encode())


def theirs(shelf: Shelf, registries_d: Path, directory: Path) -> list[bytes] | None:
    """The signatures that skopeo copies along, as another user than root for its default; None where it fails."""
    command = ["skopeo", "--insecure-policy", "--registries.d", str(registries_d), "copy", "--src-tls-verify=false"]
    done = subprocess.run(
        [*command, f"docker://{shelf.name}:v1", f"dir:{directory}/copy"],
        env={**os.environ, "HOME": str(directory / "home"), "_CONTAINERS_ROOTLESS_UID": "1000"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        assert "registries.d" in done.stderr or "signature storage configuration" in done.stderr, done.stderr
        return None
    return [path.read_bytes() for path in sorted((directory / "copy").glob("signature-*"))]


def ours(shelf: Shelf, registries_d: Path, directory: Path) -> list[bytes] | None:
    paths = ConfigPaths(str(directory / "home"), 0, environment={"_CONTAINERS_ROOTLESS_UID": "1000"})
    try:
        place = load_registries_d(paths, str(registries_d)).place(docker_scopes(parse_reference(f"{shelf.name}:v1")))
    except HostError:
        return None
    http = HttpClient(ConnectionOptions())
    found = read_lookaside(place.lookaside, REPOSITORY, Digest.parse(shelf.digest), http, SYSTEM_CLOCK)
    http.close()
    return [signature.blob for signature in found]


@pytest.mark.parametrize("case", CASES)
def test_both_look_in_the_same_place(shelf: Shelf, tmp_path: Path, case: str) -> None:
    keep_everywhere(shelf, tmp_path)
    registries_d = filled(CASES[case], shelf, tmp_path)
    assert ours(shelf, registries_d, tmp_path) == theirs(shelf, registries_d, tmp_path)


def test_the_cases_lead_to_every_place(shelf: Shelf, tmp_path: Path) -> None:
    found = set()
    for number, case in enumerate(CASES):
        directory = tmp_path / str(number)
        keep_everywhere(shelf, directory)
        places = ours(shelf, filled(CASES[case], shelf, directory), directory)
        found.add("an error" if places is None else b"".join(places)[2:].decode())
    assert found == {*PLACES, "an error"}
