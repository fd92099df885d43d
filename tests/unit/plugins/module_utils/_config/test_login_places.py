# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a login or a logout would change, where; and what stays as it is."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.strata.containers.plugins.module_utils._config.credential_helper import HelperMissing
from ansible_collections.strata.containers.plugins.module_utils._config.login_places import (
    LoginEdit,
    LoginPlaces,
    NamespaceUnsupported,
)
from ansible_collections.strata.containers.plugins.module_utils._config.toml_file import InvalidConfig
from ansible_collections.strata.containers.plugins.module_utils._model.login_name import parse_login_name
from ansible_collections.strata.containers.tests.unit.plugins.module_utils._config.fake_helpers import FakeHelpers

FILES = "containers-auth.json"
HUB = "https://index.docker.io/v1/"
PASSWORD = "s3cr3t"
AUTH = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
OTHER = {"auth": base64.b64encode(b"other:p").decode()}


class Places:
    """The places of a user whose file ``name`` holds ``content``."""

    def __init__(self, directory: Path, content: Any = None, name: str = "auth.json", **helpers: Any) -> None:
        self.path = directory / name
        if content is not None:
            self.path.write_text(json.dumps(content), encoding="utf-8")
            self.path.chmod(0o600)
        self.run = FakeHelpers(helpers)
        self.places = LoginPlaces(str(self.path), self.run)

    def login(self, registry: str = "quay.io", place: str = FILES, password: str = PASSWORD) -> tuple[LoginEdit, ...]:
        return self.places.login(place, parse_login_name(registry), "user", password).edits

    def logout(self, registry: str = "quay.io", place: str = FILES) -> list[LoginEdit]:
        return self.places.logout(place, parse_login_name(registry))

    def content(self) -> Any:
        return json.loads(self.path.read_text(encoding="utf-8"))


def apply(edits: Any) -> None:
    for edit in edits:
        edit.apply()


class TestTheFile:
    def test_a_new_one_looks_as_podman_writes_it(self, tmp_path: Path) -> None:
        places = Places(tmp_path)
        apply(places.login())
        # podman 4.3.1, login --authfile; it has no line break at the end.
        wanted = '{\n\t"auths": {\n\t\t"quay.io": {\n\t\t\t"auth": "' + AUTH + '"\n\t\t}\n\t}\n}'
        assert places.path.read_text(encoding="utf-8") == wanted
        assert places.login() == ()

    def test_whatever_else_is_in_it_stays(self, tmp_path: Path) -> None:
        content = {
            "HttpHeaders": {"a": "b<c>&\u00e4"},
            "auths": {"z.io": OTHER, "quay.io": {**OTHER, "email": "e", "identitytoken": "t"}, "a.io": {}},
            "credHelpers": {"x.io": "y"},
            "new": [1, 2.5, None, 10**30],
        }
        places = Places(tmp_path, content)
        apply(places.login())
        changed = {**content["auths"], "quay.io": {"auth": AUTH, "email": "e"}}  # type: ignore[dict-item]
        assert places.content() == {**content, "auths": changed}
        assert list(places.content()["auths"]) == ["a.io", "quay.io", "z.io"]

    def test_planning_writes_nothing(self, tmp_path: Path) -> None:
        places = Places(tmp_path)
        assert places.login() and os.listdir(tmp_path) == []

    @pytest.mark.parametrize(
        "entry",
        [
            OTHER,
            {},
            {"auth": AUTH, "identitytoken": "t"},
            {"auth": base64.b64encode(b"user:other").decode()},
            # Neither podman nor skopeo would read it.
            {"username": "user", "password": PASSWORD},
        ],
    )
    def test_other_credentials_are_replaced(self, tmp_path: Path, entry: dict[str, str]) -> None:
        places = Places(tmp_path, {"auths": {"quay.io": entry}})
        (edit,) = places.login()
        assert PASSWORD not in repr((edit.before, edit.after)) and AUTH not in repr((edit.before, edit.after))
        apply([edit])
        assert places.content() == {"auths": {"quay.io": {"auth": AUTH}}}

    def test_the_difference_names_the_keys(self, tmp_path: Path) -> None:
        places = Places(tmp_path, {"auths": {"z.io": OTHER, "quay.io": OTHER}})
        places.path.chmod(0o644)
        (edit,) = places.login()
        assert (edit.place, edit.before) == (
            str(places.path),
            {"keys": ["quay.io (other credentials)", "z.io"], "mode": "0644"},
        )
        assert edit.after == {"keys": ["quay.io", "z.io"], "mode": "0600"}
        (edit,) = places.logout("z.io")
        assert edit.after == {"keys": ["quay.io"], "mode": "0600"}

    def test_a_mode_for_everybody_is_corrected_and_the_content_not_touched(self, tmp_path: Path) -> None:
        places = Places(tmp_path, {"auths": {"quay.io": {"auth": AUTH}}})
        places.path.chmod(0o640)
        before = (places.path.stat().st_ino, places.path.read_bytes())
        (edit,) = places.login()
        assert (edit.before["mode"], edit.after["mode"]) == ("0640", "0600")
        apply([edit])
        assert (places.path.stat().st_ino, places.path.read_bytes()) == before
        assert places.path.stat().st_mode & 0o777 == 0o600
        assert places.login() == ()

    def test_a_namespace_has_a_key_of_its_own(self, tmp_path: Path) -> None:
        places = Places(tmp_path, {"auths": {"quay.io": OTHER}})
        apply(places.login("quay.io/ns"))
        assert places.content()["auths"] == {"quay.io": OTHER, "quay.io/ns": {"auth": AUTH}}
        apply(places.logout("quay.io"))
        assert list(places.content()["auths"]) == ["quay.io/ns"]
        assert places.logout("quay.io") == [] == places.logout("quay.io/other")
        apply(places.logout("quay.io/ns"))
        assert places.content() == {"auths": {}}

    @pytest.mark.parametrize("key", ["quay.io", "https://quay.io", "http://quay.io/v1/"])
    def test_a_logout_takes_every_spelling_of_the_host(self, tmp_path: Path, key: str) -> None:
        places = Places(tmp_path, {"auths": {key: OTHER, "other.io": OTHER}})
        apply(places.logout())
        assert list(places.content()["auths"]) == ["other.io"]

    def test_a_bad_file_is_an_error_and_stays(self, tmp_path: Path) -> None:
        places = Places(tmp_path)
        places.path.write_bytes(b"{")
        for call in (places.login, places.logout, lambda: places.places.logout_everywhere(FILES)):
            with pytest.raises(InvalidConfig):
                call()
        assert places.path.read_bytes() == b"{"


class TestTheFileOfDocker:
    @pytest.mark.parametrize("registry", ["docker.io", "index.docker.io"])
    def test_docker_hub_is_spelled_as_docker_does(self, tmp_path: Path, registry: str) -> None:
        places = Places(tmp_path, name="config.json")
        apply(places.login(registry))
        assert places.content() == {"auths": {HUB: {"auth": AUTH}}}
        assert places.login(registry) == ()
        apply(places.logout(registry))
        assert places.content() == {"auths": {}}

    def test_namespaces_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(NamespaceUnsupported) as caught:
            Places(tmp_path, name="config.json").login("quay.io/ns")
        assert caught.value.code == "namespace_unsupported"

    def test_its_store_keeps_the_login_beside_an_empty_entry(self, tmp_path: Path) -> None:
        kept: dict[str, Any] = {}
        places = Places(tmp_path, {"credsStore": "fake", "auths": {"quay.io": OTHER}}, "config.json", fake=kept)
        apply(places.login())
        assert kept == {"quay.io": ("user", PASSWORD)}
        assert places.content() == {"credsStore": "fake", "auths": {"quay.io": {}}}
        assert places.login() == ()
        apply(places.login("docker.io"))
        assert kept[HUB] == ("user", PASSWORD)
        apply(places.logout())
        assert list(kept) == [HUB] == list(places.content()["auths"])
        apply(places.places.logout_everywhere(FILES))
        assert kept == {} and places.content() == {"credsStore": "fake", "auths": {}}

    def test_in_another_file_the_store_is_not_used_as_podman_would_not_find_it(self, tmp_path: Path) -> None:
        kept: dict[str, Any] = {}
        places = Places(tmp_path, {"credsStore": "fake"}, fake=kept)
        apply(places.login())
        assert kept == {} and places.content()["auths"] == {"quay.io": {"auth": AUTH}}


class TestHelpers:
    def test_the_one_that_the_file_names_keeps_the_login(self, tmp_path: Path) -> None:
        kept = {"quay.io": ("user", "old")}
        places = Places(tmp_path, {"credHelpers": {"quay.io": "fake"}}, fake=kept)
        before = places.path.read_bytes()
        login = places.places.login(FILES, parse_login_name("quay.io"), "user", PASSWORD)
        assert login.origin == f"docker-credential-fake ({places.path})" == login.edits[0].place
        assert login.edits[0].before == {"keys": ["quay.io (other credentials)"]}
        assert PASSWORD not in repr((login.edits[0].before, login.edits[0].after))
        apply(login.edits)
        assert kept == {"quay.io": ("user", PASSWORD)} and places.path.read_bytes() == before
        assert places.login() == ()
        apply(places.logout())
        assert kept == {} and places.logout() == []

    def test_a_logout_takes_the_entry_beside_the_helper_too(self, tmp_path: Path) -> None:
        kept = {"quay.io": ("user", "old")}
        content = {"credHelpers": {"quay.io": "fake"}, "auths": {"quay.io": OTHER}}
        places = Places(tmp_path, content, fake=kept)
        apply(places.logout())
        assert kept == {} and places.content() == {**content, "auths": {}}

    def test_one_of_registries_conf_keeps_the_login(self, tmp_path: Path) -> None:
        kept: dict[str, Any] = {}
        places = Places(tmp_path, fake=kept)
        apply(places.login(place="fake"))
        assert kept == {"quay.io": ("user", PASSWORD)} and os.listdir(tmp_path) == []
        apply(places.logout(place="fake"))
        assert kept == {}

    def test_they_know_no_namespaces(self, tmp_path: Path) -> None:
        places = Places(tmp_path, {"credHelpers": {"quay.io": "fake"}}, fake={})
        for place in (FILES, "fake"):
            with pytest.raises(NamespaceUnsupported, match="docker-credential-fake"):
                places.login("quay.io/ns", place=place)
        assert places.logout("quay.io/ns", place="fake") == []

    def test_one_that_is_missing_is_an_error(self, tmp_path: Path) -> None:
        places = Places(tmp_path, {"credHelpers": {"quay.io": "gone"}})
        for call in (places.login, places.logout):
            with pytest.raises(HelperMissing):
                call()

    def test_a_logout_of_everything_asks_every_helper_and_keeps_the_choice_of_helpers(self, tmp_path: Path) -> None:
        one, two, free = {"a.io": ("u", "p"), "b.io": ("u", "p")}, {"c.io": ("u", "p")}, {"d.io": ("u", "p")}
        helpers = {"credHelpers": {"a.io": "one", "c.io": "two", "e.io": "two"}}
        places = Places(tmp_path, {**helpers, "auths": {"quay.io": OTHER}}, one=one, two=two, free=free)
        apply(places.places.logout_everywhere(FILES))
        # What a helper keeps for others than this file names is not this file's.
        assert (list(one), two, places.content()) == (["b.io"], {}, {**helpers, "auths": {}})
        apply(places.places.logout_everywhere("free"))
        assert free == {}
        assert places.places.logout_everywhere(FILES) == [] == places.places.logout_everywhere("free")
