# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registries with odd habits: of those that serve skopeo we pull the same image."""

from __future__ import annotations

import base64
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lab.commands import run
from lab.fixtures import ACCEPT_ALL
from lab.modules import run_module
from lab.odd_registry import OddHandler, OddRegistry
from lab.scripted_registry import digest_of
from lab.stores import Store

Habit = Callable[[OddHandler], bool]


def _closes_kept_connections(asked: OddHandler) -> bool:
    """As one whose time for idle connections is over whenever a second request comes."""
    asked.close_connection = asked.count > 1
    return asked.count > 1


def _packs(which: str) -> Habit:
    """A server between that compresses for everybody, as a cache does that forgot who had asked for it."""

    def habit(asked: OddHandler) -> bool:
        if which not in asked.path or asked.is_ping:
            return False
        asked.serve_packed()
        return True

    return habit


def _redirects(location: str) -> Habit:
    """Blobs lie elsewhere; the address is not escaped."""

    def habit(asked: OddHandler) -> bool:
        if "/blobs/" not in asked.path:
            return False
        head, _mark, digest = asked.path.rpartition("/")
        if head.startswith("/v2/"):
            asked.answer(307, [("Location", location.format(digest=digest))])
        else:
            asked.serve(f"/v2/team/app/blobs/{digest}")
        return True

    return habit


def _wants(pair: str) -> Habit:
    def habit(asked: OddHandler) -> bool:
        if asked.headers.get("Authorization") == f"Basic {_encoded(pair)}":
            return False
        asked.answer(401, [("WWW-Authenticate", 'BASIC realm="tests"')])
        return True

    return habit


def _asks_for_a_token(challenge: str) -> Habit:
    def habit(asked: OddHandler) -> bool:
        if asked.path.startswith("/token"):
            asked.answer(200, body=b'{"access_token": "open"}')
        elif asked.headers.get("Authorization") == "Bearer open":
            return False
        else:
            realm = f"http://{asked.server.host}/token"
            asked.answer(401, [("WWW-Authenticate", challenge.format(realm=realm))])
        return True

    return habit


def _encoded(pair: str) -> str:
    return base64.b64encode(pair.encode()).decode()


# Each was refused by us at first, and served skopeo.
HABITS: dict[str, Habit] = {
    "closes kept connections": _closes_kept_connections,
    "packs manifests": _packs("/manifests/"),
    "packs everything": _packs("/v2/"),
    "redirects to an address with spaces": _redirects("/blobs/of the team/{digest}"),
    "redirects with a space at the end": _redirects("/elsewhere/blobs/{digest}  "),
    "wants a name alone": _wants("token-as-a-name:"),
    "wants a password alone": _wants(":token-alone"),
    "separates by spaces": _asks_for_a_token('Bearer realm="{realm}" service="tests"'),
    "separates by semicolons": _asks_for_a_token('Bearer realm="{realm}";service="tests"'),
    "asks for a token at an address with spaces": _asks_for_a_token('Bearer realm="{realm}?of=the team "'),
}
PAIRS = {"wants a name alone": "token-as-a-name:", "wants a password alone": ":token-alone"}


@dataclass(frozen=True)
class Pulled:
    """What one task pulled of all of them."""

    registries: Mapping[str, OddRegistry]
    images: Mapping[str, dict[str, Any]]
    files: Mapping[str, str]


@pytest.fixture(scope="module")
def pulled(judges: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pulled]:
    directory = tmp_path_factory.mktemp("odd")
    store = Store(tempfile.mkdtemp(prefix="st-"))
    with ExitStack() as stack:
        registries = {case: stack.enter_context(OddRegistry(habit, case)) for case, habit in HABITS.items()}
        auths = {registries[case].host: {"auth": _encoded(pair)} for case, pair in PAIRS.items()}
        files = {
            "signature_policy": _written(directory / "policy.json", json.dumps(ACCEPT_ALL)),
            "registries_conf": _written(directory / "registries.conf", ""),
            "authfile": _written(directory / "auth.json", json.dumps({"auths": auths})),
        }
        names = [registry.name for registry in registries.values()]
        options = {**files, "validate_certs": False, "retries": 0, "name": names}
        result = run_module("image_pull", {**store.module_options(), **options})
        yield Pulled(registries, dict(zip(registries, result["images"])), files)
    store.destroy()


def _written(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("case", sorted(HABITS))
def test_the_image_is_that_of_skopeo(case: str, pulled: Pulled, tmp_path: Path) -> None:
    registry, files = pulled.registries[case], pulled.files
    command = ["skopeo", "--policy", files["signature_policy"], "--registries-conf", files["registries_conf"], "copy"]
    options = ["--quiet", "--src-tls-verify=false", "--authfile", files["authfile"]]
    run([*command, *options, f"docker://{registry.name}", f"dir:{tmp_path / 'copy'}"])
    image = pulled.images[case]
    assert image["error"] is None
    assert image["id"] == digest_of(registry.image.config).partition(":")[2]
    copied = (tmp_path / "copy" / "manifest.json").read_bytes()
    assert image["digest"] == digest_of(copied)
    assert set(os.listdir(tmp_path / "copy")) >= {layer["digest"].partition(":")[2] for layer in image["layers"]}
