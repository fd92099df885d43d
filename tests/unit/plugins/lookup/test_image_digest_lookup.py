# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup image_digest as Ansible loads it, against a registry that plays a script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleLookupError
from ansible.plugins.loader import lookup_loader
from ansible.utils.display import Display
from ansible_collections.strata.containers.plugins.lookup import image_digest
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._registry.scripted_server import (
    ScriptedServer,
)

DIGEST = "sha256:" + "d" * 64
LATEST = "/v2/app/manifests/latest"
WORD = {"Docker-Content-Digest": DIGEST}


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the developer's own configuration takes part, and nothing is remembered from another test."""
    conf = tmp_path / "registries.conf"
    conf.write_text("", encoding="utf-8")
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(conf))
    image_digest._ANSWERS.clear()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        server.expect("GET", "/v2/", times=None)
        yield server


def _look(*terms: Any, **options: Any) -> list[str]:
    plugin = lookup_loader.get("strata.containers.image_digest")
    return list(plugin.run(list(terms), variables={}, **options))


def test_options_have_their_aliases(server: ScriptedServer, tmp_path: Path) -> None:
    server.expect("HEAD", LATEST, headers=WORD, requires={"Authorization": None})
    authfile = tmp_path / "auth.json"
    authfile.write_text("{}", encoding="utf-8")
    assert _look(f"{server.host}/app", tls_verify=False, auth_file=str(authfile), retry=0) == [DIGEST]


def test_what_was_asked_for_is_not_asked_for_again_by_the_same_user(server: ScriptedServer) -> None:
    server.expect("HEAD", LATEST, headers=WORD, times=2)
    name = f"{server.host}/app"
    for _time in range(2):
        assert _look(name, f"docker://{name}:latest", validate_certs=False) == [DIGEST, DIGEST]
        assert _look(name, validate_certs=False, result="reference") == [f"{name}@{DIGEST}"]
        assert _look(name, validate_certs=False, username="user", password="secret") == [DIGEST]


def test_a_failure_is_not_remembered(server: ScriptedServer) -> None:
    server.expect("HEAD", LATEST, status=404)
    server.expect("GET", LATEST, status=404)
    server.expect("HEAD", LATEST, headers=WORD)
    name = f"{server.host}/app"
    with pytest.raises(AnsibleLookupError, match=r"\(manifest_unknown\)$"):
        _look(name, validate_certs=False)
    assert _look(name, validate_certs=False) == [DIGEST]


def test_what_a_registry_wants_people_to_read_is_shown(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(Display, "warning", lambda _display, text, *_more, **_options: shown.append(text))
    server.expect("HEAD", LATEST, headers={**WORD, "Warning": '299 - "moving out on Friday"'})
    assert _look(f"{server.host}/app", validate_certs=False) == [DIGEST]
    assert shown == [f"image_digest: {server.host}: moving out on Friday"]


@pytest.mark.parametrize(
    ("term", "options", "says"),
    [
        (["a", "b"], {}, "must be text"),
        (5, {}, "must be text"),
        ("Upper/case", {}, r"lowercase.*\(invalid_reference\)"),
        ("a/b", {"username": "user"}, "go together"),
        ("a/b", {"password": "secret"}, "go together"),
    ],
)
def test_a_wrong_call_is_refused(term: Any, options: dict[str, Any], says: str) -> None:
    with pytest.raises(AnsibleLookupError, match=says) as raised:
        _look(term, **options)
    assert "secret" not in str(raised.value)
